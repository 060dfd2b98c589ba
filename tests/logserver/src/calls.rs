//! What the calls do: append, read, subscribe, say who is there.

use std::{pin::Pin, sync::Arc};

use futures::{Stream, StreamExt, stream};
use tokio::sync::watch;
use tonic::{Code, Status, metadata::MetadataMap};

use crate::{
    faults::{Fault, Faults},
    journal::{Accepted, Event, Journal, Wrong},
    wire::*,
};

/// The most bytes that an append may have, as servers come.
pub const MAX_APPEND_BYTES: usize = 1024 * 1024;
/// Events taken from the journal at a time.
const CHUNK: usize = 256;

/// Messages on their way to a client.
pub(crate) type Replies<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// One server as its calls see it.
pub(crate) struct Calls {
    pub(crate) journal: Arc<Journal>,
    pub(crate) faults: Arc<Faults>,
    /// Tells every connection to end.
    pub(crate) cut: watch::Sender<u64>,
    /// Ports of the servers that it tells of, the leader first; itself alone where there are none.
    pub(crate) members: Vec<u16>,
    /// Where the leader is, if it is another one.
    pub(crate) leader: Option<u16>,
}

impl Calls {
    fn cut(&self) {
        self.cut.send_modify(|cuts| *cuts += 1);
    }

    /// Cuts every connection; the answer never arrives.
    async fn cut_for_good<T>(&self) -> T {
        self.cut();
        std::future::pending().await
    }

    pub(crate) async fn append(
        &self,
        mut requests: impl Stream<Item = Result<AppendReq, Status>> + Unpin,
    ) -> Result<AppendResp, Status> {
        self.faults.count(|calls| calls.appends += 1);
        let (mut options, mut events) = (None, Vec::new());
        while let Some(request) = requests.next().await {
            match request?.content {
                Some(AppendContent::Options(first)) => options = Some(first),
                Some(AppendContent::Proposed(event)) => events.push(event),
                None => {}
            }
        }
        let options = options.ok_or_else(|| Status::invalid_argument("options come first"))?;
        self.faults.delay().await;
        if let Some(port) = self.leader {
            return Err(not_leader(port));
        }
        let fault = self.faults.next_append();
        match fault {
            Some(Fault::CutBeforeCommit) => return self.cut_for_good().await,
            Some(Fault::Unavailable) => return Err(Status::unavailable("as ordered")),
            Some(Fault::Hang) => std::future::pending().await,
            Some(Fault::NotLeader(port)) => return Err(not_leader(port)),
            _ => {}
        }
        let expected = options.expected.unwrap_or(Expected::Any(Empty {}));
        let outcome = self.commit(name(options.stream), expected, events).await?;
        match fault {
            Some(Fault::CutAfterCommit) => return self.cut_for_good().await,
            Some(Fault::UnavailableAfterCommit) => return Err(Status::unavailable("as ordered")),
            Some(Fault::HangAfterCommit) => std::future::pending().await,
            _ => {}
        }
        let result = match outcome {
            Ok(accepted) => AppendResult::Success(success(accepted)),
            Err(wrong) if self.faults.tells_conflicts_as_status() => return Err(conflict(wrong)),
            Err(Wrong(current)) => AppendResult::WrongExpectedVersion(WrongExpectedVersion {
                current: Some(current.map_or(WrongCurrent::NoStream(Empty {}), WrongCurrent::Revision)),
                expected: Some(match expected {
                    Expected::Revision(revision) => WrongExpected::Revision(revision),
                    Expected::NoStream(_) => WrongExpected::NoStream(Empty {}),
                    Expected::Any(_) => WrongExpected::Any(Empty {}),
                    Expected::StreamExists(_) => WrongExpected::StreamExists(Empty {}),
                }),
            }),
        };
        Ok(AppendResp { result: Some(result) })
    }

    async fn commit(
        &self,
        stream: String,
        expected: Expected,
        events: Vec<Proposed>,
    ) -> Result<Result<Accepted, Wrong>, Status> {
        let bytes: usize = events.iter().map(|event| event.data.len() + event.custom_metadata.len()).sum();
        if bytes > MAX_APPEND_BYTES {
            let mut status = Status::invalid_argument(format!("Maximum Append Size of {MAX_APPEND_BYTES} Exceeded."));
            insert(status.metadata_mut(), "exception", "maximum-append-size-exceeded");
            return Err(status);
        }
        Ok(self.journal.append(stream, expected, events).await)
    }

    pub(crate) fn batch_append(
        self: Arc<Self>,
        requests: impl Stream<Item = Result<BatchAppendReq, Status>> + Send + Unpin + 'static,
    ) -> Replies<BatchAppendResp> {
        self.faults.count(|calls| calls.batch_streams += 1);
        let replies = requests.then(move |request| {
            let this = self.clone();
            async move {
                let request = request?;
                let options = request.options.unwrap_or_default();
                let (stream, expected) = (options.stream.clone(), options.expected.unwrap_or(Expected::Any(Empty {})));
                let result = match this.commit(name(options.stream), expected, request.proposed).await? {
                    Ok(accepted) => BatchResult::Success(success(accepted)),
                    Err(wrong) => {
                        let status = conflict(wrong);
                        let (code, message) = (Code::FailedPrecondition as i32, status.message().to_owned());
                        BatchResult::Error(RpcStatus { code, message })
                    }
                };
                Ok(BatchAppendResp { correlation_id: request.correlation_id, result: Some(result), stream })
            }
        });
        Box::pin(replies)
    }

    pub(crate) async fn read(self: Arc<Self>, request: ReadReq) -> Result<Replies<ReadResp>, Status> {
        let options = request.options.ok_or_else(|| Status::invalid_argument("a read has options"))?;
        if options.count == Some(Count::Subscription(Empty {})) {
            self.faults.count(|calls| calls.subscriptions += 1);
            return self.subscribe(&options);
        }
        self.faults.count(|calls| calls.reads += 1);
        self.faults.delay().await;
        let fault = self.faults.next_read();
        match fault {
            Some(Fault::ReadUnavailable) => return Err(Status::unavailable("as ordered")),
            Some(Fault::ReadHang) => std::future::pending().await,
            _ => {}
        }
        let Some(Count::Events(count)) = options.count else {
            return Err(Status::invalid_argument("a read has a count"));
        };
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let replies = match options.source {
            Some(Source::Stream(source)) => self.read_stream(source, options.direction == 1, count)?,
            Some(Source::All(all)) => {
                self.check_position(all)?;
                self.clone().read_all(all, options.direction == 1, count)
            }
            None => return Err(Status::invalid_argument("a read has a source")),
        };
        Ok(match fault {
            Some(Fault::ReadEndsAfter(events)) => Box::pin(replies.take(events)),
            Some(Fault::ReadCutAfter(events)) => {
                let cut = stream::once(async move { self.cut_for_good().await });
                Box::pin(replies.take(events).chain(cut))
            }
            _ => replies,
        })
    }

    /// Only places where an event begins can be read from: a server that is asked for another finds no record there.
    fn check_position(&self, all: AllOptions) -> Result<(), Status> {
        match all.position {
            Some(AllOption::Position(Position { commit, prepare }))
                if !self.journal.is_event(commit) || commit != prepare =>
            {
                Err(Status::invalid_argument(format!("{commit}/{prepare} is no position of an event")))
            }
            _ => Ok(()),
        }
    }

    fn read_stream(&self, source: StreamOptions, backwards: bool, count: usize) -> Result<Replies<ReadResp>, Status> {
        let stream = name(source.stream.clone());
        let from = match source.revision {
            Some(RevisionOption::Revision(revision)) => revision,
            Some(RevisionOption::End(_)) => u64::MAX,
            _ => 0,
        };
        let (first, wanted) = if backwards {
            let last = self.journal.stream(&stream, 0, 0).map_or(0, |(_, last)| last);
            let end = from.min(last) + 1;
            let first = end.saturating_sub(count as u64);
            (first, usize::try_from(end - first).unwrap_or(usize::MAX))
        } else {
            (from, count)
        };
        let Some((mut events, last)) = self.journal.stream(&stream, first, wanted) else {
            let missing = ReadContent::StreamNotFound(StreamNotFound { stream: source.stream });
            return Ok(Box::pin(stream::iter([Ok(content(missing))])));
        };
        if backwards {
            events.reverse();
        }
        let events = events.into_iter().map(|event| Ok(recorded(&event)));
        let last = Ok(content(ReadContent::LastStreamPosition(last)));
        Ok(Box::pin(stream::iter(events.chain([last]))))
    }

    fn read_all(self: Arc<Self>, all: AllOptions, backwards: bool, count: usize) -> Replies<ReadResp> {
        if backwards {
            let before = match all.position {
                Some(AllOption::Position(position)) => position.commit,
                _ => u64::MAX,
            };
            let events = self.journal.all_backwards(before, count);
            return Box::pin(stream::iter(events.into_iter().map(|event| Ok(recorded(&event)))));
        }
        let from = match all.position {
            Some(AllOption::Position(position)) => position.commit,
            Some(AllOption::End(_)) => u64::MAX,
            _ => 0,
        };
        let chunks = stream::unfold((from, count), move |(from, left)| {
            let events = self.journal.all(from, left.min(CHUNK));
            std::future::ready(events.last().map(|last| last.position + 1).map(|next| {
                let left = left - events.len();
                (events, (next, left))
            }))
        });
        Box::pin(chunks.flat_map(|events| stream::iter(events.into_iter().map(|event| Ok(recorded(&event))))))
    }

    fn subscribe(self: Arc<Self>, options: &ReadOptions) -> Result<Replies<ReadResp>, Status> {
        let Some(Source::All(all)) = &options.source else {
            return Err(Status::unimplemented("only the whole log can be subscribed to"));
        };
        let end = || self.journal.all_backwards(u64::MAX, 1).first().map_or(0, |last| last.position);
        self.check_position(*all)?;
        let after = match all.position {
            Some(AllOption::Position(position)) => position.commit,
            Some(AllOption::End(_)) => end(),
            _ => 0,
        };
        let filter = match &options.filter {
            Some(FilterOption::Filter(filter)) => Some(filter.clone()),
            _ => None,
        };
        let confirmation = Confirmation { subscription_id: uuid::Uuid::new_v4().to_string() };
        let first = stream::iter([Ok(content(ReadContent::Confirmation(confirmation)))]);
        let state = (after, false, self.journal.grown(), self);
        let following = stream::unfold(state, |(mut after, mut live, mut grown, this)| async move {
            loop {
                grown.borrow_and_update();
                let events = this.journal.all(after + 1, CHUNK);
                if let Some(last) = events.last() {
                    after = last.position;
                    return Some((events, (after, live, grown, this)));
                }
                if !live {
                    live = true;
                    return Some((Vec::new(), (after, live, grown, this)));
                }
                if grown.changed().await.is_err() {
                    return None;
                }
            }
        });
        let replies = following.flat_map(move |events| {
            if events.is_empty() {
                return stream::iter(vec![Ok(content(ReadContent::CaughtUp(Empty {})))]);
            }
            let passing = events.iter().filter(|event| filter.as_ref().is_none_or(|filter| passes(filter, event)));
            stream::iter(passing.map(|event| Ok(recorded(event))).collect::<Vec<_>>())
        });
        Ok(Box::pin(first.chain(replies)))
    }

    pub(crate) async fn features(&self) -> SupportedMethods {
        self.faults.count(|calls| calls.greetings += 1);
        if self.faults.is_mute() {
            std::future::pending::<()>().await;
        }
        let service = "event_store.client.streams.streams".to_owned();
        let batch = SupportedMethod { method: "batchappend".to_owned(), service, features: vec![] };
        SupportedMethods { methods: vec![batch], version: "24.10.0".to_owned() }
    }

    pub(crate) fn gossip(&self) -> ClusterInfo {
        let member = |(number, port): (usize, &u16)| MemberInfo {
            instance_id: Some(uuid::Uuid::from_u128(u128::from(*port)).into()),
            time_stamp: 0,
            state: if number == 0 { 8 } else { 6 },
            is_alive: true,
            endpoint: Some(EndPoint { address: "127.0.0.1".to_owned(), port: u32::from(*port) }),
        };
        ClusterInfo { members: self.members.iter().enumerate().map(member).collect() }
    }
}

fn name(stream: Option<StreamIdentifier>) -> String {
    String::from_utf8_lossy(&stream.unwrap_or_default().stream_name).into_owned()
}

fn insert(metadata: &mut MetadataMap, key: &'static str, value: &str) {
    metadata.insert(key, value.parse().expect("it is visible ASCII"));
}

fn not_leader(port: u16) -> Status {
    let mut status = Status::not_found("Leader info available");
    insert(status.metadata_mut(), "exception", "not-leader");
    insert(status.metadata_mut(), "leader-endpoint-host", "127.0.0.1");
    insert(status.metadata_mut(), "leader-endpoint-port", &port.to_string());
    status
}

fn conflict(Wrong(current): Wrong) -> Status {
    let current = current.map_or(-1, u64::cast_signed);
    let mut status =
        Status::failed_precondition(format!("Append failed due to WrongExpectedVersion. Actual version: {current}"));
    insert(status.metadata_mut(), "exception", "wrong-expected-version");
    status
}

fn success(Accepted { revision, position }: Accepted) -> AppendSuccess {
    AppendSuccess {
        revision: Some(CurrentRevision::Revision(revision)),
        position: Some(MaybePosition::Position(Position { commit: position, prepare: position })),
    }
}

fn content(content: ReadContent) -> ReadResp {
    ReadResp { content: Some(content) }
}

fn recorded(event: &Event) -> ReadResp {
    let Proposed { id, metadata, custom_metadata, data } = event.proposed.as_ref().clone();
    let recorded = Recorded {
        id,
        stream: Some(StreamIdentifier::of(&event.stream)),
        revision: event.revision,
        prepare_position: event.position,
        commit_position: event.position,
        metadata,
        custom_metadata,
        data,
    };
    content(ReadContent::Event(ReadEvent { event: Some(recorded), commit_position: Some(event.position) }))
}

/// Whether an event passes a filter. Of regular expressions the one is known that keeps system events away.
fn passes(filter: &Filter, event: &Event) -> bool {
    let (expression, subject) = match &filter.on {
        Some(FilterOn::Stream(expression)) => (expression, &*event.stream),
        Some(FilterOn::EventType(expression)) => {
            (expression, event.proposed.metadata.get("type").map_or("", String::as_str))
        }
        None => return true,
    };
    if expression.regex.is_empty() {
        expression.prefix.iter().any(|prefix| subject.starts_with(prefix.as_str()))
    } else {
        !subject.starts_with('$')
    }
}
