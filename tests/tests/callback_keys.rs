//! Changing token and key of a callback while a program on wechatpy's crypto runs.

use std::time::Duration;

use serde_json::json;
use teahouse_tests::{Account, Person, Program, Setup, people::text_at, until};

/// Token and key of an account's callback at present.
fn pair(account: &Account) -> String {
    let settings = account.owner.get(&account.path("/developer")).done();
    format!("{}:{}", text_at(&settings, "token"), text_at(&settings, "encoding_aes_key"))
}

/// Has the account run by a program that knows those pairs and encrypts with one of them.
fn runs_with(account: &Account, app_id: &str, answers_with: &str, pairs: &[&str]) -> Program {
    let arguments = [&[app_id, answers_with], pairs].concat();
    let program = Program::start("two_keys.py", Some("wechatpy-2"), &arguments);
    account.run_by(&program.url(), "safe");
    program
}

/// Says something, and gives what is answered.
fn answer_to(reader: &Person, talk: &str, words: &str) -> String {
    let before = reader.texts(talk).len();
    let _ = reader.say(talk, words);
    until("it is answered", || reader.texts(talk).get(before + 1).cloned())
}

#[test]
fn keys_are_changed_without_a_pause_whenever_the_program_learns_of_them() {
    let server = Setup::new().with_bots(30_000).start();
    let [owner, reader, stranger] = server.people(["owner", "reader", "stranger"]);
    let account = Account::service(owner, "Tea");
    account.followed_by(&reader);
    let talk = account.talk_with(&reader);
    let settings = account.owner.get(&account.path("/developer")).done();
    let (app_id, old) = (text_at(&settings, "app_id"), pair(&account));
    let knows_old = runs_with(&account, &app_id, "0", &[&old]);
    assert_eq!(answer_to(&reader, &talk, "before"), "before 0");

    stranger.post(&account.path("/callback-keys"), json!({})).refused(403, "account-owner-only");
    account.owner.post(&account.path("/callback-keys"), json!({})).done();
    let new = pair(&account);
    let halves = |pair: &str| pair.split_once(':').map(|(token, key)| [token, key].map(str::to_owned)).unwrap();
    assert!(halves(&new).iter().zip(halves(&old)).all(|(new, old)| *new != old));
    assert_eq!(answer_to(&reader, &talk, "it knows the old ones"), "it knows the old ones 0");
    drop(knows_old);
    // One that knows both is told with the new ones, and may encrypt with either.
    let knows_both = runs_with(&account, &app_id, "1", &[&new, &old]);
    assert_eq!(answer_to(&reader, &talk, "both"), "both 0");
    drop(knows_both);
    let knows_new = runs_with(&account, &app_id, "0", &[&new]);
    assert_eq!(answer_to(&reader, &talk, "new"), "new 0");
    drop(knows_new);

    let _knows_both = runs_with(&account, &app_id, "0", &[&old, &new]);
    assert_eq!(answer_to(&reader, &talk, "within the day"), "within the day 1");
    server.advance(Duration::from_secs(24 * 3600 + 1));
    let _ = reader.say(&talk, "a day later");
    // What is encrypted with the old ones opens no longer.
    let tip = until("it is over", || reader.texts(&talk).last().filter(|text| *text != "a day later").cloned());
    assert!(tip.starts_with("This official account can't serve you"), "{tip}");
    let log = format!("{}{}", server.log(), json!(server.events(&[])));
    assert!([&old, &new].iter().flat_map(|pair| halves(pair)).all(|secret| !log.contains(&secret)));
}
