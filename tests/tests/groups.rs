//! Groups: who is in them, who runs them, who may speak.

use std::time::Duration;

use serde_json::{Value, json};
use teahouse_tests::{
    Person, Server, Shared, befriend, group,
    people::{list_at, text_at},
    until,
};

static SHARED: Shared = Shared::new();

fn at(group: &str, rest: &str) -> String {
    format!("/v1/groups/{group}{rest}")
}

#[track_caller]
fn members(group: &str, seen_by: &Person) -> Vec<String> {
    list_at(&seen_by.details(group), "members").iter().map(|member| text_at(member, "id")).collect()
}

#[track_caller]
fn join_code(group: &str, by: &Person) -> String {
    text_at(&by.get(&at(group, "/join-code")).done(), "code")
}

fn join(person: &Person, code: &str) -> teahouse_tests::Reply {
    person.post("/v1/group-joins", json!({ "code": code, "reason": "hello" }))
}

#[test]
fn a_group_is_founded_with_friends_only_and_at_least_two() {
    let server = SHARED.server();
    let [mei, lin, arjun, stranger] = server.people(["mei", "lin", "arjun", "stranger"]);
    let _ = (befriend(&mei, &lin), befriend(&mei, &arjun));
    let found = |members: &[&Person], name: &str| {
        let ids: Vec<&str> = members.iter().map(|member| member.id.as_str()).collect();
        mei.post("/v1/groups", json!({ "name": name, "members": ids }))
    };
    found(&[&lin], "two").refused(400, "invalid-field");
    found(&[&lin, &lin, &mei], "two").refused(400, "invalid-field");
    found(&[&lin, &stranger], "three").refused(403, "not-friends");
    found(&[&lin, &arjun], &"x".repeat(31)).refused(400, "too-long");
    let founded = found(&[&lin, &arjun], "品茶");
    assert_eq!(founded.status, 201);
    let talk = text_at(&founded.done(), "conversation");
    let details = lin.details(&talk);
    assert_eq!(
        (&details["name"], &details["owner"], &details["kind"]),
        (&json!("品茶"), &json!(mei.id), &json!("group"))
    );
    assert_eq!(members(&talk, &lin), [&mei, &lin, &arjun].map(|who| who.id.clone()));
    lin.say(&talk, "hello");
    assert_eq!(arjun.texts(&talk), ["hello"]);
}

#[test]
fn a_member_brings_friends_in_who_see_what_is_said_from_then_on() {
    let server = SHARED.server();
    let [mei, lin, arjun, sofia, stranger] = server.people(["mei", "lin", "arjun", "sofia", "stranger"]);
    let talk = group(&mei, &[&lin, &arjun]);
    let _ = befriend(&lin, &sofia);
    mei.say(&talk, "before");
    let invited = lin.post(&at(&talk, "/members"), json!({ "users": [sofia.id, mei.id] })).done();
    assert_eq!(
        (&invited["joined"], &invited["invited"], &invited["waiting"]),
        (&json!([sofia.id]), &json!([]), &json!([]))
    );
    lin.post(&at(&talk, "/members"), json!({ "users": [stranger.id] })).refused(403, "not-friends");
    mei.say(&talk, "after");
    assert_eq!(sofia.texts(&talk), ["after"]);
    assert!(!sofia.get("/v1/sync?after=0").text().contains("before"));
    sofia.get(&format!("/v1/conversations/{talk}/messages/1")).refused(404, "message-not-found");
    assert_eq!(sofia.row(&talk)["unread"], 1);
}

#[test]
fn with_confirmation_on_members_invitations_wait_with_their_reason() {
    let server = SHARED.server();
    let [mei, lin, arjun, sofia, tomas] = server.people(["mei", "lin", "arjun", "sofia", "tomas"]);
    let talk = group(&mei, &[&lin, &arjun]);
    for friend in [&sofia, &tomas] {
        let _ = befriend(&lin, friend);
    }
    let _ = befriend(&mei, &tomas);
    lin.put(&at(&talk, "/invite-confirmation"), json!({ "on": true })).refused(403, "admin-only");
    mei.put(&at(&talk, "/invite-confirmation"), json!({ "on": true })).done();
    let invite = json!({ "users": [sofia.id], "reason": "she makes biscuits" });
    assert_eq!(lin.post(&at(&talk, "/members"), invite).done()["waiting"], json!([sofia.id]));
    let waiting = list_at(&mei.details(&talk), "requests");
    assert_eq!((&waiting[0]["user"], &waiting[0]["inviter"]), (&json!(sofia.id), &json!(lin.id)));
    assert_eq!(waiting[0]["reason"], "she makes biscuits");
    assert_eq!(list_at(&arjun.details(&talk), "requests"), [Value::Null; 0]);
    let approve =
        |by: &Person, who: &Person| by.post(&at(&talk, &format!("/join-requests/{}/approve", who.id)), json!({}));
    approve(&arjun, &sofia).refused(403, "admin-only");
    approve(&mei, &sofia).done();
    approve(&mei, &sofia).refused(404, "nothing-pending");
    assert!(members(&talk, &lin).contains(&sofia.id));
    // The owner invites directly.
    assert_eq!(mei.post(&at(&talk, "/members"), json!({ "users": [tomas.id] })).done()["joined"], json!([tomas.id]));
}

#[test]
fn a_code_lets_people_in_for_seven_days_and_each_fetch_gives_a_fresh_one() {
    let server = Server::start();
    let [mei, lin, arjun, early, late] = server.people(["mei", "lin", "arjun", "early", "late"]);
    let talk = group(&mei, &[&lin, &arjun]);
    let code = join_code(&talk, &lin);
    join(&early, "nonsense").refused(403, "join-code-invalid");
    join(&early, &format!("{code}x")).refused(403, "join-code-invalid");
    server.advance(Duration::from_secs(7 * 24 * 3600 - 60));
    let joined = join(&early, &code).done();
    assert_eq!(joined["conversation"], *talk);
    join(&early, &code).refused(409, "already-a-member");
    server.advance(Duration::from_secs(120));
    join(&late, &code).refused(403, "join-code-invalid");
    join(&late, &join_code(&talk, &lin)).done();
    early.get(&at(&talk, "/join-code")).done();
    server.register("stranger").get(&at(&talk, "/join-code")).refused(404, "conversation-not-found");
}

#[test]
fn a_code_of_somebody_who_left_is_worth_nothing() {
    let server = SHARED.server();
    let [mei, lin, arjun, guest] = server.people(["mei", "lin", "arjun", "guest"]);
    let talk = group(&mei, &[&lin, &arjun]);
    let code = join_code(&talk, &lin);
    lin.post(&at(&talk, "/leave"), json!({})).done();
    join(&guest, &code).refused(403, "join-code-invalid");
}

#[test]
fn who_comes_by_code_waits_where_confirmation_is_on() {
    let server = SHARED.server();
    let [mei, lin, arjun, guest, other] = server.people(["mei", "lin", "arjun", "guest", "other"]);
    let talk = group(&mei, &[&lin, &arjun]);
    mei.put(&at(&talk, "/invite-confirmation"), json!({ "on": true })).done();
    let code = join_code(&talk, &lin);
    join(&guest, &code).done();
    join(&other, &code).done();
    guest.send(&talk, "hello").refused(403, "not-a-member");
    mei.post(&at(&talk, &format!("/join-requests/{}/reject", other.id)), json!({})).done();
    mei.post(&at(&talk, &format!("/join-requests/{}/approve", guest.id)), json!({})).done();
    guest.say(&talk, "hello");
    other.send(&talk, "hello").refused(404, "conversation-not-found");
}

#[test]
fn the_owner_names_up_to_three_admins_who_run_the_group_but_do_not_own_it() {
    let server = SHARED.server();
    let [mei, a, b, c, d, e] = server.people(["mei", "a", "b", "c", "d", "e"]);
    let talk = group(&mei, &[&a, &b, &c, &d, &e]);
    let appoint = |by: &Person, who: &Person| by.put(&at(&talk, &format!("/admins/{}", who.id)), json!({}));
    for admin in [&a, &b, &c] {
        appoint(&mei, admin).done();
    }
    appoint(&mei, &d).refused(409, "too-many-admins");
    appoint(&a, &d).refused(403, "owner-only");
    assert_eq!(mei.details(&talk)["admins"], json!([a.id, b.id, c.id]));
    a.put(&at(&talk, "/announcement"), json!({ "text": "at four" })).done();
    a.put(&at(&talk, "/name"), json!({ "name": "by a" })).done();
    a.put(&at(&talk, "/invite-confirmation"), json!({ "on": true })).done();
    a.post(&at(&talk, "/members/remove"), json!({ "users": [e.id] })).done();
    let nobody = a.post(&at(&talk, "/members/remove"), json!({ "users": [] })).refused(400, "invalid-field");
    assert_eq!(nobody["detail"], "users: must not be empty");
    for above in [&mei, &b] {
        a.post(&at(&talk, "/members/remove"), json!({ "users": [above.id] })).refused(403, "rank-too-high");
        a.put(&at(&talk, &format!("/mutes/{}", above.id)), json!({})).refused(403, "rank-too-high");
    }
    a.delete(&at(&talk, "")).refused(403, "owner-only");
    a.post(&at(&talk, "/owner"), json!({ "to": b.id })).refused(403, "owner-only");
    a.delete(&at(&talk, &format!("/admins/{}", b.id))).refused(403, "owner-only");
    mei.delete(&at(&talk, &format!("/admins/{}", b.id))).done();
    appoint(&mei, &d).done();
    d.post(&at(&talk, "/members/remove"), json!({ "users": [b.id] })).done();
}

#[test]
fn a_group_goes_to_whom_the_owner_names_or_when_they_leave_to_the_first_admin_then_the_eldest() {
    let server = SHARED.server();
    let [mei, a, b, c] = server.people(["mei", "a", "b", "c"]);
    let talk = group(&mei, &[&a, &b, &c]);
    let owner = || c.details(&talk)["owner"].clone();
    mei.post(&at(&talk, "/owner"), json!({ "to": mei.id })).refused(400, "not-yourself");
    mei.post(&at(&talk, "/owner"), json!({ "to": a.id })).done();
    assert_eq!(owner(), json!(a.id));
    mei.delete(&at(&talk, "")).refused(403, "owner-only");
    a.put(&at(&talk, &format!("/admins/{}", c.id)), json!({})).done();
    a.post(&at(&talk, "/leave"), json!({})).done();
    assert_eq!(owner(), json!(c.id));
    c.post(&at(&talk, "/leave"), json!({})).done();
    assert_eq!(b.details(&talk)["owner"], json!(mei.id));
    mei.post(&at(&talk, "/leave"), json!({})).done();
    b.post(&at(&talk, "/leave"), json!({})).done();
    // The last one out ends it.
    b.send(&talk, "anybody?").refused(409, "group-disbanded");
}

#[test]
fn who_left_was_removed_or_lost_the_group_keeps_what_was_said_and_gets_no_more() {
    let server = SHARED.server();
    let [mei, lin, arjun] = server.people(["mei", "lin", "arjun"]);
    let talk = group(&mei, &[&lin, &arjun]);
    mei.say(&talk, "one");
    lin.post(&at(&talk, "/leave"), json!({})).done();
    mei.say(&talk, "two");
    mei.post(&at(&talk, "/members/remove"), json!({ "users": [arjun.id] })).done();
    mei.say(&talk, "three");
    assert_eq!(
        (lin.texts(&talk), arjun.texts(&talk)),
        (vec!["one".to_owned()], vec!["one".to_owned(), "two".to_owned()])
    );
    for former in [&lin, &arjun] {
        former.send(&talk, "x").refused(403, "not-a-member");
        let details = former.details(&talk);
        assert_eq!((&details["ended"], &details["members"]), (&json!(true), &json!([])));
        assert!(!former.get("/v1/sync?after=0").text().contains("three"));
        former.get(&format!("/v1/conversations/{talk}/messages/3")).problem(404);
        former.put(&at(&talk, "/name"), json!({ "name": "x" })).refused(403, "not-a-member");
    }
    mei.delete(&at(&talk, "")).done();
    mei.send(&talk, "x").refused(409, "group-disbanded");
    assert_eq!(mei.texts(&talk), ["one", "two", "three"]);
    assert_eq!(mei.row(&talk)["ended"], true);
}

#[test]
fn who_comes_back_sees_both_stays_and_not_what_was_between() {
    let server = SHARED.server();
    let [mei, lin, arjun] = server.people(["mei", "lin", "arjun"]);
    let talk = group(&mei, &[&lin, &arjun]);
    mei.say(&talk, "first stay");
    lin.post(&at(&talk, "/leave"), json!({})).done();
    mei.say(&talk, "in between");
    mei.post(&at(&talk, "/members"), json!({ "users": [lin.id] })).done();
    mei.say(&talk, "second stay");
    assert_eq!(lin.texts(&talk), ["first stay", "second stay"]);
    assert_eq!(teahouse_tests::people::texts(&lin.sync_from(0)), ["first stay", "second stay"]);
}

#[test]
fn one_member_or_all_of_them_can_be_made_to_keep_silent() {
    let server = Server::start();
    let [mei, lin, arjun] = server.people(["mei", "lin", "arjun"]);
    let talk = group(&mei, &[&lin, &arjun]);
    let mute = at(&talk, &format!("/mutes/{}", lin.id));
    arjun.put(&mute, json!({})).refused(403, "admin-only");
    mei.put(&mute, json!({})).done();
    lin.send(&talk, "x").refused(403, "muted");
    lin.post(&format!("/v1/conversations/{talk}/pats"), json!({ "target": mei.id })).refused(403, "muted");
    arjun.say(&talk, "I may");
    mei.delete(&mute).done();
    lin.say(&talk, "now I may");
    let now = text_at(&server.operator().post("/v1/operator/clock", json!({ "advance_seconds": 0 })).done(), "now");
    let next_year = now[..4].parse::<u32>().unwrap() + 1;
    mei.put(&mute, json!({ "until": now })).refused(400, "invalid-field");
    mei.put(&mute, json!({ "until": format!("{next_year}-01-01T00:00:00Z") })).done();
    lin.send(&talk, "x").refused(403, "muted");
    assert_eq!(list_at(&mei.details(&talk), "members").iter().filter(|member| member["muted"] == true).count(), 1);
    server.advance(Duration::from_secs(366 * 24 * 3600));
    lin.say(&talk, "the time is over");
    mei.put(&at(&talk, "/all-mute"), json!({ "on": true })).done();
    lin.send(&talk, "x").refused(403, "all-muted");
    mei.say(&talk, "the owner may");
    mei.put(&at(&talk, &format!("/admins/{}", arjun.id)), json!({})).done();
    arjun.say(&talk, "an admin may");
    mei.put(&at(&talk, "/all-mute"), json!({ "on": false })).done();
    lin.say(&talk, "thank you");
}

#[test]
fn an_announcement_is_said_in_the_chat_and_calls_on_everybody() {
    let server = SHARED.server();
    let [mei, lin, arjun] = server.people(["mei", "lin", "arjun"]);
    let talk = group(&mei, &[&lin, &arjun]);
    let announce = |by: &Person, text: &str| by.put(&at(&talk, "/announcement"), json!({ "text": text }));
    announce(&lin, "x").refused(403, "admin-only");
    announce(&mei, &"茶".repeat(2_001)).refused(400, "too-long");
    announce(&mei, &"茶".repeat(2_000)).done();
    announce(&mei, "at four, upstairs").done();
    let row = lin.row(&talk);
    assert_eq!((&row["mentioned"], &row["unread"]), (&json!(true), &json!(2)));
    assert_eq!(row["last"]["data"]["content"], json!({ "kind": "announcement", "text": "at four, upstairs" }));
    let announcement = arjun.details(&talk)["announcement"].clone();
    assert_eq!(
        (&announcement["text"], &announcement["by"], &announcement["seq"]),
        (&json!("at four, upstairs"), &json!(mei.id), &json!(2))
    );
}

#[test]
fn a_nickname_is_for_this_group_and_a_name_for_all_in_it() {
    let server = SHARED.server();
    let [mei, lin, arjun] = server.people(["mei", "lin", "arjun"]);
    let talk = group(&mei, &[&lin, &arjun]);
    lin.put(&at(&talk, "/nickname"), json!({ "nickname": "老林" })).done();
    lin.put(&at(&talk, "/name"), json!({ "name": "named by a member" })).done();
    let details = arjun.details(&talk);
    let nicknames: Vec<Value> = list_at(&details, "members").iter().map(|member| member["nickname"].clone()).collect();
    assert_eq!(nicknames, [Value::Null, json!("老林"), Value::Null]);
    assert_eq!(details["name"], "named by a member");
    lin.put(&at(&talk, "/nickname"), json!({ "nickname": "x".repeat(31) })).refused(400, "too-long");
    let kinds: Vec<Value> = arjun.history(&talk).iter().map(|entry| entry["type"].clone()).collect();
    assert!(kinds.contains(&json!("group.renamed")), "{kinds:?}");
}

#[test]
fn an_invitation_that_nobody_answers_ends_after_a_week() {
    let server = teahouse_tests::Setup::new().with("TEAHOUSE_POLICY__INVITE_FREELY_UP_TO", "3").start();
    let [mei, lin, arjun, sofia] = server.people(["mei", "lin", "arjun", "sofia"]);
    let talk = group(&mei, &[&lin, &arjun]);
    let _ = befriend(&mei, &sofia);
    mei.post(&at(&talk, "/members"), json!({ "users": [sofia.id] })).done();
    assert_eq!(sofia.all("/v1/invitations").len(), 1);
    server.advance(Duration::from_secs(7 * 24 * 3600 + 60));
    until("the invitation ends", || sofia.all("/v1/invitations").is_empty().then_some(()));
    sofia.post(&at(&talk, "/invitation/accept"), json!({})).refused(404, "nothing-pending");
}

#[test]
fn a_stranger_can_not_tell_a_group_from_none() {
    let server = SHARED.server();
    let [mei, lin, arjun, stranger] = server.people(["mei", "lin", "arjun", "stranger"]);
    let house = group(&mei, &[&lin, &arjun]);
    let ended = group(&mei, &[&lin, &arjun]);
    mei.delete(&format!("/v1/groups/{ended}")).done();
    let nowhere = "01930000-0000-7000-8000-000000000000".to_owned();
    let body = || json!({ "content": { "kind": "text", "text": "x" } });
    for id in [&house, &ended, &nowhere] {
        let not_found = |reply: teahouse_tests::Reply| {
            reply.refused(404, "conversation-not-found");
        };
        not_found(stranger.post(&format!("/v1/conversations/{id}/messages"), body()));
        not_found(stranger.put(&format!("/v1/groups/{id}/name"), json!({ "name": "x" })));
        not_found(stranger.put(&format!("/v1/groups/{id}/announcement"), json!({ "text": "x" })));
        not_found(stranger.put(&format!("/v1/groups/{id}/all-mute"), json!({ "on": true })));
        not_found(stranger.get(&format!("/v1/groups/{id}/join-code")));
        not_found(stranger.post(&format!("/v1/groups/{id}/leave"), json!({})));
        not_found(stranger.post(&format!("/v1/groups/{id}/members"), json!({ "users": [mei.id] })));
        not_found(stranger.post(&format!("/v1/conversations/{id}/pats"), json!({ "target": mei.id })));
        not_found(stranger.delete(&format!("/v1/groups/{id}")));
    }
    lin.post(&format!("/v1/groups/{house}/leave"), json!({})).done();
    lin.send(&house, "x").refused(403, "not-a-member");
    lin.send(&ended, "x").refused(409, "group-disbanded");
}

#[test]
fn who_was_muted_comes_back_muted_and_names_nothing() {
    let server = SHARED.server();
    let [mei, lin, arjun] = server.people(["mei", "lin", "arjun"]);
    let house = group(&mei, &[&lin, &arjun]);
    let at = |rest: &str| format!("/v1/groups/{house}{rest}");
    mei.put(&at(&format!("/mutes/{}", lin.id)), json!({})).done();
    lin.put(&at("/name"), json!({ "name": "mine" })).refused(403, "muted");
    let code = text_at(&mei.get(&at("/join-code")).done(), "code");
    lin.post(&at("/leave"), json!({})).done();
    lin.post("/v1/group-joins", json!({ "code": code })).done();
    lin.send(&house, "back").refused(403, "muted");
    let muted = |member: &Value| member["id"] == json!(lin.id) && member["muted"] == true;
    assert!(list_at(&mei.details(&house), "members").iter().any(muted));
    mei.delete(&at(&format!("/mutes/{}", lin.id))).done();
    lin.say(&house, "back");
}

#[test]
fn members_are_passed_over_whoever_their_friends_are() {
    let server = SHARED.server();
    let [mei, lin, arjun, sofia] = server.people(["mei", "lin", "arjun", "sofia"]);
    let house = group(&mei, &[&lin, &arjun]);
    let _ = befriend(&lin, &sofia);
    // Lin and Arjun are no friends.
    lin.post(&format!("/v1/groups/{house}/members"), json!({ "users": [arjun.id, sofia.id] })).done();
    sofia.say(&house, "hello");
}
