//! `teahouse audit events`: what happened, event by event.

use std::io::{self, BufWriter, Write};

use clap::ValueEnum;
use eventlog::{Position, RecordedEvent};

use super::{
    filter::Filter,
    line::{Line, shown},
    source::Source,
    table::Rows,
};
use crate::{
    error::{Ending, Error},
    output,
};

/// Characters of a payload that a table shows.
const PAYLOAD_CHARS: usize = 300;

/// How events are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum EventFormat {
    /// For people
    Table,
    /// One JSON object a line, as in an export
    Jsonl,
}

/// Writes the events that a filter admits, at most `limit` of them.
///
/// # Errors
/// A breach where it meets one, [`Error::Unavailable`] where the source fails.
pub(super) fn list(
    source: &mut dyn Source,
    filter: &Filter,
    format: EventFormat,
    limit: Option<u64>,
) -> Result<Ending, Error> {
    let mut out = Listing::new(format);
    let mut after = filter.begin_after();
    let mut left = limit.unwrap_or(u64::MAX);
    'pages: loop {
        let page = source.page(after)?;
        let Some(last) = page.last().map(RecordedEvent::position) else { break };
        for record in &page {
            if left == 0 || filter.ends_before(record.position()) {
                break 'pages;
            }
            if filter.admits(record) {
                out.add(record).unwrap_or_else(|error| output::stop(&error));
                left -= 1;
            }
        }
        after = last.max(Position(after.0 + 1));
    }
    out.end().unwrap_or_else(|error| output::stop(&error));
    Ok(Ending::Well)
}

/// Where events are written to.
struct Listing {
    format: EventFormat,
    out: BufWriter<io::Stdout>,
    rows: Rows<7>,
}

impl Listing {
    fn new(format: EventFormat) -> Self {
        let header = ["position", "time", "stream", "version", "type", "actor", "payload"];
        Self { format, out: BufWriter::new(io::stdout()), rows: Rows::new(header, &[]) }
    }

    fn add(&mut self, record: &RecordedEvent) -> io::Result<()> {
        match self.format {
            EventFormat::Jsonl => {
                serde_json::to_writer(&mut self.out, &Line::of(record))?;
                self.out.write_all(b"\n")
            }
            EventFormat::Table => self.rows.add(row(record)),
        }
    }

    fn end(mut self) -> io::Result<()> {
        self.rows.end()?;
        self.out.flush()
    }
}

fn row(record: &RecordedEvent) -> [String; 7] {
    let payload = String::from_utf8_lossy(record.payload());
    let mut text: String = payload.chars().take(PAYLOAD_CHARS).collect();
    if payload.chars().nth(PAYLOAD_CHARS).is_some() {
        text.push('…');
    }
    [
        record.position().to_string(),
        shown(record.time()),
        record.stream().to_owned(),
        record.version().to_string(),
        record.event_type().to_owned(),
        record.actor().map_or_else(|| "-".to_owned(), |actor| actor.to_string()),
        text,
    ]
}
