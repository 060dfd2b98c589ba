//! What is done later: again and again, and whenever the clock was moved; on a cluster only by the server with the lease.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use commands::Commands;
use domain::{Duty, hold::Settler};
use tokio::{
    sync::watch,
    time::{Interval, MissedTickBehavior},
};
use uuid::Uuid;

use crate::{
    accounts::{Work, work_for_accounts},
    house::House,
    settings::Settings,
    tasks::Tasks,
};

/// How often it is looked up what has waited too long.
const EXPIRIES_EVERY: Duration = Duration::from_secs(5);
/// How often it is looked up what is to be done about money.
const MONEY_EVERY: Duration = Duration::from_secs(2);
/// How often it is looked up what is to be done about calls.
const CALLS_EVERY: Duration = Duration::from_secs(1);
/// How often it is looked up which calls have a device at this server.
const ATTEND_EVERY: Duration = Duration::from_secs(10);
/// How often it is looked up which media nothing names.
const MEDIA_EVERY: Duration = Duration::from_secs(60);
/// A lease is renewed when a third of its time is over, so that one renewal may fail.
const RENEWALS: u32 = 3;

/// Starts the tasks that do it.
pub(crate) fn start(tasks: &mut Tasks, house: &House, settings: &Settings) {
    let held = if house.log.is_shared() { Held::Until(DateTime::UNIX_EPOCH) } else { Held::Always };
    let lease = watch::Sender::new(held);
    let turn = || Turn { commands: house.commands.clone(), lease: lease.subscribe() };
    let moved = || house.clock_moved.subscribe();
    let beat = || Beat { turn: turn(), clock_moved: moved() };
    tasks.start("expiries", end_what_waited(beat()));
    tasks.start("money", move_money(beat()));
    tasks.start("calls", look_after_calls(beat()));
    tasks.start("unnamed media", discard_unnamed(beat()));
    tasks.start("answers", work_for_accounts(Work::Answer, turn(), moved(), house.to_answer.clone()));
    tasks.start("webhooks", work_for_accounts(Work::Notify, turn(), moved(), house.to_notify.clone()));
    for settler in Settler::ALL {
        tasks.start("settlements", settle_money(settler, beat()));
    }
    if settings.sfu.listen.is_some() {
        tasks.start("forwarding", dismiss_departed(house.commands.clone()));
    }
    if house.log.is_shared() {
        tasks.start("attendance", attend_calls(house.commands.clone(), moved()));
        tasks.start("lease", keep_lease(house.commands.clone(), settings.cluster.lease_seconds, lease));
    }
}

/// Ticks at once, and then again and again. After a time in which nobody could look it goes on as before, rather than with
/// all the ticks at once that were missed.
pub(crate) fn every(period: Duration) -> Interval {
    let mut interval = tokio::time::interval(period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

/// For how long this server does what only one is to do.
#[derive(Clone, Copy, Debug)]
enum Held {
    /// There is no other.
    Always,
    /// It has the lease until then.
    Until(DateTime<Utc>),
}

/// Whether it is this server's turn to do what only one is to do.
#[derive(Clone)]
pub(crate) struct Turn {
    /// What it is done with.
    pub(crate) commands: Arc<Commands>,
    lease: watch::Receiver<Held>,
}

impl Turn {
    /// Whether it is now.
    pub(crate) fn is_here(&self) -> bool {
        match *self.lease.borrow() {
            Held::Always => true,
            Held::Until(end) => self.commands.now() < end,
        }
    }
}

/// What tells a task when to look.
struct Beat {
    turn: Turn,
    clock_moved: watch::Receiver<()>,
}

impl Beat {
    /// Waits for the next time, or until the clock was moved or the lease taken, at which it is this server's turn.
    async fn next(&mut self, interval: &mut Interval) {
        loop {
            tokio::select! {
                _ = interval.tick() => {}
                Ok(()) = self.clock_moved.changed() => {}
                Ok(()) = self.turn.lease.changed() => {}
            }
            if self.turn.is_here() {
                return;
            }
        }
    }
}

/// Takes the lease whenever nobody has it, and renews it.
async fn keep_lease(commands: Arc<Commands>, seconds: u32, lease: watch::Sender<Held>) {
    // Drawn at each start: a server that comes back waits for its own old lease as for anybody's.
    let holder = Uuid::now_v7();
    let mut interval = every(Duration::from_secs(u64::from(seconds)) / RENEWALS);
    loop {
        interval.tick().await;
        match commands.take_lease(Duty::Timers, holder, TimeDelta::seconds(i64::from(seconds))).await {
            Ok(Some(until)) => {
                let former = lease.send_replace(Held::Until(until));
                if matches!(former, Held::Until(end) if end <= commands.now()) {
                    tracing::info!(%until, "this server does what falls due");
                }
            }
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "the lease on what falls due was not looked at; trying again"),
        }
    }
}

/// Ends what waited too long.
async fn end_what_waited(mut beat: Beat) {
    let mut interval = every(EXPIRIES_EVERY);
    loop {
        beat.next(&mut interval).await;
        match beat.turn.commands.run_expiries().await {
            Ok(0) => {}
            Ok(ended) => tracing::info!(ended, "what waited too long was ended"),
            Err(error) => tracing::warn!(%error, "what waited too long was not ended; trying again"),
        }
    }
}

/// Lets fall due and shows what is to be done about money.
async fn move_money(mut beat: Beat) {
    let mut interval = every(MONEY_EVERY);
    loop {
        beat.next(&mut interval).await;
        if let Err(error) = beat.turn.commands.run_money().await {
            tracing::warn!(%error, "what is to be done about money was not done; trying again");
        }
    }
}

/// Ends calls whose time is over and shows those that have ended.
async fn look_after_calls(mut beat: Beat) {
    let mut interval = every(CALLS_EVERY);
    loop {
        beat.next(&mut interval).await;
        if let Err(error) = beat.turn.commands.run_calls().await {
            tracing::warn!(%error, "what is to be done about calls was not done; trying again");
        }
        if let Err(error) = beat.turn.commands.run_group_calls().await {
            tracing::warn!(%error, "what is to be done about groups' calls was not done; trying again");
        }
    }
}

/// Forwards nothing to who is in their call no longer: each server for what it forwards itself.
async fn dismiss_departed(commands: Arc<Commands>) {
    let mut interval = every(CALLS_EVERY);
    loop {
        interval.tick().await;
        if let Err(error) = commands.dismiss_departed().await {
            tracing::warn!(%error, "who left a group's call was not put out of it; trying again");
        }
    }
}

/// Notes which calls have a device here: each server for its own.
async fn attend_calls(commands: Arc<Commands>, mut clock_moved: watch::Receiver<()>) {
    let mut interval = every(ATTEND_EVERY);
    loop {
        tokio::select! {
            _ = interval.tick() => {}
            Ok(()) = clock_moved.changed() => {}
        }
        if let Err(error) = commands.attend_calls().await {
            tracing::warn!(%error, "it was not noted which calls have a device here; trying again");
        }
    }
}

/// Discards media that nothing names.
async fn discard_unnamed(mut beat: Beat) {
    let mut interval = every(MEDIA_EVERY);
    loop {
        beat.next(&mut interval).await;
        match beat.turn.commands.discard_unnamed().await {
            Ok(done) if done.media + done.blobs + done.uploads == 0 => {}
            Ok(commands::media::Discarded { media, blobs, uploads }) => {
                tracing::info!(media, blobs, uploads, "media that nothing names were discarded");
            }
            Err(error) => tracing::warn!(%error, "media that nothing names were not discarded; trying again"),
        }
    }
}

/// Asks somebody about what they have not settled. Each in a task of its own, so that silence of one does not hold up the
/// others.
async fn settle_money(settler: Settler, mut beat: Beat) {
    let mut interval = every(MONEY_EVERY);
    loop {
        beat.next(&mut interval).await;
        if let Err(error) = beat.turn.commands.run_settlements(settler).await {
            tracing::warn!(%error, ?settler, "nobody was asked about what is not settled; trying again");
        }
    }
}
