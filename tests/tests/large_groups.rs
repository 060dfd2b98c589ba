//! Large groups: consent above 40 members, no codes above 200, nobody above 500.

use serde_json::{Value, json};
use teahouse_tests::{
    Person, Server,
    people::{in_parallel, list_at, text_at},
};

/// A group of exactly `size`, whose owner is the first of the people that come back. The last one is not in it.
struct Gathering {
    server: Server,
    people: Vec<Person>,
    group: String,
}

impl Gathering {
    fn of(size: usize) -> Self {
        let server = Server::start();
        let people = server.crowd("guest", size + 1);
        let owner = &people[0];
        in_parallel(size, |number| {
            let friend = &people[number + 1];
            friend.ask(owner).done();
            owner.accept(friend).done();
        });
        let first: Vec<&str> = people[1..size.min(40)].iter().map(|person| person.id.as_str()).collect();
        let founded = owner.post("/v1/groups", json!({ "name": "a crowd", "members": first })).done();
        let gathering = Self { group: text_at(&founded, "conversation"), server, people };
        gathering.fill(size);
        gathering
    }

    fn owner(&self) -> &Person {
        &self.people[0]
    }

    fn outsider(&self) -> &Person {
        self.people.last().unwrap()
    }

    fn at(&self, rest: &str) -> String {
        format!("/v1/groups/{}{rest}", self.group)
    }

    fn invite(&self, people: &[Person]) -> teahouse_tests::Reply {
        let ids: Vec<&str> = people.iter().map(|person| person.id.as_str()).collect();
        self.owner().post(&self.at("/members"), json!({ "users": ids }))
    }

    /// Brings in those behind the first forty, who have to consent; at most a hundred may wait at a time.
    fn fill(&self, size: usize) {
        let Some(others) = self.people.get(40..size) else { return };
        for others in others.chunks(100) {
            let answer = self.invite(others).done();
            assert_eq!((list_at(&answer, "joined").len(), list_at(&answer, "invited").len()), (0, others.len()));
            in_parallel(others.len(), |number| {
                others[number].post(&self.at("/invitation/accept"), json!({})).done();
            });
        }
        assert_eq!(self.owner().row(&self.group)["members"], size);
    }

    fn join_by_code(&self, person: &Person) -> teahouse_tests::Reply {
        let code = self.owner().get(&self.at("/join-code"));
        if code.status != 200 {
            return code;
        }
        person.post("/v1/group-joins", json!({ "code": text_at(&code.json(), "code") }))
    }
}

#[test]
fn above_forty_members_whoever_is_invited_has_to_consent() {
    let crowd = Gathering::of(39);
    let [fortieth, forty_first, forty_second] = crowd.server.people(["a", "b", "c"]);
    for friend in [&fortieth, &forty_first, &forty_second] {
        friend.ask(crowd.owner()).done();
        crowd.owner().accept(friend).done();
    }
    let both = crowd.invite(&[fortieth.clone(), forty_first.clone()]).done();
    assert_eq!((&both["joined"], &both["invited"]), (&json!([fortieth.id]), &json!([forty_first.id])));
    forty_first.send(&crowd.group, "hello").refused(403, "not-a-member");
    let invitations = forty_first.all("/v1/invitations");
    assert_eq!(
        (&invitations[0]["conversation"], &invitations[0]["inviter"]),
        (&json!(crowd.group), &json!(crowd.owner().id))
    );
    forty_first.post(&crowd.at("/invitation/accept"), json!({})).done();
    forty_first.say(&crowd.group, "hello");
    crowd.invite(std::slice::from_ref(&forty_second)).done();
    forty_second.post(&crowd.at("/invitation/decline"), json!({})).done();
    forty_second.send(&crowd.group, "hello").refused(404, "conversation-not-found");
    assert!(forty_second.all("/v1/invitations").is_empty());
}

#[test]
fn above_fifty_members_nobody_is_told_who_has_read() {
    let crowd = Gathering::of(50);
    crowd.owner().say(&crowd.group, "read this");
    let path = format!("/v1/conversations/{}/messages/1/readers", crowd.group);
    crowd.people[1].put(&format!("/v1/conversations/{}/read", crowd.group), json!({ "seq": 1 })).done();
    assert_eq!(crowd.owner().get(&path).done()["readers"], json!([crowd.people[1].id]));
    crowd.join_by_code(crowd.outsider()).done();
    crowd.owner().get(&path).refused(409, "group-too-large");
}

#[test]
fn above_a_hundred_members_only_who_runs_the_group_renames_it() {
    let crowd = Gathering::of(100);
    let rename = |by: &Person, name: &str| by.put(&crowd.at("/name"), json!({ "name": name }));
    rename(&crowd.people[50], "by a member").done();
    crowd.join_by_code(crowd.outsider()).done();
    rename(&crowd.people[50], "by a member again").refused(403, "rename-not-allowed");
    rename(crowd.owner(), "by the owner").done();
}

#[test]
fn above_two_hundred_members_a_code_lets_nobody_in() {
    let crowd = Gathering::of(200);
    let code = text_at(&crowd.owner().get(&crowd.at("/join-code")).done(), "code");
    let join = |who: &Person| who.post("/v1/group-joins", json!({ "code": code }));
    join(crowd.outsider()).done();
    let late = crowd.server.register("late");
    join(&late).refused(409, "join-by-code-closed");
    crowd.owner().get(&crowd.at("/join-code")).refused(409, "join-by-code-closed");
}

#[test]
fn a_group_has_at_most_five_hundred_members_who_all_get_what_is_said() {
    let crowd = Gathering::of(500);
    crowd.invite(std::slice::from_ref(crowd.outsider())).refused(409, "group-full");
    let seq = crowd.people[499].say(&crowd.group, "hello, all 499 of you");
    let unread = in_parallel(499, |number| crowd.people[number].row(&crowd.group)["unread"].clone());
    assert!(unread.iter().all(|unread| *unread == json!(1)), "{unread:?}");
    let texts = in_parallel(500, |number| crowd.people[number].texts(&crowd.group));
    assert!(texts.iter().all(|texts| texts == &["hello, all 499 of you"]));
    // One event, not five hundred.
    let events = crowd.server.events(&["--type", "message.sent"]);
    assert_eq!(events.iter().map(|event| event["payload"]["seq"].clone()).collect::<Vec<Value>>(), [json!(seq)]);
    // Somebody leaves, and there is room again.
    crowd.people[7].post(&crowd.at("/leave"), json!({})).done();
    crowd.invite(std::slice::from_ref(crowd.outsider())).done();
    crowd.outsider().post(&crowd.at("/invitation/accept"), json!({})).done();
    assert_eq!(crowd.owner().row(&crowd.group)["members"], 500);
}
