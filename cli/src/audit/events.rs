//! `teahouse audit events`: what happened, event by event.

use std::io::{self, BufWriter, IsTerminal, Write};

use clap::ValueEnum;
use comfy_table::{ContentArrangement, Table, presets};
use eventlog::{Position, RecordedEvent};

use super::{
    filter::Filter,
    line::{Line, shown},
    source::Source,
};
use crate::{
    error::{Ending, Error},
    output,
};

/// Rows of one table. Further events get tables of their own, so that memory does not grow with their number.
const TABLE_ROWS: usize = 200;
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
    table: Table,
    rows: usize,
}

impl Listing {
    fn new(format: EventFormat) -> Self {
        Self { format, out: BufWriter::new(io::stdout()), table: empty_table(), rows: 0 }
    }

    fn add(&mut self, record: &RecordedEvent) -> io::Result<()> {
        match self.format {
            EventFormat::Jsonl => {
                serde_json::to_writer(&mut self.out, &Line::of(record))?;
                self.out.write_all(b"\n")
            }
            EventFormat::Table => {
                self.table.add_row(row(record));
                self.rows += 1;
                if self.rows == TABLE_ROWS { self.end_table() } else { Ok(()) }
            }
        }
    }

    fn end_table(&mut self) -> io::Result<()> {
        if self.rows > 0 {
            writeln!(self.out, "{}", self.table)?;
            self.table = empty_table();
            self.rows = 0;
        }
        Ok(())
    }

    fn end(mut self) -> io::Result<()> {
        self.end_table()?;
        self.out.flush()
    }
}

fn empty_table() -> Table {
    let mut table = Table::new();
    table.load_style(if io::stdout().is_terminal() { presets::UTF8_HORIZONTAL_ONLY } else { presets::NOTHING });
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(["position", "time", "stream", "version", "type", "actor", "payload"]);
    table
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
