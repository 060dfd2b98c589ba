//! The README's tour, done word by word against a server as it is shipped.

use std::process::Command;

use teahouse_tests::{Setup, binary};

const CHAPTER: &str = "## A five-minute tour";
/// Whoever follows the README builds the binary with cargo; here it is built already. And a second, in which a phone
/// connects, may be longer.
const AS_HERE: &str = r#"set -euo pipefail
cargo() { while [ "$1" != -- ]; do shift; done; shift; "$TEAHOUSE" "$@"; }
sleep() { until curl -sS "$TEAHOUSE_URL/metrics" | grep '^teahouse_websockets 1' >/dev/null; do command sleep 0.1; done; }"#;

/// The shell commands of the tour, in order.
fn commands() -> String {
    let readme = std::fs::read_to_string(binary::workspace().join("README.md")).expect("there is a README");
    let (_, chapter) = readme.split_once(CHAPTER).expect("the README has the tour");
    let chapter = chapter.split("\n## ").next().unwrap_or_default();
    let blocks = chapter.split("```sh\n").skip(1).filter_map(|block| block.split("```").next());
    blocks.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_tour_of_the_readme_works_as_written() {
    let server = Setup::as_shipped().argument("--demo").start();
    let commands = commands();
    assert!(commands.contains("curl"), "the tour is gone: {commands}");
    let script = format!("{AS_HERE}\n{commands}");
    let output = Command::new("timeout")
        .args(["300", "bash", "-c", &script])
        .env("TEAHOUSE", binary::path())
        .env("TEAHOUSE_URL", server.url())
        .output()
        .expect("there is a bash");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{script}\n--- printed:\n{out}\n--- and on standard error:\n{err}");
    // Pushed to Bob's phone, in the history, found by its Chinese word.
    assert!(out.matches("四点喝茶?").count() >= 3, "{out}");
    assert!(out.contains(r#""type":"hello""#) && out.contains(r#""type":"entries""#), "{out}");
    assert!(!out.contains("about:blank"), "something was refused:\n{out}");
    assert!(out.contains(r#""available":{"amount":"38.88","currency":"CNY"}"#), "{out}");
    assert!(out.contains(r#""balance":{"amount":"161.12","currency":"CNY"}"#), "{out}");
    let said = server.messages();
    assert_eq!(said.iter().filter(|text| *text == "四点喝茶?").count(), 1, "sent twice, said once");
}

#[test]
fn the_sample_community_is_there_once_however_often_the_server_starts() {
    let server = Setup::new().argument("--demo").start();
    let before = server.events(&[]).len();
    assert!(before > 50, "{before} events");
    server.kill();
    server.start_again();
    assert_eq!(server.events(&[]).len(), before);
    assert!(server.log().contains("mei"));
}
