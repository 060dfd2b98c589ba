//! The log as it is stored, for the operator.

use actix_web::{HttpResponse, get, web};
use base64::{Engine, prelude::BASE64_STANDARD};
use commands::CommandError;
use eventlog::{EventLog, Position, RecordedEvent};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{page_limit, position};
use crate::{
    App,
    problem::{Problem, Refusals},
    query::Query,
    request::{NoBody, Operator},
};

/// A page of records ends once it holds this many bytes.
const PAGE_BYTES: usize = 16 * 1024 * 1024;
/// How many records are read at a time.
const BATCH: usize = 256;

/// Which records.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct RecordsQuery {
    /// Only those behind this position; 0 for the beginning, as if not given.
    after: Option<u64>,
    /// At most this many, 1 to 10,000; 1,000 if not given. Large records make a page end earlier.
    #[param(minimum = 1, maximum = 10000)]
    limit: Option<usize>,
}

/// A record of the log, one line of the answer.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecordLine {
    /// Its place in the log.
    pub position: u64,
    /// Its canonical bytes in base64, as the description of the log's format lays them out.
    pub record: String,
}

/// A page of the log as it is stored, one JSON object a line. An empty page is the end, for now.
#[utoipa::path(tag = "operator", params(RecordsQuery), security(("operator" = [])),
    responses(
        (status = 200, description = "The records, a `RecordLine` each line.", body = String,
            content_type = "application/x-ndjson"),
        Refusals))]
#[get("/v1/operator/records")]
pub(super) async fn records(
    _operator: Operator<NoBody>,
    query: Query<RecordsQuery>,
    app: web::Data<App>,
) -> Result<HttpResponse, Problem> {
    let limit = page_limit(query.limit, 1_000, 10_000)?;
    let lines = record_lines(&*app.log, position(query.after)?, limit).await?;
    Ok(HttpResponse::Ok().content_type("application/x-ndjson").body(lines))
}

/// Up to so many records behind a position. No more of them are in memory than a page has bytes, and one batch.
async fn record_lines(log: &dyn EventLog, mut after: Position, limit: usize) -> Result<Vec<u8>, CommandError> {
    let (mut lines, mut left) = (Vec::new(), limit);
    while left > 0 {
        let batch = log.read_all(after, left.min(BATCH)).await?;
        left -= batch.len().min(left);
        let Some(last) = batch.last().map(RecordedEvent::position) else { break };
        after = last;
        for record in batch {
            let line =
                RecordLine { position: record.position().0, record: BASE64_STANDARD.encode(record.canonical_bytes()) };
            serde_json::to_writer(&mut lines, &line).map_err(|error| CommandError::Internal(error.to_string()))?;
            lines.push(b'\n');
            if lines.len() > PAGE_BYTES {
                return Ok(lines);
            }
        }
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use chrono::DateTime;
    use eventlog::{
        Append, AppendError, Appended, ExpectedVersion, MemoryLog, NewEvent, PayloadEncoding, ReadError, StreamName,
        Subscription,
    };
    use futures::future::BoxFuture;
    use uuid::Uuid;

    use super::*;

    /// A log that keeps in mind how many records were asked of it.
    struct Asked {
        log: MemoryLog,
        /// Together.
        records: AtomicUsize,
        /// At a time.
        most: AtomicUsize,
    }

    impl EventLog for Asked {
        fn append(&self, append: Append) -> BoxFuture<'static, Result<Appended, AppendError>> {
            self.log.append(append)
        }

        fn read_stream(
            &self,
            stream: &StreamName,
            after: u64,
            limit: usize,
        ) -> BoxFuture<'static, Result<Vec<RecordedEvent>, ReadError>> {
            self.log.read_stream(stream, after, limit)
        }

        fn read_all(&self, after: Position, limit: usize) -> BoxFuture<'static, Result<Vec<RecordedEvent>, ReadError>> {
            self.records.fetch_add(limit, Ordering::Relaxed);
            self.most.fetch_max(limit, Ordering::Relaxed);
            self.log.read_all(after, limit)
        }

        fn subscribe(&self, after: Position) -> Box<dyn Subscription> {
            self.log.subscribe(after)
        }

        fn last_position(&self) -> Position {
            self.log.last_position()
        }

        fn refusing_writes(&self) -> Option<Arc<str>> {
            self.log.refusing_writes()
        }
    }

    /// A log of that many records, each with a payload of that many bytes.
    async fn log_of(count: usize, bytes: usize) -> Asked {
        let log = MemoryLog::new();
        for _ in 0..count {
            let event = NewEvent {
                event_id: Uuid::now_v7(),
                event_type: "tea.drunk",
                schema: 1,
                encoding: PayloadEncoding::Json,
                payload: format!("\"{}\"", "t".repeat(bytes)).into(),
            };
            let append = Append {
                stream: StreamName::new("tea-1").unwrap(),
                expected: ExpectedVersion::Any,
                time: DateTime::UNIX_EPOCH,
                actor: None,
                command_id: Uuid::now_v7(),
                fingerprint: None,
                correlation_id: Uuid::now_v7(),
                causation_id: None,
                events: vec![event],
            };
            log.append(append).await.unwrap();
        }
        Asked { log, records: AtomicUsize::new(0), most: AtomicUsize::new(0) }
    }

    fn positions(lines: &[u8]) -> Vec<u64> {
        let lines = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        lines
            .map(|line| serde_json::from_slice::<serde_json::Value>(line).unwrap()["position"].as_u64().unwrap())
            .collect()
    }

    #[actix_web::test]
    async fn a_page_follows_the_log_from_batch_to_batch_up_to_its_limit() {
        let log = log_of(600, 10).await;
        for (after, limit, expected) in
            [(0, 10_000, 1..=600), (0, 300, 1..=300), (256, 256, 257..=512), (590, 50, 591..=600)]
        {
            let lines = record_lines(&log, Position(after), limit).await.unwrap();
            assert_eq!(positions(&lines), expected.collect::<Vec<_>>(), "{limit} after {after}");
        }
        assert_eq!(record_lines(&log, Position(600), 10).await.unwrap(), b"");
    }

    #[actix_web::test]
    async fn of_large_records_not_many_more_are_read_than_a_page_holds() {
        let log = log_of(1_000, 20_000).await;
        let lines = record_lines(&log, Position::START, 10_000).await.unwrap();
        let shown = positions(&lines).len();
        assert!(lines.len() > PAGE_BYTES && shown < 1_000, "{shown}");
        let (read, most) = (log.records.into_inner(), log.most.into_inner());
        assert!(read < shown + BATCH && most <= BATCH, "{read} were read, {most} at a time, for {shown}");
    }
}
