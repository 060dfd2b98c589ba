//! What all use cases share: who calls, and how one command runs on one stream.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use domain::{
    Aggregate, CallId, CommandEvent, CommandId, DeviceId, EventFamily, Policy, Rejection, UserId,
    command::{self, CommandWithoutEffect},
};
use eventlog::{AppendError, EventLog, ExpectedVersion, Position, RecordedEvent, StreamName};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    Clock, CommandError, CommandKey, PasswordCost, Secrets,
    callbacks::CallbackGateway,
    calls::{Absences, Engaged},
    forwarding::MediaForwarder,
    gateways::{BankGateway, BillerGateway},
    keys::{Claim, Guard, Keys, Past},
    media::{MediaStore, MediaUse, Quota, Sweep, UploadStore},
    official::Paces,
    others::Heard,
    passwords::Passwords,
    ports::{Accounts, CallList, Deadlines, Dice, Followers, GroupCallList, Ports, Presence, Relations},
    repositories::Repositories,
    repository::{Cell, Repository},
    submission::{Step, Submission, committed, finish},
    wallet::{Pauses, Rounds},
};

/// How often a command decides anew after somebody else wrote to its stream.
pub(crate) const ATTEMPTS: usize = 8;
/// How many events are read at a time when a past command is looked up.
const PAGE: usize = 256;

/// Who calls, and how a repetition of the call is known.
#[derive(Clone, Copy, Debug)]
pub struct Caller {
    /// The person; none for the server and its operators.
    pub user: Option<UserId>,
    /// The device they call from.
    pub device: Option<DeviceId>,
    /// The idempotency key of the request.
    pub key: Option<CommandKey>,
}

impl Caller {
    /// The server itself.
    pub const SERVER: Caller = Caller { user: None, device: None, key: None };

    /// A person, without an idempotency key.
    #[must_use]
    pub fn person(user: UserId) -> Self {
        Self { user: Some(user), device: None, key: None }
    }

    /// The person.
    ///
    /// # Errors
    /// [`CommandError::NotLoggedIn`] where there is none.
    pub fn user(&self) -> Result<UserId, CommandError> {
        self.user.ok_or(CommandError::NotLoggedIn)
    }

    /// The id of something that the command makes. It follows from the idempotency key, so that a repeated request names
    /// the same thing, and from the request, so that a key used again for something else, long after it was forgotten,
    /// makes something else.
    #[must_use]
    pub fn id_of_made(&self) -> Uuid {
        let of_key = |key: CommandKey| key.id.derive(&Uuid::from_bytes(key.fingerprint).to_string());
        self.key.map_or_else(Uuid::now_v7, of_key)
    }
}

/// What a command did: durable, and the same again for a repeated request.
#[derive(Clone, Debug)]
pub struct Committed<E> {
    /// Position of the last event; where nothing was to do, of the log at that time, or of the note that says so.
    pub position: Position,
    /// Version of the last event in its stream.
    pub version: u64,
    /// Who did it; none for the server itself.
    pub actor: Option<UserId>,
    /// When.
    pub at: DateTime<Utc>,
    /// The events, with their ids.
    pub events: Vec<(Uuid, E)>,
}

/// Settings of the command side.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CommandsOptions {
    /// How many streams of each kind are kept in memory.
    pub cached_streams: usize,
    /// What a password costs to check.
    pub passwords: PasswordCost,
}

impl Default for CommandsOptions {
    fn default() -> Self {
        Self { cached_streams: 65_536, passwords: PasswordCost::default() }
    }
}

/// The command side: every use case is a method.
pub struct Commands {
    pub(crate) log: Arc<dyn EventLog>,
    pub(crate) clock: Arc<dyn Clock>,
    /// The numbers of the rules.
    pub policy: Policy,
    /// The server's secret.
    pub secrets: Secrets,
    pub(crate) relations: Arc<dyn Relations>,
    pub(crate) deadlines: Arc<dyn Deadlines>,
    pub(crate) passwords: Passwords,
    pub(crate) streams: Repositories,
    pub(crate) followers: Arc<dyn Followers>,
    pub(crate) callbacks: Arc<dyn CallbackGateway>,
    pub(crate) paces: Paces,
    /// Where the bytes of media are kept.
    pub store: Arc<dyn MediaStore>,
    pub(crate) media_use: Arc<dyn MediaUse>,
    pub(crate) uploads: Arc<dyn UploadStore>,
    pub(crate) quota: Arc<Quota>,
    pub(crate) sweep: Sweep,
    /// How far the log was heard where others write to it.
    pub(crate) heard: Arc<Heard>,
    pub(crate) accounts: Arc<dyn Accounts>,
    pub(crate) dice: Arc<dyn Dice>,
    pub(crate) bank: Option<Arc<dyn BankGateway>>,
    pub(crate) billers: Option<Arc<dyn BillerGateway>>,
    pub(crate) pauses: Pauses,
    pub(crate) rounds: Rounds,
    pub(crate) call_list: Arc<dyn CallList>,
    pub(crate) group_call_list: Arc<dyn GroupCallList>,
    pub(crate) forwarder: Option<Arc<dyn MediaForwarder>>,
    pub(crate) presence: Arc<dyn Presence>,
    pub(crate) engaged: Engaged,
    pub(crate) absences: Absences<CallId>,
    pub(crate) group_absences: Absences<(CallId, DeviceId)>,
    keys: Arc<Keys>,
}

/// A command that has begun: not repeated, its key claimed.
pub(crate) struct Begun {
    pub(crate) actor: Option<UserId>,
    pub(crate) id: CommandId,
    guard: Option<Guard>,
}

impl Begun {
    /// A command that carries no idempotency key.
    pub(crate) fn unkeyed(caller: &Caller) -> Self {
        Self { actor: caller.user, id: CommandId::new(), guard: None }
    }

    /// What its appends say of it.
    fn step(&self) -> Step {
        let fingerprint = self.guard.as_ref().map(|guard| guard.key.fingerprint);
        Step { actor: self.actor, command: self.id, fingerprint }
    }

    /// The same command, done by a person who proved only now who they are.
    pub(crate) fn acting_as(self, user: UserId) -> Self {
        Self { actor: Some(user), ..self }
    }
}

/// What beginning a command found.
pub(crate) enum Beginning<E> {
    /// It is new.
    New(Begun),
    /// It was carried out before, with this outcome.
    Repeated(Committed<E>),
}

/// Begins a command, or returns from the use case with the outcome of the first time.
macro_rules! begin {
    ($commands:expr, $caller:expr) => {
        match $commands.begin($caller).await? {
            $crate::engine::Beginning::New(begun) => begun,
            $crate::engine::Beginning::Repeated(committed) => return Ok(committed),
        }
    };
}
pub(crate) use begin;

impl Commands {
    /// The command side over a log and the read models' answers.
    ///
    /// # Errors
    /// [`CommandError::Internal`] for password costs that Argon2 does not take.
    pub fn new(
        log: Arc<dyn EventLog>,
        clock: Arc<dyn Clock>,
        policy: Policy,
        secrets: Secrets,
        ports: Ports,
        options: &CommandsOptions,
    ) -> Result<Self, CommandError> {
        let heard = Arc::new(Heard::new(log.clone()));
        let Ports {
            relations,
            deadlines,
            history,
            snapshots,
            accounts,
            followers,
            callbacks,
            dice,
            bank,
            billers,
            calls,
            group_calls,
            forwarder,
            presence,
            store,
            media_use,
            uploads,
        } = ports;
        Ok(Self {
            passwords: Passwords::new(options.passwords)?,
            streams: Repositories::new(&log, &snapshots, &heard, options.cached_streams),
            followers,
            callbacks,
            paces: Paces::default(),
            store,
            quota: Arc::new(Quota::new(policy.media.quota_bytes, media_use.clone(), uploads.clone())),
            media_use,
            uploads,
            sweep: Sweep::default(),
            accounts,
            dice,
            bank,
            billers,
            heard,
            call_list: calls,
            group_call_list: group_calls,
            forwarder,
            presence,
            engaged: Engaged::default(),
            absences: Absences::default(),
            group_absences: Absences::default(),
            pauses: Pauses::default(),
            rounds: Rounds::default(),
            keys: Arc::new(Keys::new(history)),
            log,
            clock,
            policy,
            secrets,
            relations,
            deadlines,
        })
    }

    /// The present time, by the clock that all commands go by.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// Moves the clock ahead, where it can be moved; tells whether it was.
    #[must_use]
    pub fn advance_clock(&self, by: chrono::TimeDelta) -> bool {
        self.clock.advance(by)
    }

    /// Begins a command: a repeated request gets what came of the first one.
    pub(crate) async fn begin<E: EventFamily>(&self, caller: &Caller) -> Result<Beginning<E>, CommandError> {
        let Some(key) = caller.key else {
            return Ok(Beginning::New(Begun::unkeyed(caller)));
        };
        if self.heard.is_shared() {
            // Whatever this node has shown of others' commands is known as theirs.
            self.keys.reached(self.log.last_position()).await?;
        }
        match self.keys.claim(key)? {
            Claim::New(guard) => Ok(Beginning::New(Begun { actor: caller.user, id: key.id, guard: Some(guard) })),
            Claim::Repeated(past) => Ok(Beginning::Repeated(self.outcome_of(key.id, past).await?)),
        }
    }

    /// Whether a command with that key was carried out before, or is under way.
    pub(crate) async fn is_known(&self, key: CommandId) -> Result<bool, CommandError> {
        if self.heard.is_shared() {
            self.keys.reached(self.log.last_position()).await?;
        }
        self.keys.is_known(key)
    }

    /// Runs the last (or only) step of a command on a stream.
    pub(crate) async fn run<A: Aggregate>(
        &self,
        repository: &Arc<Repository<A>>,
        id: A::Id,
        mut begun: Begun,
        decide: impl Fn(&A, DateTime<Utc>) -> Result<Vec<A::Event>, Rejection>,
    ) -> Result<Committed<A::Event>, CommandError> {
        self.attempt(repository, id, &mut begun, decide).await
    }

    /// As [`Self::run`], for a command that may go another way after a refusal: its key stays claimed.
    pub(crate) async fn attempt<A: Aggregate>(
        &self,
        repository: &Arc<Repository<A>>,
        id: A::Id,
        begun: &mut Begun,
        decide: impl Fn(&A, DateTime<Utc>) -> Result<Vec<A::Event>, Rejection>,
    ) -> Result<Committed<A::Event>, CommandError> {
        for _ in 0..ATTEMPTS {
            let step = begun.step();
            let actor = step.actor;
            let cell = repository.load(id).await?;
            let decided = self.submit(&cell, id, &step, begun.guard.as_ref().map(|guard| guard.looked), &decide)?;
            let submission = match decided {
                Decided::Submitted(submission) => submission,
                Decided::Nothing(version) | Decided::Refused(version, _)
                    if !cell.settled(version).await || !repository.ends_at(id, version).await? =>
                {
                    repository.forget(id, &cell);
                    continue;
                }
                Decided::Nothing(version) => {
                    let Some(guard) = begun.guard.take() else {
                        let position = self.log.last_position();
                        return Ok(Committed { position, version, actor, at: self.now(), events: vec![] });
                    };
                    return self.remember_nothing(step, guard).await;
                }
                Decided::Refused(_, rejection) => return Err(rejection.into()),
                Decided::PerhapsDone(position) => {
                    let Some(guard) = &mut begun.guard else { continue };
                    match guard.look_again(position).await? {
                        Some(past) => return self.outcome_of(step.command, past).await,
                        None => continue,
                    }
                }
            };
            // In a task of its own, so that a caller who goes away leaves nothing half done.
            let log = self.log.clone();
            let finish = finish(log, repository.clone(), id, cell, submission, begun.guard.take());
            match tokio::spawn(finish).await {
                Ok(Ok(committed)) => return Ok(committed),
                Ok(Err((CommandError::Append(AppendError::Conflict { .. }), returned))) => begun.guard = returned,
                Ok(Err((error, _))) => return Err(error),
                Err(error) => return Err(CommandError::Internal(error.to_string())),
            }
        }
        Err(CommandError::Contended)
    }

    /// Runs an earlier step of a command, on another stream than its last.
    pub(crate) async fn run_step<A: Aggregate>(
        &self,
        repository: &Arc<Repository<A>>,
        id: A::Id,
        begun: &Begun,
        step: &str,
        decide: impl Fn(&A, DateTime<Utc>) -> Result<Vec<A::Event>, Rejection>,
    ) -> Result<Committed<A::Event>, CommandError> {
        let step = Begun { actor: begun.actor, id: CommandId(begun.id.derive(step)), guard: None };
        self.run(repository, id, step, decide).await
    }

    /// Writes down that a keyed command had nothing to do: when it comes again there might be, and yet it is done.
    async fn remember_nothing<E>(&self, step: Step, guard: Guard) -> Result<Committed<E>, CommandError> {
        let (actor, at) = (step.actor, self.now());
        let stream = StreamName::new(format!("{}-{}", command::CATEGORY, step.command))?;
        let event = CommandEvent::from(CommandWithoutEffect {});
        let mut append = step.append(stream.clone(), ExpectedVersion::NoStream, at, &[event])?;
        // The same whoever notes it, and when: it says nothing but that.
        append.events.iter_mut().for_each(|event| event.event_id = step.command.derive("without effect"));
        let outcome = self.log.append(append);
        // In a task of its own, so that the key is settled also when the caller goes away.
        let appended = tokio::spawn(async move {
            let appended = outcome.await?;
            guard.done(stream, 0, 1, appended.position);
            Ok::<_, AppendError>(appended)
        });
        let appended = appended.await.map_err(|error| CommandError::Internal(error.to_string()))??;
        Ok(Committed { position: appended.position, version: appended.version, actor, at, events: vec![] })
    }

    /// Decides on the cached state, submits what was decided and takes it into the state: all under the cell's lock, so
    /// that submissions are in the order of decisions. `looked` is up to where the log was looked through for the command's
    /// key, if it has one.
    fn submit<A: Aggregate>(
        &self,
        cell: &Cell<A>,
        id: A::Id,
        step: &Step,
        looked: Option<Position>,
        decide: &impl Fn(&A, DateTime<Utc>) -> Result<Vec<A::Event>, Rejection>,
    ) -> Result<Decided<A::Event>, CommandError> {
        let mut cached = cell.cached.lock();
        if let Some(position) = looked.and_then(|looked| cached.recent.unknown_up_to(step.command, looked)) {
            return Ok(Decided::PerhapsDone(position));
        }
        let at = self.clock.now();
        let events = match decide(&cached.state, at) {
            Ok(events) if events.is_empty() => return Ok(Decided::Nothing(cached.version)),
            Ok(events) => events,
            Err(rejection) => return Ok(Decided::Refused(cached.version, rejection)),
        };
        let before = cached.version;
        let append = step.append(Repository::<A>::stream(id)?, cached.expected(), at, &events)?;
        let ids: Vec<Uuid> = append.events.iter().map(|event| event.event_id).collect();
        let stream = append.stream.clone();
        let outcome = self.log.append(append);
        let events: Vec<_> = ids.into_iter().zip(events).collect();
        cached.evolve(&events, step.actor, at);
        Ok(Decided::Submitted(Submission { stream, before, actor: step.actor, at, events, outcome }))
    }

    /// What came of a command the first time.
    async fn outcome_of<E: EventFamily>(&self, command: CommandId, past: Past) -> Result<Committed<E>, CommandError> {
        let records = match past {
            Past::InStream(stream, after, count) => self.log.read_stream(&stream, after, count).await?,
            Past::After(position) => self.written_behind(position, command).await?,
        };
        let records: Vec<_> = records.into_iter().take_while(|record| record.command_id() == command.0).collect();
        committed(&records, self.now())
    }

    /// What a command appended right behind a position: it may be more than is read at a time.
    async fn written_behind(
        &self,
        mut position: Position,
        command: CommandId,
    ) -> Result<Vec<RecordedEvent>, CommandError> {
        let mut written = vec![];
        loop {
            let page = self.log.read_all(position, PAGE).await?;
            let (before, read) = (written.len(), page.len());
            written.extend(page.into_iter().take_while(|record| record.command_id() == command.0));
            match written.last() {
                Some(last) if read > 0 && written.len() == before + read => position = last.position(),
                _ => return Ok(written),
            }
        }
    }
}

/// What a cell's state decided.
enum Decided<E> {
    /// Events, on their way into the log.
    Submitted(Submission<E>),
    /// Nothing to do, judged at that version.
    Nothing(u64),
    /// A refusal, judged at that version.
    Refused(u64, Rejection),
    /// Another node may have carried out this very command, up to that position.
    PerhapsDone(Position),
}
