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

/// What a bench measured, in which nothing went wrong.
fn figures(what: &str, further: &[&str]) -> Vec<Value> {
    let figures = measured(what, further);
    for figure in &figures {
        assert_eq!(figure["errors"], 0, "{figure}");
    }
    figures
}

fn measured(what: &str, further: &[&str]) -> Vec<Value> {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().display().to_string();
    // Uploads and large pages are few: a slow disk must bring about some in that time.
    let seconds = if ["media", "moments"].contains(&what) { "3" } else { "1" };
    let ran = binary::run(&[&["bench", what, "--seconds", seconds, "--json", "--dir", &place], further].concat());
    let ran = ran.ended_with(0);
    let figures: Vec<Value> = ran.out.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect();
    assert!(!figures.is_empty());
    for figure in &figures {
        assert_eq!(figure["bench"], what);
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

#[test]
fn payments_are_measured_over_http_and_in_process() {
    let pay = figures("pay", &[]);
    let cases: Vec<_> = pay.iter().filter_map(|figure| figure["case"].as_str()).collect();
    assert_eq!(cases.len(), 4, "{cases:?}");
    assert!(pay.iter().skip(1).all(|figure| figure["ratio"].is_number() && figure["disk_bytes_per_item"].is_number()));
    let ledger = figures("ledger", &[]);
    assert!(ledger.iter().all(|figure| figure["items"].as_u64().is_some_and(|items| items % 8_190 == 0)));
}

#[test]
fn red_packets_are_opened_many_at_a_time_and_one_by_a_whole_group() {
    let opened = figures("redpacket", &[]);
    assert_eq!(opened.last().unwrap()["items"], 100);
    assert!(opened.iter().any(|figure| figure["ratio"].is_number()));
}

#[test]
fn statements_are_asked_of_a_book_of_so_many_lines() {
    let asked = figures("statement", &["--events", "20000"]);
    assert_eq!(asked.len(), 4);
    assert!(asked[0]["disk_bytes_per_item"].is_number());
    assert!(asked.iter().skip(1).all(|figure| figure["p99_ms"].is_number()));
}

#[test]
fn pictures_are_brought_against_the_bare_disk_and_fetched() {
    let figures = figures("media", &[]);
    assert_eq!(figures.len(), 3);
    assert!(figures[1]["ratio"].is_number() && figures[1]["disk_bytes_per_item"].is_number());
}

#[test]
fn moments_are_read_and_written_with_many_posts_stored() {
    let figures = figures("moments", &["--events", "20000"]);
    let cases: Vec<_> = figures.iter().filter_map(|figure| figure["case"].as_str()).collect();
    assert_eq!(cases.len(), 12, "{cases:?}");
    let against: Vec<_> = figures.iter().filter(|figure| figure["ratio"].is_number()).collect();
    assert_eq!(against.len(), 4, "{against:?}");
    assert!(figures.iter().skip(1).all(|figure| figure["p99_ms"].is_number()));
}

#[test]
fn calls_are_placed_at_a_steady_rate_and_every_invitation_is_seen() {
    let figures = figures("calls", &[]);
    assert_eq!(figures.len(), 2);
    assert!(figures.iter().all(|figure| figure["p99_ms"].is_number()));
}

#[test]
fn a_call_of_nine_is_forwarded() {
    // A picture that is lost is an error, and on a busy machine one may be.
    let figures = measured("sfu", &[]);
    assert_eq!(figures.len(), 1);
    let count = |field: &str| figures[0][field].as_u64().unwrap();
    assert_eq!(count("items") + count("errors"), 9 * 8 * 25, "each of nine sends 25 pictures to eight");
    assert!(figures[0]["cpu_percent"].is_number());
}

#[test]
fn articles_broadcasts_and_following_are_measured() {
    let figures = figures("official", &["--events", "300"]);
    assert!(figures.iter().any(|figure| figure["ratio"].is_number()));
    assert!(figures.iter().any(|figure| figure["disk_bytes_per_item"].is_number()));
}

#[test]
fn servers_on_a_cluster_are_measured_on_the_log_server_of_the_tests() {
    let program = binary::path().with_file_name("logserver").display().to_string();
    let figures = figures("cluster", &["--log-server", &program, "--events", "2000"]);
    let against = figures.iter().filter(|figure| figure["ratio"].is_number()).count();
    assert_eq!((figures.len(), against), (8, 4), "{figures:?}");
}
