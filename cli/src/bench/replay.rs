//! `teahouse bench replay`: all read models from a log of real events.

use std::{path::Path, sync::Arc, time::Instant};

use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    ConversationEvent, DeviceId, EventFamily, InboxEvent, UserId,
    conversation::{Content, MessageRecalled, MessageSent},
    inbox::ConversationRead,
};
use eventlog::{Append, DiskLog, EventLog, ExpectedVersion, StoreKind};
use futures::future::try_join_all;
use projections::{
    read_models::kinds,
    runtime::{Kind, ReplayOptions, replay},
};

use super::{
    Bench, Place, direct,
    figure::Figure,
    process::{Process, disk_bytes},
    server,
    world::{self, Census, Pair},
};
use crate::{audit::source::opened, error::Error, layout::DataDir};

const PAIRS: usize = 2_000;
/// Of so many events one is no message: a recall or a read mark, in turn.
const OTHER_EVERY: u64 = 46;
/// Appends under way at the same time.
const AT_ONCE: u64 = 4_096;
/// Words that messages are made of.
const WORDS: [&str; 24] = [
    "tea",
    "今天",
    "我们",
    "lunch",
    "at",
    "four",
    "喝茶",
    "the",
    "new",
    "好的",
    "see",
    "you",
    "tomorrow",
    "明天",
    "station",
    "绿茶",
    "and",
    "about",
    "price",
    "没问题",
    "window",
    "谢谢",
    "paper",
    "rain",
];

/// Measures the replay of `events` events in this process: of all read models together, then of each alone.
///
/// # Errors
/// When it fails.
pub(super) async fn run(bench: &Bench, events: u64) -> Result<(), Error> {
    let place = Place::make(bench)?;
    let settings = server::settings(&place.data(), bench.store)?;
    let world = world::people(&settings, Census { pairs: PAIRS, ..Census::default() })?;
    let kind = StoreKind::from(bench.store);
    let log = opened(kind.open(DataDir::new(place.data()).log(), None))?;
    talk(&*log, &world.pairs, events).await?;
    let all = kinds();
    measure(&log, &place.path().join("all"), &all, "all read models")?.tell(bench.json);
    for kind in &all {
        let only = std::slice::from_ref(kind);
        measure(&log, &place.path().join(kind.name), only, kind.name)?.tell(bench.json);
    }
    Ok(())
}

fn measure(log: &Arc<DiskLog>, dir: &Path, kinds: &[Kind], case: &str) -> Result<Figure, Error> {
    let failed = |error: &dyn std::fmt::Display| Error::failed("the replay", error);
    std::fs::create_dir_all(dir).map_err(|error| failed(&error))?;
    let log: Arc<dyn EventLog> = log.clone();
    let to = log.last_position();
    let process = Process::this();
    let (before, began) = (process.cpu(), Instant::now());
    let options = ReplayOptions { to, only: None, as_far_as: None };
    let replayed = replay(kinds, &log, dir, &options, &|_, _| {}).map_err(|error| failed(&error))?;
    let took = began.elapsed();
    if let Some(stopped) = replayed.iter().find_map(|model| model.stopped.as_ref()) {
        return Err(failed(stopped));
    }
    let mut figure = Figure::new("replay", case, to.0, took);
    figure.cpu_percent = Some(before.percent_until(process.cpu()));
    figure.rss_mib = Some(process.resident_mib());
    figure.disk_bytes_per_item = Some(disk_bytes(dir) as f64 / to.0.max(1) as f64);
    Ok(figure)
}

/// Fills the log with talk: mostly messages, now and then a recall or a read mark.
///
/// # Errors
/// When the log does not take it.
pub(super) async fn talk(log: &dyn EventLog, pairs: &[Pair], events: u64) -> Result<(), Error> {
    let failed = |error: &dyn std::fmt::Display| Error::failed("the log", error);
    let mut talk = Talk { seqs: vec![0; pairs.len()], chance: 1, at: Utc::now() };
    let mut done = 0;
    while done < events {
        let appends = (done..events.min(done + AT_ONCE)).filter_map(|number| talk.append(pairs, number));
        let pending: Vec<_> = appends.map(|append| log.append(append)).collect();
        done += AT_ONCE.min(events - done);
        try_join_all(pending).await.map_err(|error| failed(&error))?;
    }
    Ok(())
}

struct Talk {
    /// The number of the last message in each conversation.
    seqs: Vec<u64>,
    chance: u64,
    at: DateTime<Utc>,
}

impl Talk {
    fn append(&mut self, pairs: &[Pair], number: u64) -> Option<Append> {
        let which = self.draw() as usize % pairs.len().max(1);
        let pair = pairs.get(which)?;
        let by = if self.draw().is_multiple_of(2) { pair.one.user } else { pair.other.user };
        // About as many messages a day as make a year of them.
        self.at += TimeDelta::milliseconds(15);
        let last = self.seqs.get(which).copied()?;
        if number.is_multiple_of(OTHER_EVERY) && last > 0 {
            if number.is_multiple_of(2 * OTHER_EVERY) {
                let read = ConversationRead { conversation: pair.conversation, seq: last, device: DeviceId(by.0) };
                return self.of_event(format!("inbox-{by}"), by, &InboxEvent::from(read));
            }
            let recalled = MessageRecalled { seq: last, silent: false };
            return self.of_event(
                format!("conversation-{}", pair.conversation),
                by,
                &ConversationEvent::from(recalled),
            );
        }
        let content = Content::Text { text: self.text() };
        let sent = MessageSent {
            seq: last + 1,
            content,
            reply_to: None,
            mentions: vec![],
            mention_all: false,
            official: None,
        };
        *self.seqs.get_mut(which)? += 1;
        self.of_event(format!("conversation-{}", pair.conversation), by, &ConversationEvent::from(sent))
    }

    fn of_event(&self, stream: String, by: UserId, event: &impl EventFamily) -> Option<Append> {
        direct::append(stream, ExpectedVersion::Any, by, self.at, std::slice::from_ref(event)).ok()
    }

    /// Three to eight words.
    fn text(&mut self) -> String {
        let count = 3 + self.draw() as usize % 6;
        let words = (0..count).filter_map(|_| WORDS.get(self.draw() as usize % WORDS.len()).copied());
        words.collect::<Vec<_>>().join(" ")
    }

    /// A number that looks random.
    fn draw(&mut self) -> u64 {
        self.chance = self.chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.chance >> 33
    }
}
