//! A command side on a log in memory. Its ports are answered from the log itself, event by event.

mod media;
mod money;
mod official;

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use commands::{
    AdjustableClock, Caller, CommandError, Commands, CommandsOptions, Committed, PasswordCost, Secrets,
    contacts::RequestFriend,
    gateways::BankGateway,
    people::Register,
    ports::{
        CallList, CommandHistory, Deadlines, Due, GroupCallList, LiveCall, PastCommand, Ports, Presence, Relations,
        Snapshots, SystemDice, VisibleMessage,
    },
};
use domain::{
    CallId, CommandId, ConversationEvent, ConversationId, DeviceId, DomainEvent, FriendshipEvent, FriendshipId, Policy,
    UserEvent, UserId, conversation::Content, friendship::Source,
};
use eventlog::{
    Append, AppendError, Appended, EventLog, MemoryLog, Position, ReadError, RecordedEvent, StreamName, Subscription,
};
use futures::{FutureExt, future::BoxFuture};
use parking_lot::Mutex;

/// A command side and its log.
pub(crate) struct World {
    pub(crate) log: Arc<FlakyLog>,
    pub(crate) commands: Commands,
    pub(crate) snapshots: Arc<Kept>,
    pub(crate) accounts: Arc<Scan>,
    pub(crate) webhooks: Arc<official::Webhooks>,
}

/// Nobody calls anybody here.
struct NoCalls;

#[async_trait]
impl CallList for NoCalls {
    fn last_number(&self, _: ConversationId) -> Result<u64, CommandError> {
        Ok(0)
    }
    fn live_of(&self, _: UserId) -> Result<Vec<CallId>, CommandError> {
        Ok(vec![])
    }
    async fn live(&self) -> Result<Vec<LiveCall>, CommandError> {
        Ok(vec![])
    }
    async fn unshown(&self, _: usize) -> Result<Vec<CallId>, CommandError> {
        Ok(vec![])
    }
}

#[async_trait]
impl GroupCallList for NoCalls {
    fn last_number(&self, _: ConversationId) -> Result<u64, CommandError> {
        Ok(0)
    }
    fn live_of(&self, _: UserId) -> Result<Vec<CallId>, CommandError> {
        Ok(vec![])
    }
    async fn live(&self) -> Result<Vec<CallId>, CommandError> {
        Ok(vec![])
    }
    async fn unshown(&self, _: usize) -> Result<Vec<CallId>, CommandError> {
        Ok(vec![])
    }
}

impl Presence for NoCalls {
    fn is_connected(&self, _: UserId, _: DeviceId) -> bool {
        false
    }
}

/// Snapshots in memory.
#[derive(Default)]
pub(crate) struct Kept(pub(crate) Mutex<HashMap<String, Vec<u8>>>);

impl Snapshots for Kept {
    fn load(&self, stream: &str) -> Option<Vec<u8>> {
        self.0.lock().get(stream).cloned()
    }
    fn save(&self, stream: &str, snapshot: &[u8]) {
        self.0.lock().insert(stream.to_owned(), snapshot.to_vec());
    }
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(Policy::default(), None)
    }

    /// With other rules, and a bank.
    pub(crate) fn with(policy: Policy, bank: Option<Arc<dyn BankGateway>>) -> Self {
        let log =
            FlakyLog { log: Arc::new(MemoryLog::new()), failing: AtomicUsize::new(0), reads: AtomicUsize::new(0) };
        Self::over(Arc::new(log), Arc::default(), (policy, key()), bank)
    }

    /// A second command side on the same log, as after a restart or on another node.
    pub(crate) fn restarted(&self) -> Self {
        self.restarted_with(key())
    }

    /// The same, with another secret.
    pub(crate) fn restarted_with(&self, secrets: Secrets) -> Self {
        Self::over(self.log.clone(), self.snapshots.clone(), (Policy::default(), secrets), None)
    }

    fn over(
        log: Arc<FlakyLog>,
        snapshots: Arc<Kept>,
        (policy, secrets): (Policy, Secrets),
        bank: Option<Arc<dyn BankGateway>>,
    ) -> Self {
        let passwords = PasswordCost { memory_kib: 8, passes: 1, at_once: 1, waiting_max: 64 };
        let options = CommandsOptions { cached_streams: 1_000, passwords };
        let scan = Arc::new(Scan(log.clone()));
        let accounts = scan.clone();
        let webhooks = Arc::<official::Webhooks>::default();
        let ports = Ports {
            relations: scan.clone(),
            deadlines: scan.clone(),
            history: scan.clone(),
            snapshots: snapshots.clone(),
            accounts: scan.clone(),
            followers: scan.clone(),
            callbacks: webhooks.clone(),
            store: Arc::new(media::NoBytes),
            media_use: scan,
            uploads: Arc::new(media::NoBytes),
            dice: Arc::new(SystemDice),
            bank,
            billers: None,
            calls: Arc::new(NoCalls),
            group_calls: Arc::new(NoCalls),
            forwarder: None,
            presence: Arc::new(NoCalls),
        };
        let clock = Arc::new(AdjustableClock::default());
        let commands = Commands::new(log.clone(), clock, policy, secrets, ports, &options);
        Self { log, commands: commands.unwrap(), snapshots, accounts, webhooks }
    }

    pub(crate) async fn register(&self, handle: &str) -> Result<Committed<UserEvent>, CommandError> {
        let register = Register {
            handle: handle.into(),
            display_name: handle.into(),
            password: "a password".into(),
            device_name: "phone".into(),
        };
        self.commands.register(&Caller::SERVER, register).await
    }

    pub(crate) async fn person(&self, handle: &str) -> UserId {
        let committed = self.register(handle).await.unwrap();
        registered_device(&committed).0
    }

    pub(crate) async fn ask(&self, from: UserId, to: UserId) -> Result<Committed<FriendshipEvent>, CommandError> {
        let request = RequestFriend { to, greeting: "hello".into(), source: Source::Search };
        self.commands.request_friend(&Caller::person(from), request).await
    }

    pub(crate) async fn befriend(&self, from: UserId, to: UserId) -> ConversationId {
        self.ask(from, to).await.unwrap();
        self.commands.accept_friend(&Caller::person(to), from).await.unwrap();
        ConversationId::direct(from, to)
    }
}

/// The secret that every world has, unless it is given another.
fn key() -> Secrets {
    Secrets::new([7; 32])
}

/// The person and device of a registration, or of a log-in.
pub(crate) fn registered_device(committed: &Committed<UserEvent>) -> (UserId, DeviceId) {
    let device = committed.events.iter().find_map(|(_, event)| match event {
        UserEvent::DeviceAdded(added) => Some(added.device),
        _ => None,
    });
    (committed.actor.unwrap(), device.unwrap())
}

/// A log whose next appends can be made to fail, and whose reads are counted.
pub(crate) struct FlakyLog {
    log: Arc<MemoryLog>,
    failing: AtomicUsize,
    reads: AtomicUsize,
}

impl FlakyLog {
    pub(crate) fn fail_next(&self, count: usize) {
        self.failing.store(count, Ordering::SeqCst);
    }

    /// How often a stream or all of it was read.
    pub(crate) fn reads(&self) -> usize {
        self.reads.load(Ordering::SeqCst)
    }
}

impl EventLog for FlakyLog {
    fn append(&self, append: Append) -> BoxFuture<'static, Result<Appended, AppendError>> {
        let left = self.failing.load(Ordering::SeqCst);
        if left > 0 {
            self.failing.store(left - 1, Ordering::SeqCst);
            return async { Err(AppendError::Unavailable("made to fail".into())) }.boxed();
        }
        self.log.append(append)
    }
    fn read_stream(
        &self,
        stream: &StreamName,
        after: u64,
        limit: usize,
    ) -> BoxFuture<'static, Result<Vec<RecordedEvent>, ReadError>> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.log.read_stream(stream, after, limit)
    }
    fn read_all(&self, after: Position, limit: usize) -> BoxFuture<'static, Result<Vec<RecordedEvent>, ReadError>> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.log.read_all(after, limit)
    }
    fn subscribe(&self, after: Position) -> Box<dyn Subscription> {
        self.log.subscribe(after)
    }
    fn last_position(&self) -> Position {
        self.log.last_position()
    }
    fn refusing_writes(&self) -> Option<Arc<str>> {
        self.log.refusing_writes()
    }
}

/// Answers every port by going through the whole log.
pub(crate) struct Scan(Arc<FlakyLog>);

impl Scan {
    fn all(&self) -> Vec<(RecordedEvent, DomainEvent)> {
        let records = self.0.read_all(Position::START, usize::MAX).now_or_never().unwrap().unwrap();
        let decoded = |record: RecordedEvent| {
            let event = DomainEvent::from_json(record.event_type(), record.schema(), record.payload()).unwrap();
            (record, event)
        };
        records.into_iter().map(decoded).collect()
    }
}

#[async_trait]
impl Relations for Scan {
    async fn share_group(&self, one: UserId, other: UserId) -> Result<bool, CommandError> {
        Ok(self.all().iter().any(|(_, event)| match event {
            DomainEvent::Conversation(ConversationEvent::GroupCreated(created)) => {
                created.members.contains(&one) && created.members.contains(&other)
            }
            _ => false,
        }))
    }
    async fn friend_count(&self, user: UserId) -> Result<usize, CommandError> {
        let accepted = |(record, event): &(RecordedEvent, DomainEvent)| match event {
            DomainEvent::Friendship(FriendshipEvent::FriendAccepted(accepted)) => {
                accepted.from == user || record.actor() == Some(user.0)
            }
            _ => false,
        };
        Ok(self.all().iter().filter(|item| accepted(item)).count())
    }
    async fn requests_waiting_for(&self, _: UserId) -> Result<usize, CommandError> {
        Ok(0)
    }
    async fn visible_message(
        &self,
        _: UserId,
        conversation: ConversationId,
        seq: u64,
    ) -> Result<Option<VisibleMessage>, CommandError> {
        let stream = format!("conversation-{conversation}");
        Ok(self.all().into_iter().find_map(|(record, event)| match event {
            DomainEvent::Conversation(ConversationEvent::MessageSent(sent))
                if record.stream() == stream && sent.seq == seq =>
            {
                let content: Content = sent.content;
                Some(VisibleMessage { sender: UserId(record.actor()?), at: record.time(), content: Some(content) })
            }
            _ => None,
        }))
    }
    async fn knows_conversation(&self, _: UserId, _: ConversationId) -> Result<bool, CommandError> {
        Ok(false)
    }
}

#[async_trait]
impl CommandHistory for Scan {
    fn find(&self, command: CommandId) -> Result<Option<PastCommand>, CommandError> {
        let all = self.all();
        let found = all.iter().map(|(record, _)| record).find(|record| record.command_id() == command.0);
        Ok(found.and_then(|record| {
            Some(PastCommand { after: Position(record.position().0 - 1), fingerprint: record.fingerprint()? })
        }))
    }
    fn applied(&self) -> Position {
        Position::START
    }
    async fn reached(&self, _: Position) -> Result<(), CommandError> {
        Ok(())
    }
}

#[async_trait]
impl Deadlines for Scan {
    async fn friend_requests_before(&self, time: DateTime<Utc>, limit: usize) -> Result<Vec<Due>, CommandError> {
        let mut open: Vec<(FriendshipId, u64)> = vec![];
        for (record, event) in self.all() {
            match event {
                DomainEvent::Friendship(FriendshipEvent::FriendRequested(request)) if record.time() < time => {
                    let pair = FriendshipId::between(UserId(record.actor().unwrap()), request.to);
                    open.push((pair, record.version()));
                }
                DomainEvent::Friendship(FriendshipEvent::FriendRequestExpired(expired)) => {
                    open.retain(|(pair, _)| *pair != FriendshipId::between(expired.from, expired.to));
                }
                _ => {}
            }
        }
        Ok(open.into_iter().take(limit).map(|(pair, version)| Due::FriendRequest(pair, version)).collect())
    }
    async fn pending_before(&self, _: DateTime<Utc>, _: usize) -> Result<Vec<Due>, CommandError> {
        Ok(vec![])
    }
}
