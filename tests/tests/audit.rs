//! The auditor: checks, lists, exports, restores and replays a log without trusting whoever kept it.

use std::path::{Path, PathBuf};

use serde_json::Value;
use teahouse_tests::{
    OPERATOR_TOKEN, Server, Setup, befriend, binary,
    people::{number_at, text_at},
};
use tempfile::TempDir;

/// A stopped server's data.
struct Archive {
    server: Server,
    home: TempDir,
}

const MESSAGES: usize = 60;

impl Archive {
    fn on(setup: &Setup) -> Self {
        let server = setup.start();
        let [mei, lin] = server.people(["mei", "lin"]);
        let talk = befriend(&mei, &lin);
        for number in 0..MESSAGES {
            mei.say(&talk, &format!("the words of message {number} 茶"));
        }
        assert_eq!(server.stop(), Some(0));
        Self { server, home: TempDir::new().unwrap() }
    }

    fn new() -> Self {
        Self::on(&Setup::new())
    }

    fn data(&self) -> String {
        self.server.data().display().to_string()
    }

    /// A place for a file of that name.
    fn place(&self, name: &str) -> String {
        self.home.path().join(name).display().to_string()
    }
}

fn audit(arguments: &[&str]) -> binary::Ran {
    binary::run(&[&["audit"], arguments].concat())
}

fn lines(jsonl: &str) -> Vec<Value> {
    jsonl.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

#[test]
fn a_whole_log_is_found_whole_and_a_missing_one_is_not_called_so() {
    let archive = Archive::new();
    let verified = audit(&["verify", "--data", &archive.data()]).ended_with(0);
    assert!(verified.out.contains("all rules hold"), "{}", verified.out);
    assert!(verified.out.contains(&format!("{MESSAGES} message.sent")), "{}", verified.out);
    let nowhere = audit(&["verify", "--data", &archive.place("nowhere")]).ended_with(2);
    assert!(nowhere.err.contains("no event log"), "{}", nowhere.err);
    let _ = audit(&["verify", "--server", "http://127.0.0.1:1", "--token", "x"]).ended_with(2);
    let _ = audit(&["verify", "--file", &archive.place("nothing.export")]).ended_with(2);
    let _ = audit(&["verify", "--colour"]).ended_with(2);
}

#[test]
fn the_log_of_a_running_server_is_looked_at_through_the_operators_endpoint_only() {
    let server = Server::start();
    let [mei, lin] = server.people(["mei", "lin"]);
    let talk = befriend(&mei, &lin);
    mei.say(&talk, "hello");
    let locked = audit(&["verify", "--data", &server.data().display().to_string()]).ended_with(2);
    assert!(locked.err.contains("--server"), "{}", locked.err);
    let url = server.url();
    let verified = audit(&["verify", "--server", &url, "--token", OPERATOR_TOKEN]).ended_with(0);
    assert!(verified.out.contains("all rules hold"), "{}", verified.out);
    let refused = audit(&["verify", "--server", &url, "--token", mei.token().unwrap()]).ended_with(2);
    assert!(refused.err.contains("401"), "{}", refused.err);
    let _ = audit(&["verify", "--server", &url]).ended_with(2);
}

#[test]
fn events_are_listed_by_stream_type_actor_and_position() {
    let archive = Archive::new();
    let data = archive.data();
    let list = |filters: &[&str]| {
        let arguments = [&["events", "--data", &data, "--format", "jsonl"], filters].concat();
        lines(&audit(&arguments).ended_with(0).out)
    };
    let all = list(&[]);
    let positions: Vec<u64> = all.iter().map(|event| number_at(event, "position")).collect();
    assert!(positions.is_sorted() && positions[0] == 1);
    let messages = list(&["--type", "message.*"]);
    assert_eq!(messages.len(), MESSAGES);
    assert_eq!(messages[7]["payload"]["content"]["text"], "the words of message 7 茶");
    let actor = text_at(&messages[0], "actor");
    let by_actor = all.iter().filter(|event| event["actor"] == *actor).count();
    assert_eq!(list(&["--actor", &actor]).len(), by_actor);
    let stream = text_at(&messages[0], "stream");
    assert!(list(&["--stream", &stream]).len() >= MESSAGES);
    let (from, to) = (positions[5].to_string(), positions[9].to_string());
    assert_eq!(list(&["--from", &from, "--to", &to]), all[5..=9]);
    assert_eq!(list(&["--limit", "3"]), all[..3]);
    assert_eq!(list(&["--since", "2100-01-01"]), [Value::Null; 0]);
    let table = audit(&["events", "--data", &data, "--type", "user.registered"]).ended_with(0).out;
    assert!(table.contains("position") && table.contains("user.registered"), "{table}");
}

#[test]
fn an_export_is_restored_to_the_same_log_on_either_store_and_serves_the_same() {
    let archive = Archive::new();
    let (data, export) = (archive.data(), archive.place("log.export"));
    let _ = audit(&["export", "--data", &data, "--out", &export]).ended_with(0);
    let _ = audit(&["verify", "--file", &export]).ended_with(0);
    let events = |source: &[&str]| audit(&[&["events", "--format", "jsonl"], source].concat()).ended_with(0).out;
    let original = events(&["--data", &data]);
    assert_eq!(events(&["--file", &export]), original);
    for store in ["fjall", "sled"] {
        let restored = archive.place(store);
        let _ = audit(&["restore", "--file", &export, "--data", &restored, "--store", store]).ended_with(0);
        let _ = audit(&["verify", "--data", &restored]).ended_with(0);
        assert_eq!(events(&["--data", &restored]), original);
    }
    // Neither an export nor a log is overwritten.
    let _ = audit(&["export", "--data", &data, "--out", &export]).ended_with(2);
    let _ = audit(&["restore", "--file", &export, "--data", &archive.place("fjall")]).ended_with(2);
    let home = TempDir::new().unwrap();
    let place = PathBuf::from(archive.place("sled"));
    let server = Setup::new().argument("--store").argument("sled").start_on(home, place);
    assert_eq!(server.events(&["--type", "message.sent"]).len(), MESSAGES);
}

#[test]
fn an_export_through_a_running_server_is_the_same_as_one_from_its_disk() {
    let archive = Archive::new();
    archive.server.start_again();
    let (live, from_disk) = (archive.place("live.export"), archive.place("disk.export"));
    let url = archive.server.url();
    let _ = audit(&["export", "--server", &url, "--token", OPERATOR_TOKEN, "--out", &live]).ended_with(0);
    assert_eq!(archive.server.stop(), Some(0));
    let _ = audit(&["export", "--data", &archive.data(), "--out", &from_disk]).ended_with(0);
    let events = |file: &str| audit(&["events", "--format", "jsonl", "--file", file]).ended_with(0).out;
    assert_eq!(events(&live), events(&from_disk));
}

#[test]
fn an_interrupted_export_goes_on_where_it_was() {
    let archive = Archive::new();
    let (data, whole, other) = (archive.data(), archive.place("whole.export"), archive.place("other.export"));
    let _ = audit(&["export", "--data", &data, "--out", &whole]).ended_with(0);
    let bytes = std::fs::read(&whole).unwrap();
    // As if the power had gone in the middle of writing: a part of the file, under the name of an unfinished one.
    for kept in [0, 1, bytes.len() / 2, bytes.len() - 1] {
        std::fs::write(format!("{other}.part"), &bytes[..kept]).unwrap();
        let _ = audit(&["verify", "--file", &format!("{other}.part")]);
        let _ = audit(&["export", "--data", &data, "--out", &other]).ended_with(0);
        let _ = audit(&["verify", "--file", &other]).ended_with(0);
        let events = |file: &str| audit(&["events", "--format", "jsonl", "--file", file]).ended_with(0).out;
        assert_eq!(events(&other), events(&whole));
        std::fs::remove_file(&other).unwrap();
    }
}

#[test]
fn a_flipped_bit_in_an_export_is_found() {
    let archive = Archive::new();
    let export = archive.place("log.export");
    let _ = audit(&["export", "--data", &archive.data(), "--out", &export]).ended_with(0);
    let bytes = std::fs::read(&export).unwrap();
    for at in [bytes.len() / 3, bytes.len() / 2, bytes.len() * 2 / 3] {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        let damaged = archive.place("damaged.export");
        std::fs::write(&damaged, changed).unwrap();
        let found = audit(&["verify", "--file", &damaged]);
        assert!([Some(1), Some(2)].contains(&found.code), "byte {at}: {}{}", found.out, found.err);
        let restored = audit(&["restore", "--file", &damaged, "--data", &archive.place("restored")]);
        assert!([Some(1), Some(2)].contains(&restored.code), "byte {at}: {}{}", restored.out, restored.err);
        let _ = std::fs::remove_dir_all(archive.place("restored"));
    }
}

#[test]
fn whoever_alters_removes_swaps_or_repeats_a_record_is_found_out_with_its_position_and_stream() {
    let archive = Archive::new();
    let export = archive.place("log.export");
    let _ = audit(&["export", "--data", &archive.data(), "--out", &export]).ended_with(0);
    let text = String::from_utf8(zstd::decode_all(std::fs::File::open(&export).unwrap()).unwrap()).unwrap();
    let whole: Vec<&str> = text.lines().collect();
    let at = whole.iter().position(|line| line.contains("message 41 ")).unwrap();
    let altered = whole[at].replace("message 41 ", "message 14 ");
    let line: Value = serde_json::from_str(whole[at]).unwrap();
    let (position, stream) = (number_at(&line, "position"), text_at(&line, "stream"));
    let tampered: [(&str, u64, Vec<&str>); 4] = [
        ("altered", position, [&whole[..at], &[&altered], &whole[at + 1..]].concat()),
        ("removed", position + 1, [&whole[..at], &whole[at + 1..]].concat()),
        ("swapped", position + 1, [&whole[..at], &[whole[at + 1], whole[at]], &whole[at + 2..]].concat()),
        ("repeated", position, [&whole[..=at], &[whole[at]], &whole[at + 1..]].concat()),
    ];
    for (how, position, lines) in tampered {
        let file = archive.place(&format!("{how}.export"));
        std::fs::write(&file, zstd::encode_all(format!("{}\n", lines.join("\n")).as_bytes(), 3).unwrap()).unwrap();
        let verified = audit(&["verify", "--file", &file]).ended_with(1);
        let said = format!("{}{}", verified.out, verified.err);
        assert!(said.contains(&format!("position {position}, stream {stream}")), "{how}: {said}");
        let restored = archive.place(how);
        let _ = audit(&["restore", "--file", &file, "--data", &restored]).ended_with(1);
    }
}

/// Changes one word of what somebody said wherever the log's files have it; gives how often that was.
fn rewrite(dir: &Path, from: &[u8], to: &[u8]) -> usize {
    assert_eq!(from.len(), to.len());
    let mut count = 0;
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            count += rewrite(&path, from, to);
            continue;
        }
        let mut bytes = std::fs::read(&path).unwrap();
        let places: Vec<usize> =
            (0..bytes.len().saturating_sub(from.len())).filter(|at| bytes[*at..].starts_with(from)).collect();
        for at in &places {
            bytes[*at..at + to.len()].copy_from_slice(to);
        }
        if !places.is_empty() {
            std::fs::write(&path, bytes).unwrap();
        }
        count += places.len();
    }
    count
}

#[test]
fn a_word_changed_in_the_log_is_found_with_its_position_and_stream() {
    for store in ["fjall", "sled"] {
        let archive = Archive::on(&Setup::new().argument("--store").argument(store));
        let listed = audit(&["events", "--data", &archive.data(), "--format", "jsonl", "--type", "message.sent"]);
        let listed = lines(&listed.ended_with(0).out);
        let target = &listed[41];
        let changed = rewrite(&archive.server.data().join("log"), b"message 41 ", b"message 14 ");
        assert!(changed > 0, "{store}: the words are not found as they are");
        let verified = audit(&["verify", "--data", &archive.data()]).ended_with(1);
        let said = format!("{}{}", verified.out, verified.err);
        let position = number_at(target, "position");
        // The engine may find the damage before the log can be read, and can't tell more than up to where it went.
        let named = said.split("position ").nth(1).and_then(|rest| rest.split(',').next()?.parse::<u64>().ok());
        let broken = said.contains("are damaged") && said.contains("were acknowledged");
        assert!(broken || named.is_some_and(|named| (1..=position).contains(&named)), "{store}: {said}");
        // A server does not serve it as if nothing were wrong.
        let data = archive.data();
        let exported = audit(&["export", "--data", &data, "--out", &archive.place("x.export")]);
        assert_eq!(exported.code, Some(1), "{store}: {}{}", exported.out, exported.err);
    }
}

#[test]
fn a_replay_compares_equal_and_names_each_row_that_was_tampered_with() {
    let archive = Archive::new();
    let data = archive.data();
    let replayed = audit(&["replay", "--data", &data, "--compare"]).ended_with(0);
    assert!(replayed.out.contains("events"), "{}", replayed.out);
    let _ = audit(&["replay", "--data", &data, "--only", "people"]).ended_with(0);
    let _ = audit(&["replay", "--data", &data, "--to", "20"]).ended_with(0);
    let _ = audit(&["replay", "--data", &data, "--only", "nonsense"]).ended_with(2);
    let export = archive.place("log.export");
    let _ = audit(&["export", "--data", &data, "--out", &export]).ended_with(0);
    let _ = audit(&["replay", "--file", &export]).ended_with(0);
    // The log says one thing and the read models another: as if somebody had brought in those of another server.
    let other = Archive::new();
    let views = archive.server.data().join("views");
    std::fs::remove_dir_all(&views).unwrap();
    copy(&other.server.data().join("views"), &views);
    let differs = audit(&["replay", "--data", &data, "--compare"]).ended_with(1);
    let said = format!("{}{}", differs.out, differs.err);
    assert!(said.contains("people") && said.contains("chat"), "{said}");
    // Where there is nothing to compare with, nothing was compared.
    std::fs::remove_dir_all(&views).unwrap();
    let nothing = audit(&["replay", "--data", &data, "--compare"]).ended_with(2);
    assert!(nothing.err.contains("not everything was compared"), "{}", nothing.err);
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let (path, name) = (entry.as_ref().unwrap().path(), entry.unwrap().file_name());
        if path.is_dir() {
            copy(&path, &to.join(name));
        } else {
            std::fs::copy(&path, to.join(name)).unwrap();
        }
    }
}

#[test]
fn help_teaches_every_command() {
    for command in
        [vec![], vec!["serve"], vec!["audit"], vec!["audit", "verify"], vec!["audit", "replay"], vec!["bench"]]
    {
        let ran = binary::run(&[command.as_slice(), &["--help"]].concat()).ended_with(0);
        assert!(ran.out.contains("Usage:"), "{command:?}: {}", ran.out);
        assert!(!ran.out.contains('\u{1b}'), "{command:?}: colours where there is no terminal");
    }
    assert!(binary::run(&["--help"]).ended_with(0).out.contains("Examples:"));
}
