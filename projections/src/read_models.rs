//! All read models together, as the server runs them and as offline work builds them.

use std::{path::Path, sync::Arc, time::Duration};

use eventlog::EventLog;
use futures::future::BoxFuture;

use crate::{
    articles::{ArticlesProjection, ArticlesView},
    broadcasts::{BroadcastsProjection, BroadcastsView},
    calls::{CallsProjection, CallsView},
    chat::{ChatProjection, ChatView},
    commands::{CommandIndexProjection, CommandIndexView},
    deadlines::{DeadlinesProjection, DeadlinesView},
    group_calls::{GroupCallsProjection, GroupCallsView},
    media::{MediaProjection, MediaView},
    moments::{MomentsProjection, MomentsView},
    official::{OfficialProjection, OfficialView},
    people::{PeopleProjection, PeopleView},
    report::{ReportProjection, ReportView},
    runtime::{AppliedHook, Fact, Group, GroupBuilder, Kind, ProjectionStatus, RebuildError, Slot, StartError, State},
    search::{SearchProjection, SearchView},
    shops::{ShopsProjection, ShopsView},
    stickers::{StickersProjection, StickersView},
    wallet::{WalletProjection, WalletView},
};

/// Every read model there is, for replaying and comparing.
#[must_use]
pub fn kinds() -> Vec<Kind> {
    vec![
        Kind::of::<ChatProjection>(),
        Kind::of::<PeopleProjection>(),
        Kind::of::<CommandIndexProjection>(),
        Kind::of::<DeadlinesProjection>(),
        Kind::of::<MediaProjection>(),
        Kind::of::<MomentsProjection>(),
        Kind::of::<OfficialProjection>(),
        Kind::of::<ReportProjection>(),
        Kind::of::<SearchProjection>(),
        Kind::of::<ShopsProjection>(),
        Kind::of::<StickersProjection>(),
        Kind::of::<WalletProjection>(),
        Kind::of::<CallsProjection>(),
        Kind::of::<ArticlesProjection>(),
        Kind::of::<BroadcastsProjection>(),
        Kind::of::<GroupCallsProjection>(),
    ]
}

/// What the read models are started with.
#[derive(Clone, Default)]
pub struct ReadModelOptions {
    /// Called on the chat projection's thread, with its view and the events that it has just taken in, in the order of
    /// the log and each once; not for what happened before the start. It must be quick.
    pub on_chat_applied: Option<AppliedHook<ChatView>>,
    /// The same of the Moments projection.
    pub on_moments_applied: Option<AppliedHook<MomentsView>>,
    /// The same of the projection of official accounts.
    pub on_official_applied: Option<AppliedHook<OfficialView>>,
    /// The same of the projection of broadcasts.
    pub on_broadcasts_applied: Option<AppliedHook<BroadcastsView>>,
    /// Called on a thread of its own with what has just come into the log, in its order and each once; not for what
    /// happened before the start. The chat projection may not have taken it in yet.
    pub on_chat_logged: Option<LoggedHook>,
}

/// Called with the place of the chat view and what has come into the log.
pub type LoggedHook = Arc<dyn Fn(&Slot<ChatView>, &[Arc<Fact>]) + Send + Sync>;

/// Least time from one batch of pushes to the next: under load fewer and larger ones cost less.
const PUSH_PACE: Duration = Duration::from_millis(2);

/// The read models of a server, each in its slot.
pub struct ReadModels {
    /// Conversations, history, inbox, sync.
    pub chat: Arc<Slot<ChatView>>,
    /// Profiles, contacts, friend requests.
    pub people: Arc<Slot<PeopleView>>,
    /// Which keyed commands have been done.
    pub commands: Arc<Slot<CommandIndexView>>,
    /// What falls due later.
    pub deadlines: Arc<Slot<DeadlinesView>>,
    /// Pictures, voice, video and files that people brought.
    pub media: Arc<Slot<MediaView>>,
    /// Posts, and what is said of them.
    pub moments: Arc<Slot<MomentsView>>,
    /// Official accounts, and who follows them.
    pub official: Arc<Slot<OfficialView>>,
    /// A person's year.
    pub report: Arc<Slot<ReportView>>,
    /// Search in messages.
    pub search: Arc<Slot<SearchView>>,
    /// Merchants and orders.
    pub shops: Arc<Slot<ShopsView>>,
    /// Sticker packs.
    pub stickers: Arc<Slot<StickersView>>,
    /// Balances, statements, money on its way.
    pub wallet: Arc<Slot<WalletView>>,
    /// Calls.
    pub calls: Arc<Slot<CallsView>>,
    /// What official accounts publish.
    pub articles: Arc<Slot<ArticlesView>>,
    /// What official accounts say to many at once, and note of their followers.
    pub broadcasts: Arc<Slot<BroadcastsView>>,
    /// Calls of groups.
    pub group_calls: Arc<Slot<GroupCallsView>>,
    group: Group,
}

impl ReadModels {
    /// Opens the read models in a directory and lets them follow the log; where rows are missing or of another
    /// version, they are built first, and [`Self::is_ready`] tells when that is done.
    ///
    /// # Errors
    /// When another process uses the directory or a read model can't be opened, not even anew.
    pub fn start(log: Arc<dyn EventLog>, dir: &Path, options: ReadModelOptions) -> Result<Arc<Self>, StartError> {
        let mut group = GroupBuilder::new(log, dir)?;
        let chat = group.add::<ChatProjection>(options.on_chat_applied)?;
        if let Some(hook) = options.on_chat_logged {
            let chat = Arc::clone(&chat);
            group.follow("push", PUSH_PACE, Box::new(move |facts| hook(&chat, facts)))?;
        }
        Ok(Arc::new(Self {
            chat,
            people: group.add::<PeopleProjection>(None)?,
            commands: group.add::<CommandIndexProjection>(None)?,
            deadlines: group.add::<DeadlinesProjection>(None)?,
            media: group.add::<MediaProjection>(None)?,
            moments: group.add::<MomentsProjection>(options.on_moments_applied)?,
            official: group.add::<OfficialProjection>(options.on_official_applied)?,
            report: group.add::<ReportProjection>(None)?,
            search: group.add::<SearchProjection>(None)?,
            shops: group.add::<ShopsProjection>(None)?,
            stickers: group.add::<StickersProjection>(None)?,
            wallet: group.add::<WalletProjection>(None)?,
            calls: group.add::<CallsProjection>(None)?,
            articles: group.add::<ArticlesProjection>(None)?,
            broadcasts: group.add::<BroadcastsProjection>(options.on_broadcasts_applied)?,
            group_calls: group.add::<GroupCallsProjection>(None)?,
            group: group.start()?,
        }))
    }

    /// How each read model is.
    #[must_use]
    pub fn status(&self) -> Vec<ProjectionStatus> {
        self.group.status()
    }

    /// Whether all of them answer queries.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.status().iter().all(|status| status.state == State::Live)
    }

    /// Rebuilds one of them from the first event on, while it goes on serving; see [`Group::rebuild`].
    ///
    /// # Errors
    /// When it can't be begun.
    pub fn rebuild(&self, name: &str) -> Result<BoxFuture<'static, Result<(), RebuildError>>, RebuildError> {
        self.group.rebuild(name)
    }

    /// Stops them all and puts their rows on disk. Blocks for as long as that takes.
    pub fn stop(&self) {
        self.group.stop();
    }
}
