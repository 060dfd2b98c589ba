//! Ends this process just before or just after a chosen append, as `kill -9` does: for tests of what a crash leaves behind.
//!
//! It takes the setting `development.crash_file`, which is empty unless somebody sets it, and then a file at that place
//! that says `before N` or `after N`: the N-th append since the file was there. Before means that the log does not get it;
//! after, that it is durable and nobody has been told.

use std::{fs, path::PathBuf, process, sync::Arc};

use eventlog::{Append, AppendError, Appended, EventLog, Position, ReadError, RecordedEvent, StreamName, Subscription};
use futures::future::BoxFuture;
use parking_lot::Mutex;

/// The log as it is, unless the setting names a file; then one that obeys the file.
pub(crate) fn obeying(log: Arc<dyn EventLog>, crash_file: &str) -> Arc<dyn EventLog> {
    if crash_file.is_empty() {
        return log;
    }
    tracing::warn!(crash_file, "THIS SERVER ENDS ITSELF WHEN THAT FILE SAYS SO; it is for tests only");
    Arc::new(CrashingLog { log, file: crash_file.into(), order: Mutex::default() })
}

struct CrashingLog {
    log: Arc<dyn EventLog>,
    file: PathBuf,
    order: Mutex<Order>,
}

/// What the file says, and how far that is.
#[derive(Default)]
struct Order {
    text: String,
    appends: u64,
}

/// Which side of an append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Before,
    After,
}

impl Order {
    /// Counts one more append; tells on which side of it the process is to end.
    fn count(&mut self, text: &str) -> Option<Side> {
        if self.text != text {
            *self = Self { text: text.to_owned(), appends: 0 };
        }
        self.appends += 1;
        let (side, nth) = text.trim().split_once(' ')?;
        if nth.parse() != Ok(self.appends) {
            return None;
        }
        match side {
            "before" => Some(Side::Before),
            "after" => Some(Side::After),
            _ => None,
        }
    }
}

impl EventLog for CrashingLog {
    fn append(&self, append: Append) -> BoxFuture<'static, Result<Appended, AppendError>> {
        // Held until the append is submitted, so that appends are counted in their order.
        let mut order = self.order.lock();
        let side = order.count(&fs::read_to_string(&self.file).unwrap_or_default());
        if side == Some(Side::Before) {
            process::abort();
        }
        let outcome = self.log.append(append);
        Box::pin(async move {
            let outcome = outcome.await;
            if side == Some(Side::After) {
                process::abort();
            }
            outcome
        })
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

    fn is_shared(&self) -> bool {
        self.log.is_shared()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_names_one_append_and_a_new_order_counts_anew() {
        let mut order = Order::default();
        assert_eq!([0; 3].map(|_| order.count("after 2\n")), [None, Some(Side::After), None]);
        assert_eq!([0; 2].map(|_| order.count("before 1")), [Some(Side::Before), None]);
        for nothing in ["", "before", "before x", "beside 1", "before 0"] {
            assert_eq!([0; 3].map(|_| order.count(nothing)), [None; 3], "{nothing}");
        }
    }
}
