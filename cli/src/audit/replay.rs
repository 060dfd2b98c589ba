//! `teahouse audit replay`: the read models built again from the log, aside, and compared with those that serve.

use std::{path::Path, sync::Arc};

use chrono::{DateTime, Utc};
use clap::Args;
use eventlog::{Breach, EventLog, Position, ReadError, RecordedEvent, StoreKind};
use futures::executor::block_on;
use projections::{
    read_models::kinds,
    runtime::{Difference, Kind, ReplayError, ReplayOptions, Replayed, What, compare, replay},
};
use tempfile::TempDir;

use super::{
    filter::{Until, parse_until},
    restore::{Target, import},
    source::{self, PAGE, SourceArgs, Which, connected, open_log},
};
use crate::{
    error::{Ending, Error},
    layout::DataDir,
    output,
    progress::{Progress, grouped, rate},
    settings::Settings,
};

/// What to replay.
#[derive(Args, Debug)]
pub(crate) struct Replay {
    #[command(flatten)]
    source: SourceArgs,
    /// Only up to this position, or to what happened before this time
    #[arg(long, value_name = "POSITION|TIME", value_parser = parse_until)]
    to: Option<Until>,
    /// Only this read model
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
    /// Name every row that differs from the read models in the data directory; a cluster's server must not be running
    #[arg(long, conflicts_with_all = ["to", "server", "file"])]
    compare: bool,
}

/// A log to replay, and a place to do it in.
struct Stage {
    log: Arc<dyn EventLog>,
    /// Deleted at the end, with the rows that were built in it.
    aside: TempDir,
}

/// Builds read models aside and says how fast; with `--compare` names each row that differs.
///
/// # Errors
/// A breach where the log has one, [`Error::Unavailable`] where it could not look.
pub(super) fn run(args: &Replay, settings: &Settings) -> Result<Ending, Error> {
    let live = DataDir::new(args.source.which.data.clone().unwrap_or_else(|| settings.data.clone()));
    let stage = Stage::set(&args.source, &live, settings)?;
    let last = stage.log.last_position();
    let to = match args.to {
        None => last,
        Some(Until::Position(position)) => position.min(last),
        Some(Until::Time(time)) => last_before(stage.log.as_ref(), time)?,
    };
    let options = ReplayOptions { to, only: args.only.clone(), as_far_as: args.compare.then(|| live.views()) };
    let kinds = kinds();
    let views = stage.aside.path().join("views");
    let replayed = stage.replay(&kinds, &views, &options)?;
    let mut ending = Ending::Well;
    for model in &replayed {
        if let Some(reason) = &model.stopped {
            ending = Ending::Breach;
            output::line(&format!("{} stopped behind position {}: {reason}", model.name, model.position));
        }
    }
    if args.compare && compare_with(&live.views(), &views, &kinds, &replayed, args.only.as_deref())? == Ending::Breach {
        ending = Ending::Breach;
    }
    Ok(ending)
}

impl Stage {
    fn set(source: &SourceArgs, live: &DataDir, settings: &Settings) -> Result<Self, Error> {
        let failed = |error: std::io::Error| Error::unavailable("a directory to replay in", error);
        let is_local = source.which.server.is_none() && source.which.file.is_none();
        if is_local {
            let on_cluster = SourceArgs { which: Which::default(), ..source.clone() };
            let log: Arc<dyn EventLog> = match connected(&on_cluster, settings)? {
                Some(log) => log,
                None => open_log(live, settings)?,
            };
            let aside = tempfile::Builder::new().prefix("replay-").tempdir_in(live.root()).map_err(failed)?;
            return Ok(Self { log, aside });
        }
        // Read models follow a log, so what comes from elsewhere is brought into one first.
        let mut records = source::open(source, settings)?;
        let aside = tempfile::Builder::new().prefix("teahouse-replay-").tempdir().map_err(failed)?;
        let log = source::opened(StoreKind::Fjall.open(aside.path().join("log"), None))?;
        let progress = Progress::begin("reading", records.last().map(|last| last.0));
        import(records.as_mut(), &Target::Disk(log.clone()), &progress)?;
        progress.end();
        Ok(Self { log, aside })
    }

    fn replay(&self, kinds: &[Kind], views: &Path, options: &ReplayOptions) -> Result<Vec<Replayed>, Error> {
        std::fs::create_dir_all(views).map_err(|error| Error::unavailable(views.display(), error))?;
        let progress = Progress::begin("replaying", Some(options.to.0));
        let replayed = replay(kinds, &self.log, views, options, &|_, events| progress.reached(events));
        let (took, events) = progress.end();
        let replayed = replayed.map_err(|error| failure(error, kinds))?;
        for model in &replayed {
            output::line(&format!("{:<10} up to position {}", model.name, model.position));
        }
        output::line(&format!("{} events replayed, {}", grouped(events), rate(events, took)));
        Ok(replayed)
    }
}

fn failure(error: ReplayError, kinds: &[Kind]) -> Error {
    match error {
        ReplayError::Unknown(name) => {
            let names: Vec<&str> = kinds.iter().map(|kind| kind.name).collect();
            Error::Usage(format!("there is no read model {name:?}; there are {}", names.join(", ")))
        }
        ReplayError::Read(error) => unreadable(&error),
        error => Error::Unavailable(error.to_string()),
    }
}

fn unreadable(error: &ReadError) -> Error {
    Breach::from_read(error).map_or_else(|| Error::Unavailable(error.to_string()), Error::Breach)
}

/// Position of the last event before the first one that is not before a time.
fn last_before(log: &dyn EventLog, time: DateTime<Utc>) -> Result<Position, Error> {
    let mut after = Position::START;
    loop {
        let page = block_on(log.read_all(after, PAGE)).map_err(|error| unreadable(&error))?;
        let before = page.iter().take_while(|record| record.time() < time);
        if let Some(last) = before.clone().last().map(RecordedEvent::position) {
            after = last;
        }
        if page.is_empty() || before.count() < page.len() {
            return Ok(after);
        }
    }
}

/// Names every row that is not the same in both directories.
fn compare_with(
    live: &Path,
    rebuilt: &Path,
    kinds: &[Kind],
    replayed: &[Replayed],
    only: Option<&str>,
) -> Result<Ending, Error> {
    let kinds: Vec<Kind> = kinds.iter().copied().filter(|kind| only.is_none_or(|only| kind.name == only)).collect();
    let missing = kinds.iter().filter(|kind| replayed.iter().all(|model| model.name != kind.name));
    let missing: Vec<&str> = missing.map(|kind| kind.name).collect();
    for name in &missing {
        output::line(&format!("{name}: no complete rows in {} to compare with", live.display()));
    }
    let mut differences = 0_u64;
    let compared = compare(&kinds, live, rebuilt, &mut |difference| {
        differences += 1;
        output::line(&named(&difference));
    });
    let compared = compared.map_err(|error| Error::Unavailable(error.to_string()))?;
    output::line(&format!("{} rows compared, {} differ", grouped(compared), grouped(differences)));
    if differences > 0 {
        return Ok(Ending::Breach);
    }
    if !missing.is_empty() {
        return Err(Error::Unavailable(format!("not everything was compared: {} had no rows", missing.join(", "))));
    }
    Ok(Ending::Well)
}

fn named(difference: &Difference) -> String {
    let Difference { projection, keyspace, key, what } = difference;
    let what = match what {
        What::OnlyInFirst => "only in the live rows",
        What::OnlyInSecond => "missing in the live rows",
        What::Value => "another value in the live rows",
        What::ProjectionOnlyInFirst => return format!("difference: {projection}: only live"),
        What::ProjectionOnlyInSecond => return format!("difference: {projection}: not live"),
    };
    let key: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("difference: {projection}, keyspace {keyspace}, key {key}: {what}")
}

#[cfg(test)]
mod tests {
    use eventlog::MemoryLog;

    use super::*;
    use crate::audit::line::tests::append;

    #[test]
    fn a_replay_ends_at_a_position_or_before_a_time() {
        assert_eq!(parse_until("17"), Ok(Until::Position(Position(17))));
        assert!(matches!(parse_until("2026-11-22"), Ok(Until::Time(_))));
        assert!(parse_until("soon").is_err());
    }

    #[test]
    fn the_last_event_before_a_time_is_found() {
        let log = MemoryLog::new();
        let day = |number: i64| DateTime::from_timestamp(number * 24 * 3600, 0).unwrap();
        for number in [1, 1, 2, 4] {
            let append = eventlog::Append { time: day(number), ..append("user-a", "{}", false) };
            block_on(log.append(append)).unwrap();
        }
        let found = [0, 1, 2, 3, 5].map(|number| last_before(&log, day(number)).unwrap().0);
        assert_eq!(found, [0, 0, 2, 3, 4]);
    }

    #[test]
    fn a_difference_is_named_with_its_key() {
        let difference =
            Difference { projection: "chat", keyspace: "seats".into(), key: vec![0, 255], what: What::Value };
        assert_eq!(named(&difference), "difference: chat, keyspace seats, key 00ff: another value in the live rows");
    }
}
