//! A log moves from a data directory to a cluster and back.

use serde_json::Value;
use teahouse_tests::{Cluster, LogHost, Server, Setup, befriend, binary, people::text_at};

#[test]
fn a_log_moves_to_a_cluster_and_back_with_every_hash_as_it_was() {
    let own = Server::start();
    let [ann, bob] = own.people(["ann", "bob"]);
    let room = befriend(&ann, &bob);
    let said = (0..40).fold(0, |_, n| ann.say(&room, &format!("message {n}")));
    let secret = own.data().join("secret.key");
    own.stop();
    let home = tempfile::tempdir().unwrap();
    let place = |name: &str| home.path().join(name).display().to_string();
    let data = own.data().display().to_string();
    let audit = |arguments: &[&str]| binary::run(&[&["audit"], arguments].concat()).ended_with(0);
    let hashes = |file: &str| -> Vec<(String, String)> {
        let listed = audit(&["events", "--format", "jsonl", "--file", file]).out;
        let line = |line: &str| serde_json::from_str::<Value>(line).unwrap();
        listed.lines().map(line).map(|event| (text_at(&event, "event_id"), text_at(&event, "hash"))).collect()
    };
    let (there, back, again) = (place("there.export"), place("back.export"), place("again.export"));
    audit(&["export", "--data", &data, "--out", &there]);
    let log = LogHost::start();
    audit(&["restore", "--file", &there, "--log", &log.url()]);
    // Once more, as if it had been interrupted: nothing is doubled.
    audit(&["restore", "--file", &there, "--log", &log.url()]);
    audit(&["verify", "--log", &log.url()]);
    audit(&["export", "--log", &log.url(), "--out", &back]);
    assert_eq!(hashes(&back), hashes(&there));

    // A server on the cluster goes on where the other one stopped.
    let key: String = std::fs::read(secret).unwrap().iter().map(|byte| format!("{byte:02x}")).collect();
    let moved = Cluster::setup(Setup::new(), &log).with("TEAHOUSE_SECRET_KEY", &key).start();
    assert_eq!(ann.at(&moved, 0).say(&room, "from the cluster"), said + 1);
    moved.stop();
    audit(&["export", "--log", &log.url(), "--out", &again]);
    let restored = place("restored");
    let kept = binary::run(&["audit", "restore", "--file", &again, "--data", &place("kept")]);
    assert!(kept.ended_with(1).err.contains("--new-positions"));
    audit(&["restore", "--file", &again, "--data", &restored, "--new-positions"]);
    audit(&["verify", "--data", &restored]);
    let last = place("last.export");
    audit(&["export", "--data", &restored, "--out", &last]);
    assert_eq!(hashes(&last), hashes(&again));
}
