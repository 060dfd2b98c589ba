//! Following the whole log, a page after a page.
//!
//! The feed reads on at once after an append of this node, and else every [`LOOK_EVERY`], which is how much later than
//! the cluster it may hear of another node's events.

use std::{sync::Arc, time::Duration};

use tokio::time::{sleep, timeout};

use super::{AGAIN_AFTER, Inner, envelope::Found};
use crate::{
    heads::Head,
    port::{Position, ReadError},
    record::RecordedEvent,
};

/// Events read at a time.
const PAGE: usize = 1024;
/// How often it is looked what others wrote.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// How long to wait after something was found that is not what was written.
const DAMAGED_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Follows the log behind a position for ever.
pub(crate) async fn follow(inner: Arc<Inner>, mut at: Position) {
    loop {
        match inner.connection.read_all(at, PAGE).await {
            Ok(found) => {
                let whole = found.len() >= PAGE;
                let (records, damage) = unpack(found, &mut at);
                inner.take_in(records);
                if let Some(damage) = damage {
                    inner.health.not_read(&damage.to_string());
                    sleep(DAMAGED_AGAIN_AFTER).await;
                    continue;
                }
                inner.health.read();
                if !whole {
                    // Whether somebody woke it or the time is over makes no difference.
                    let _ = timeout(LOOK_EVERY, inner.wake.notified()).await;
                }
            }
            Err(fault) => {
                inner.health.not_read(&fault.to_string());
                sleep(AGAIN_AFTER).await;
            }
        }
    }
}

/// The records of ours behind a position, which moves to the last event that was sound.
fn unpack(found: Vec<Found>, at: &mut Position) -> (Vec<RecordedEvent>, Option<ReadError>) {
    let mut records = Vec::with_capacity(found.len());
    for event in found.into_iter().filter(|event| event.position > *at).collect::<Vec<_>>() {
        let position = event.position;
        match event.record() {
            Ok(record) => records.extend(record),
            Err(damage) => return (records, Some(damage)),
        }
        *at = position;
    }
    (records, None)
}

impl Inner {
    /// Shows what came to everyone here.
    fn take_in(&self, records: Vec<RecordedEvent>) {
        if records.is_empty() {
            return;
        }
        let mut heads = self.heads.lock();
        for record in &records {
            if let Some(head) = heads.peek_mut(record.stream())
                && head.version < record.version()
            {
                *head = Head::of(record);
            }
        }
        drop(heads);
        let batch: Arc<[RecordedEvent]> = records.into();
        self.live.publish(batch.clone());
        let mut awaited = self.awaited.lock();
        if awaited.is_empty() {
            return;
        }
        for record in batch.iter() {
            if let Some(waiting) = awaited.remove(&record.event_id()) {
                // Who gave up waiting reads it back.
                let _ = waiting.send(record.clone());
            }
        }
    }
}
