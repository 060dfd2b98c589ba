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
const PAYLOAD_CHARS: usize = 120;
/// Fields of payloads that a table does not show: what a password or PIN is checked against.
const VERIFIERS: [&str; 2] = ["password", "pin"];

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

/// A payload for people to read: without verifiers, which `--format jsonl` has.
fn shown_payload(payload: &[u8]) -> String {
    match serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(payload) {
        Ok(mut fields) if VERIFIERS.iter().any(|name| fields.contains_key(*name)) => {
            for name in VERIFIERS {
                if let Some(value) = fields.get_mut(name) {
                    *value = "(not shown)".into();
                }
            }
            serde_json::Value::Object(fields).to_string()
        }
        _ => String::from_utf8_lossy(payload).into_owned(),
    }
}

fn row(record: &RecordedEvent) -> [String; 7] {
    let payload = shown_payload(record.payload());
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_shows_no_verifier_and_any_other_payload_as_it_is() {
        let shown = shown_payload(br#"{"handle":"ann","password":"$argon2id$x"}"#);
        assert!(shown.contains("ann") && !shown.contains("argon2id"), "{shown}");
        assert!(!shown_payload(br#"{"pin":{"verifier":"$argon2id$x"}}"#).contains("argon2id"));
        assert_eq!(shown_payload(br#"{ "name" : 1.0 }"#), r#"{ "name" : 1.0 }"#);
        assert_eq!(shown_payload(b"no JSON"), "no JSON");
    }
}
