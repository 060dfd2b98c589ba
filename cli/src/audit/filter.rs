//! Which events an audit is about.

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use clap::Args;
use eventlog::{Position, RecordedEvent};
use ledger::{AsOf, Timestamp};
use uuid::Uuid;

/// Conditions that an event must meet, all of them.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Filter {
    /// Only this stream; a star at the end stands for anything: 'user-*'
    #[arg(long, value_name = "NAME")]
    pub(crate) stream: Option<String>,
    /// Only this type of event; a star at the end stands for anything: 'group.*'
    #[arg(long = "type", value_name = "TYPE")]
    pub(crate) event_type: Option<String>,
    /// Only what this person did
    #[arg(long, value_name = "ID")]
    pub(crate) actor: Option<Uuid>,
    /// From this position on
    #[arg(long, value_name = "POSITION")]
    pub(crate) from: Option<u64>,
    /// Up to this position
    #[arg(long, value_name = "POSITION")]
    pub(crate) to: Option<u64>,
    /// Not before this time: 2026-11-22 or 2026-11-22T17:30:00Z
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub(crate) since: Option<DateTime<Utc>>,
    /// Before this time
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub(crate) until: Option<DateTime<Utc>>,
}

impl Filter {
    /// Behind which position to begin reading.
    pub(crate) fn begin_after(&self) -> Position {
        Position(self.from.unwrap_or_default().saturating_sub(1))
    }

    /// Whether no event at this position or behind it can meet the conditions.
    pub(crate) fn ends_before(&self, position: Position) -> bool {
        self.to.is_some_and(|to| position.0 > to)
    }

    /// Whether an event meets all conditions.
    pub(crate) fn admits(&self, record: &RecordedEvent) -> bool {
        let position = record.position().0;
        // The time is read from the record only where a condition asks for it.
        self.from.is_none_or(|from| position >= from)
            && self.to.is_none_or(|to| position <= to)
            && self.stream.as_deref().is_none_or(|wanted| matches(wanted, record.stream()))
            && self.event_type.as_deref().is_none_or(|wanted| matches(wanted, record.event_type()))
            && self.actor.is_none_or(|actor| record.actor() == Some(actor))
            && self.since.is_none_or(|since| record.time() >= since)
            && self.until.is_none_or(|until| record.time() < until)
    }
}

/// A place in the log: a position or a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Until {
    Position(Position),
    Time(DateTime<Utc>),
}

impl Until {
    /// A journal up to here, with what is here.
    pub(super) fn as_of(self) -> AsOf {
        match self {
            Self::Position(position) => AsOf::Position(position.0),
            Self::Time(time) => AsOf::Time(Timestamp(time.timestamp_micros())),
        }
    }
}

/// A position, or else a time, as written on the command line.
pub(crate) fn parse_until(text: &str) -> Result<Until, String> {
    match text.parse() {
        Ok(position) => Ok(Until::Position(Position(position))),
        Err(_) => parse_time(text).map(Until::Time),
    }
}

fn matches(wanted: &str, name: &str) -> bool {
    match wanted.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => name == wanted,
    }
}

/// A time as it is written on the command line: with its zone, or a day, which begins at midnight UTC.
pub(crate) fn parse_time(text: &str) -> Result<DateTime<Utc>, String> {
    let day = text.parse::<NaiveDate>().map(|day| day.and_time(NaiveTime::MIN).and_utc());
    let instant = DateTime::parse_from_rfc3339(text).map(|time| time.to_utc());
    day.or(instant).map_err(|_| "a time is a day, 2026-11-22, or has a zone, 2026-11-22T17:30:00Z".to_owned())
}

#[cfg(test)]
mod tests {
    use eventlog::{EventLog, MemoryLog};
    use futures::executor::block_on;

    use super::*;
    use crate::audit::line::tests::append;

    fn records() -> Vec<RecordedEvent> {
        let log = MemoryLog::new();
        for stream in ["user-a", "user-b", "conversation-a", "user-a"] {
            block_on(log.append(append(stream, "{}", true))).unwrap();
        }
        block_on(log.read_all(Position::START, 10)).unwrap()
    }

    fn admitted(filter: &Filter) -> Vec<u64> {
        let records = records();
        records.iter().filter(|record| filter.admits(record)).map(|record| record.position().0).collect()
    }

    #[test]
    fn without_conditions_everything_is_admitted() {
        assert_eq!(admitted(&Filter::default()), [1, 2, 3, 4]);
    }

    #[test]
    fn a_stream_or_a_type_is_named_whole_or_by_its_beginning() {
        let stream = |name: &str| Filter { stream: Some(name.into()), ..Filter::default() };
        assert_eq!(admitted(&stream("user-a")), [1, 4]);
        assert_eq!(admitted(&stream("user-*")), [1, 2, 4]);
        assert_eq!(admitted(&stream("user-")), [0_u64; 0]);
        let event_type = |name: &str| Filter { event_type: Some(name.into()), ..Filter::default() };
        assert_eq!(admitted(&event_type("group.*")).len(), 4);
        assert_eq!(admitted(&event_type("group")).len(), 0);
    }

    #[test]
    fn positions_are_a_range_with_both_ends() {
        let filter = Filter { from: Some(2), to: Some(3), ..Filter::default() };
        assert_eq!(admitted(&filter), [2, 3]);
        assert_eq!(filter.begin_after(), Position(1));
        assert!(!filter.ends_before(Position(3)));
        assert!(filter.ends_before(Position(4)));
    }

    #[test]
    fn an_actor_and_a_time_single_out_events() {
        let records = records();
        let third = &records[2];
        let by_actor = Filter { actor: third.actor(), ..Filter::default() };
        let by_time = Filter { since: Some(third.time()), until: Some(third.time()), ..Filter::default() };
        assert_eq!(records.iter().filter(|record| by_actor.admits(record)).count(), 1);
        assert_eq!(records.iter().filter(|record| by_time.admits(record)).count(), 0);
        let since = Filter { since: Some(third.time()), ..Filter::default() };
        assert!(since.admits(third) && since.admits(&records[3]));
    }

    #[test]
    fn a_time_is_a_day_or_has_a_zone() {
        assert_eq!(parse_time("2026-11-22").unwrap(), parse_time("2026-11-22T01:00:00+01:00").unwrap());
        assert!(parse_time("2026-11-22T17:30:00").is_err());
        assert!(parse_time("yesterday").is_err());
    }
}
