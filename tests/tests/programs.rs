//! Programs of official accounts: what they are told, what they answer, what they call.

use std::{
    sync::{Arc, Mutex, mpsc::channel},
    time::Duration,
};

use image::ImageFormat;
use serde_json::{Value, json};
use teahouse_tests::{
    Account, Bot, Person, Server, Setup,
    bot::{Call, Does},
    media::encoded,
    people::{list_at, number_at, text_at},
    until,
};

const TIP: &str = "This official account can't serve you at present. Please try again later.";

fn text_reply(call: &Call) -> Does {
    let words = match (call.element("MsgType").as_deref(), call.element("Event").as_deref()) {
        (Some("text"), _) => format!("you said {}", call.element("Content").unwrap_or_default()),
        (_, Some("unsubscribe")) => return Does::Answers("success".to_owned()),
        (_, Some(event)) => format!("{event} {}", call.element("EventKey").unwrap_or_default()),
        _ => return Does::Answers(String::new()),
    };
    // Programs differ in order and blanks.
    Does::Answers(format!("\n  <xml><MsgType>text</MsgType>\n<Content><![CDATA[{words}]]></Content></xml>\n"))
}

fn said(person: &Person, talk: &str, count: usize) -> Vec<String> {
    until("everything was said", || Some(person.texts(talk)).filter(|texts| texts.len() >= count))
}

fn account(server: &Server, name: &str) -> (Account, Person) {
    let [owner, reader] = server.people(["owner", "reader"]);
    (Account::service(owner, name), reader)
}

#[test]
fn a_program_is_told_what_followers_do_and_its_answers_are_said() {
    let server = Setup::new().with_bots(30_000).start();
    let (account, reader) = account(&server, "Tea Bot");
    let bot = Bot::start(text_reply);
    account.run_by(&bot.url(), "plain");
    // Its own replies are off as long as there is a program.
    account.answers(json!({ "welcome": { "kind": "text", "text": "by itself" } }));
    let code = account.owner.get(&account.path("/scene-code?text=door")).done()["code"].clone();
    reader.put(&account.path("/follow"), json!({ "code": code })).done();
    let talk = account.talk_with(&reader);
    assert_eq!(said(&reader, &talk, 1), ["subscribe qrscene_door"]);
    let _ = reader.say(&talk, "<b> & 茶");
    assert_eq!(said(&reader, &talk, 3)[1..], ["<b> & 茶", "you said <b> & 茶"]);
    let menu = json!({ "button": [{ "name": "Tea", "type": "click", "key": "TEA" }] });
    account.owner.put(&account.path("/menu"), menu).done();
    reader.post(&account.path("/menu-choices"), json!({ "bar": 0 })).done();
    assert_eq!(said(&reader, &talk, 4)[3], "CLICK TEA");
    reader.post("/v1/account-code-scans", json!({ "code": code })).done();
    assert_eq!(said(&reader, &talk, 5)[4], "SCAN door");
    reader.delete(&account.path("/follow")).done();
    let told = until("it is told that the reader left", || Some(bot.told()).filter(|told| told.len() == 5));
    assert_eq!(told[4].element("Event").as_deref(), Some("unsubscribe"));
    let openid = told[0].element("FromUserName").unwrap();
    assert!(openid.len() == 28 && told.iter().all(|call| call.element("FromUserName").as_ref() == Some(&openid)));
    assert!(told.iter().all(|call| call.query.contains("signature=") && !call.body.contains(&reader.id)));
    account.owner.delete(&account.path("/callback")).done();
    account.followed_by(&reader);
    assert_eq!(said(&reader, &talk, 6)[5], "by itself");
    assert_eq!(bot.told().len(), 5);
}

#[test]
fn a_program_that_does_not_answer_is_told_three_times_and_holds_up_no_other() {
    let server = Setup::new().with_bots(2_000).start();
    let (_, over) = channel::<()>();
    let over = Arc::new(Mutex::new(over));
    let (open, never) = channel::<()>();
    let never = Arc::new(Mutex::new(never));
    drop(over);
    let waits: Box<dyn Fn() -> Does + Send + Sync> = Box::new(move || Does::Waits(never.clone()));
    let bad: [Box<dyn Fn() -> Does + Send + Sync>; 3] =
        [waits, Box::new(|| Does::HangsUp), Box::new(|| Does::Answers("{\"text\":\"hello\"}".to_owned()))];
    let bots = bad.map(|does| {
        let bot = Bot::start(move |_| does());
        let (account, reader) = account(&server, "Bad Bot");
        account.followed_by(&reader);
        let talk = account.talk_with(&reader);
        account.run_by(&bot.url(), "plain");
        (bot, reader, talk)
    });
    let (good, reader) = account(&server, "Good Bot");
    let bot = Bot::start(text_reply);
    good.run_by(&bot.url(), "plain");
    for (_, reader, talk) in &bots {
        let _ = reader.say(talk, "hello?");
    }
    good.followed_by(&reader);
    let talk = good.talk_with(&reader);
    let _ = reader.say(&talk, "quick");
    assert_eq!(said(&reader, &talk, 3).last().map(String::as_str), Some("you said quick"));
    for (bot, reader, talk) in &bots {
        assert_eq!(said(reader, talk, 2), ["hello?", TIP]);
        let told = bot.told();
        let ids: Vec<Option<String>> = told.iter().map(|call| call.element("MsgId")).collect();
        assert!(ids.len() == 3 && ids[0].is_some() && ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    }
    drop(open);
}

#[test]
fn an_answer_that_breaks_a_rule_is_none() {
    let server = Setup::new().with_bots(30_000).start();
    let (account, reader) = account(&server, "Odd Bot");
    account.followed_by(&reader);
    let talk = account.talk_with(&reader);
    let answers = [
        format!("<MsgType>text</MsgType><Content>{}</Content>", "x".repeat(20_000)),
        "<MsgType>image</MsgType><Image><MediaId>00000000-0000-7000-8000-000000000000</MediaId></Image>".to_owned(),
        "<MsgType>news</MsgType><Articles><item><Title>a</Title><Url>tea</Url></item></Articles>".to_owned(),
    ];
    let answers = Mutex::new(answers.into_iter());
    let bot = Bot::start(move |_| {
        let next = answers.lock().unwrap().next();
        Does::Answers(next.map_or_else(String::new, |answer| format!("<xml>{answer}</xml>")))
    });
    account.run_by(&bot.url(), "plain");
    let _ = reader.say(&talk, "hello?");
    assert_eq!(said(&reader, &talk, 2), ["hello?", TIP]);
    assert_eq!(bot.told().len(), 3);
}

#[test]
fn who_is_not_answered_yet_holds_up_no_other_follower_of_the_account() {
    let server = Setup::new().with_bots(60_000).start();
    let [owner, slow, quick] = server.people(["owner", "slow", "quick"]);
    let account = Account::service(owner, "Tea Bot");
    let talks = [&slow, &quick].map(|person| {
        account.followed_by(person);
        account.talk_with(person)
    });
    let (open, never) = channel::<()>();
    let never = Arc::new(Mutex::new(never));
    let bot = Bot::start(move |call| match call.element("Content").as_deref() {
        Some("slow") => Does::Waits(never.clone()),
        _ => text_reply(call),
    });
    account.run_by(&bot.url(), "plain");
    for _ in 0..6 {
        let _ = slow.say(&talks[0], "slow");
    }
    until("it is told", || (bot.told().len() == 1).then_some(()));
    for times in 1..=2 {
        let _ = quick.say(&talks[1], "quick");
        assert_eq!(said(&quick, &talks[1], 2 * times).last().map(String::as_str), Some("you said quick"));
    }
    assert_eq!(bot.told().len(), 3);
    drop(open);
}

#[test]
fn programs_of_which_nothing_is_known_do_not_hold_the_calls_that_are_kept_for_those_that_answer() {
    // A quarter of eight are kept.
    let server = Setup::new().with_bots(60_000).with("TEAHOUSE_CALLBACKS__CALLS_MAX", "8").start();
    let (good, reader) = account(&server, "Good Bot");
    good.followed_by(&reader);
    let (talk, bot) = (good.talk_with(&reader), Bot::start(text_reply));
    good.run_by(&bot.url(), "plain");
    let _ = reader.say(&talk, "first");
    assert_eq!(said(&reader, &talk, 2)[1], "you said first");
    let (open, never) = channel::<()>();
    let never = Arc::new(Mutex::new(never));
    let dead = Bot::start(move |_| Does::Waits(never.clone()));
    let followers = server.crowd("follower", 4);
    let accounts = ["Dead Bot", "Dead Bot, too", "Another Dead Bot"].map(|name| {
        let (account, _) = account(&server, name);
        followers.iter().for_each(|follower| account.followed_by(follower));
        account.run_by(&dead.url(), "plain");
        account
    });
    for (account, follower) in accounts.iter().flat_map(|account| followers.iter().map(move |one| (account, one))) {
        let _ = follower.say(&account.talk_with(follower), "hello?");
    }
    until("all other calls are taken", || (dead.told().len() == 6).then_some(()));
    let _ = reader.say(&talk, "second");
    assert_eq!(said(&reader, &talk, 4)[3], "you said second");
    assert_eq!(dead.told().len(), 6);
    drop(open);
}

#[test]
fn a_program_is_never_told_more_than_three_times_also_through_kill_9() {
    let server = Setup::new().with_bots(60_000).start();
    let (account, reader) = account(&server, "Slow Bot");
    account.followed_by(&reader);
    let talk = account.talk_with(&reader);
    let (open, never) = channel::<()>();
    let never = Arc::new(Mutex::new(never));
    let bot = Bot::start(move |_| Does::Waits(never.clone()));
    account.run_by(&bot.url(), "plain");
    let _ = reader.say(&talk, "hello?");
    for times in 1..=3 {
        until("it is told again", || (bot.told().len() == times).then_some(()));
        server.kill();
        server.start_again();
    }
    assert_eq!(said(&reader, &talk, 2), ["hello?", TIP]);
    assert_eq!(bot.told().len(), 3);
    drop(open);
}

#[test]
fn only_the_owner_sets_up_a_program_and_it_must_answer_and_not_be_on_the_inside() {
    let server = Server::start();
    let (account, stranger) = account(&server, "Tea Bot");
    let bot = Bot::start(text_reply);
    let callback = |person: &Person, url: &str| person.put(&account.path("/callback"), json!({ "url": url }));
    callback(&stranger, &bot.url()).refused(403, "account-owner-only");
    stranger.get(&account.path("/developer")).refused(403, "account-owner-only");
    stranger.post(&account.path("/app-secret"), json!({})).refused(403, "account-owner-only");
    for url in
        [&*bot.url(), "http://[::1]:1/", "http://169.254.169.254/latest", "http://localhost:1/", "http://10.0.0.1/"]
    {
        let problem = callback(&account.owner, url).refused(400, "callback-refused");
        assert!(problem["detail"].as_str().unwrap().contains("may not be called"), "{url}: {problem}");
    }
    assert!(bot.told().is_empty());
    callback(&account.owner, "ftp://example.org").refused(400, "invalid-field");
    let settings = account.owner.get(&account.path("/developer")).done();
    assert_eq!(settings["url"], Value::Null);
    let log = format!("{}{}", server.log(), json!(server.events(&[])));
    for secret in ["token", "encoding_aes_key"] {
        assert!(!log.contains(settings[secret].as_str().unwrap()), "{secret} is in the log");
    }
}

#[test]
fn tokens_are_replaced_with_an_overlap_and_stable_ones_stay() {
    let server = Server::start();
    let (account, _) = account(&server, "Tea Bot");
    let app = account.app();
    let asks = |token: &str| account.cgi("GET", &format!("/user/get?access_token={token}"), None)["errcode"].clone();
    let first = account.app_token(&app);
    assert_eq!(asks(&first), Value::Null);
    let second = account.app_token(&app);
    assert_eq!((asks(&first), asks(&second)), (Value::Null, Value::Null));
    server.advance(Duration::from_secs(301));
    assert_eq!((asks(&first), asks(&second)), (json!(40001), Value::Null));
    let stable = |force: bool| {
        let [id, secret] = &app;
        let body = json!({ "grant_type": "client_credential", "appid": id, "secret": secret, "force_refresh": force });
        account.cgi("POST", "/stable_token", Some(&body))
    };
    let lasting = stable(false);
    assert_eq!(stable(false)["access_token"], lasting["access_token"]);
    assert_ne!(stable(true)["access_token"], lasting["access_token"]);
    assert_eq!(asks(&second), Value::Null);
    server.advance(Duration::from_secs(7_200));
    assert_eq!(asks(&second), 42001);
    assert_eq!((asks(""), asks("x")), (json!(41001), json!(40014)));
    let with = |grant: &str, id: &str, secret: &str| {
        account.cgi("GET", &format!("/token?grant_type={grant}&appid={id}&secret={secret}"), None)["errcode"].clone()
    };
    let [id, secret] = &app;
    assert_eq!(with("password", id, secret), 40002);
    assert_eq!(with("client_credential", "wx0", secret), 40013);
    assert_eq!(with("client_credential", id, "x"), 40001);
    let tokens = [account.app_token(&app), text_at(&stable(false), "access_token")];
    let renewed = account.app();
    assert_eq!(with("client_credential", id, secret), 40001);
    assert_eq!(tokens.map(|token| asks(&token)), [40001, 40001]);
    assert_eq!(asks(&account.app_token(&renewed)), Value::Null);
    assert!(!format!("{}{}", server.log(), json!(server.events(&[]))).contains(&**secret));
}

#[test]
fn a_program_writes_within_its_windows_and_quotas() {
    let server = Server::start();
    let (account, reader) = account(&server, "Tea Bot");
    let token = account.app_token(&account.app());
    account.followed_by(&reader);
    let openid = account.openid_of(&reader);
    let send = |body: Value| {
        account.cgi("POST", &format!("/message/custom/send?access_token={token}"), Some(&body))["errcode"].clone()
    };
    let text = |text: &str| json!({ "touser": openid, "msgtype": "text", "text": { "content": text } });
    // What its people write by hand takes nothing of what the program may.
    (0..3).for_each(|_| drop(account.write_to(&openid, "by hand").done()));
    let codes: Vec<Value> = (0..4).map(|_| send(text("welcome"))).collect();
    assert_eq!(codes, [json!(0), json!(0), json!(0), json!(45047)]);
    let path = format!("/message/custom/send?access_token={token}");
    let spent = text_at(&account.cgi("POST", &path, Some(&text("welcome"))), "errmsg");
    assert!(spent.contains("at most 3 messages"), "{spent}");
    server.advance(Duration::from_secs(61));
    assert_eq!(send(text("late")), 45015);
    let talk = account.talk_with(&reader);
    let _ = reader.say(&talk, "hello");
    let codes: Vec<Value> = (0..6).map(|_| send(text("answer"))).collect();
    assert_eq!(codes.iter().filter(|code| **code == 0).count(), 5, "{codes:?}");
    let article = json!({ "title": "Tea", "description": "all of it", "url": "https://example.org/tea" });
    let _ = reader.say(&talk, "more");
    assert_eq!(send(json!({ "touser": openid, "msgtype": "news", "news": { "articles": [article] } })), 0);
    assert_eq!(reader.history(&talk).last().unwrap()["data"]["content"]["url"], "https://example.org/tea");
    server.advance(Duration::from_secs(48 * 3600));
    assert_eq!(account.cgi("GET", &format!("/user/get?access_token={token}"), None)["errcode"], 42001);
}

#[test]
fn a_program_runs_the_menu_and_looks_at_followers() {
    let server = Server::start();
    let (account, reader) = account(&server, "Tea Bot");
    let token = account.app_token(&account.app());
    let at = |path: &str| format!("{path}{}access_token={token}", if path.contains('?') { '&' } else { '?' });
    let call = |method: &str, path: &str, body: Option<Value>| account.cgi(method, &at(path), body.as_ref());
    assert_eq!(call("GET", "/menu/get", None)["errcode"], 46003);
    let menu = json!({ "button": [{ "name": "Tea", "type": "click", "key": "TEA", "sub_button": [] }] });
    assert_eq!(call("POST", "/menu/create", Some(menu))["errcode"], 0);
    assert_eq!(call("GET", "/menu/get", None)["menu"]["button"][0]["key"], "TEA");
    assert_eq!(reader.get(&account.path("/menu")).done()["button"][0]["key"], "TEA");
    let long = json!({ "button": [{ "name": "a name of many bytes", "type": "click", "key": "K" }] });
    assert_eq!(call("POST", "/menu/create", Some(long))["errcode"], 40018);
    let other = json!({ "button": [{ "name": "Tea", "type": "miniprogram", "appid": "wx1" }] });
    assert_eq!(call("POST", "/menu/create", Some(other))["errcode"], 40017);
    assert_eq!(call("GET", "/menu/delete", None)["errcode"], 0);
    assert_eq!(call("GET", "/user/get", None), json!({ "total": 0, "count": 0, "next_openid": "" }));
    let scene = json!({ "action_name": "QR_STR_SCENE", "expire_seconds": 600, "action_info": { "scene": { "scene_str": "door" } } });
    let made = call("POST", "/qrcode/create", Some(scene));
    let at_once =
        json!({ "action_name": "QR_SCENE", "expire_seconds": 0, "action_info": { "scene": { "scene_id": 1 } } });
    assert_eq!(call("POST", "/qrcode/create", Some(at_once))["expire_seconds"], 60);
    reader.put(&account.path("/follow"), json!({ "code": made["ticket"] })).done();
    let openid = account.openid_of(&reader);
    assert_eq!(call("GET", "/user/get", None)["data"]["openid"], json!([openid]));
    assert_eq!(call("GET", &format!("/user/get?next_openid={openid}"), None)["data"], Value::Null);
    let info = call("GET", &format!("/user/info?openid={openid}"), None);
    assert_eq!((&info["subscribe"], &info["qr_scene_str"]), (&json!(1), &json!("door")));
    assert_eq!(call("GET", "/user/info?openid=nobody", None)["errcode"], 40003);
    let picture = reader.anonymous().get(&format!("/cgi-bin/showqrcode?ticket={}", made["ticket"].as_str().unwrap()));
    assert_eq!((picture.status, picture.header("content-type")), (200, Some("image/png")));
    account.answers(json!({ "welcome": { "kind": "text", "text": "hi" } }));
    let replies = call("GET", "/get_current_autoreply_info", None);
    assert_eq!(replies["add_friend_autoreply_info"]["content"], "hi");
    let empty = reader.anonymous().call("POST", &format!("/cgi-bin{}", at("/menu/create")), None, None).done();
    assert_eq!(empty["errcode"], 44002);
}

#[test]
fn drafts_and_what_was_published_are_deleted_by_their_own_calls_and_written_all_or_not_at_all() {
    let server = Server::start();
    let (account, reader) = account(&server, "Tea Bot");
    let token = account.app_token(&account.app());
    let call = |path: &str, body: Value| account.cgi("POST", &format!("{path}?access_token={token}"), Some(&body));
    let codes = |path: &str, body: Value| call(path, body)["errcode"].clone();
    let article = |title: &str| json!({ "title": title, "content": "<p>tea</p>" });
    let drafts = || account.owner.all(&account.path("/drafts")).len();
    for odd in [
        json!({ "title": "", "content": "x" }),
        json!({ "title": "Tea", "content": "x", "thumb_media_id": "00000000-0000-7000-8000-000000000000" }),
    ] {
        assert_ne!(codes("/draft/add", json!({ "articles": [article("Tea"), odd] })), Value::Null);
        assert_eq!(drafts(), 0);
    }
    let added = || text_at(&call("/draft/add", json!({ "articles": [article("Tea"), article("More")] })), "media_id");
    let [public, private] = [added(), added()];
    assert_eq!(codes("/freepublish/submit", json!({ "media_id": public })), 0);
    assert_eq!(codes("/draft/delete", json!({ "media_id": public })), 40007);
    assert_eq!(codes("/freepublish/delete", json!({ "article_id": private })), 40007);
    let published = || reader.all(&account.path("/articles")).len();
    assert_eq!((published(), drafts()), (2, 2));
    assert_eq!(codes("/freepublish/delete", json!({ "article_id": public, "index": 1 })), 0);
    assert_eq!((published(), drafts()), (1, 2));
    for code in [0, 40007] {
        assert_eq!(codes("/freepublish/delete", json!({ "article_id": public })), code);
        assert_eq!(codes("/draft/delete", json!({ "media_id": private })), code);
        assert_eq!((published(), drafts()), (0, 0));
    }
    assert_eq!(codes("/freepublish/submit", json!({ "media_id": private })), 40007);
}

#[test]
fn a_tag_is_put_on_all_of_some_followers_or_on_none() {
    let server = Server::start();
    let [owner, one, other] = server.people(["owner", "one", "other"]);
    let account = Account::service(owner, "Tea Bot");
    [&one, &other].into_iter().for_each(|person| account.followed_by(person));
    let token = account.app_token(&account.app());
    let call = |path: &str, body: Value| account.cgi("POST", &format!("{path}?access_token={token}"), Some(&body));
    let openids: Vec<String> =
        account.owner.all(&account.path("/followers")).iter().map(|row| text_at(row, "openid")).collect();
    let tags: Vec<u64> = (0..21)
        .map(|at| number_at(&call("/tags/create", json!({ "tag": { "name": format!("t{at}") } }))["tag"], "id"))
        .collect();
    let put = |tag: u64, on: &[String]| {
        call("/tags/members/batchtagging", json!({ "tagid": tag, "openid_list": on }))["errcode"].clone()
    };
    tags[..20].iter().for_each(|tag| assert_eq!(put(*tag, &openids[1..]), 0));
    assert_eq!(put(tags[20], &openids), 45056);
    let had = call("/tags/getidlist", json!({ "openid": openids[0] }));
    assert!(list_at(&had, "tagid_list").is_empty(), "{had}");
}

#[test]
fn ten_thousand_openids_are_taken_and_those_who_follow_are_counted() {
    let server = Setup::new().with_bots(30_000).start();
    let (account, reader) = account(&server, "Tea Bot");
    account.followed_by(&reader);
    let openid = account.openid_of(&reader);
    let bot = Bot::start(|_| Does::Answers("success".to_owned()));
    account.run_by(&bot.url(), "plain");
    let token = account.app_token(&account.app());
    let send = |openids: &[String]| {
        let text = json!({ "touser": openids, "msgtype": "text", "text": { "content": "to many" } });
        account.cgi("POST", &format!("/message/mass/send?access_token={token}"), Some(&text))["errcode"].clone()
    };
    let many: Vec<String> = (1..10_001).map(|number| format!("o{number:027}")).chain([openid]).collect();
    assert_eq!((send(&many), send(&many[1..])), (json!(40130), json!(0)));
    server.kill();
    server.start_again();
    let heard = reader.get(&account.path("/broadcasts")).done();
    assert_eq!((&heard["broadcasts"][0]["number"], &heard["broadcasts"][1]), (&json!(1), &Value::Null));
    let told = until("the program is told", || bot.told().first().cloned());
    assert_eq!(told.element("SentCount").as_deref(), Some("1"));
}

#[test]
fn whatever_a_program_calls_is_answered_with_status_200_and_a_code() {
    let server = Server::start();
    let (account, reader) = account(&server, "Tea Bot");
    account.followed_by(&reader);
    let (token, openid) = (account.app_token(&account.app()), account.openid_of(&reader));
    let image = json!({ "touser": openid, "msgtype": "image", "text": null, "image": { "media_id": "tea" } });
    for (method, path, body, code) in [
        ("GET", "/message/custom/send", None, 43002),
        ("PUT", "/message/custom/send", Some(json!({})), 43002),
        ("GET", "/message/mass/send", None, 43002),
        ("POST", "/menu/get", Some(json!({})), 43001),
        ("GET", "/nothing", None, 40066),
        ("GET", "/user/get?access_token=x", None, 47001),
        ("POST", "/tags/create", Some(json!({ "tag": "x".repeat(128 * 1024) })), 47001),
        ("POST", "/media/upload?type=image", Some(json!({})), 41005),
        ("POST", "/message/custom/send", Some(image), 40007),
    ] {
        let at = format!("/cgi-bin{path}{}access_token={token}", if path.contains('?') { '&' } else { '?' });
        let reply = server.client().call(method, &at, body.as_ref(), None);
        assert_eq!((reply.status, &reply.done()["errcode"]), (200, &json!(code)), "{method} {path}");
    }
}

#[test]
fn what_a_program_changes_is_limited_as_what_people_change() {
    const MOST: usize = 50;
    let server = Setup::new().with("TEAHOUSE_API__RATES__COMMANDS", "20").start();
    let (account, _) = account(&server, "Tea Bot");
    let token = account.app_token(&account.app());
    let call = |method: &str, path: &str| {
        let at = format!("{path}?access_token={token}");
        account.cgi(method, &at, (method == "POST").then(|| json!({})).as_ref())["errcode"].clone()
    };
    let written = [
        ("POST", "/menu/create"),
        ("GET", "/menu/delete"),
        ("POST", "/draft/add"),
        ("POST", "/draft/update"),
        ("POST", "/draft/delete"),
        ("POST", "/freepublish/submit"),
        ("POST", "/freepublish/delete"),
        ("POST", "/tags/create"),
        ("POST", "/tags/update"),
        ("POST", "/tags/delete"),
        ("POST", "/tags/members/batchtagging"),
        ("POST", "/tags/members/batchuntagging"),
        ("POST", "/user/info/updateremark"),
        ("POST", "/message/mass/sendall"),
        ("POST", "/message/mass/send"),
        ("POST", "/message/mass/preview"),
        ("POST", "/message/mass/delete"),
    ];
    for (method, path) in written {
        assert!((0..MOST).any(|_| call(method, path) == 45009), "{path}: {MOST} went through");
    }
    for (method, path) in [("GET", "/menu/get"), ("POST", "/draft/batchget"), ("POST", "/message/mass/get")] {
        assert_ne!(call(method, path), 45009, "{path}");
    }
}

#[test]
fn a_program_sends_back_a_picture_that_a_follower_sent_and_no_other() {
    let server = Setup::new().with_bots(30_000).start();
    let (account, reader) = account(&server, "Echo Bot");
    account.followed_by(&reader);
    let talk = account.talk_with(&reader);
    let bot = Bot::start(|call| {
        let id = call.element("MediaId").unwrap_or_default();
        Does::Answers(format!("<xml><MsgType>image</MsgType><Image><MediaId>{id}</MediaId></Image></xml>"))
    });
    account.run_by(&bot.url(), "plain");
    let cup = reader.medium("picture", &encoded(40, 30, ImageFormat::Png));
    let seq = number_at(&reader.send_medium(&talk, "picture", &cup).done(), "seq");
    let echoed = until("it is echoed", || reader.history(&talk).get(1).cloned());
    assert_eq!(echoed["data"]["content"]["medium"], json!(cup));
    let original = text_at(&reader.links(&talk, seq + 1)[0], "original");
    assert_eq!(reader.get(&original).status, 200);
    let id = bot.told().iter().find_map(|call| call.element("MediaId")).unwrap();
    let send = |account: &Account, reader: &Person, sort: &str| {
        let path = format!("/message/custom/send?access_token={}", account.app_token(&account.app()));
        let mut body = json!({ "touser": account.openid_of(reader), "msgtype": sort });
        body[sort] = json!({ "media_id": id });
        account.cgi("POST", &path, Some(&body))["errcode"].clone()
    };
    assert_eq!(send(&account, &reader, "image"), 0);
    assert_eq!(send(&account, &reader, "voice"), 40007);
    let other = Account::service(account.owner.clone(), "Other");
    other.followed_by(&reader);
    assert_eq!(send(&other, &reader, "image"), 40007);
    reader.post(&format!("/v1/conversations/{talk}/messages/{seq}/recall"), json!({})).done();
    assert_eq!(send(&account, &reader, "image"), 40007);
}
