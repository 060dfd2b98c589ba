//! A store that speaks S3, with one bucket: a process of its own, by others.

use std::{
    io::{BufRead, BufReader},
    process::{Child, ChildStderr, Command, Stdio},
    sync::{
        Mutex,
        mpsc::{Sender, channel},
    },
};

use tempfile::TempDir;

use crate::{Client, Setup, binary, patience::DEADLINE, server::locked};

/// The bucket.
pub const BUCKET: &str = "tea";
/// The folder in the bucket that servers of tests use.
pub const PREFIX: &str = "house/blobs";

/// A key that opens the bucket.
#[derive(Clone, Debug)]
pub struct AccessKey {
    /// Its id.
    pub id: String,
    /// Its secret.
    pub secret: String,
}

/// A running store, which goes away with this value, and all that it keeps. It keeps its address over all starts.
#[derive(Debug)]
pub struct BucketHost {
    port: Mutex<u16>,
    /// What opens the bucket: anything, where it was not started to look at keys.
    pub key: AccessKey,
    process: Mutex<Option<Child>>,
    /// Where it keeps files of its own.
    home: TempDir,
}

impl BucketHost {
    /// A store with an empty bucket, which takes requests whoever signed them.
    #[must_use]
    #[track_caller]
    pub fn start() -> Self {
        let key =
            AccessKey { id: "id-of-the-key-to-the-bucket".into(), secret: "secret-of-the-key-to-the-bucket".into() };
        let home = TempDir::new().expect("a temporary directory");
        let host = Self { port: Mutex::default(), key, process: Mutex::default(), home };
        host.start_again();
        host
    }

    /// A store with an empty bucket, which from now on refuses requests that were not signed with its key.
    ///
    /// # Panics
    /// When it gives no key.
    #[must_use]
    #[track_caller]
    pub fn start_that_looks_at_keys() -> Self {
        let mut host = Self::start();
        let iam = |action: &str| {
            let body = format!("{action}&UserName=mei&Version=2010-05-08");
            let headers =
                [("authorization", &*signed_for("iam")), ("content-type", "application/x-www-form-urlencoded")];
            let done = host.client().send_with("POST", "/", &headers, body.as_bytes());
            assert_eq!(done.status, 200, "{}", done.text());
            done.text()
        };
        iam("Action=CreateUser");
        let made = iam("Action=CreateAccessKey");
        let all = "%7B%22Effect%22%3A%22Allow%22%2C%22Action%22%3A%22s3%3A%2A%22%2C%22Resource%22%3A%22%2A%22%7D";
        let policy = format!("%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B{all}%5D%7D");
        iam(&format!("Action=PutUserPolicy&PolicyName=all&PolicyDocument={policy}"));
        let of = |element: &str| {
            let (begin, end) = (format!("<{element}>"), format!("</{element}>"));
            let found = made.split_once(&begin).and_then(|(_, rest)| rest.split_once(&end));
            found.unwrap_or_else(|| panic!("no {element}: {made}")).0.to_owned()
        };
        host.key = AccessKey { id: of("AccessKeyId"), secret: of("SecretAccessKey") };
        assert_eq!(host.client().send_with("POST", "/moto-api/reset-auth", &[], b"0").status, 200);
        host
    }

    /// Starts it again, with an empty bucket.
    ///
    /// # Panics
    /// When it does not come up.
    #[track_caller]
    pub fn start_again(&self) {
        let tool = binary::workspace().join("target/test-tools/bin/moto_server");
        let started = Command::new(&tool)
            .args(["-H", "127.0.0.1", "-p", &locked(&self.port).to_string()])
            .current_dir(self.home.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn();
        let shown = tool.display();
        let mut child = started.unwrap_or_else(|error| panic!("{shown} can't be started, run tests/run: {error}"));
        let (stderr, (tell, told)) = (child.stderr.take().expect("a pipe"), channel());
        std::thread::spawn(move || read(stderr, &tell));
        *locked(&self.process) = Some(child);
        *locked(&self.port) = told.recv_timeout(DEADLINE).expect("the store says where it listens");
        let made = self.client().send_with("PUT", &format!("/{BUCKET}"), &[], b"");
        assert_eq!(made.status, 200, "{}", made.text());
    }

    /// Kills it.
    ///
    /// # Panics
    /// When it does not run.
    pub fn kill(&self) {
        let mut process = locked(&self.process).take().expect("the store runs");
        process.kill().expect("it can be killed");
        process.wait().expect("it ends");
    }

    /// Has it stand still: it takes connections, and answers nothing.
    pub fn stand_still(&self) {
        self.signal("-STOP");
    }

    /// Has it go on.
    pub fn go_on(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let id = locked(&self.process).as_ref().expect("the store runs").id();
        let told = Command::new("kill").args([signal, &id.to_string()]).status();
        assert!(told.expect("there is a kill command").success());
    }

    /// Somebody who talks to it.
    #[must_use]
    pub fn client(&self) -> Client {
        Client::at(&format!("127.0.0.1:{}", locked(&self.port)))
    }

    /// The settings of the bucket, by the names that they have behind `media.s3`.
    #[must_use]
    pub fn settings(&self, prefix: &str) -> Vec<(&'static str, String)> {
        vec![
            ("bucket", BUCKET.to_owned()),
            ("prefix", prefix.to_owned()),
            ("endpoint", format!("http://127.0.0.1:{}", locked(&self.port))),
            ("access_key_id", self.key.id.clone()),
            ("secret_access_key", self.key.secret.clone()),
            ("allow_http", true.to_string()),
        ]
    }

    /// The same as variables, for servers.
    #[must_use]
    pub fn variables(&self) -> Vec<(String, String)> {
        let settings = self.settings(PREFIX).into_iter();
        settings.map(|(name, value)| (format!("TEAHOUSE_MEDIA__S3__{}", name.to_uppercase()), value)).collect()
    }

    /// A server that keeps media here.
    #[must_use]
    pub fn setup(&self) -> Setup {
        self.variables().iter().fold(Setup::new(), |setup, (name, value)| setup.with(name, value))
    }

    /// The names of all objects in the bucket.
    #[must_use]
    pub fn objects(&self) -> Vec<String> {
        self.listed("?list-type=2", "Key")
    }

    /// What was begun in several parts and neither ended nor taken back.
    #[must_use]
    pub fn unfinished(&self) -> Vec<String> {
        self.listed("?uploads", "Key")
    }

    fn listed(&self, query: &str, element: &str) -> Vec<String> {
        let listed = self.client().send_with("GET", &format!("/{BUCKET}{query}"), &[], b"");
        assert_eq!(listed.status, 200, "{}", listed.text());
        let (begin, end) = (format!("<{element}>"), format!("</{element}>"));
        let text = listed.text();
        text.split(&begin).skip(1).filter_map(|rest| Some(rest.split_once(&end)?.0.to_owned())).collect()
    }

    /// Puts other bytes in the place of an object.
    ///
    /// # Panics
    /// When it does not take them.
    pub fn put(&self, object: &str, bytes: &[u8]) {
        assert_eq!(self.client().send_with("PUT", &format!("/{BUCKET}/{object}"), &[], bytes).status, 200);
    }

    /// Deletes an object.
    ///
    /// # Panics
    /// When it does not.
    pub fn delete(&self, object: &str) {
        let headers = [("authorization", &*signed_for("s3"))];
        assert_eq!(self.client().send_with("DELETE", &format!("/{BUCKET}/{object}"), &headers, b"").status, 204);
    }
}

/// What tells the store which of its services a request is for, and is a signature as long as it looks at none.
fn signed_for(service: &str) -> String {
    let credential = format!("Credential=x/20260101/us-east-1/{service}/aws4_request");
    format!("AWS4-HMAC-SHA256 {credential}, SignedHeaders=host, Signature=x")
}

/// Reads everything that the store says, and tells its port as soon as it is said.
fn read(said: ChildStderr, tell: &Sender<u16>) {
    for line in BufReader::new(said).lines().map_while(Result::ok) {
        let port = line.split_once("Running on http://127.0.0.1:").and_then(|(_, port)| port.trim().parse().ok());
        if let Some(port) = port {
            // Nobody listens any more once the store is up.
            let _ = tell.send(port);
        }
    }
}

impl Drop for BucketHost {
    fn drop(&mut self) {
        if let Some(mut process) = locked(&self.process).take() {
            // Nothing can be done about a failure here, and the test's own outcome matters more.
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}
