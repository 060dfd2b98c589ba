//! A bot written on WeRoBot, which knows nothing of this server, answers a follower.

use std::{
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
};

use serde_json::json;
use teahouse_tests::{Account, Setup, binary, people::text_at, until};
use tempfile::TempDir;

/// A running bot, which ends with this value.
struct Running {
    child: Child,
    /// Where it keeps files of its own.
    _home: TempDir,
}

impl Drop for Running {
    fn drop(&mut self) {
        // Nothing can be done about a failure here, and the test's own outcome matters more.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts the bot with the token and what else it is given; tells where it is.
fn start(arguments: &[&str]) -> (Running, String) {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port is free").port();
    let python = binary::workspace().join("target/test-tools/bin/python");
    let script = binary::workspace().join("tests/bots/echo.py");
    let home = TempDir::new().expect("a temporary directory");
    let bot = Command::new(&python)
        .arg(script)
        .arg(port.to_string())
        .args(arguments)
        .current_dir(home.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let child = bot.unwrap_or_else(|error| panic!("{} can't be started, run tests/run: {error}", python.display()));
    let bot = Running { child, _home: home };
    until("the bot listens", || TcpStream::connect(("127.0.0.1", port)).ok());
    (bot, format!("http://127.0.0.1:{port}/"))
}

fn answers_in(mode: &str) {
    let server = Setup::new().with_bots(5_000).start();
    let [owner, reader] = server.people(["owner", "reader"]);
    let account = Account::service(owner, "Echo");
    let settings = account.owner.get(&account.path("/developer")).done();
    let [token, key, app_id] = ["token", "encoding_aes_key", "app_id"].map(|field| text_at(&settings, field));
    let arguments = if mode == "plain" { vec![&*token] } else { vec![&*token, &*key, &*app_id] };
    let (_bot, url) = start(&arguments);
    account.run_by(&url, mode);
    let code = account.owner.get(&account.path("/scene-code?text=door")).done()["code"].clone();
    reader.put(&account.path("/follow"), json!({ "code": code })).done();
    let talk = account.talk_with(&reader);
    let said =
        |count: usize| until("the bot answers", || Some(reader.texts(&talk)).filter(|texts| texts.len() >= count));
    assert_eq!(said(1), ["welcome, door"]);
    let _ = reader.say(&talk, "你好 <tea> & co");
    assert_eq!(said(3)[2], "echo: 你好 <tea> & co");
    let menu = json!({ "button": [{ "name": "Tea", "type": "click", "key": "TEA" }] });
    account.owner.put(&account.path("/menu"), menu).done();
    reader.post(&account.path("/menu-choices"), json!({ "bar": 0 })).done();
    assert_eq!(said(4)[3], "a cup of tea");
}

#[test]
fn a_bot_written_on_werobot_answers_in_the_clear() {
    answers_in("plain");
}

#[test]
fn a_bot_written_on_werobot_answers_encrypted_messages() {
    answers_in("safe");
}

#[test]
fn a_bot_written_on_werobot_answers_in_the_compatible_mode() {
    answers_in("compatible");
}
