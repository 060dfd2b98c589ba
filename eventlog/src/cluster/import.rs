//! Bringing another log's records into a cluster, byte for byte.

use std::{sync::Arc, time::Instant};

use tokio::time::sleep;

use super::{AGAIN_AFTER, Inner, connection::Fault, envelope::Envelope, lanes::MOST_BYTES};
use crate::{
    import::ImportError,
    port::{AppendError, MAX_EVENTS_PER_APPEND, Position, StreamName},
    record::{RecordError, RecordedEvent},
    verify::{Breach, Rule},
};

/// What an event takes besides its record: the field names, and base64 of the record's head.
const PACKING_BYTES: usize = 256;

impl Inner {
    /// Appends records in their order, one call after the other; those of one stream that follow each other go together.
    pub(super) async fn import(self: Arc<Self>, records: Vec<RecordedEvent>) -> Result<Position, ImportError> {
        let mut last = self.live.last();
        let mut rest = records.as_slice();
        while let Some((run, further)) = next_run(rest) {
            last = self.import_run(run).await?;
            rest = further;
        }
        self.wake.notify_one();
        Ok(last)
    }

    async fn import_run(&self, run: &[RecordedEvent]) -> Result<Position, ImportError> {
        let Some(first) = run.first() else { return Ok(self.live.last()) };
        let stream = StreamName::new(first.stream())
            .map_err(|_| ImportError::Breach(Breach::of(first, Rule::Format(RecordError::Field("stream name")))))?;
        let events: Vec<_> = run.iter().map(Envelope::of).collect();
        let until = Instant::now() + self.patience;
        loop {
            match self.connection.append(&stream, first.version() - 1, events.clone()).await {
                Ok(position) => {
                    self.acknowledge(position);
                    return Ok(position);
                }
                // The server knows events that an interrupted import brought: this stream has others.
                Err(Fault::Conflict) => return Err(ImportError::NotEmpty),
                Err(Fault::Passing(_)) if Instant::now() < until => sleep(AGAIN_AFTER).await,
                Err(fault) => return Err(AppendError::Unavailable(fault.to_string().into()).into()),
            }
        }
    }
}

/// As many of the first records as are of one stream and fit into one append, and the rest.
fn next_run(records: &[RecordedEvent]) -> Option<(&[RecordedEvent], &[RecordedEvent])> {
    let first = records.first()?;
    let mut bytes = 0;
    let fits = |record: &&RecordedEvent| {
        bytes += record.canonical_bytes().len() * 4 / 3 + PACKING_BYTES;
        record.stream() == first.stream() && bytes <= MOST_BYTES
    };
    let length = records.iter().take(MAX_EVENTS_PER_APPEND).take_while(fits).count();
    records.split_at_checked(length.max(1))
}
