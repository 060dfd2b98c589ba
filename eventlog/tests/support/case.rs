//! A log to test, whichever adapter it is of, and streams of the test's own in it.

use std::{any::Any, ops::Deref, sync::Arc};

use bytes::Bytes;
use eventlog::{
    Append, ClusterLog, ClusterOptions, EventLog, ExpectedVersion, NewEvent, Position, ReadError, RecordedEvent,
    StreamName, Verifier,
};
use logserver::{Journal, LogServer, Options};

/// The variable that names a real cluster to test against.
const REAL: &str = "KURRENTDB_URL";

/// A log that may hold more than what the test writes.
#[derive(Clone)]
pub struct Case {
    log: Arc<dyn EventLog>,
    /// Where the log ended when the test began.
    pub start: Position,
    /// What makes the test's stream names its own.
    suffix: Arc<str>,
    /// Whatever has to live as long as the log.
    _kept: Arc<dyn Any + Send + Sync>,
}

impl Case {
    /// A log that is new and nobody else's.
    pub fn local(log: Arc<dyn EventLog>) -> Self {
        Self { log, start: Position::START, suffix: "".into(), _kept: Arc::new(()) }
    }

    /// A log on the cluster that `KURRENTDB_URL` names, else on a server of the test's own.
    pub async fn cluster() -> Self {
        match std::env::var(REAL) {
            Ok(url) => Self::at(url, Arc::new(())).await,
            Err(_) => {
                let dir = tempfile::tempdir().unwrap();
                let journal = Journal::open(&dir.path().join("journal"), false).unwrap();
                let server = LogServer::start(journal, Options::default()).await.unwrap();
                Self::at(server.url(), Arc::new((server, dir))).await
            }
        }
    }

    async fn at(url: String, kept: Arc<dyn Any + Send + Sync>) -> Self {
        let options = ClusterOptions::new(url);
        let log = tokio::task::spawn_blocking(move || ClusterLog::open(&options).unwrap()).await.unwrap();
        let suffix = format!("-{}", uuid::Uuid::now_v7()).into();
        Self { start: log.last_position(), log, suffix, _kept: kept }
    }

    /// A stream of this test.
    pub fn stream(&self, name: &str) -> StreamName {
        super::stream(&self.named(name))
    }

    /// An append of one event.
    pub fn one(&self, name: &str, expected: ExpectedVersion, payload: impl Into<Bytes>) -> Append {
        super::append(&self.named(name), expected, payload)
    }

    /// An append of given events.
    pub fn several(&self, name: &str, expected: ExpectedVersion, events: Vec<NewEvent>) -> Append {
        super::append_events(&self.named(name), expected, events)
    }

    fn named(&self, name: &str) -> String {
        // A name that is as long as names may be has no room for more.
        let most = eventlog::port::MAX_STREAM_NAME_BYTES - self.suffix.len();
        let name: String = name.chars().take(most).collect();
        format!("{name}{}", self.suffix)
    }

    /// Everything that the test wrote, in pages of a given size.
    pub async fn everything(&self, page_size: usize) -> Result<Vec<RecordedEvent>, ReadError> {
        let (mut events, mut after) = (Vec::new(), self.start);
        loop {
            let page = self.log.read_all(after, page_size).await?;
            let Some(last) = page.last() else {
                return Ok(events);
            };
            after = last.position();
            events.extend(page);
        }
    }

    /// Everything that the test wrote, after checking that it is whole.
    pub async fn verified(&self) -> Vec<RecordedEvent> {
        let events = self.everything(500).await.unwrap();
        let mut verifier = Verifier::new();
        for event in &events {
            assert_eq!(verifier.check(event), None);
        }
        assert_eq!(verifier.last_position().max(self.start), self.log.last_position());
        events
    }
}

impl Deref for Case {
    type Target = dyn EventLog;

    fn deref(&self) -> &Self::Target {
        self.log.as_ref()
    }
}
