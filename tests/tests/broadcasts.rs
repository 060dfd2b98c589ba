//! Broadcasts of official accounts: to all or to a tag, once to each follower, within quotas, pushed, counted.

use std::time::Duration;

use image::ImageFormat;
use serde_json::{Value, json};
use teahouse_tests::{
    Account, Person, Reply, Server, Setup, Shared, Socket,
    media::encoded,
    people::{in_parallel, list_at, number_at, text_at},
};

static SHARED: Shared = Shared::new();

const A_DAY: Duration = Duration::from_secs(24 * 3600);

fn broadcast(account: &Account, contents: Value, tag: Option<u64>) -> Reply {
    account.owner.post(&account.path("/broadcasts"), json!({ "contents": contents, "tag": tag }))
}

fn say_to_all(account: &Account, text: &str) -> u64 {
    number_at(&broadcast(account, json!([{ "kind": "text", "text": text }]), None).done(), "number")
}

fn say_to(account: &Account, tag: u64, text: &str) {
    broadcast(account, json!([{ "kind": "text", "text": text }]), Some(tag)).done();
}

fn texts(page: &Value) -> Vec<String> {
    list_at(page, "broadcasts").iter().map(|row| text_at(&row["contents"][0], "text")).collect()
}

fn heard(person: &Person, account: &Account) -> Vec<String> {
    texts(&person.get(&account.path("/broadcasts")).done())
}

fn tag(account: &Account, name: &str) -> u64 {
    number_at(&account.owner.post(&account.path("/follower-tags"), json!({ "name": name })).done(), "tag")
}

/// What an account knows each of its followers by, in the order in which they came.
fn openids(account: &Account) -> Vec<String> {
    let mut followers = account.owner.all(&account.path("/followers"));
    followers.sort_by_key(|row| text_at(row, "since"));
    followers.iter().map(|row| text_at(row, "openid")).collect()
}

fn note(account: &Account, openid: &str, notes: Value) -> Reply {
    account.owner.put(&account.path(&format!("/followers/{openid}/notes")), notes)
}

#[test]
fn a_broadcast_is_one_event_and_each_follower_is_shown_it_once_also_after_kill_9_and_a_rebuild() {
    let server = Server::start();
    let people = server.people(["owner", "early", "late", "gone"]);
    let [owner, early, late, gone] = &people;
    let account = Account::service(owner.clone(), "Tea");
    account.followed_by(early);
    account.followed_by(gone);
    let crowd: Vec<Person> = (0..10).map(|_| server.register("reader")).collect();
    in_parallel(crowd.len(), |at| account.followed_by(&crowd[at]));
    let before = server.events(&[]).len();
    assert_eq!(say_to_all(&account, "the first leaves"), 1);
    assert_eq!(server.events(&[]).len(), before + 1);
    account.followed_by(late);
    gone.delete(&account.path("/follow")).done();
    let as_it_should_be = || {
        for reader in crowd.iter().chain([early]) {
            assert_eq!(heard(reader, &account), ["the first leaves"]);
        }
        assert_eq!(heard(late, &account), [""; 0]);
        gone.get(&account.path("/broadcasts")).refused(403, "not-followed");
    };
    as_it_should_be();
    server.kill();
    server.start_again();
    as_it_should_be();
    server.operator().post("/v1/operator/read-models/broadcasts/rebuild", json!({})).done();
    as_it_should_be();
    // Who comes back is shown what is broadcast from then on.
    account.followed_by(gone);
    assert_eq!(heard(gone, &account), [""; 0]);
    say_to_all(&account, "the second");
    assert_eq!(heard(gone, &account), ["the second"]);
    assert_eq!(heard(early, &account), ["the second", "the first leaves"]);
}

#[test]
fn broadcasts_of_all_accounts_that_one_follows_come_in_one_list_the_latest_first() {
    let server = SHARED.server();
    let [owner, reader] = server.people(["owner", "reader"]);
    let accounts = ["One", "Two", "Three"].map(|name| Account::service(owner.clone(), name));
    accounts.iter().take(2).for_each(|account| account.followed_by(&reader));
    for (at, account) in [0, 1, 2, 1, 0].into_iter().map(|at| &accounts[at]).enumerate() {
        say_to_all(account, &format!("no. {at}"));
    }
    let list = "/v1/subscriptions/broadcasts";
    assert_eq!(texts(&reader.get(list).done()), ["no. 4", "no. 3", "no. 1", "no. 0"]);
    let first = reader.get(&format!("{list}?limit=3")).done();
    let second = reader.get(&format!("{list}?limit=3&cursor={}", text_at(&first, "next"))).done();
    assert_eq!((texts(&first).len(), texts(&second)), (3, vec!["no. 0".to_owned()]));
    assert_eq!(second["next"], Value::Null);
}

#[test]
fn a_subscription_account_broadcasts_once_a_day_and_a_service_account_four_times_a_month() {
    let server = Server::start();
    let [owner, reader] = server.people(["owner", "reader"]);
    let daily = Account::subscription(owner.clone(), "Daily");
    let service = Account::service(owner, "Service");
    let _ = [&daily, &service].map(|account| account.followed_by(&reader));
    let again = |account: &Account| broadcast(account, json!([{ "kind": "text", "text": "more" }]), None);
    say_to_all(&daily, "monday");
    again(&daily).refused(409, "broadcasts-spent");
    (0..4).for_each(|_| {
        let _ = say_to_all(&service, "news");
    });
    again(&service).refused(409, "broadcasts-spent");
    assert_eq!((heard(&reader, &daily).len(), heard(&reader, &service).len()), (1, 4));
    server.advance(A_DAY);
    say_to_all(&daily, "tuesday");
    assert_eq!(heard(&reader, &daily), ["tuesday", "monday"]);
    server.advance(31 * A_DAY);
    say_to_all(&service, "a new month");
    assert_eq!(heard(&reader, &service).len(), 5);
}

#[test]
fn a_reader_is_shown_four_a_month_whatever_they_were_for() {
    let server = Server::start();
    let [owner, often, seldom] = server.people(["owner", "often", "seldom"]);
    let account = Account::service(owner, "Tea");
    let _ = [&often, &seldom].map(|reader| account.followed_by(reader));
    let fans = tag(&account, "fans");
    note(&account, &openids(&account)[0], json!({ "add_tags": [fans] })).done();
    (1..=3).for_each(|number| say_to(&account, fans, &format!("fans {number}")));
    let numbers = ["all 1", "all 2"].map(|text| say_to_all(&account, text));
    say_to(&account, fans, "fans 4");
    assert_eq!(heard(&often, &account), ["all 1", "fans 3", "fans 2", "fans 1"]);
    assert_eq!(heard(&seldom, &account), ["all 2", "all 1"]);
    // What was taken back is shown to nobody, and makes no room.
    account.owner.delete(&account.path(&format!("/broadcasts/{}", numbers[0]))).done();
    assert_eq!(heard(&often, &account), ["fans 3", "fans 2", "fans 1"]);
    assert_eq!(heard(&seldom, &account), ["all 2"]);
}

#[test]
fn a_broadcast_to_a_tag_is_for_those_who_had_it_by_then() {
    let server = SHARED.server();
    let [owner, with, without] = server.people(["owner", "with", "without"]);
    let account = Account::subscription(owner, "Tea");
    let _ = [&with, &without].map(|reader| account.followed_by(reader));
    let [first, second] = openids(&account).try_into().unwrap();
    let green = tag(&account, "green");
    note(&account, &first, json!({ "add_tags": [green], "remark": "Lin" })).done();
    say_to(&account, green, "for green");
    note(&account, &first, json!({ "remove_tags": [green] })).done();
    note(&account, &second, json!({ "add_tags": [green] })).done();
    assert_eq!((heard(&with, &account), heard(&without, &account).len()), (vec!["for green".to_owned()], 0));
    let tagged = account.path(&format!("/follower-tags/{green}"));
    assert_eq!(account.owner.get(&format!("{tagged}/followers")).done()["openids"], json!([second]));
    let followers = account.owner.all(&account.path("/followers"));
    let lin = followers.iter().find(|row| row["openid"] == first).unwrap();
    assert_eq!((&lin["remark"], &lin["tags"]), (&json!("Lin"), &Value::Null));
    account.owner.patch(&tagged, json!({ "name": "black" })).done();
    let tags = account.owner.get(&account.path("/follower-tags")).done();
    assert_eq!(tags["tags"], json!([{ "tag": green, "name": "black", "followers": 1 }]));
    account.owner.delete(&tagged).done();
    broadcast(&account, json!([{ "kind": "text", "text": "x" }]), Some(green)).refused(404, "tag-not-found");
    note(&account, &second, json!({ "add_tags": [green] })).refused(404, "tag-not-found");
    note(&account, &"o".repeat(28), json!({ "remark": "x" })).refused(403, "not-followed");
}

#[test]
fn articles_and_pictures_are_broadcast_and_seen_by_those_whom_they_were_for() {
    let server = SHARED.server();
    let [owner, reader, stranger] = server.people(["owner", "reader", "stranger"]);
    let account = Account::service(owner.clone(), "Tea");
    let other = Account::service(owner, "Other");
    account.followed_by(&reader);
    // A draft is published by being broadcast.
    let ids = [account.article("One", "<p>tea</p>"), account.draft("Two", "<p>tea</p>")];
    let articles = ids.each_ref().map(|id| json!({ "kind": "article", "article": id }));
    broadcast(&account, json!(articles), None).done();
    stranger.anonymous().get(&format!("/v1/articles/{}", ids[1])).done();
    let shown = list_at(&reader.get(&account.path("/broadcasts")).done(), "broadcasts").remove(0);
    assert_eq!(shown["contents"][1]["front"]["title"], "Two");
    let draft = account.draft("Draft", "x");
    let theirs = [&draft, &other.article("Theirs", "x")].map(|id| json!({ "kind": "article", "article": id }));
    broadcast(&account, json!(theirs), None).refused(404, "article-not-found");
    stranger.anonymous().get(&format!("/v1/articles/{draft}")).refused(404, "article-not-found");
    let picture = account.owner.medium("picture", &encoded(40, 30, ImageFormat::Png));
    broadcast(&account, json!([{ "kind": "picture", "medium": picture }]), None).done();
    let shown = list_at(&reader.get(&account.path("/broadcasts")).done(), "broadcasts").remove(0);
    let link = text_at(&shown["media"][0], "original");
    let fetched = stranger.anonymous().get(&link);
    assert_eq!((fetched.status, fetched.header("content-type")), (200, Some("image/png")));
    reader.delete(&account.path("/follow")).done();
    stranger.anonymous().get(&link).refused(404, "medium-not-found");
    for wrong in [json!([]), json!([{ "kind": "location", "latitude": 1.0, "longitude": 1.0, "title": "x" }])] {
        broadcast(&account, wrong, None).problem(400);
    }
}

#[test]
fn followers_who_are_connected_are_told_at_once_and_others_are_not() {
    let server = SHARED.server();
    let [owner, reader, stranger] = server.people(["owner", "reader", "stranger"]);
    let account = Account::service(owner, "Tea");
    account.followed_by(&reader);
    let [mut told, mut untold] = [&reader, &stranger].map(|person| Socket::connect(person, ""));
    say_to_all(&account, "the first leaves");
    let message = told.message();
    assert_eq!((&message["type"], &message["broadcast"]["account"]), (&json!("broadcast"), &json!(account.id)));
    assert_eq!(message["broadcast"]["contents"][0]["text"], "the first leaves");
    untold.say(&json!({ "type": "ping" }));
    assert_eq!(untold.message()["type"], "pong");
}

#[test]
fn only_an_accounts_people_broadcast_tag_and_see_its_figures() {
    let server = SHARED.server();
    let [owner, clerk, stranger] = server.people(["owner", "clerk", "stranger"]);
    let account = Account::service(owner, "Tea");
    account.followed_by(&stranger);
    let body = json!({ "contents": [{ "kind": "text", "text": "buy this" }] });
    for method in ["/broadcasts", "/follower-tags"] {
        let body = if method == "/broadcasts" { body.clone() } else { json!({ "name": "x" }) };
        stranger.post(&account.path(method), body).refused(403, "account-not-yours");
    }
    for list in ["/sent-broadcasts", "/follower-tags", "/statistics"] {
        stranger.get(&account.path(list)).refused(403, "account-not-yours");
    }
    account.owner.put(&account.path(&format!("/operators/{}", clerk.id)), json!({})).done();
    clerk.post(&account.path("/broadcasts"), body).done();
    let sent = clerk.get(&account.path("/sent-broadcasts")).done();
    assert_eq!(sent["broadcasts"][0]["audience"], json!({ "kind": "all" }));
    stranger.delete(&account.path("/broadcasts/1")).refused(403, "account-not-yours");
    clerk.delete(&account.path("/broadcasts/2")).refused(404, "broadcast-not-found");
}

#[test]
fn the_figures_of_a_day_say_who_came_left_wrote_and_read() {
    let server = Setup::new().start();
    let [owner, mei, lin] = server.people(["owner", "mei", "lin"]);
    let account = Account::service(owner, "Tea");
    // Well within a day, whatever the time is now.
    server.advance(A_DAY);
    let _ = [&mei, &lin].map(|reader| account.followed_by(reader));
    let talk = account.talk_with(&mei);
    mei.say(&talk, "hello");
    lin.delete(&account.path("/follow")).done();
    let article = account.article("Tea", "<p>tea</p>");
    for what in ["read", "like", "read"] {
        mei.call("PUT", &format!("/v1/articles/{article}/{what}"), None, None).done();
    }
    say_to_all(&account, "news");
    let days = list_at(&account.owner.get(&account.path("/statistics")).done(), "days");
    let sum = |field: &str| days.iter().map(|day| number_at(day, field)).sum::<u64>();
    let sums = ["followed", "unfollowed", "heard", "reads", "likes", "broadcasts"].map(sum);
    assert_eq!(sums, [2, 1, 1, 1, 1, 1]);
    let before = account.owner.get(&account.path("/statistics?from=2020-01-01&to=2020-01-31")).done();
    assert_eq!(before["days"], json!([]));
    account.owner.get(&account.path("/statistics?from=2020-01-01&to=2021-01-31")).problem(400);
}
