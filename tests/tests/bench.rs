//! The benches run to their end and give figures in their form. What the figures are is for `docs/performance.md`.

use serde_json::Value;
use teahouse_tests::binary;

const FIELDS: [&str; 12] = [
    "bench",
    "per_second",
    "p50_ms",
    "p99_ms",
    "p999_ms",
    "errors",
    "cpu_percent",
    "rss_mib",
    "disk_bytes_per_item",
    "ceiling_per_second",
    "ratio",
    "commit",
];

fn figures(what: &str, further: &[&str]) -> Vec<Value> {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().display().to_string();
    let ran = binary::run(&[&["bench", what, "--seconds", "1", "--json", "--dir", &place], further].concat());
    let ran = ran.ended_with(0);
    let figures: Vec<Value> = ran.out.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect();
    assert!(!figures.is_empty());
    for figure in &figures {
        assert_eq!(figure["bench"], what);
        assert_eq!(figure["errors"], 0, "{figure}");
        assert!(figure["per_second"].as_f64().is_some_and(|rate| rate > 0.0), "{figure}");
        assert!(figure["machine"]["cores"].as_u64().is_some_and(|cores| cores > 0), "{figure}");
        let missing: Vec<_> = FIELDS.iter().filter(|field| figure.get(**field).is_none()).collect();
        assert!(missing.is_empty(), "{missing:?} are not in {figure}");
    }
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "something was left behind");
    figures
}

#[test]
fn the_log_is_measured_against_the_bare_disk() {
    let figures = figures("log", &["--events", "20000"]);
    assert!(figures.iter().any(|figure| figure["ratio"].is_number()));
}

#[test]
fn chatting_is_measured_against_the_same_stack_without_domain_work() {
    let figures = figures("chat", &[]);
    assert!(figures.iter().any(|figure| figure["ratio"].is_number()));
    assert!(figures.iter().any(|figure| figure["disk_bytes_per_item"].is_number()));
}

#[test]
fn the_interface_and_the_replay_are_measured() {
    let _ = figures("http", &[]);
    let _ = figures("replay", &["--events", "20000"]);
}
