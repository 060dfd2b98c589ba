//! Official accounts: registering, people, verification, following, codes, from HTTP to disk.

use std::time::Duration;

use serde_json::{Value, json};
use teahouse_tests::{
    Account, Person, Server, Shared,
    people::{in_parallel, list_at, number_at, text_at},
};

static SHARED: Shared = Shared::new();

fn follow_with(person: &Person, account: &Account, code: &Value) -> teahouse_tests::Reply {
    person.put(&account.path("/follow"), json!({ "code": code }))
}

#[test]
fn an_account_is_found_opened_followed_muted_and_left() {
    let server = Server::start();
    let [owner, reader] = server.people(["owner", "reader"]);
    let account = Account::service(owner, "Tea News");
    let found = reader.get("/v1/official-accounts?name=tea").done();
    assert_eq!(list_at(&found, "accounts")[0]["id"], account.id);
    assert!(list_at(&reader.get("/v1/official-accounts?name=coffee").done(), "accounts").is_empty());
    let shown = reader.get(&account.path("")).done();
    assert_eq!((text_at(&shown["profile"], "name"), &shown["followed_since"]), ("Tea News".to_owned(), &Value::Null));
    reader.put(&account.path("/muted"), json!({ "on": true })).refused(403, "not-followed");
    account.followed_by(&reader);
    account.followed_by(&reader);
    reader.put(&account.path("/muted"), json!({ "on": true })).done();
    let shown = reader.get(&account.path("")).done();
    assert!(shown["followed_since"].is_string() && shown["muted"] == true, "{shown}");
    let mine = reader.all("/v1/subscriptions");
    assert_eq!((mine.len(), &mine[0]["account"]["id"], &mine[0]["muted"]), (1, &json!(account.id), &json!(true)));
    let types: Vec<Value> = reader.sync_from(0).iter().map(|entry| entry["type"].clone()).collect();
    assert!(types.contains(&json!("account.followed")) && types.contains(&json!("account.muted")), "{types:?}");
    reader.delete(&account.path("/follow")).done();
    assert!(reader.all("/v1/subscriptions").is_empty());
    assert_eq!(number_at(&account.owner.get(&account.path("/followers")).done(), "total"), 0);
}

#[test]
fn an_account_knows_followers_by_openids_that_stay_and_tell_nothing() {
    let server = SHARED.server();
    let [owner, reader, other] = server.people(["owner", "reader", "other"]);
    let [news, shop] = ["News", "Shop"].map(|name| Account::service(owner.clone(), name));
    for account in [&news, &shop] {
        account.followed_by(&reader);
    }
    let openid = news.openid_of(&reader);
    assert!(openid.len() == 28 && openid.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)), "{openid}");
    assert_ne!(openid, shop.openid_of(&reader));
    reader.delete(&news.path("/follow")).done();
    news.followed_by(&other);
    news.followed_by(&reader);
    let followers = owner.get(&news.path("/followers")).done();
    assert_eq!(number_at(&followers, "total"), 2);
    assert!(list_at(&followers, "followers").iter().any(|follower| follower["openid"] == openid));
    for person in [&reader, &other] {
        assert!(!followers.to_string().contains(&person.id), "{followers}");
        assert!(!followers.to_string().contains(&person.handle), "{followers}");
    }
}

#[test]
fn followers_come_in_pages() {
    let server = SHARED.server();
    let owner = server.register("owner");
    let account = Account::service(owner, "Busy");
    let people: Vec<Person> = (0..7).map(|_| server.register("reader")).collect();
    in_parallel(people.len(), |at| account.followed_by(&people[at]));
    let first = account.owner.get(&account.path("/followers?limit=3")).done();
    assert_eq!((number_at(&first, "total"), list_at(&first, "followers").len()), (7, 3));
    account.owner.get(&account.path("/followers?cursor=x")).refused(400, "invalid-query");
    let mut openids: Vec<Value> =
        account.owner.all(&account.path("/followers")).iter().map(|row| row["openid"].clone()).collect();
    let mut in_pages = vec![];
    let mut next = String::new();
    loop {
        let page = account.owner.get(&account.path(&format!("/followers?limit=3{next}"))).done();
        in_pages.extend(list_at(&page, "followers").iter().map(|row| row["openid"].clone()));
        match page["next"].as_str() {
            Some(cursor) => next = format!("&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(in_pages, openids);
    openids.dedup();
    assert_eq!(openids.len(), 7);
}

#[test]
fn only_its_people_see_an_account_from_within_and_only_the_owner_names_them() {
    let server = SHARED.server();
    let [owner, clerk, stranger] = server.people(["owner", "clerk", "stranger"]);
    let account = Account::service(owner, "Office");
    let operator = account.path(&format!("/operators/{}", clerk.id));
    clerk.put(&operator, json!({})).refused(403, "account-owner-only");
    account.owner.put(&operator, json!({})).done();
    for within in ["/details", "/followers", "/scene-code?number=1"] {
        clerk.get(&account.path(within)).done();
        stranger.get(&account.path(within)).refused(403, "account-not-yours");
    }
    assert_eq!(clerk.get(&account.path("/details")).done()["operators"], json!([clerk.id]));
    assert_eq!(clerk.all("/v1/me/official-accounts")[0]["owns"], false);
    assert_eq!(account.owner.all("/v1/me/official-accounts")[0]["owns"], true);
    stranger.patch(&account.path(""), json!({ "name": "Mine" })).refused(403, "account-not-yours");
    clerk.patch(&account.path(""), json!({ "introduction": "open daily" })).done();
    let profile = stranger.get(&account.path("")).done()["profile"].clone();
    assert_eq!(profile, json!({ "name": "Office", "introduction": "open daily" }));
    clerk.delete(&operator).done();
    clerk.get(&account.path("/details")).refused(403, "account-not-yours");
    assert!(clerk.all("/v1/me/official-accounts").is_empty());
}

#[test]
fn the_administrator_vouches_for_an_account_until_it_is_renamed() {
    let server = SHARED.server();
    let account = Account::service(server.register("owner"), "Tea Bank");
    let verification = account.path("/verification").replace("/v1/", "/v1/operator/");
    server.operator().put(&verification, json!({ "subject": "Tea Bank Ltd" })).done();
    let verified = || account.owner.get(&account.path("")).done()["verified"].clone();
    assert_eq!(verified(), "Tea Bank Ltd");
    account.owner.patch(&account.path(""), json!({ "introduction": "a bank" })).done();
    assert_eq!(verified(), "Tea Bank Ltd");
    account.owner.patch(&account.path(""), json!({ "name": "Another Bank" })).done();
    assert_eq!(verified(), Value::Null);
    server.operator().put(&verification, json!({ "subject": "Another Bank Ltd" })).done();
    server.operator().delete(&verification).done();
    assert_eq!(verified(), Value::Null);
    let nowhere = verification.replace(&account.id, &account.owner.id);
    server.operator().put(&nowhere, json!({ "subject": "x" })).refused(404, "official-account-not-found");
}

#[test]
fn a_code_tells_the_account_where_it_hangs_as_long_as_it_is_good() {
    let server = Server::start();
    let [owner, first, second] = server.people(["owner", "first", "second"]);
    let account = Account::service(owner, "Tea Stall");
    let other = Account::service(account.owner.clone(), "Other");
    let made = account.owner.get(&account.path("/scene-code?text=door&seconds=60")).done();
    let code = made["code"].clone();
    assert_eq!(text_at(&made, "text"), format!("teahouse:scene:{}", text_at(&made, "code")));
    let scan = |person: &Person| person.post("/v1/account-code-scans", json!({ "code": code }));
    let read = scan(&first).done();
    assert_eq!((&read["account"], &read["scene"], &read["told"]), (&json!(account.id), &json!("door"), &json!(false)));
    follow_with(&first, &other, &code).refused(404, "scene-code-invalid");
    follow_with(&first, &account, &code).done();
    let follower = list_at(&account.owner.get(&account.path("/followers")).done(), "followers")[0].clone();
    assert_eq!((&follower["scene"], &follower["source"]), (&json!("door"), &json!("code")));
    assert_eq!(scan(&first).done()["told"], true);
    for (kind, path) in [("image/svg+xml", "/code.svg"), ("image/png", "/code.png")] {
        for query in [String::new(), format!("?code={}", text_at(&made, "code"))] {
            let picture = first.get(&account.path(&format!("{path}{query}")));
            assert_eq!((picture.status, picture.header("content-type")), (200, Some(kind)));
        }
    }
    server.advance(Duration::from_secs(61));
    follow_with(&second, &account, &code).refused(404, "scene-code-invalid");
    scan(&second).refused(404, "scene-code-invalid");
    let lasting = account.owner.get(&account.path("/scene-code?number=100000")).done();
    assert_eq!(lasting["expires_at"], Value::Null);
    follow_with(&second, &account, &lasting["code"]).done();
    for wrong in ["number=100001", "text=", "seconds=5", "number=1&text=a", "number=1&seconds=2592001"] {
        account.owner.get(&account.path(&format!("/scene-code?{wrong}"))).problem(400);
    }
}

#[test]
fn what_was_followed_is_there_after_kill_9_and_a_rebuild() {
    let server = Server::start();
    let [owner, reader] = server.people(["owner", "reader"]);
    let account = Account::subscription(owner, "Tea Daily");
    account.followed_by(&reader);
    let before = account.openid_of(&reader);
    server.kill();
    server.start_again();
    assert_eq!(account.openid_of(&reader), before);
    server.operator().post("/v1/operator/read-models/official/rebuild", json!({})).done();
    assert_eq!(account.openid_of(&reader), before);
    assert_eq!(reader.all("/v1/subscriptions")[0]["account"]["sort"], "subscription");
}
