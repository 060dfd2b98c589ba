//! Stickers: packs, one of which ships with the server while operators add more; and people's own.

use std::time::Duration;

use image::{Frame, ImageFormat, Rgba, RgbaImage, codecs::gif::GifEncoder};
use serde_json::{Value, json};
use teahouse_tests::{
    Person, Reply, Server, Setup, Shared, befriend,
    media::encoded,
    people::{list_at, number_at, text_at},
};

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

/// A moving picture of two frames.
fn moving(side: u16) -> Vec<u8> {
    let mut bytes = vec![];
    let mut encoder = GifEncoder::new(&mut bytes);
    for turn in 0..2 {
        let picture =
            RgbaImage::from_fn(side.into(), side.into(), |x, y| Rgba([(x * 9) as u8, y as u8, turn * 90, 255]));
        encoder.encode_frame(Frame::new(picture)).unwrap();
    }
    drop(encoder);
    bytes
}

/// The ids of somebody's own stickers, from the front.
fn own(who: &Person) -> Vec<String> {
    who.all("/v1/stickers").iter().map(|sticker| text_at(sticker, "medium")).collect()
}

fn collect(who: &Person, medium: &str) -> Reply {
    who.post("/v1/stickers", json!({ "medium": medium }))
}

#[test]
fn a_sticker_of_one_s_own_travels_from_the_upload_to_a_friend_who_takes_it_over() {
    let server = Server::start();
    let [mei, lin, stranger] = server.people(["mei", "lin", "stranger"]);
    let (talk, anybody) = (befriend(&mei, &lin), server.client());
    let gif = moving(12);
    let medium = mei.medium("picture", &gif);
    mei.send_medium(&talk, "picture_sticker", &medium).refused(404, "sticker-not-found");
    assert_eq!(text_at(&collect(&mei, &medium).done(), "medium"), medium);
    let listed = &mei.all("/v1/stickers")[0];
    assert_eq!((&listed["facts"]["content_type"], &listed["facts"]["width"]), (&json!("image/gif"), &json!(12)));
    assert_eq!(anybody.get(&text_at(listed, "original")).body, gif);
    let seq = number_at(&mei.send_medium(&talk, "picture_sticker", &medium).done(), "seq");
    assert_eq!(anybody.get(&text_at(&lin.links(&talk, seq)[0], "original")).body, gif);
    // Hers to see, not to name; what she takes over is her own.
    lin.send_medium(&talk, "picture_sticker", &medium).refused(404, "sticker-not-found");
    collect(&lin, &medium).refused(404, "medium-not-found");
    let from =
        |who: &Person, seq: u64| who.post(&format!("/v1/conversations/{talk}/messages/{seq}/sticker"), json!({}));
    from(&stranger, seq).refused(404, "message-not-found");
    let taken = text_at(&from(&lin, seq).done(), "medium");
    assert_ne!(taken, medium);
    assert_eq!(text_at(&from(&lin, seq).done(), "medium"), taken, "the same picture is collected once");
    assert_eq!((own(&lin), own(&mei)), (vec![taken.clone()], vec![medium.clone()]));
    // It stays when the message is taken back and the friendship ends, also after `kill -9` and the day for what nothing names.
    mei.post(&format!("/v1/conversations/{talk}/messages/{seq}/recall"), json!({})).done();
    from(&stranger, seq).refused(404, "message-not-found");
    from(&lin, seq).refused(409, "message-recalled");
    mei.delete(&format!("/v1/contacts/{}", lin.id)).done();
    server.kill();
    server.start_again();
    server.advance(Duration::from_secs(50 * 3600));
    let other = befriend(&lin, &stranger);
    let seq = number_at(&lin.send_medium(&other, "picture_sticker", &taken).done(), "seq");
    assert_eq!(anybody.get(&text_at(&stranger.links(&other, seq)[0], "original")).body, gif);
    // Who collected it can take it out; what was sent stays.
    lin.delete(&format!("/v1/stickers/{taken}")).done();
    assert_eq!(own(&lin), [""; 0]);
    lin.send_medium(&other, "picture_sticker", &taken).refused(404, "sticker-not-found");
    assert_eq!(stranger.links(&other, seq).len(), 1);
    // Collected again, from whomever, it is the medium that she has: her quota knows it once.
    let sent_on = number_at(&stranger.send_medium(&other, "picture", &stranger.medium("picture", &gif)).done(), "seq");
    for seq in [seq, sent_on, seq] {
        let again = lin.post(&format!("/v1/conversations/{other}/messages/{seq}/sticker"), json!({}));
        assert_eq!(text_at(&again.done(), "medium"), taken);
        lin.delete(&format!("/v1/stickers/{taken}")).done();
    }
    let brought = server.events(&["--type", "media.uploaded"]);
    assert_eq!(brought.iter().filter(|event| event["actor"] == lin.id).count(), 1, "{brought:?}");
    let text = lin.say(&other, "tea?");
    stranger
        .post(&format!("/v1/conversations/{other}/messages/{text}/sticker"), json!({}))
        .refused(400, "content-not-allowed");
}

#[test]
fn own_stickers_are_ordered_bounded_and_nobody_else_s() {
    let server = Setup::new()
        .with("TEAHOUSE_POLICY__MEDIA__STICKERS_MAX", "3")
        .with("TEAHOUSE_POLICY__MEDIA__STICKER_BYTES", "1024")
        .start();
    let [mei, lin] = server.people(["mei", "lin"]);
    let picture = |side: u32| mei.medium("picture", &encoded(side, side, ImageFormat::Png));
    let made: Vec<String> = (2..5).map(picture).collect();
    made.iter().for_each(|medium| {
        collect(&mei, medium).done();
    });
    let by = |order: [usize; 3]| order.map(|at| made[at].clone());
    assert_eq!(own(&mei), by([2, 1, 0]));
    let front = |who: &Person, medium: &str| who.post(&format!("/v1/stickers/{medium}/front"), json!({}));
    front(&mei, &made[0]).done();
    front(&mei, &made[0]).done();
    assert_eq!(own(&mei), by([0, 2, 1]));
    let page = |query: &str| mei.get(&format!("/v1/stickers?limit=2{query}")).done();
    let next = text_at(&page(""), "next");
    let rest = page(&format!("&cursor={next}"));
    assert_eq!((list_at(&rest, "stickers").len(), rest.get("next")), (1, None));
    // The same bytes brought again are the sticker that there is.
    assert_eq!(text_at(&collect(&mei, &picture(3)).done(), "medium"), made[1]);
    assert_eq!(own(&mei), by([1, 0, 2]));
    collect(&mei, &picture(6)).refused(409, "too-many-stickers");
    for refused in [front(&lin, &made[0]), lin.delete(&format!("/v1/stickers/{}", made[0]))] {
        refused.refused(404, "sticker-not-found");
    }
    assert_eq!(own(&lin), [""; 0]);
    mei.delete(&format!("/v1/stickers/{}", made[0])).done();
    collect(&mei, &picture(90)).refused(413, "medium-too-large");
    collect(&mei, &mei.medium("file", b"no picture")).refused(400, "medium-of-other-kind");
    collect(&mei, &picture(6)).done();
    assert_eq!(own(&mei).len(), 3);
}
