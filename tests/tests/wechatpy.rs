//! A program written on wechatpy, of both of its lines, runs an account.

use std::process::{Command, Stdio};

use image::ImageFormat;
use serde_json::{Map, Value, json};
use teahouse_tests::{
    Account, Bot, Setup, binary,
    bot::Does,
    media::encoded,
    people::{list_at, text_at},
    until,
};

/// Runs a program on one of the lines of wechatpy to its end, and gives what it found.
fn ran(line: &str, script: &str, arguments: &[&str]) -> Value {
    let tools = binary::workspace().join("target/test-tools");
    let home = tempfile::tempdir().expect("a temporary directory");
    let ran = Command::new(tools.join("bin/python"))
        .arg(binary::workspace().join("tests/bots").join(script))
        .args(arguments)
        .env("PYTHONPATH", tools.join(line))
        .current_dir(home.path())
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("{line} can't be started, run tests/run: {error}"));
    let (out, err) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success(), "{out}{err}");
    let lines = out.lines().map(|line| serde_json::from_str::<Map<String, Value>>(line).expect("a line of JSON"));
    Value::Object(lines.flatten().collect())
}

fn runs_an_account(line: &str) {
    let server = Setup::new().start();
    let [owner, reader] = server.people(["owner", "reader"]);
    let account = Account::service(owner, "Tea");
    account.followed_by(&reader);
    let talk = account.talk_with(&reader);
    let _ = reader.say(&talk, "hello");
    let (openid, [app_id, secret]) = (account.openid_of(&reader), account.app());
    let home = tempfile::tempdir().expect("a temporary directory");
    let picture = home.path().join("cup.png");
    std::fs::write(&picture, encoded(40, 30, ImageFormat::Png)).expect("the picture is written");
    let picture = picture.display().to_string();
    let found = ran(line, "wechatpy_client.py", &[&server.url(), &app_id, &secret, &openid, &picture]);
    let expected = json!({
        "info": ["Lin", true],
        "tags": ["fans"],
        "followers": true,
        "fetched": true,
        "draft": ["Spring tea", "Green tea"],
        "published": [0, 2],
        "mass": [[1, 1], "SEND_SUCCESS"],
        "deleted": "DELETED",
        "refused": 40003,
    });
    assert_eq!(found, expected);
    let said: Vec<Value> = reader.history(&talk).iter().map(|entry| entry["data"]["content"]["kind"].clone()).collect();
    assert_eq!(said, ["text", "text", "picture"]);
    let heard = list_at(&reader.get(&account.path("/broadcasts")).done(), "broadcasts");
    let titles: Vec<&Value> =
        heard.iter().flat_map(|row| row["contents"].as_array().unwrap()).map(|said| &said["front"]["title"]).collect();
    assert_eq!(titles, ["Spring tea", "Green tea"]);
}

#[test]
fn a_program_written_on_wechatpy_1_runs_an_account() {
    runs_an_account("wechatpy-1");
}

#[test]
fn a_program_written_on_wechatpy_2_runs_an_account() {
    runs_an_account("wechatpy-2");
}

fn says_something_to_many(line: &str) {
    let server = Setup::new().with_bots(30_000).start();
    let people = server.people(["owner", "mei", "lin", "arjun"]);
    let account = Account::service(people[0].clone(), "Tea");
    people.iter().skip(1).for_each(|reader| account.followed_by(reader));
    let mut followers = account.owner.all(&account.path("/followers"));
    followers.sort_by_key(|row| text_at(row, "since"));
    let [mei, lin, _] = [0, 1, 2].map(|at: usize| text_at(&followers[at], "openid"));
    let bot = Bot::start(|_| Does::Answers("success".to_owned()));
    account.run_by(&bot.url(), "plain");
    let [app_id, secret] = account.app();
    let found = ran(line, "wechatpy_mass.py", &[&server.url(), &app_id, &secret, &mei, &lin]);
    let expected = json!({
        "named": 1,
        "preview": 2,
        "all": 3,
        "again": [4, 4],
        "status": ["DELETED", "SEND_SUCCESS", "SEND_SUCCESS", "SEND_SUCCESS"],
        "too_few": 40130,
        "no_openid": 40003,
        "nobody": 40003,
        "by_name": 40132,
    });
    assert_eq!(found, expected);
    let heard = people.iter().skip(1).map(|reader| {
        let heard = list_at(&reader.get(&account.path("/broadcasts")).done(), "broadcasts");
        heard.iter().map(|row| text_at(&row["contents"][0], "text")).collect::<Vec<_>>()
    });
    let heard: Vec<Vec<String>> = heard.collect();
    assert_eq!(heard, [vec!["to two", "to all", "a look"], vec!["to two", "to all"], vec!["to all"]]);
    let told = until("the bot is told", || Some(bot.told()).filter(|told| told.len() >= 3));
    let ends: Vec<[String; 4]> = told
        .iter()
        .map(|call| ["Event", "MsgID", "Status", "TotalCount"].map(|name| call.element(name).unwrap_or_default()))
        .collect();
    let end = |number: &str, count: &str| ["MASSSENDJOBFINISH", number, "send success", count].map(str::to_owned);
    assert_eq!(ends, [end("1", "2"), end("3", "3"), end("4", "2")]);
}

#[test]
fn a_program_written_on_wechatpy_1_says_something_to_many() {
    says_something_to_many("wechatpy-1");
}

#[test]
fn a_program_written_on_wechatpy_2_says_something_to_many() {
    says_something_to_many("wechatpy-2");
}
