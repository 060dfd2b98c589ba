//! Read models are made of the log: rebuilt while the server serves, and anew when they are lost.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use teahouse_tests::{
    Client, Person, Server, befriend, binary, group,
    people::{list_at, number_at, text_at},
    until,
};

/// A server with a little of everything in it, and what one person sees there.
struct Sample {
    server: Server,
    mei: Person,
    lin: Person,
    talk: String,
}

impl Sample {
    fn new() -> Self {
        let server = Server::start();
        let [mei, lin, arjun] = server.people(["mei", "lin", "arjun"]);
        let (talk, house) = (befriend(&mei, &lin), group(&mei, &[&lin, &arjun]));
        for number in 0..40 {
            mei.say(if number % 2 == 0 { &talk } else { &house }, &format!("number {number} 喝茶"));
        }
        mei.post(&format!("/v1/conversations/{talk}/messages/2/recall"), json!({})).done();
        lin.put(&format!("/v1/conversations/{talk}/read"), json!({ "seq": 5 })).done();
        lin.patch(&format!("/v1/contacts/{}", mei.id), json!({ "remark": "Mei of the teahouse" })).done();
        arjun.ask(&lin).done();
        arjun.post(&format!("/v1/groups/{house}/leave"), json!({})).done();
        Self { server, mei, lin, talk }
    }

    /// What lin sees, all of it.
    fn seen(&self) -> Vec<Value> {
        let paths = [
            "/v1/me",
            "/v1/conversations",
            "/v1/contacts",
            "/v1/friend-requests",
            "/v1/sync?after=0&limit=500",
            "/v1/search/messages?q=%E5%96%9D%E8%8C%B6",
            "/v1/sticker-packs",
        ];
        let mut seen: Vec<Value> = paths.iter().map(|path| self.lin.get(path).done()).collect();
        let year = text_at(&seen[1]["conversations"][0], "at")[..4].to_owned();
        seen.push(self.mei.get(&format!("/v1/me/report?year={year}")).done());
        seen.push(json!(self.lin.history(&self.talk)));
        // Where sync goes on depends on what was written meanwhile.
        seen[4]["next"] = Value::Null;
        seen
    }
}

fn models(operator: &Client) -> Vec<Value> {
    list_at(&operator.get("/v1/operator/read-models").done(), "read_models")
}

fn rebuild(operator: &Client, name: &str) {
    let begun = operator.post(&format!("/v1/operator/read-models/{name}/rebuild"), json!({}));
    assert_eq!(begun.status, 202, "{}", begun.text());
    until(&format!("{name} is rebuilt"), || {
        let model = models(operator).into_iter().find(|model| model["name"] == name).expect("the read model");
        (model.get("rebuilding").is_none() && model["state"] == "live").then_some(())
    });
}

#[test]
fn every_read_model_is_rebuilt_while_people_go_on_talking() {
    let sample = Sample::new();
    let operator = sample.server.operator();
    operator.post("/v1/operator/read-models/nonsense/rebuild", json!({})).problem(404);
    let before = sample.seen();
    let finished = AtomicBool::new(false);
    let [ada, ben] = sample.server.people(["ada", "ben"]);
    let elsewhere = befriend(&ada, &ben);
    let said = std::thread::scope(|scope| {
        let talker = scope.spawn(|| {
            let mut said = vec![];
            while !finished.load(Ordering::Relaxed) {
                said.push(ada.say(&elsewhere, "on and on"));
                assert_eq!(number_at(&ben.row(&elsewhere), "last_seq"), said.len() as u64);
            }
            said
        });
        for model in models(&operator) {
            rebuild(&operator, &text_at(&model, "name"));
        }
        finished.store(true, Ordering::Relaxed);
        talker.join().unwrap()
    });
    assert_eq!(sample.seen(), before);
    assert_eq!(number_at(&ben.row(&elsewhere), "unread"), said.len() as u64);
    // What was rebuilt is byte for byte what a replay gives.
    compares(&sample.server);
}

#[test]
fn read_models_that_were_deleted_are_made_again_at_the_next_start() {
    let sample = Sample::new();
    let before = sample.seen();
    assert_eq!(sample.server.stop(), Some(0));
    let views = sample.server.data().join("views");
    std::fs::remove_dir_all(&views).unwrap();
    sample.server.start_again();
    assert_eq!(sample.seen(), before);
    // One of them alone as well, and after a kill.
    sample.server.kill();
    let people = std::fs::read_dir(&views).unwrap().map(|entry| entry.unwrap().path());
    let people: Vec<_> = people.filter(|path| path.to_string_lossy().contains("/people")).collect();
    assert!(!people.is_empty());
    people.iter().for_each(|path| std::fs::remove_dir_all(path).or_else(|_| std::fs::remove_file(path)).unwrap());
    sample.server.start_again();
    assert_eq!(sample.seen(), before);
    sample.lin.say(&sample.talk, "and on we go");
    compares(&sample.server);
}

#[test]
fn after_kill_9_the_read_models_are_what_a_replay_gives() {
    let sample = Sample::new();
    for _ in 0..3 {
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while sample.mei.try_call("PATCH", "/v1/me", Some(&json!({ "about": "x" })), None).is_ok() {
                    let text = json!({ "content": { "kind": "text", "text": "x" } });
                    let path = format!("/v1/conversations/{}/messages", sample.talk);
                    if sample.mei.try_call("POST", &path, Some(&text), None).is_err() {
                        break;
                    }
                }
            });
            let enough = sample.lin.row(&sample.talk)["last_seq"].as_u64().unwrap() + 30;
            until("enough is said", || {
                (sample.lin.row(&sample.talk)["last_seq"].as_u64() >= Some(enough)).then_some(())
            });
            sample.server.kill();
        });
        sample.server.start_again();
    }
    compares(&sample.server);
}

#[test]
fn a_rebuild_that_was_killed_leaves_the_read_model_as_it_was() {
    let sample = Sample::new();
    let operator = sample.server.operator();
    let before = sample.seen();
    for model in models(&operator) {
        let path = format!("/v1/operator/read-models/{}/rebuild", text_at(&model, "name"));
        assert_eq!(operator.post(&path, json!({})).status, 202);
        sample.server.kill();
        sample.server.start_again();
        assert_eq!(sample.seen(), before, "{path}");
    }
    compares(&sample.server);
}

/// Stops the server and compares its read models with a replay of its log.
#[track_caller]
fn compares(server: &Server) {
    assert_eq!(server.stop(), Some(0));
    let data = server.data().display().to_string();
    let replayed = binary::run(&["audit", "replay", "--compare", "--data", &data]).ended_with(0);
    assert!(!replayed.out.is_empty());
}
