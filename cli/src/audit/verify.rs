//! `teahouse audit verify`: is this the log that was written, and do its books balance?

use std::collections::HashMap;

use chrono::TimeDelta;
use domain::DomainEvent;
use eventlog::{Position, RecordedEvent, Verifier};

use super::{
    money::MoneyRules,
    source::{Source, SourceError},
};
use crate::{
    error::{Ending, Error},
    output,
    progress::{Progress, grouped, rate},
};

/// Breaches that are written out; further ones are only counted.
const BREACHES_SHOWN: u64 = 1_000;

/// What went through a verification.
#[derive(Default)]
struct Findings {
    /// Breaches of the log's rules and of those of money, and events that can't be decoded.
    breaches: u64,
    money: MoneyRules,
    /// How many events there are of each type.
    types: HashMap<Box<str>, u64>,
}

/// Checks every record: its CRC and hash, its place in its stream, that it can be decoded, and that the books still balance
/// with it. A hold is given some grace after its deadline before that is a breach.
///
/// # Errors
/// [`Error::Unavailable`] where it could not look to the end.
pub(super) fn verify(source: &mut dyn Source, grace: TimeDelta) -> Result<Ending, Error> {
    let progress = Progress::begin("verifying", source.last().map(|last| last.0));
    let mut verifier = Verifier::new();
    let mut findings = Findings::default();
    let mut after = Position::START;
    loop {
        match source.page(after) {
            Ok(page) => {
                let Some(last) = page.last().map(RecordedEvent::position) else { break };
                for record in &page {
                    findings.check(record, &mut verifier, &progress);
                }
                progress.advance(page.len() as u64);
                after = last.max(Position(after.0 + 1));
            }
            Err(SourceError::Breach(breach)) => {
                let at = breach.position;
                findings.report(&breach.to_string(), &progress);
                if at <= after {
                    // Nothing says where to go on.
                    break;
                }
                after = at;
            }
            Err(SourceError::Unavailable(reason)) => {
                return Err(Error::Unavailable(format!("after position {after}: {reason}")));
            }
        }
    }
    findings.end(grace, &progress);
    let (took, _) = progress.end();
    findings.summarise();
    output::line(&format!(
        "{} events with {} journal entries in {} streams up to position {}, {}: {}",
        grouped(verifier.records()),
        grouped(findings.money.entries()),
        grouped(verifier.streams() as u64),
        verifier.last_position(),
        rate(verifier.records(), took),
        match findings.breaches {
            0 => "all rules hold".to_owned(),
            1 => "1 breach".to_owned(),
            many => format!("{} breaches", grouped(many)),
        },
    ));
    Ok(if findings.breaches == 0 { Ending::Well } else { Ending::Breach })
}

impl Findings {
    fn check(&mut self, record: &RecordedEvent, verifier: &mut Verifier, progress: &Progress) {
        if let Some(breach) = verifier.check(record) {
            self.report(&breach.to_string(), progress);
        }
        match self.types.get_mut(record.event_type()) {
            Some(count) => *count += 1,
            None => drop(self.types.insert(record.event_type().into(), 1)),
        }
        match DomainEvent::from_json(record.event_type(), record.schema(), record.payload()) {
            Ok(event) => {
                let broken = self.money.check(record, &event);
                broken.iter().for_each(|breach| self.report(breach, progress));
            }
            Err(error) => {
                let (position, stream) = (record.position(), record.stream());
                let breach = format!("position {position}, stream {stream}: the event must be decodable: {error}");
                self.report(&breach, progress);
            }
        }
    }

    /// Looks at the books as a whole.
    fn end(&mut self, grace: TimeDelta, progress: &Progress) {
        let found = self.money.at_end(grace);
        found.breaches.iter().for_each(|breach| self.report(breach, progress));
        found.alarms.iter().for_each(|alarm| progress.say(&format!("alarm: {alarm}")));
    }

    fn report(&mut self, breach: &str, progress: &Progress) {
        self.breaches += 1;
        if self.breaches <= BREACHES_SHOWN {
            progress.say(&format!("breach: {breach}"));
        }
    }

    /// Writes how many events of each type there are, the most frequent first.
    fn summarise(&self) {
        let mut types: Vec<_> = self.types.iter().collect();
        types.sort_by(|(one, many), (other, more)| more.cmp(many).then(one.cmp(other)));
        for (name, count) in types {
            output::line(&format!("{count:>14} {name}", count = grouped(*count)));
        }
    }
}
