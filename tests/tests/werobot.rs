//! A bot written on WeRoBot, which knows nothing of this server, answers a follower.

use serde_json::json;
use teahouse_tests::{Account, Program, Setup, people::text_at, until};

fn answers_in(mode: &str) {
    let server = Setup::new().with_bots(30_000).start();
    let [owner, reader] = server.people(["owner", "reader"]);
    let account = Account::service(owner, "Echo");
    let settings = account.owner.get(&account.path("/developer")).done();
    let [token, key, app_id] = ["token", "encoding_aes_key", "app_id"].map(|field| text_at(&settings, field));
    let arguments = if mode == "plain" { vec![&*token] } else { vec![&*token, &*key, &*app_id] };
    let bot = Program::start("echo.py", None, &arguments);
    account.run_by(&bot.url(), mode);
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
