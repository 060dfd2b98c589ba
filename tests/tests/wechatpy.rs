//! A program written on wechatpy, of both of its lines, runs an account.

use std::process::{Command, Stdio};

use image::ImageFormat;
use serde_json::{Map, Value, json};
use teahouse_tests::{Account, Setup, binary, media::encoded, people::list_at};

fn runs_an_account(line: &str) {
    let server = Setup::new().start();
    let [owner, reader] = server.people(["owner", "reader"]);
    let account = Account::service(owner, "Tea");
    account.followed_by(&reader);
    let talk = account.talk_with(&reader);
    let _ = reader.say(&talk, "hello");
    let (openid, [app_id, secret]) = (account.openid_of(&reader), account.app());
    let tools = binary::workspace().join("target/test-tools");
    let home = tempfile::tempdir().expect("a temporary directory");
    let picture = home.path().join("cup.png");
    std::fs::write(&picture, encoded(40, 30, ImageFormat::Png)).expect("the picture is written");
    let ran = Command::new(tools.join("bin/python"))
        .arg(binary::workspace().join("tests/bots/wechatpy_client.py"))
        .args([&server.url(), &app_id, &secret, &openid])
        .arg(&picture)
        .env("PYTHONPATH", tools.join(line))
        .current_dir(home.path())
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("{line} can't be started, run tests/run: {error}"));
    let (out, err) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success(), "{out}{err}");
    let lines = out.lines().map(|line| serde_json::from_str::<Map<String, Value>>(line).expect("a line of JSON"));
    let found: Map<String, Value> = lines.flatten().collect();
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
    assert_eq!(Value::Object(found), expected, "{err}");
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
