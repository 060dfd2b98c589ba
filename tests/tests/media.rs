//! Pictures, voice, video and files: brought, sent, fetched by those who may.

use std::time::Duration;

use image::ImageFormat;
use serde_json::{Value, json};
use teahouse_tests::{
    Person, Reply, Server, Setup, Shared, befriend, binary, group,
    media::{blobs, camera_picture, encoded},
    people::{list_at, number_at, text_at},
    until,
};

static SHARED: Shared = Shared::new();

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// The last message of a conversation, as somebody sees it.
#[track_caller]
fn last(by: &Person, talk: &str) -> Value {
    by.history(talk).pop().expect("something was said")
}

/// The link to the original that a message carries.
#[track_caller]
fn original(by: &Person, talk: &str, seq: u64) -> String {
    text_at(&by.links(talk, seq)[0], "original")
}

#[track_caller]
fn code(reply: &Reply) -> String {
    text_at(&reply.problem(reply.status), "code")
}

#[test]
fn a_picture_travels_from_its_upload_to_a_friend_without_the_place_where_it_was_taken() {
    let server = SHARED.server();
    let [mei, lin] = server.people(["mei", "lin"]);
    let talk = befriend(&mei, &lin);
    let taken = camera_picture(640, 480);
    assert!(contains(&taken, b"Hangzhou"));
    let brought = mei.bring("picture", &taken).done();
    // It is turned by a quarter.
    assert_eq!((&brought["facts"]["width"], &brought["facts"]["height"]), (&json!(480), &json!(640)));
    assert_eq!(brought["facts"]["content_type"], "image/jpeg");
    let seq = number_at(&mei.send_medium(&talk, "picture", &text_at(&brought, "medium")).done(), "seq");
    let content = &last(&lin, &talk)["data"]["content"];
    assert_eq!((&content["kind"], &content["facts"]["width"]), (&json!("picture"), &json!(480)));
    assert!(content["facts"]["blur_hash"].as_str().is_some_and(|hash| hash.len() > 10), "{content}");
    assert_eq!(lin.row(&talk)["last"]["data"]["content"]["kind"], "picture");

    let links = lin.links(&talk, seq).remove(0);
    assert_eq!(lin.links(&talk, seq)[0], links, "the links of one hour are the same");
    let anybody = server.client();
    let fetched = anybody.get(&text_at(&links, "original"));
    assert_eq!((fetched.status, fetched.header("content-type")), (200, Some("image/jpeg")));
    assert!(!contains(&fetched.body, b"Hangzhou") && !contains(&fetched.body, b"GPS"));
    assert_eq!(image::load_from_memory(&fetched.body).unwrap().width(), 640);
    assert_eq!(fetched.header("x-content-type-options"), Some("nosniff"));
    let caching = fetched.header("cache-control").unwrap();
    assert!(caching.starts_with("private, max-age=") && caching.ends_with(", immutable"), "{caching}");
    for (form, side) in [("thumbnail", 320), ("preview", 640)] {
        let smaller = anybody.get(&text_at(&links, form));
        assert_eq!((smaller.status, smaller.header("content-type")), (200, Some("image/jpeg")), "{form}");
        let smaller = image::load_from_memory(&smaller.body).unwrap();
        assert_eq!((smaller.width(), smaller.height()), (side * 3 / 4, side), "{form} stands upright");
    }
}

#[test]
fn parts_of_a_medium_are_fetched_and_what_has_not_changed_is_not_fetched_again() {
    let server = SHARED.server();
    let mei = server.register("mei");
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|number| (number / 7) as u8).collect();
    let medium = mei.medium("file", &bytes);
    let link = text_at(&mei.get(&format!("/v1/media/{medium}")).done()["links"], "original");
    let anybody = server.client();
    let whole = anybody.get(&link);
    assert_eq!((whole.status, whole.body.len(), whole.header("accept-ranges")), (200, 3_000_000, Some("bytes")));
    assert!(whole.body == bytes);
    for (range, first, last) in [("0-9", 0, 9), ("1048570-1048590", 1_048_570, 1_048_590), ("-5", 2_999_995, 2_999_999)]
    {
        let part = anybody.get_with(&link, ("range", &format!("bytes={range}")));
        assert_eq!((part.status, part.body.as_slice()), (206, &bytes[first..=last]), "{range}");
        assert_eq!(part.header("content-range"), Some(format!("bytes {first}-{last}/3000000").as_str()));
    }
    let beyond = anybody.get_with(&link, ("range", "bytes=3000000-"));
    assert_eq!((beyond.status, beyond.header("content-range")), (416, Some("bytes */3000000")));
    assert_eq!(anybody.get_with(&link, ("range", "lines=1-2")).status, 200);
    let tag = whole.header("etag").unwrap();
    assert_eq!(anybody.get_with(&link, ("if-none-match", tag)).status, 304);
    assert_eq!(anybody.get_with(&link, ("if-none-match", "\"another\"")).status, 200);
}

#[test]
fn only_who_may_see_the_message_fetches_what_it_carries() {
    let server = Server::start();
    let [mei, lin, stranger] = server.people(["mei", "lin", "stranger"]);
    let talk = befriend(&mei, &lin);
    let medium = mei.medium("picture", &encoded(40, 30, ImageFormat::Png));
    let seq = number_at(&mei.send_medium(&talk, "picture", &medium).done(), "seq");
    stranger.get(&format!("/v1/conversations/{talk}/media?seqs={seq}")).refused(404, "conversation-not-found");
    for by in [&lin, &stranger] {
        by.get(&format!("/v1/media/{medium}")).refused(404, "medium-not-found");
        // Naming it needs it to be one's own.
        let elsewhere = befriend(by, &server.register("other"));
        by.send_medium(&elsewhere, "picture", &medium).refused(404, "medium-not-found");
    }
    let (link, own) = (original(&lin, &talk, seq), original(&mei, &talk, seq));
    assert_ne!(link, own);
    let anybody = server.client();
    assert_eq!(anybody.get(&link).status, 200);
    // One sign of a link changed, and no other like it: it is worth nothing.
    let mut forged = link.clone();
    forged.replace_range(30..31, if &link[30..31] == "A" { "B" } else { "A" });
    anybody.get(&forged).refused(404, "medium-not-found");
    anybody.get("/v1/blobs/AAAA").refused(404, "medium-not-found");
    // Links end.
    server.advance(Duration::from_secs(7_201));
    anybody.get(&link).refused(403, "link-expired");
    let link = original(&lin, &talk, seq);
    // Who deletes the message for themselves sees it no longer, nor what it carries; the others do.
    lin.delete(&format!("/v1/conversations/{talk}/messages/{seq}")).done();
    anybody.get(&link).refused(404, "medium-not-found");
    assert_eq!(anybody.get(&original(&mei, &talk, seq)).status, 200);
    // What was taken back is gone at once, whatever links there are.
    let again = number_at(&mei.send_medium(&talk, "picture", &medium).done(), "seq");
    let link = original(&lin, &talk, again);
    mei.post(&format!("/v1/conversations/{talk}/messages/{again}/recall"), json!({})).done();
    anybody.get(&link).refused(404, "medium-not-found");
    assert_eq!(lin.links(&talk, again), [] as [Value; 0]);
    assert_eq!(anybody.get(&text_at(&mei.get(&format!("/v1/media/{medium}")).done()["links"], "original")).status, 200);
}

#[test]
fn who_leaves_a_group_keeps_what_was_sent_before_and_gets_nothing_of_what_comes_after() {
    let server = SHARED.server();
    let [mei, lin, arjun] = server.people(["mei", "lin", "arjun"]);
    let house = group(&mei, &[&lin, &arjun]);
    let medium = mei.medium("picture", &encoded(8, 8, ImageFormat::Gif));
    let before = number_at(&mei.send_medium(&house, "picture", &medium).done(), "seq");
    lin.post(&format!("/v1/groups/{house}/leave"), json!({})).done();
    let after = number_at(&mei.send_medium(&house, "picture", &medium).done(), "seq");
    assert_eq!(lin.links(&house, before).len(), 1);
    assert_eq!(lin.links(&house, after), [] as [Value; 0]);
    assert_eq!(arjun.links(&house, after).len(), 1);
}

#[test]
fn a_picture_can_be_passed_on_alone_and_in_a_bundle_by_who_sees_it() {
    let server = SHARED.server();
    let [mei, lin, arjun] = server.people(["mei", "lin", "arjun"]);
    let (talk, onward) = (befriend(&mei, &lin), befriend(&lin, &arjun));
    let seq = number_at(
        &mei.send_medium(&talk, "picture", &mei.medium("picture", &encoded(9, 9, ImageFormat::WebP))).done(),
        "seq",
    );
    for merged_as in [Value::Null, json!("Pictures")] {
        let forward = json!({ "from": talk, "seqs": [seq], "merged_as": merged_as });
        let sent = lin.post(&format!("/v1/conversations/{onward}/forwards"), forward).done();
        let passed_on = number_at(&list_at(&sent, "messages")[0], "seq");
        let fetched = server.client().get(&original(&arjun, &onward, passed_on));
        assert_eq!((fetched.status, fetched.header("content-type")), (200, Some("image/webp")));
    }
}

#[test]
fn what_a_medium_is_its_bytes_say_and_nothing_else() {
    let server = SHARED.server();
    let [mei, lin] = server.people(["mei", "lin"]);
    let talk = befriend(&mei, &lin);
    let png = encoded(16, 16, ImageFormat::Png);
    let refused = |kind: &str, bytes: &[u8]| {
        let reply = mei.bring(kind, bytes);
        (reply.status, code(&reply))
    };
    let unsupported = || (400, "medium-unsupported".to_owned());
    for (kind, bytes) in [
        ("picture", b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>".as_slice()),
        ("picture", b"<html><script>alert(1)</script></html>"),
        ("picture", b"BM\0\0\0\0"),
        ("voice", &png),
        ("video", &png),
    ] {
        assert_eq!(refused(kind, bytes), unsupported(), "{kind}");
    }
    assert_eq!(refused("picture", &png[..png.len() - 1]), (400, "medium-broken".to_owned()));
    assert_eq!(refused("picture", b""), (400, "medium-broken".to_owned()));
    mei.send_bytes("POST", "/v1/media?kind=poem", "image/png", &png, None).refused(400, "invalid-query");
    mei.send_bytes("POST", "/v1/media?kind=file", "image/png", &png, None).refused(400, "invalid-field");

    // As a file anything is taken, and given out as nothing that is run or shown in place.
    let page = mei.medium("file", b"<html><script>alert(1)</script></html>");
    mei.send_medium(&talk, "picture", &page).refused(400, "medium-of-other-kind");
    let seq = number_at(&mei.send_medium(&talk, "file", &page).done(), "seq");
    assert_eq!(last(&lin, &talk)["data"]["content"]["facts"]["name"], "leaf.bin");
    let fetched = server.client().get(&original(&lin, &talk, seq));
    assert_eq!(fetched.header("content-type"), Some("application/octet-stream"));
    assert!(fetched.header("content-disposition").is_some_and(|how| how.starts_with("attachment")));
    assert_eq!(fetched.header("content-security-policy"), Some("default-src 'none'; sandbox"));
    // Also a picture that is sent as a file has lost its place.
    let medium = mei.medium("file", &camera_picture(20, 20));
    let link = text_at(&mei.get(&format!("/v1/media/{medium}")).done()["links"], "original");
    assert!(!contains(&server.client().get(&link).body, b"Hangzhou"));
}

#[test]
fn a_form_with_one_file_is_taken_like_its_bytes() {
    let server = SHARED.server();
    let mei = server.register("mei");
    let png = encoded(12, 10, ImageFormat::Png);
    let part = |name: &str| {
        let head = format!("--cut\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n");
        [head.as_bytes(), &png, b"\r\n"].concat()
    };
    let send = |kind: &str, body: &[u8]| {
        mei.send_bytes("POST", &format!("/v1/media?kind={kind}"), "multipart/form-data; boundary=cut", body, None)
    };
    let made = send("picture", &[part("a.png").as_slice(), b"--cut--\r\n"].concat()).done();
    assert_eq!((&made["facts"]["width"], &made["facts"]["height"]), (&json!(12), &json!(10)));
    let made = send("file", &[part("茶.png").as_slice(), b"--cut--\r\n"].concat()).done();
    assert_eq!(made["facts"]["name"], "茶.png");
    // Whatever else is in the form is passed over, before the file and behind it; of a path the name's last part stays.
    let field = |length: usize| {
        let head = b"--cut\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\n".to_vec();
        [head, vec![b'x'; length], b"\r\n".to_vec()].concat()
    };
    let made = send("file", &[field(9), part("../../etc/a.png"), field(9), b"--cut--\r\n".to_vec()].concat()).done();
    assert_eq!((&made["facts"]["name"], &made["facts"]["width"]), (&json!("a.png"), &json!(12)));
    for without in [field(9), [field(70_000), part("a")].concat()] {
        send("file", &[without, b"--cut--\r\n".to_vec()].concat()).refused(400, "invalid-body");
    }
    send("file", &[part("etc/").as_slice(), b"--cut--\r\n"].concat()).refused(400, "invalid-field");
    send("file", &[part("a"), part("b"), b"--cut--\r\n".to_vec()].concat()).refused(400, "invalid-body");
    send("file", b"--cut--\r\n").refused(400, "invalid-body");
    send("file", &part("a")[..60]).refused(400, "invalid-body");
}

#[test]
fn too_much_is_refused_by_kind_by_person_and_by_length() {
    let server = Setup::new()
        .with("TEAHOUSE_POLICY__MEDIA__FILE_BYTES", "200000")
        .with("TEAHOUSE_POLICY__MEDIA__PICTURE_PIXELS", "10000")
        .with("TEAHOUSE_POLICY__MEDIA__QUOTA_BYTES", "500000")
        .start();
    let [mei, lin] = server.people(["mei", "lin"]);
    let file = |length: usize| vec![b'x'; length];
    let too_large = mei.bring("file", &file(200_001));
    assert_eq!((too_large.status, code(&too_large).as_str()), (413, "medium-too-large"));
    mei.bring("picture", &encoded(101, 100, ImageFormat::Png)).refused(413, "medium-too-large");
    mei.bring("picture", &encoded(100, 100, ImageFormat::Png)).done();
    mei.bring("file", &file(200_000)).done();
    mei.bring("file", &file(200_000)).done();
    mei.bring("file", &file(100_000)).refused(409, "quota-reached");
    lin.bring("file", &file(100_000)).done();
}

#[test]
fn one_person_does_not_take_the_places_of_all_who_bring_something() {
    use std::io::Write;
    let server = Setup::new().with("TEAHOUSE_API__RATES__UPLOADS", "0").start();
    let [mei, lin] = server.people(["mei", "lin"]);
    let head = format!(
        "POST /v1/media?kind=file&name=slow HTTP/1.1\r\nHost: tea\r\nAuthorization: Bearer {}\r\n\
         Content-Length: 3000000\r\n\r\nsome",
        mei.token().unwrap()
    );
    // One that comes while she asks may find the last place taken by what she asks with.
    let mut slow = vec![];
    until("her places are taken", || {
        let mut stream = std::net::TcpStream::connect(mei.address()).unwrap();
        stream.write_all(head.as_bytes()).unwrap();
        slow.push(stream);
        (mei.bring("file", b"tea").status == 429).then_some(())
    });
    assert!(slow.len() >= 16, "{} places", slow.len());
    lin.bring("file", b"tea").done();
    drop(slow);
    until("her places are free again", || (mei.bring("file", b"tea").status == 201).then_some(()));
}

#[test]
fn an_upload_sent_again_with_its_key_is_one_medium_also_after_kill_9() {
    let server = Server::start();
    let mei = server.register("mei");
    let png = |side| encoded(side, side, ImageFormat::Png);
    let bring = |bytes: &[u8]| mei.send_bytes("POST", "/v1/media?kind=picture", "image/png", bytes, Some("a key"));
    let first = bring(&png(5));
    let medium = text_at(&first.done(), "medium");
    assert_eq!(bring(&png(5)).text(), first.text());
    bring(&png(6)).refused(422, "key-reused");
    server.kill();
    server.start_again();
    assert_eq!(bring(&png(5)).text(), first.text());
    let link = text_at(&mei.get(&format!("/v1/media/{medium}")).done()["links"], "original");
    assert_eq!(server.client().get(&link).body, png(5));
    assert_eq!(server.events(&["--type", "media.uploaded"]).len(), 1);
}

#[test]
fn a_file_can_be_recalled_for_three_hours_is_found_by_its_name_and_counted_in_the_year() {
    let server = Server::start();
    let [mei, lin] = server.people(["mei", "lin"]);
    let talk = befriend(&mei, &lin);
    let named =
        mei.send_bytes("POST", "/v1/media?kind=file&name=harvest%20plan.pdf", "application/pdf", b"%PDF-1.7\n", None);
    let (file, picture) = (text_at(&named.done(), "medium"), mei.medium("picture", &encoded(4, 4, ImageFormat::Png)));
    let send = |kind: &str, medium: &str| number_at(&mei.send_medium(&talk, kind, medium).done(), "seq");
    let seqs = [send("file", &file), send("file", &file), send("picture", &picture)];
    assert_eq!(lin.all("/v1/search/messages?q=harvest").len(), 2);
    let recall = |seq: u64| mei.post(&format!("/v1/conversations/{talk}/messages/{seq}/recall"), json!({}));
    server.advance(Duration::from_secs(3 * 3600 - 60));
    recall(seqs[2]).refused(409, "recall-window-over");
    recall(seqs[0]).done();
    server.advance(Duration::from_secs(120));
    recall(seqs[1]).refused(409, "recall-window-over");
    assert_eq!(lin.all("/v1/search/messages?q=harvest").len(), 1);
    let year = &text_at(&last(&mei, &talk), "at")[..4];
    let report = mei.get(&format!("/v1/me/report?year={year}")).done();
    let kinds = list_at(&report, "by_kind");
    assert!(kinds.contains(&json!({ "kind": "file", "messages": 2 })), "{report}");
    assert!(kinds.contains(&json!({ "kind": "picture", "messages": 1 })), "{report}");
}

#[test]
fn a_link_in_a_post_has_a_picture_of_the_authors_own() {
    let server = SHARED.server();
    let [mei, lin, stranger] = server.people(["mei", "lin", "stranger"]);
    let _ = befriend(&mei, &lin);
    let medium = mei.medium("picture", &encoded(30, 20, ImageFormat::Png));
    let publish = |by: &Person, medium: &str| {
        let link = json!({ "url": "https://tea.example/", "title": "Tea", "picture": { "medium": medium } });
        by.post("/v1/moments/posts", json!({ "link": link, "audience": { "kind": "share", "people": [lin.id] } }))
    };
    let of_lin = json!({ "url": "https://tea.example/", "title": "Tea", "picture": { "medium": medium } });
    lin.post("/v1/moments/posts", json!({ "link": of_lin })).refused(404, "medium-not-found");
    publish(&mei, &mei.medium("file", b"tea")).refused(400, "medium-of-other-kind");
    let post = text_at(&publish(&mei, &medium).done(), "post");
    let seen = lin.get(&format!("/v1/moments/posts/{post}")).done();
    assert_eq!(seen["link"]["picture"]["facts"]["width"], 30, "{seen}");
    let links = |by: &Person| list_at(&by.get(&format!("/v1/moments/media?posts={post}")).done(), "media");
    assert_eq!((links(&lin).len(), links(&stranger).len()), (1, 0));
    assert_eq!(server.client().get(&text_at(&links(&lin)[0], "thumbnail")).status, 200);
}

#[test]
fn a_post_shows_pictures_to_whom_it_is_shown_and_to_nobody_else() {
    let server = SHARED.server();
    let [mei, lin, arjun, stranger] = server.people(["mei", "lin", "arjun", "stranger"]);
    let _ = (befriend(&mei, &lin), befriend(&mei, &arjun));
    let picture = || json!({ "medium": mei.medium("picture", &encoded(30, 20, ImageFormat::Png)) });
    let publish = |by: &Person, body: Value| by.post("/v1/moments/posts", body);
    let for_lin = json!({ "kind": "share", "people": [lin.id] });
    let shown = json!({ "text": "Harvest", "pictures": [picture(), picture()], "audience": for_lin });
    let post = text_at(&publish(&mei, shown.clone()).done(), "post");
    publish(&lin, shown).refused(404, "medium-not-found");
    publish(&mei, json!({ "video": picture() })).refused(400, "medium-of-other-kind");
    let too_many: Vec<Value> = (0..10).map(|_| picture()).collect();
    publish(&mei, json!({ "pictures": too_many })).refused(400, "too-long");

    let seen = lin.get(&format!("/v1/moments/posts/{post}")).done();
    assert_eq!((&seen["pictures"][1]["facts"]["width"], seen["text"].as_str()), (&json!(30), Some("Harvest")));
    assert!(seen["pictures"][0]["facts"]["blur_hash"].is_string(), "{seen}");
    let links = |by: &Person| list_at(&by.get(&format!("/v1/moments/media?posts={post}")).done(), "media");
    assert_eq!((links(&mei).len(), links(&arjun).len(), links(&stranger).len()), (2, 0, 0));
    let link = text_at(&links(&lin)[1], "thumbnail");
    let anybody = server.client();
    assert_eq!(anybody.get(&link).status, 200);
    // Who is no friend any more sees it no longer, whatever links they have; a friend again does.
    mei.delete(&format!("/v1/contacts/{}", lin.id)).done();
    anybody.get(&link).refused(404, "medium-not-found");
    mei.ask(&lin).done();
    lin.accept(&mei);
    assert_eq!(anybody.get(&link).status, 200);
    mei.unpublish(&post).done();
    anybody.get(&link).refused(404, "medium-not-found");
}

#[test]
fn what_nothing_names_is_discarded_after_a_day_and_what_is_named_stays() {
    let server = Server::start();
    let [mei, lin] = server.people(["mei", "lin"]);
    let talk = befriend(&mei, &lin);
    let png = |side| encoded(side, side, ImageFormat::Png);
    let (sent, posted, forgotten) =
        (mei.medium("picture", &png(3)), mei.medium("picture", &png(4)), mei.medium("picture", &png(5)));
    // The same bytes as what is forgotten, but named.
    let same = mei.medium("picture", &png(3));
    mei.send_medium(&talk, "picture", &sent).done();
    mei.post("/v1/moments/posts", json!({ "pictures": [{ "medium": posted }] })).done();
    // What a crash has left of an upload: bytes that no event tells of.
    let stray = server.data().join("media/blobs/00");
    std::fs::create_dir_all(&stray).unwrap();
    std::fs::write(stray.join(format!("{:064}", 0)), "stray").unwrap();
    assert_eq!(blobs(&server).len(), 4);
    // Named late, it is kept; that takes an event of its own.
    server.advance(Duration::from_secs(20 * 3600));
    let late = mei.medium("picture", &png(6));
    server.advance(Duration::from_secs(20 * 3600));
    mei.send_medium(&talk, "picture", &late).done();
    assert_eq!(server.events(&["--type", "media.kept"]).len(), 1);
    until("two are discarded", || (server.events(&["--type", "media.discarded"]).len() == 2).then_some(()));
    for gone in [&same, &forgotten] {
        mei.get(&format!("/v1/media/{gone}")).refused(404, "medium-not-found");
        mei.send_medium(&talk, "picture", gone).refused(404, "medium-not-found");
    }
    for kept in [&sent, &posted, &late] {
        let link = text_at(&mei.get(&format!("/v1/media/{kept}")).done()["links"], "original");
        assert_eq!(server.client().get(&link).status, 200);
    }
    // The store is looked through part by part.
    until("only what is needed is left", || {
        server.advance(Duration::from_secs(1));
        (blobs(&server).len() <= 3).then_some(())
    });
    // What was discarded can be brought again.
    let _ = mei.medium("picture", &png(5));
}

#[test]
fn an_audit_names_the_media_whose_bytes_are_missing_or_altered() {
    let server = Server::start();
    let mei = server.register("mei");
    let [sound, missing, altered] = ["one", "two", "three"].map(|bytes| mei.medium("file", bytes.as_bytes()));
    assert_eq!(server.stop(), Some(0));
    let data = server.data().display().to_string();
    let verify = || binary::run(&["audit", "verify", "--media", "--data", &data]);
    assert!(verify().ended_with(0).out.contains("the bytes of 3 media were read"));
    for blob in blobs(&server) {
        match std::fs::read(&blob).unwrap().as_slice() {
            b"two" => std::fs::remove_file(&blob).unwrap(),
            b"three" => std::fs::write(&blob, b"Three").unwrap(),
            _ => {}
        }
    }
    let found = verify().ended_with(1);
    let said = format!("{}{}", found.out, found.err);
    let breaches: Vec<&str> = said.lines().filter(|line| line.starts_with("breach:")).collect();
    assert_eq!(breaches.len(), 2, "{said}");
    assert!(breaches.iter().any(|line| line.contains(&missing) && line.contains("must be there")), "{said}");
    assert!(breaches.iter().any(|line| line.contains(&altered) && line.contains("what was brought")), "{said}");
    assert!(!breaches.iter().any(|line| line.contains(&sound)), "{said}");
}

/// The most memory that a server has had resident, in KiB.
fn peak_kib(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.process_id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn hostile_media_get_a_clear_refusal_and_take_no_memory() {
    let server = Setup::new().with("TEAHOUSE_MEDIA__PICTURE_MEMORY_BYTES", "67108864").start();
    let [mei, lin] = server.people(["mei", "lin"]);
    let talk = befriend(&mei, &lin);
    let before = peak_kib(&server);
    let mut huge_png = encoded(16, 16, ImageFormat::Png);
    huge_png[16..24].copy_from_slice(&[0, 0, 0x7F, 0xFF, 0, 0, 0x7F, 0xFF]);
    let mut huge_jpeg = encoded(16, 16, ImageFormat::Jpeg);
    let frame = huge_jpeg.windows(2).position(|two| two == [0xFF, 0xC0]).unwrap();
    huge_jpeg[frame + 5..frame + 9].copy_from_slice(&[0xFF, 0xFF, 0xFF, 0xFF]);
    let frames = [0x2C, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 2, 0x44, 1, 0].repeat(100_000);
    let many_frames = [b"GIF89a\x88\x13\x88\x13\0\0\0".as_slice(), &frames, b"\x3B"].concat();
    let boxes = [b"\0\0\0\x0Cftypisom".as_slice(), &b"\0\0\0\x08free".repeat(200_000)].concat();
    let lying_box = [b"\0\0\0\x0Cftypisom".as_slice(), b"\0\0\0\x01moov\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"].concat();
    let corpus: [(&str, &[u8]); 11] = [
        ("picture", &huge_png),
        ("picture", &huge_jpeg),
        ("picture", &many_frames),
        ("picture", b"\xFF\xD8\xFF\xE0"),
        ("picture", b"RIFF\xFF\xFF\xFF\xFFWEBPVP8X"),
        ("picture", b"<svg/>"),
        ("voice", b"OggS"),
        ("voice", b"#!AMR\n\x48"),
        ("video", &boxes),
        ("video", &lying_box),
        ("video", b"\x1A\x45\xDF\xA3\xFF\xFF\xFF"),
    ];
    for (kind, bytes) in corpus {
        let reply = mei.bring(kind, bytes);
        assert!([400, 413].contains(&reply.status), "{kind}, {} bytes: {}", bytes.len(), reply.text());
        assert!(code(&reply).starts_with("medium-"), "{}", reply.text());
    }
    // Whatever a file begins like, it may be anything.
    let whole = mei.medium("file", b"\x89PNG\r\n\x1A\n\xFF\xFF\xFF\xFFIHDR");
    assert_eq!(mei.get(&format!("/v1/media/{whole}")).done()["facts"]["content_type"], "application/octet-stream");
    // Within the limits, but more than the memory for pictures: 49 million pixels, squeezed into few bytes.
    let bomb = image::GrayImage::new(7_000, 7_000);
    let mut bytes = vec![];
    bomb.write_to(&mut std::io::Cursor::new(&mut bytes), ImageFormat::Png).unwrap();
    mei.bring("picture", &bytes).refused(413, "medium-too-large");
    // Whole in its parts, with pixels that are none.
    let mut senseless = encoded(64, 64, ImageFormat::Png);
    let pixels = senseless.windows(4).position(|four| four == b"IDAT").unwrap();
    let length = u32::from_be_bytes(senseless[pixels - 4..pixels].try_into().unwrap()) as usize;
    senseless[pixels + 4..pixels + 4 + length].fill(0xAA);
    let checksum = crc32fast::hash(&senseless[pixels..pixels + 4 + length]).to_be_bytes();
    senseless[pixels + 4 + length..pixels + 8 + length].copy_from_slice(&checksum);
    let medium = mei.medium("picture", &senseless);
    mei.send_medium(&talk, "picture", &medium).refused(400, "medium-broken");
    assert!(mei.texts(&talk).is_empty() && lin.history(&talk).iter().all(|entry| entry["type"] != "message.sent"));
    // A large file passes through a small part of the memory that it would fill.
    let large = vec![7_u8; 90 * 1024 * 1024];
    mei.bring("file", &large).done();
    let grown = (peak_kib(&server) - before) / 1024;
    assert!(grown < 200, "{grown} MiB more than before");
}

#[test]
fn a_server_killed_while_something_is_brought_shows_nothing_of_it() {
    use std::io::Write;
    let server = Server::start();
    let [mei, lin] = server.people(["mei", "lin"]);
    let talk = befriend(&mei, &lin);
    for sent in [10, 700_000, 2_500_000] {
        let mut stream = std::net::TcpStream::connect(mei.address()).unwrap();
        let token = mei.token().unwrap();
        let head = format!(
            "POST /v1/media?kind=file&name=half HTTP/1.1\r\nHost: tea\r\nAuthorization: Bearer {token}\r\n\
             Content-Length: 3000000\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(&vec![1; sent]).unwrap();
        server.kill();
        server.start_again();
    }
    assert_eq!(server.events(&["--type", "media.uploaded"]), [] as [Value; 0]);
    assert_eq!(std::fs::read_dir(server.data().join("media/incoming")).unwrap().count(), 0);
    // Between the medium and the message: what was brought is there, and can be named now.
    let medium = mei.medium("picture", &encoded(6, 6, ImageFormat::Png));
    server.kill();
    server.start_again();
    let seq = number_at(&mei.send_medium(&talk, "picture", &medium).done(), "seq");
    server.kill();
    server.start_again();
    assert_eq!(server.client().get(&original(&lin, &talk, seq)).status, 200);
}
