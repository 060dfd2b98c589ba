//! How much one person may bring: no bytes are taken for which there is no room, and none stay of what is refused.
//! Everything is small: a client that sends all of a large body before it reads may miss that it was refused early.

use std::{io::Write, net::TcpStream};

use base64::{Engine, prelude::BASE64_STANDARD as BASE64};
use serde_json::json;
use teahouse_tests::{
    Person, Reply, Server, Setup,
    media::blobs,
    people::{in_parallel, text_at},
    raw, until,
};

fn server(quota: usize) -> Server {
    Setup::new()
        .with("TEAHOUSE_POLICY__MEDIA__QUOTA_BYTES", &quota.to_string())
        .with("TEAHOUSE_API__RATES__UPLOADS", "0")
        .start()
}

/// Bytes unlike those of another letter.
fn some(letter: u8, bytes: usize) -> Vec<u8> {
    vec![letter; bytes]
}

fn bring_keyed(who: &Person, bytes: &[u8], key: &str) -> Reply {
    who.send_bytes("POST", "/v1/media?kind=file&name=leaf.bin", "application/octet-stream", bytes, Some(key))
}

/// The head of a request that brings a file, and whatever else it has.
fn head(who: &Person, further: &str) -> String {
    let token = who.token().unwrap();
    format!(
        "POST /v1/media?kind=file&name=slow HTTP/1.1\r\nHost: tea\r\nAuthorization: Bearer {token}\r\n{further}\r\n\r\n"
    )
}

/// Begins to bring a file in parts.
fn begin(who: &Person, bytes: usize) -> Reply {
    let metadata = format!("kind {},name {}", BASE64.encode("file"), BASE64.encode("plan.bin"));
    let length = bytes.to_string();
    who.send_with("POST", "/v1/uploads", &[("upload-length", &length), ("upload-metadata", &metadata)], b"")
}

#[test]
fn what_there_is_no_room_for_is_refused_before_it_comes_and_nothing_of_it_stays() {
    let server = server(30_000);
    let [mei, lin] = server.people(["mei", "lin"]);
    let first = bring_keyed(&mei, &some(b'a', 29_990), "one");
    let _ = first.done();
    // Not a byte of these has to be sent.
    for further in [
        "Content-Length: 2000",
        "Content-Type: multipart/form-data; boundary=cut\r\nContent-Length: 2000\r\n\r\n--cut\r\n\
         Content-Disposition: form-data; name=\"file\"",
    ] {
        let (status, _) = raw::head(&mei.address(), head(&mei, further).as_bytes());
        assert_eq!(status, 409, "{further}");
    }
    // Of what does not say how long it is, it is found out as it comes.
    let chunked = format!("{}{:x}\r\n{}\r\n0\r\n\r\n", head(&mei, "Transfer-Encoding: chunked"), 11, "elevenbytes");
    let (status, _) = raw::head(&mei.address(), chunked.as_bytes());
    assert_eq!(status, 409);
    mei.bring("file", &some(b'b', 11)).refused(409, "quota-reached");
    begin(&mei, 11).refused(409, "quota-reached");
    // What was brought before is answered as it was; something else with its key is refused when it is known to be that.
    assert_eq!(bring_keyed(&mei, &some(b'a', 29_990), "one").text(), first.text());
    bring_keyed(&mei, &some(b'c', 29_990), "one").refused(422, "key-reused");
    assert_eq!(blobs(&server).len(), 1);
    mei.bring("file", &some(b'd', 10)).done();
    bring_keyed(&lin, &some(b'a', 29_990), "one").done();
    assert_eq!(blobs(&server).len(), 2);
}

#[test]
fn what_is_on_its_way_counts_however_it_comes() {
    let server = server(30_000);
    let mei = server.register("mei");
    // One that comes while she asks may find that what she asks with has taken the room.
    let mut slow = vec![];
    until("one is on its way", || {
        let mut stream = TcpStream::connect(mei.address()).unwrap();
        stream.write_all(head(&mei, "Content-Length: 20000\r\n\r\nsome").as_bytes()).unwrap();
        slow.push(stream);
        let begun = begin(&mei, 11_000);
        let taken = begun.header("location").map(|upload| mei.delete(upload));
        taken.is_none().then(|| begun.refused(409, "quota-reached"))
    });
    mei.bring("file", &some(b'a', 11_000)).refused(409, "quota-reached");
    let begun = begin(&mei, 9_000);
    assert_eq!(begun.status, 201, "{}", begun.text());
    mei.bring("file", &some(b'b', 2_000)).refused(409, "quota-reached");
    mei.bring("file", &some(b'c', 1_000)).done();
    drop(slow);
    until("it comes no more", || (mei.bring("file", &some(b'd', 19_000)).status == 201).then_some(()));
    // What has begun has its room, and what has ended needs none.
    mei.bring("file", &some(b'e', 2_000)).refused(409, "quota-reached");
    let upload = begun.header("location").unwrap().to_owned();
    let headers = [("content-type", "application/offset+octet-stream"), ("upload-offset", "0")];
    assert_eq!(mei.send_with("PATCH", &upload, &headers, &some(b'f', 9_000)).status, 204);
    mei.post(&format!("{upload}/finish"), json!({})).done();
    mei.bring("file", &some(b'g', 1_000)).done();
    mei.bring("file", &some(b'h', 1)).refused(409, "quota-reached");
    assert_eq!(blobs(&server).len(), 4);
}

#[test]
fn many_uploads_at_a_time_bring_no_more_than_the_quota() {
    let server = server(20_000);
    let mei = server.register("mei");
    let statuses = in_parallel(12, |at| mei.bring("file", &some(b'a' + at as u8, 6_000)).status);
    let taken = statuses.iter().filter(|status| **status == 201).count();
    assert!((1..=3).contains(&taken) && statuses.iter().all(|status| [201, 409].contains(status)), "{statuses:?}");
    assert_eq!(blobs(&server).len(), taken);
    for at in taken..3 {
        mei.bring("file", &some(b'q' + at as u8, 6_000)).done();
    }
    mei.bring("file", &some(b'z', 6_000)).refused(409, "quota-reached");
}

#[test]
fn what_can_t_be_finished_for_want_of_room_is_no_blob_and_can_be_finished_when_there_is_some() {
    let server = server(10_000);
    let mei = server.register("mei");
    let upload = begin(&mei, 6_000).header("location").unwrap().to_owned();
    let headers = [("content-type", "application/offset+octet-stream"), ("upload-offset", "0")];
    assert_eq!(mei.send_with("PATCH", &upload, &headers, &some(b'a', 6_000)).status, 204);
    let again = |quota: &str| {
        server.kill();
        server.set("TEAHOUSE_POLICY__MEDIA__QUOTA_BYTES", quota);
        server.start_again();
    };
    again("5000");
    mei.post(&format!("{upload}/finish"), json!({})).refused(409, "quota-reached");
    assert_eq!(blobs(&server).len(), 0);
    again("6000");
    let medium = text_at(&mei.post(&format!("{upload}/finish"), json!({})).done(), "medium");
    mei.get(&format!("/v1/media/{medium}")).done();
    assert_eq!(blobs(&server).len(), 1);
}
