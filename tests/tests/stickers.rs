//! Sticker packs: one ships with the server, operators add more, everybody uses them.

use serde_json::{Value, json};
use teahouse_tests::{Reply, Shared, befriend, people::text_at};

static SHARED: Shared = Shared::new();

fn pack(title: &str, names: &[&str]) -> Value {
    let stickers: Vec<Value> = names.iter().map(|name| json!({ "name": name, "glyph": "🍵" })).collect();
    json!({ "title": title, "author": "House", "stickers": stickers })
}

#[test]
fn every_server_has_the_sample_pack() {
    let server = SHARED.server();
    let packs = server.register("mei").all("/v1/sticker-packs");
    let sample = packs.iter().find(|pack| pack["title"] == "Tea time").expect("the sample pack");
    assert!(sample["stickers"].as_array().is_some_and(|stickers| stickers.len() == 8), "{sample}");
}

#[test]
fn an_added_pack_can_be_used_by_everybody_at_once() {
    let server = SHARED.server();
    let [mei, lin] = server.people(["mei", "lin"]);
    let talk = befriend(&mei, &lin);
    let publish = |body: Value| -> Reply { server.operator().post("/v1/operator/sticker-packs", body) };
    let published = publish(pack("Cups", &["small", "large"]));
    assert_eq!(published.status, 201);
    let id = text_at(&published.json(), "pack");
    assert_eq!(lin.get(&format!("/v1/sticker-packs/{id}")).done()["title"], "Cups");
    assert!(lin.all("/v1/sticker-packs").iter().any(|pack| pack["pack"] == *id));
    let send = |name: &str| {
        let content = json!({ "kind": "sticker", "pack": id, "sticker": name });
        mei.post(&format!("/v1/conversations/{talk}/messages"), json!({ "content": content }))
    };
    assert_eq!(send("large").status, 201);
    send("huge").refused(404, "sticker-not-found");
    for wrong in [pack("", &["a"]), pack("x", &[]), pack("x", &["a", "a"]), pack(&"x".repeat(51), &["a"])] {
        publish(wrong).problem(400);
    }
    let mut again = pack("Other cups", &["small"]);
    again["id"] = json!(id);
    publish(again).refused(409, "sticker-pack-exists");
    mei.post("/v1/operator/sticker-packs", pack("Mine", &["a"])).problem(401);
}
