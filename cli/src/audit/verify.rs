//! `teahouse audit verify`: is this the log that was written, and do its books balance?

use std::{
    collections::HashMap,
    sync::mpsc::{self, SyncSender, TrySendError},
    thread,
};

use chrono::TimeDelta;
use domain::{DecodeError, DomainEvent};
use eventlog::{Breach, Position, RecordedEvent, Verifier};

use super::{
    media::Media,
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

/// Pages that are read before those before them have been judged.
const PAGES_AHEAD: usize = 4;

/// What was read of the log.
enum Step {
    /// Records.
    Page(Vec<Checked>),
    /// Something that is no record.
    Unreadable(Breach),
}

/// A record that was read.
struct Checked {
    record: RecordedEvent,
    /// The rule of the log that it breaks.
    breach: Option<Breach>,
    /// What it says, where that was found out already.
    decoded: Option<Decoded>,
}

type Decoded = Result<DomainEvent, DecodeError>;

impl Checked {
    fn decode(record: &RecordedEvent) -> Decoded {
        DomainEvent::from_json(record.event_type(), record.schema(), record.payload())
    }
}

/// What went through a verification.
#[derive(Default)]
struct Findings {
    /// Breaches of the log's rules and of those of money, and events that can't be decoded.
    breaches: u64,
    money: MoneyRules,
    /// Where the bytes of media are looked at too.
    media: Option<Media>,
    /// How many events there are of each type.
    types: HashMap<Box<str>, u64>,
}

/// Checks every record: its CRC and hash, its place in its stream, that it can be decoded, and that the books still balance
/// with it. A hold is given some grace after its deadline before that is a breach.
///
/// # Errors
/// [`Error::Unavailable`] where it could not look to the end.
pub(super) fn verify(source: &mut dyn Source, grace: TimeDelta, media: Option<Media>) -> Result<Ending, Error> {
    let progress = Progress::begin("verifying", source.last().map(|last| last.0));
    let mut verifier = Verifier::new();
    // One thread reads and follows the chains, another decodes and adds up. That is more work: whenever it has fallen
    // behind, the first one decodes too.
    let (steps, taken) = mpsc::sync_channel(PAGES_AHEAD);
    let (followed, findings) = thread::scope(|scope| {
        let judge = scope.spawn(|| {
            let mut findings = Findings { media, ..Findings::default() };
            taken.into_iter().for_each(|step| findings.take(step, &progress));
            findings
        });
        let followed = follow(source, &mut verifier, &steps);
        drop(steps);
        (followed, judge.join())
    });
    let mut findings = findings.map_err(|_| lost())?;
    followed?;
    findings.end(grace, &progress);
    let media = findings.look_at_media(&progress)?;
    let (took, _) = progress.end();
    findings.summarise();
    if let Some(media) = media {
        output::line(&format!("the bytes of {} media were read", grouped(media as u64)));
    }
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

/// Reads the log to its end and checks that it is whole.
fn follow(source: &mut dyn Source, verifier: &mut Verifier, steps: &SyncSender<Step>) -> Result<(), Error> {
    let mut after = Position::START;
    let gone = |_| lost();
    loop {
        match source.page(after) {
            Ok(page) => {
                let Some(last) = page.last().map(RecordedEvent::position) else { return Ok(()) };
                let checked = page.into_iter().map(|record| {
                    let breach = verifier.check(&record);
                    Checked { record, breach, decoded: None }
                });
                hand_over(steps, checked.collect())?;
                after = last.max(Position(after.0 + 1));
            }
            Err(SourceError::Breach(breach)) => {
                let at = breach.position;
                steps.send(Step::Unreadable(breach)).map_err(gone)?;
                if at <= after {
                    // Nothing says where to go on.
                    return Ok(());
                }
                after = at;
            }
            Err(SourceError::Unavailable(reason)) => {
                return Err(Error::Unavailable(format!("after position {after}: {reason}")));
            }
        }
    }
}

/// Hands a page over; one that has to wait is decoded meanwhile.
fn hand_over(steps: &SyncSender<Step>, page: Vec<Checked>) -> Result<(), Error> {
    match steps.try_send(Step::Page(page)) {
        Ok(()) => Ok(()),
        Err(TrySendError::Full(Step::Page(mut page))) => {
            for checked in &mut page {
                checked.decoded = Some(Checked::decode(&checked.record));
            }
            steps.send(Step::Page(page)).map_err(|_| lost())
        }
        Err(_) => Err(lost()),
    }
}

fn lost() -> Error {
    Error::Failed("the events could not all be looked at".to_owned())
}

impl Findings {
    fn take(&mut self, step: Step, progress: &Progress) {
        match step {
            Step::Unreadable(breach) => self.report(&breach.to_string(), progress),
            Step::Page(page) => {
                let count = page.len() as u64;
                for Checked { record, breach, decoded } in page {
                    breach.iter().for_each(|breach| self.report(&breach.to_string(), progress));
                    let decoded = decoded.unwrap_or_else(|| Checked::decode(&record));
                    self.check(&record, decoded, progress);
                }
                progress.advance(count);
            }
        }
    }

    fn check(&mut self, record: &RecordedEvent, decoded: Decoded, progress: &Progress) {
        match self.types.get_mut(record.event_type()) {
            Some(count) => *count += 1,
            None => drop(self.types.insert(record.event_type().into(), 1)),
        }
        match decoded {
            Ok(event) => {
                if let Some(media) = &mut self.media {
                    media.take(record, &event);
                }
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

    /// Looks at the bytes of media, where that is wanted; gives how many media there are.
    fn look_at_media(&mut self, progress: &Progress) -> Result<Option<usize>, Error> {
        let Some(media) = self.media.take() else { return Ok(None) };
        media.look(|breach| self.report(&breach, progress)).map(Some)
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
