//! Media brought in parts: by a client of tus that others wrote, by hand, and by some who do it wrong; across `kill -9`.

use std::{
    io::{Read, Write},
    net::TcpStream,
    process::Command,
    time::Duration,
};

use base64::{Engine, prelude::BASE64_STANDARD as BASE64};
use serde_json::{Value, json};
use sha2::Digest;
use teahouse_tests::{
    Client, Person, Reply, Server, Setup, Shared, binary,
    people::{list_at, text_at},
    until,
};
use tempfile::TempDir;

static SHARED: Shared = Shared::new();

/// Of these bytes nobody knows a format; each stands at a place of its own in what is brought.
fn some(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|at| (at / 7 + at / 911) as u8).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// As tus writes it.
fn metadata(pairs: &[(&str, &str)]) -> String {
    pairs.iter().map(|(name, value)| format!("{name} {}", BASE64.encode(value))).collect::<Vec<_>>().join(",")
}

fn begin_with(who: &Client, bytes: usize, metadata: &str) -> Reply {
    let length = bytes.to_string();
    who.send_with("POST", "/v1/uploads", &[("upload-length", &length), ("upload-metadata", metadata)], b"")
}

/// Begins to bring a file, and gives where its parts go.
fn begin(who: &Client, bytes: usize) -> String {
    let begun = begin_with(who, bytes, &metadata(&[("kind", "file"), ("name", "plan.bin")]));
    assert_eq!((begun.status, begun.header("tus-resumable")), (201, Some("1.0.0")), "{}", begun.text());
    begun.header("location").unwrap().to_owned()
}

fn part(who: &Client, upload: &str, offset: u64, further: &[(&str, &str)], bytes: &[u8]) -> Reply {
    let offset = offset.to_string();
    let headers =
        [&[("content-type", "application/offset+octet-stream"), ("upload-offset", &*offset)], further].concat();
    who.send_with("PATCH", upload, &headers, bytes)
}

fn offset(who: &Client, upload: &str) -> u64 {
    let found = who.send_with("HEAD", upload, &[], b"");
    assert_eq!((found.status, found.header("cache-control")), (200, Some("no-store")));
    found.header("upload-offset").unwrap().parse().unwrap()
}

#[track_caller]
fn is(reply: &Reply, status: u16) {
    assert_eq!(reply.status, status, "{}", reply.text());
}

fn finish(who: &Person, upload: &str) -> Reply {
    who.post(&format!("{upload}/finish"), json!({}))
}

/// Whether a part of an upload is on its way. What asks is refused in any case: nothing begins there.
fn busy(who: &Client, upload: &str) -> bool {
    part(who, upload, 7, &[], b"").problem(409)["code"] == "upload-busy"
}

/// The bytes of a medium, fetched by its owner.
fn fetched(who: &Person, medium: &str) -> Vec<u8> {
    let link = text_at(&who.get(&format!("/v1/media/{medium}")).done()["links"], "original");
    who.anonymous().get(&link).body
}

/// The files of what is brought in parts.
fn parts(server: &Server) -> usize {
    std::fs::read_dir(server.data().join("media/parts")).unwrap().count()
}

/// Begins a part by hand, and sends only some of it.
fn half_a_part(who: &Person, upload: &str, offset: usize, announced: usize, further: &str, sent: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(who.address()).unwrap();
    let token = who.token().unwrap();
    let head = format!(
        "PATCH {upload} HTTP/1.1\r\nHost: tea\r\nAuthorization: Bearer {token}\r\nTus-Resumable: 1.0.0\r\n\
         Content-Type: application/offset+octet-stream\r\nUpload-Offset: {offset}\r\n{further}\
         Content-Length: {announced}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(sent).unwrap();
    stream
}

/// Has tuspy bring a file up to some place, and gives how far it came.
fn tuspy(
    server: &Server,
    who: &Person,
    file: &std::path::Path,
    metadata: &Value,
    stop: usize,
    url: &str,
) -> (String, u64) {
    let python = binary::workspace().join("target/test-tools/bin/python");
    let ended = Command::new(&python)
        .arg(binary::workspace().join("tests/peers/tus_client.py"))
        .args([&server.url(), who.token().unwrap()])
        .arg(file)
        .args([&metadata.to_string(), "400000", &stop.to_string(), url])
        .output();
    let ended = ended.unwrap_or_else(|error| panic!("{} can't be started, run tests/run: {error}", python.display()));
    let said = String::from_utf8_lossy(&ended.stdout).into_owned();
    assert!(ended.status.success(), "{said} {}", String::from_utf8_lossy(&ended.stderr));
    let (url, offset) = said.trim().rsplit_once(' ').unwrap();
    (url.replace(&server.url(), ""), offset.parse().unwrap())
}

#[test]
fn what_a_tus_client_of_others_brings_goes_on_after_kill_9_and_becomes_a_medium() {
    let server = Server::start();
    let mei = server.register("mei");
    let (home, bytes) = (TempDir::new().unwrap(), some(3_000_000));
    let file = home.path().join("harvest.bin");
    std::fs::write(&file, &bytes).unwrap();
    let sha256 = hex(&sha2::Sha256::digest(&bytes));
    let metadata = json!({ "kind": "file", "filename": "harvest.bin", "sha256": sha256 });
    let (upload, came) = tuspy(&server, &mei, &file, &metadata, 1_200_000, "");
    assert_eq!(came, 1_200_000);
    finish(&mei, &upload).refused(409, "upload-incomplete");
    server.kill();
    server.start_again();
    assert_eq!(offset(&mei, &upload), 1_200_000);
    let shown = list_at(&mei.get("/v1/uploads").done(), "uploads");
    assert_eq!((shown.len(), &shown[0]["offset"], &shown[0]["name"]), (1, &json!(1_200_000), &json!("harvest.bin")));
    let gone_on = tuspy(&server, &mei, &file, &metadata, 0, &format!("{}{upload}", server.url()));
    assert_eq!(gone_on, (upload.clone(), 3_000_000));
    assert_eq!(server.events(&["--type", "media.uploaded"]), [] as [Value; 0]);
    let made = finish(&mei, &upload);
    assert_eq!((made.status, &made.done()["facts"]["name"]), (201, &json!("harvest.bin")));
    let medium = text_at(&made.done(), "medium");
    assert_eq!(upload, format!("/v1/uploads/{medium}"));
    assert!(fetched(&mei, &medium) == bytes);
    // Finished again it is what it is; nothing is left of the parts.
    let again = finish(&mei, &upload);
    assert_eq!((again.status, &again.done()["at"]), (201, &made.done()["at"]));
    assert_eq!(server.events(&["--type", "media.uploaded"]).len(), 1);
    assert_eq!(parts(&server), 0);
    is(&mei.send_with("HEAD", &upload, &[], b""), 404);
}

#[test]
fn what_has_come_of_a_part_is_there_after_kill_9_and_all_of_it_is_what_was_sent() {
    let server = Server::start();
    let mei = server.register("mei");
    let bytes = some(9_500_000);
    let upload = begin(&mei, bytes.len());
    let stream = half_a_part(&mei, &upload, 0, bytes.len(), "", &bytes[..6_000_000]);
    let counted = until("some of the part counts", || Some(offset(&mei, &upload)).filter(|offset| *offset > 4_000_000));
    server.kill();
    drop(stream);
    server.start_again();
    let there = offset(&mei, &upload);
    assert!(there >= counted && there <= 6_000_000, "{there}");
    let rest = part(&mei, &upload, there, &[], &bytes[usize::try_from(there).unwrap()..]);
    assert_eq!((rest.status, rest.header("upload-offset")), (204, Some("9500000")), "{}", rest.text());
    let medium = text_at(&finish(&mei, &upload).done(), "medium");
    assert!(fetched(&mei, &medium) == bytes);
}

#[test]
fn a_part_that_breaks_off_is_kept_as_far_as_it_came_unless_it_has_a_checksum() {
    let server = SHARED.server();
    let mei = server.register("mei");
    let (upload, bytes) = (begin(&mei, 1_000), some(1_000));
    drop(half_a_part(&mei, &upload, 0, 1_000, "", &bytes[..400]));
    until("what came counts", || (offset(&mei, &upload) == 400).then_some(()));
    // While a part comes no other does.
    let mut stream = half_a_part(&mei, &upload, 400, 600, "Upload-Checksum: sha1 AAEC\r\n", &bytes[400..800]);
    until("it comes", || busy(&mei, &upload).then_some(()));
    part(&mei, &upload, 400, &[], &bytes[400..]).refused(409, "upload-busy");
    stream.write_all(&bytes[800..]).unwrap();
    let mut answer = [0; 16];
    stream.read_exact(&mut answer).unwrap();
    assert!(String::from_utf8_lossy(&answer).contains(" 460 "), "{}", String::from_utf8_lossy(&answer));
    assert_eq!(offset(&mei, &upload), 400);
    let stream = half_a_part(&mei, &upload, 400, 600, "Upload-Checksum: sha1 AAEC\r\n", &bytes[400..800]);
    until("it comes", || busy(&mei, &upload).then_some(()));
    drop(stream);
    until("it is given up", || (!busy(&mei, &upload)).then_some(()));
    assert_eq!(offset(&mei, &upload), 400);
    let checksum = format!("sha1 {}", BASE64.encode(sha1::Sha1::digest(&bytes[400..])));
    assert_eq!(part(&mei, &upload, 400, &[("upload-checksum", &checksum)], &bytes[400..]).status, 204);
    let medium = text_at(&finish(&mei, &upload).done(), "medium");
    assert!(fetched(&mei, &medium) == bytes);
}

#[test]
fn what_is_brought_in_parts_is_its_owner_s_and_wrong_parts_are_refused() {
    let server = SHARED.server();
    let [mei, lin] = server.people(["mei", "lin"]);
    let (upload, bytes) = (begin(&mei, 100), some(100));
    is(&part(&mei, &upload, 0, &[], &bytes[..40]), 204);
    for refused in [
        part(&lin, &upload, 40, &[], &bytes[40..]),
        lin.get(&upload),
        lin.delete(&upload),
        finish(&lin, &upload),
        mei.get("/v1/uploads/01930000-0000-7000-8000-000000000000"),
    ] {
        refused.refused(404, "upload-not-found");
    }
    is(&lin.send_with("HEAD", &upload, &[], b""), 404);
    assert_eq!(lin.get("/v1/uploads").done()["uploads"], json!([]));
    part(&mei, &upload, 0, &[], &bytes[..40]).refused(409, "offset-mismatch");
    part(&mei, &upload, 41, &[], &bytes[..40]).refused(409, "offset-mismatch");
    part(&mei, &upload, 40, &[("tus-resumable", "0.2.2")], &bytes[40..]).refused(412, "tus-version");
    part(&mei, &upload, 40, &[("upload-checksum", "md5 AAEC")], &bytes[40..]).refused(400, "invalid-upload");
    mei.send_with("PATCH", &upload, &[("content-type", "text/plain"), ("upload-offset", "40")], b"x")
        .refused(415, "wrong-content-type");
    let headers = [("content-type", "application/offset+octet-stream; charset=utf-8"), ("upload-offset", "40")];
    is(&mei.send_with("PATCH", &upload, &headers, b""), 204);
    mei.send_with("PATCH", &upload, &[("content-type", "application/offset+octet-stream")], b"x")
        .refused(400, "invalid-upload");
    assert_eq!(offset(&mei, &upload), 40);
    finish(&mei, &upload).refused(409, "upload-incomplete");
    part(&mei, &upload, 40, &[], &some(61)).refused(413, "medium-too-large");
    is(&mei.send_with("DELETE", &upload, &[], b""), 204);
    mei.get(&upload).refused(404, "upload-not-found");
    // Behind something that knows no other method than POST.
    let upload = begin(&mei, 4);
    let posted = |method: &str| {
        let headers = [("x-http-method-override", method), ("content-type", "application/offset+octet-stream")];
        mei.send_with("POST", &upload, &[headers.as_slice(), &[("upload-offset", "0")]].concat(), b"some")
    };
    is(&posted("PATCH"), 204);
    assert_eq!(offset(&mei, &upload), 4);
    is(&posted("PUT"), 405);
    is(&posted("DELETE"), 204);
    mei.get(&upload).refused(404, "upload-not-found");
    let concat = [("upload-concat", "partial"), ("upload-length", "4"), ("upload-metadata", "kind ZmlsZQ==,name YQ==")];
    mei.send_with("POST", "/v1/uploads", &concat, b"").refused(400, "invalid-upload");
    let path = begin_with(&mei, 4, &metadata(&[("kind", "file"), ("name", "../../etc/passwd")]));
    assert_eq!(mei.get(path.header("location").unwrap()).done()["name"], "passwd");
    let known = mei.anonymous().send_with("OPTIONS", "/v1/uploads", &[], b"");
    assert_eq!((known.status, known.header("tus-version")), (204, Some("1.0.0")));
}

#[test]
fn what_is_announced_wrongly_or_turns_out_to_be_something_else_is_refused_and_gone() {
    let server = Setup::new()
        .with("TEAHOUSE_POLICY__MEDIA__FILE_BYTES", "5000")
        .with("TEAHOUSE_POLICY__MEDIA__QUOTA_BYTES", "9000")
        .with("TEAHOUSE_POLICY__MEDIA__UPLOADS_MAX", "2")
        .start();
    let mei = server.register("mei");
    let file = metadata(&[("kind", "file"), ("name", "plan.bin")]);
    for wrong in ["", "kind ?", &metadata(&[("kind", "tea")]), &metadata(&[("kind", "voice"), ("waveform", "loud")])] {
        begin_with(&mei, 10, wrong).refused(400, "invalid-upload");
    }
    mei.send_with("POST", "/v1/uploads", &[("upload-metadata", &file)], b"").refused(400, "invalid-upload");
    begin_with(&mei, 10, &metadata(&[("kind", "file")])).problem(400);
    begin_with(&mei, 10, &metadata(&[("kind", "file"), ("name", "a"), ("sha256", "00")])).refused(400, "invalid-field");
    begin_with(&mei, 0, &file).refused(400, "medium-broken");
    begin_with(&mei, 5_001, &file).refused(413, "medium-too-large");
    // What is under way counts, and is bounded in number.
    let first = begin(&mei, 5_000);
    begin_with(&mei, 4_001, &file).refused(409, "quota-reached");
    let second = begin(&mei, 10);
    begin_with(&mei, 10, &file).refused(409, "too-many-uploads");
    is(&mei.send_with("DELETE", &first, &[], b""), 204);
    is(&mei.send_with("DELETE", &second, &[], b""), 204);
    let brought = |metadata: &str, bytes: &[u8]| {
        let begun = begin_with(&mei, bytes.len(), metadata);
        let upload = begun.header("location").unwrap().to_owned();
        is(&part(&mei, &upload, 0, &[], bytes), 204);
        upload
    };
    let other = hex(&sha2::Sha256::digest(b"coffee"));
    let altered = brought(&metadata(&[("kind", "file"), ("name", "a"), ("sha256", &other)]), b"tea");
    finish(&mei, &altered).refused(400, "checksum-mismatch");
    let nothing_known = brought(&metadata(&[("kind", "picture")]), b"no picture");
    finish(&mei, &nothing_known).refused(400, "medium-unsupported");
    for gone in [&altered, &nothing_known] {
        finish(&mei, gone).refused(404, "upload-not-found");
    }
    assert_eq!((server.events(&["--type", "media.uploaded"]).len(), parts(&server)), (0, 0));
}

#[test]
fn what_was_begun_with_a_key_is_begun_once_and_expires_after_a_day() {
    let server = Server::start();
    let mei = server.register("mei");
    let begin_keyed = |key: &str| begin_with_key(&mei, "10", key).header("location").unwrap().to_owned();
    let upload = begin_keyed("one");
    is(&part(&mei, &upload, 0, &[], b"some"), 204);
    assert_eq!((begin_keyed("one"), offset(&mei, &upload)), (upload.clone(), 4));
    assert_ne!(begin_keyed("other"), upload);
    assert_eq!(parts(&server), 4);
    server.advance(Duration::from_secs(24 * 3600 + 1));
    mei.get(&upload).refused(404, "upload-not-found");
    part(&mei, &upload, 4, &[], b"things").refused(404, "upload-not-found");
    until("their files are deleted", || (parts(&server) == 0).then_some(()));
    assert_eq!(mei.get("/v1/uploads").done()["uploads"], json!([]));
    begin_with_key(&mei, "10", "one").refused(404, "upload-not-found");
}

#[test]
fn what_is_being_finished_is_not_ended_and_what_was_ended_is_not_finished() {
    let server = Server::start();
    let mei = server.register("mei");
    for bytes in [1_000_000, 12_000_000, 6_000_000] {
        let upload = begin(&mei, bytes);
        is(&part(&mei, &upload, 0, &[], &some(bytes)), 204);
        let (finished, ended) = std::thread::scope(|scope| {
            let finished = scope.spawn(|| finish(&mei, &upload).status);
            // At some time while it is being finished, or before or after.
            std::thread::yield_now();
            let ended = mei.send_with("DELETE", &upload, &[], b"").status;
            (finished.join().unwrap(), ended)
        });
        assert!([(201, 409), (201, 404), (404, 204), (409, 204)].contains(&(finished, ended)), "{finished} {ended}");
        assert_eq!(mei.get(&upload).status, 404);
    }
}

fn begin_with_key(who: &Client, length: &str, key: &str) -> Reply {
    let file = metadata(&[("kind", "file"), ("name", "plan.bin")]);
    let headers = [("upload-length", length), ("upload-metadata", &file), ("idempotency-key", key)];
    who.send_with("POST", "/v1/uploads", &headers, b"")
}

#[test]
fn a_key_that_began_something_begins_nothing_else_and_nothing_again_after_the_end() {
    let server = Server::start();
    let [mei, lin] = server.people(["mei", "lin"]);
    let begun = |reply: Reply| {
        is(&reply, 201);
        let header = |name: &str| reply.header(name).map(ToOwned::to_owned);
        (header("location").unwrap(), header("upload-offset").unwrap(), header("upload-expires").is_some())
    };
    let first = begun(begin_with_key(&mei, "4", "one"));
    let upload = first.0.clone();
    begin_with_key(&mei, "5", "one").refused(422, "key-reused");
    assert_ne!(begun(begin_with_key(&lin, "5", "one")).0, upload, "her key is her own");
    server.kill();
    server.start_again();
    begin_with_key(&mei, "5", "one").refused(422, "key-reused");
    assert_eq!(begun(begin_with_key(&mei, "4", "one")), first);
    is(&part(&mei, &upload, 0, &[], b"some"), 204);
    let medium = text_at(&finish(&mei, &upload).done(), "medium");
    // It is all there, and no more is taken.
    assert_eq!(begun(begin_with_key(&mei, "4", "one")), (upload.clone(), "4".to_owned(), false));
    assert_eq!((mei.get("/v1/uploads").done()["uploads"].clone(), parts(&server)), (json!([]), 2));
    begin_with_key(&mei, "5", "one").refused(422, "key-reused");
    assert_eq!(text_at(&finish(&mei, &upload).done(), "medium"), medium);
    // What was refused has not used its key up; what was ended stays so.
    begin_with_key(&mei, "0", "two").refused(400, "medium-broken");
    let (other, ..) = begun(begin_with_key(&mei, "4", "two"));
    is(&mei.send_with("DELETE", &other, &[], b""), 204);
    begin_with_key(&mei, "4", "two").refused(404, "upload-not-found");
}
