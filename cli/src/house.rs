//! The wiring: log, read models and command side of one data directory, put together.

use std::{fs, sync::Arc};

use api::hub::Hub;
use chrono::{DateTime, TimeDelta, Utc};
use commands::{
    AdjustableClock, Clock, Commands, Secrets, SystemClock,
    callbacks::CallbackGateway,
    forwarding::MediaForwarder,
    gateways::{BankGateway, BillerGateway},
    ports::{Ports, SystemDice},
};
use eventlog::EventLog;
use gateways::{HttpBank, HttpBiller, HttpCallbacks};
use media::{BlobStore, Parts};
use projections::{ReadModelOptions, ReadModels};
use sfu::Forwarder;
use tokio::sync::watch;

use crate::{
    crash, error::Error, layout::DataDir, log::Log, ports::Answers, secret, settings::Settings,
    snapshots::SnapshotStore,
};

/// Everything under the interface.
pub(crate) struct House {
    /// The log as everybody uses it.
    pub(crate) log: Arc<dyn EventLog>,
    /// The same, to be closed.
    opened: Log,
    pub(crate) read_models: Arc<ReadModels>,
    pub(crate) commands: Arc<Commands>,
    pub(crate) hub: Arc<Hub>,
    /// Told when an operator moved the clock.
    pub(crate) clock_moved: watch::Sender<()>,
    /// Told when official accounts have something to answer.
    pub(crate) to_answer: watch::Sender<()>,
    /// Told when webhooks of official accounts have something to be told.
    pub(crate) to_notify: watch::Sender<()>,
}

impl House {
    /// Opens a data directory, which is made if it is not there.
    ///
    /// # Errors
    /// A breach where the log is not what was written; whatever else keeps a part from opening.
    pub(crate) fn open(settings: &Settings) -> Result<Self, Error> {
        let data = DataDir::new(settings.data.clone());
        fs::create_dir_all(data.root()).map_err(|error| Error::unavailable(data.root().display(), error))?;
        if data.is_being_restored() {
            let root = data.root().display();
            return Err(Error::Unavailable(format!("a restore into {root} is not finished; give that command again")));
        }
        let opened = Log::open(settings, &data)?;
        let log = opened.port();
        let secrets = Secrets::new(secret::load(settings.secret_key.as_ref(), data.root())?);
        let hub = Arc::new(Hub::new(settings.api.push_bytes_max));
        let port = crash::obeying(log.clone(), &settings.development.crash_file);
        let (to_answer, to_notify) = (watch::Sender::new(()), watch::Sender::new(()));
        let (answer, notify) = (to_answer.clone(), to_notify.clone());
        let options = ReadModelOptions {
            on_official_applied: Some(Arc::new(move |view, _| {
                if view.has_to_answer() {
                    answer.send_replace(());
                }
                if view.has_to_notify() {
                    notify.send_replace(());
                }
            })),
            ..pushing_to(&hub)
        };
        let read_models = ReadModels::start(port.clone(), &data.views(), options)
            .map_err(|error| Error::failed("the read models", error))?;
        let snapshots =
            SnapshotStore::open(&data.snapshots()).map_err(|error| Error::failed("the snapshots", error))?;
        let store =
            BlobStore::open(&data.media(), &settings.media).map_err(|error| Error::failed("the media", error))?;
        let parts = Parts::open(&data.media(), &settings.media).map_err(|error| Error::failed("the media", error))?;
        let clock_moved = watch::Sender::new(());
        let answers = Arc::new(Answers::new(port.clone(), read_models.clone()));
        let ports = Ports {
            relations: answers.clone(),
            deadlines: answers.clone(),
            history: answers.clone(),
            snapshots: Arc::new(snapshots),
            accounts: answers.clone(),
            followers: answers.clone(),
            callbacks: callbacks(settings)?,
            store: Arc::new(store),
            media_use: answers.clone(),
            uploads: Arc::new(parts),
            dice: Arc::new(SystemDice),
            bank: bank(settings)?,
            billers: billers(settings)?,
            calls: answers.clone(),
            group_calls: answers,
            forwarder: forwarder(settings)?,
            presence: hub.clone(),
        };
        let clock = clock(settings, &clock_moved);
        let commands = Commands::new(port, clock, settings.policy.clone(), secrets, ports, &settings.commands)
            .map_err(|error| Error::failed("the command side", error))?;
        Ok(Self { log, opened, read_models, commands: Arc::new(commands), hub, clock_moved, to_answer, to_notify })
    }

    /// Puts everything on disk. Blocks for as long as that takes.
    pub(crate) fn close(self) {
        self.read_models.stop();
        self.opened.close();
    }
}

/// What forwards sound and pictures, where the settings name an address for it.
fn forwarder(settings: &Settings) -> Result<Option<Arc<dyn MediaForwarder>>, Error> {
    let forwarder =
        Forwarder::start(&settings.sfu).map_err(|error| Error::unavailable("the forwarding unit", error))?;
    Ok(forwarder.map(|forwarder| Arc::new(forwarder) as _))
}

/// Has everything that happens pushed to the devices that are connected.
fn pushing_to(hub: &Arc<Hub>) -> ReadModelOptions {
    let [applied, logged, noticed, broadcast] = [0; 4].map(|_| hub.clone());
    ReadModelOptions {
        on_chat_applied: Some(Arc::new(move |view, facts| applied.publish(view, facts))),
        on_chat_logged: Some(Arc::new(move |chat, facts| logged.publish_ahead(chat, facts))),
        on_moments_applied: Some(Arc::new(move |view, facts| noticed.announce(view, facts))),
        on_broadcasts_applied: Some(Arc::new(move |_, facts| broadcast.announce_broadcasts(facts))),
        ..ReadModelOptions::default()
    }
}

fn bank(settings: &Settings) -> Result<Option<Arc<dyn BankGateway>>, Error> {
    let Some(options) = &settings.bank else { return Ok(None) };
    let bank = HttpBank::new(options).map_err(|error| Error::failed("the setting `bank`", error))?;
    Ok(Some(Arc::new(bank)))
}

fn billers(settings: &Settings) -> Result<Option<Arc<dyn BillerGateway>>, Error> {
    let Some(options) = &settings.biller else { return Ok(None) };
    let billers = HttpBiller::new(options).map_err(|error| Error::failed("the setting `biller`", error))?;
    Ok(Some(Arc::new(billers)))
}

fn callbacks(settings: &Settings) -> Result<Arc<dyn CallbackGateway>, Error> {
    let callbacks = HttpCallbacks::new(&settings.callbacks).map_err(|part| {
        let reason = format!("{part:?} is no address");
        Error::failed("the setting `callbacks.allow_inside`", reason)
    })?;
    Ok(Arc::new(callbacks))
}

fn clock(settings: &Settings, moved: &watch::Sender<()>) -> Arc<dyn Clock> {
    if settings.development.adjustable_clock {
        Arc::new(WatchedClock { clock: AdjustableClock::default(), moved: moved.clone() })
    } else {
        Arc::new(SystemClock::default())
    }
}

/// A clock that tells when it was moved, so that what fell due by that is done at once.
struct WatchedClock {
    clock: AdjustableClock,
    moved: watch::Sender<()>,
}

impl Clock for WatchedClock {
    fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    fn advance(&self, by: TimeDelta) -> bool {
        let advanced = self.clock.advance(by);
        self.moved.send_replace(());
        advanced
    }
}
