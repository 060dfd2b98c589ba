//! `teahouse audit verify`: is this the log that was written?

use std::collections::HashMap;

use domain::DomainEvent;
use eventlog::{Position, RecordedEvent, Verifier};

use super::source::{Source, SourceError};
use crate::{
    error::{Ending, Error},
    output,
    progress::{Progress, grouped, rate},
};

/// Breaches that are written out; further ones are only counted.
const BREACHES_SHOWN: u64 = 1_000;

/// What went through a verification.
#[derive(Debug, Default)]
struct Findings {
    /// Breaches of the log's rules, and events that can't be decoded.
    breaches: u64,
    /// How many events there are of each type.
    types: HashMap<Box<str>, u64>,
}

/// Checks every record: its CRC and hash, its place in its stream, and that it can be decoded.
///
/// # Errors
/// [`Error::Unavailable`] where it could not look to the end.
pub(super) fn verify(source: &mut dyn Source) -> Result<Ending, Error> {
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
    let (took, _) = progress.end();
    findings.summarise();
    output::line(&format!(
        "{} events in {} streams up to position {}, {}: {}",
        grouped(verifier.records()),
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
        if let Err(error) = DomainEvent::from_json(record.event_type(), record.schema(), record.payload()) {
            let (position, stream) = (record.position(), record.stream());
            self.report(
                &format!("position {position}, stream {stream}: the event must be decodable: {error}"),
                progress,
            );
        }
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
