//! Media in a bucket of a store that speaks S3: the way of what is brought through the server, what is deleted, what an
//! audit finds, a bucket that is away or does not let us in, and a bucket that several servers share.

use std::time::Duration;

use serde_json::json;
use teahouse_tests::{
    BucketHost, Cluster, LogHost, Person, Reply, Setup, befriend, binary,
    bucket::PREFIX,
    media::{encoded, picture},
    people::{number_at, text_at},
    until,
};

/// Of these bytes nobody knows a format; each stands at a place of its own. What is longer than five megabytes goes to the
/// bucket in several parts.
fn some(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|at| (at / 7 + at / 911) as u8).collect()
}

fn fetch(who: &Person, medium: &str, range: &str) -> Reply {
    let link = text_at(&who.get(&format!("/v1/media/{medium}")).done()["links"], "original");
    who.anonymous().get_with(&link, ("range", range))
}

fn is_out_of_reach(reply: &Reply) {
    reply.refused(503, "media-unavailable");
    assert!(reply.header("retry-after").is_some());
}

#[test]
fn what_is_brought_is_in_the_bucket_fetched_from_there_and_deleted_there() {
    let bucket = BucketHost::start();
    let server = bucket.setup().start();
    let mei = server.register("mei");
    let (small, large) = (b"tea".to_vec(), some(12_000_000));
    let media = [mei.medium("file", &small), mei.medium("file", &large)];
    assert!(fetch(&mei, &media[0], "bytes=0-").body == small);
    assert!(fetch(&mei, &media[1], "bytes=0-").body == large);
    let middle = fetch(&mei, &media[1], "bytes=5242870-5242890");
    assert_eq!((middle.status, middle.header("content-range")), (206, Some("bytes 5242870-5242890/12000000")));
    assert!(middle.body == large[5_242_870..=5_242_890]);
    let objects = bucket.objects();
    assert!(objects.len() == 2 && objects.iter().all(|name| name.starts_with(PREFIX)), "{objects:?}");
    assert!(!server.data().join("media/blobs").exists());
    // What is kept is what the log says, however the server ended.
    server.kill();
    server.start_again();
    assert!(fetch(&mei, &media[0], "bytes=0-").body == small);
    server.advance(Duration::from_secs(25 * 3600));
    until("what nothing names is discarded", || {
        (server.events(&["--type", "media.discarded"]).len() == 2).then_some(())
    });
    until("and deleted", || bucket.objects().is_empty().then_some(()));
    assert_eq!(bucket.unfinished(), [] as [String; 0]);
}

#[test]
fn what_is_brought_in_parts_ends_in_the_bucket() {
    let bucket = BucketHost::start();
    let server = bucket.setup().start();
    let mei = server.register("mei");
    let bytes = some(7_000_000);
    let headers = [("upload-length", "7000000"), ("upload-metadata", "kind ZmlsZQ==,name bGVhZi5iaW4=")];
    let begun = mei.send_with("POST", "/v1/uploads", &headers, b"");
    let upload = begun.header("location").expect("where the parts go").to_owned();
    let part = |offset: usize, bytes: &[u8]| {
        let offset = offset.to_string();
        let headers = [("content-type", "application/offset+octet-stream"), ("upload-offset", &*offset)];
        assert_eq!(mei.send_with("PATCH", &upload, &headers, bytes).status, 204);
    };
    part(0, &bytes[..3_000_000]);
    assert_eq!(bucket.objects(), [] as [String; 0]);
    // While the bucket is away parts are taken all the same; to finish, it has to be there.
    bucket.kill();
    part(3_000_000, &bytes[3_000_000..]);
    is_out_of_reach(&mei.post(&format!("{upload}/finish"), json!({})));
    bucket.start_again();
    let medium = text_at(&mei.post(&format!("{upload}/finish"), json!({})).done(), "medium");
    assert_eq!(bucket.objects().len(), 1);
    assert!(fetch(&mei, &medium, "bytes=0-").body == bytes);
}

#[test]
fn an_audit_reads_the_bucket() {
    let bucket = BucketHost::start();
    let server = bucket.setup().start();
    let mei = server.register("mei");
    let avatar = mei.medium("picture", &encoded(30, 20, image::ImageFormat::Png));
    mei.put("/v1/me/avatar", json!({ "medium": avatar })).done();
    let film = mei.medium("file", &some(6_000_000));
    assert_eq!(server.stop(), Some(0));
    let verify = |more: &[(&str, &str)]| {
        let mut command = binary::command();
        command.args(["audit", "verify", "--media", "--data"]).arg(server.data());
        let ended = command.envs(bucket.variables()).envs(more.iter().copied()).output().unwrap();
        let said = [ended.stdout, ended.stderr].map(|said| String::from_utf8_lossy(&said).into_owned()).concat();
        assert!(!said.contains(&bucket.key.secret), "{said}");
        (ended.status.code(), said)
    };
    let (code, said) = verify(&[]);
    assert!(code == Some(0) && said.contains("the bytes of 2 media were read"), "{said}");
    // Where nothing can be looked at, nothing is missing.
    let (code, said) = verify(&[("TEAHOUSE_MEDIA__S3__BUCKET", "coffee")]);
    assert!(code == Some(2) && said.contains("NoSuchBucket"), "{said}");
    let objects = bucket.objects();
    bucket.put(&objects[0], b"something else");
    bucket.delete(&objects[1]);
    let (code, said) = verify(&[]);
    assert!(code == Some(1) && said.contains("must be there") && said.contains("must be what was brought"), "{said}");
    assert!(said.contains(&format!("media-{avatar}")) && said.contains(&format!("media-{film}")), "{said}");
}

#[test]
fn while_the_bucket_is_away_media_wait_all_else_goes_on_and_the_server_starts_and_recovers_by_itself() {
    let bucket = BucketHost::start();
    let setup = bucket.setup().with("TEAHOUSE_MEDIA__S3__TIMEOUT_MS", "3000");
    bucket.kill();
    let server = setup.start();
    let [mei, tom] = server.people(["mei", "tom"]);
    let room = befriend(&mei, &tom);
    is_out_of_reach(&mei.bring("file", b"leaf"));
    assert_eq!(server.events(&["--type", "media.uploaded"]).len(), 0);
    assert_eq!(server.client().get("/readyz").status, 200);
    mei.say(&room, "there will be tea");
    bucket.start_again();
    let (leaf, film) = (mei.medium("file", b"leaf"), mei.medium("file", &some(6_000_000)));
    // It takes connections, and answers nothing.
    bucket.stand_still();
    is_out_of_reach(&fetch(&mei, &leaf, "bytes=0-"));
    is_out_of_reach(&mei.bring("file", &some(6_000_000)));
    bucket.go_on();
    assert!(fetch(&mei, &leaf, "bytes=0-").body == b"leaf");
    assert!(fetch(&mei, &film, "bytes=0-").body == some(6_000_000));
}

#[test]
fn who_has_the_key_is_let_in_and_a_wrong_key_is_told_but_not_shown() {
    let bucket = BucketHost::start_that_looks_at_keys();
    let server = bucket.setup().start();
    let mei = server.register("mei");
    let film = mei.medium("file", &some(6_000_000));
    assert!(fetch(&mei, &film, "bytes=0-").body == some(6_000_000));
    assert_eq!(server.stop(), Some(0));
    let wrong = "what-nobody-may-read-anywhere";
    let setup = bucket.setup().with("TEAHOUSE_MEDIA__S3__SECRET_ACCESS_KEY", wrong);
    let server = setup.with("TEAHOUSE_LOG__FILTER", "debug").start();
    let mei = server.register("mei");
    let refused = mei.bring("file", &some(6_000_000));
    is_out_of_reach(&refused);
    until("the log says why", || server.log().contains("SignatureDoesNotMatch").then_some(()));
    let metrics = server.client().get("/metrics").text();
    for said in [server.log(), refused.text(), metrics] {
        assert!(
            !said.contains(wrong) && !said.contains(&bucket.key.secret) && !said.contains(&bucket.key.id),
            "{said}"
        );
    }
}

#[test]
fn settings_that_name_no_bucket_are_told_before_anything_is_served() {
    let home = tempfile::tempdir().unwrap();
    let good = [("BUCKET", "tea"), ("ACCESS_KEY_ID", "mei"), ("SECRET_ACCESS_KEY", "sesame")];
    let serve = |name: &str, value: &str| {
        let mut command = binary::command();
        command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(home.path().join("data"));
        for (name, value) in good.into_iter().chain([(name, value)]) {
            command.env(format!("TEAHOUSE_MEDIA__S3__{name}"), value);
        }
        let ended = command.output().unwrap();
        let told = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert!(ended.status.code() == Some(2) && !told.contains("sesame"), "{told}");
        told
    };
    assert!(serve("ENDPOINT", "http://127.0.0.1:9").contains("media.s3.allow_http"));
    assert!(serve("BUCKET", "").contains("media.s3.bucket"));
    assert!(serve("SECRET_ACCESS_KEY", "").contains("media.s3.secret_access_key"));
    assert!(serve("ENDPOINT", "https://mei:sesame@127.0.0.1").contains("media.s3.endpoint"));
    assert!(serve("TIMEOUT_MS", "0").contains("media.s3.timeout_ms"));
    assert!(!home.path().join("data").exists());
}

#[test]
fn servers_of_a_cluster_share_media_by_a_bucket() {
    let (bucket, log) = (BucketHost::start(), LogHost::start());
    let setup = bucket.setup().with("TEAHOUSE_CLUSTER__NODES", "2");
    let setup: Setup = Cluster::setup(setup, &log);
    let [one, two] = [setup.start(), setup.start()];
    let [mei, tom] = one.people(["mei", "tom"]);
    let room = befriend(&mei, &tom);
    let shown = encoded(640, 400, image::ImageFormat::Png);
    let medium = mei.medium("picture", &shown);
    let sent = mei.send_medium(&room, "picture", &medium).done();
    let forgotten = mei.medium("file", b"forgotten");
    // Through the other server: the picture, and what is made of it there.
    let seen = tom.at(&two, number_at(&sent, "position"));
    let links = &seen.links(&room, number_at(&sent, "seq"))[0];
    let original = seen.anonymous().get(&text_at(links, "original"));
    assert_eq!(image::load_from_memory(&original.body).unwrap().to_rgb8(), picture(640, 400));
    let thumbnail = seen.anonymous().get(&text_at(links, "thumbnail"));
    assert_eq!(image::load_from_memory(&thumbnail.body).unwrap().width(), 320);
    // Whoever has the lease deletes what nothing names, for both.
    [&one, &two].iter().for_each(|server| server.advance(Duration::from_secs(25 * 3600)));
    until("what nothing names is deleted", || (bucket.objects().len() == 1).then_some(()));
    seen.at(&two, 0).get(&format!("/v1/media/{forgotten}")).refused(404, "medium-not-found");
    assert_eq!(tom.at(&one, 0).links(&room, number_at(&sent, "seq")).len(), 1);
}
