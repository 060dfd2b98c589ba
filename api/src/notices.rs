//! Pushing notices of Moments: what the read model has just learned of is told to those who are connected, each judged as
//! if they had asked for it now.
//!
//! A push is a passing frame and no part of catching up: a device that was away reads the list of notices.

use std::sync::Arc;

use domain::UserId;
use eventlog::Position;
use parking_lot::Mutex;
use projections::ProjectionError;
use tokio::sync::Notify;

use crate::{App, problem::Problem};

/// Most notices that wait to be pushed. Where more come they are not pushed, and found in the list.
const WAITING: usize = 10_000;

/// Notices that may have to be pushed: for whom, and where they stand.
#[derive(Debug, Default)]
pub(crate) struct Announcements {
    waiting: Mutex<Vec<(UserId, Position)>>,
    wake: Notify,
}

impl Announcements {
    pub(crate) fn put(&self, notices: impl Iterator<Item = (UserId, Position)>) {
        let mut waiting = self.waiting.lock();
        let room = WAITING.saturating_sub(waiting.len());
        waiting.extend(notices.take(room));
        let any = !waiting.is_empty();
        drop(waiting);
        if any {
            self.wake.notify_one();
        }
    }

    async fn take(&self) -> Vec<(UserId, Position)> {
        loop {
            let waiting = std::mem::take(&mut *self.waiting.lock());
            if !waiting.is_empty() {
                return waiting;
            }
            self.wake.notified().await;
        }
    }
}

/// Pushes notices for as long as it is polled.
pub async fn push_notices(app: Arc<App>) {
    loop {
        let waiting = app.hub.announcements.take().await;
        if let Err(problem) = push(&app, waiting).await {
            tracing::debug!(%problem, "notices were not pushed");
        }
    }
}

async fn push(app: &Arc<App>, waiting: Vec<(UserId, Position)>) -> Result<(), Problem> {
    let moments = app.fresh(&app.read_models.moments, Position::START).await?;
    let people = app.fresh(&app.read_models.people, Position::START).await?;
    let (now, stranger_posts) = (app.commands.now(), app.commands.policy.moments.stranger_posts);
    let hub = app.hub.clone();
    let judged = tokio::task::spawn_blocking(move || {
        for (user, position) in waiting {
            let notice = moments.seen_by(user, &people, now, stranger_posts).notice(position)?;
            if let Some(notice) = notice {
                hub.tell(user, &serde_json::json!({ "type": "moments-notice", "notice": notice }));
            }
        }
        Ok::<(), ProjectionError>(())
    });
    judged.await.map_err(|_| Problem::unavailable("stopping", "the server is stopping"))??;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_waits_is_taken_once_and_what_is_too_much_is_left_out() {
        let announcements = Announcements::default();
        let many = (0..WAITING as u64 + 5).map(|position| (UserId::new(), Position(position)));
        announcements.put(many);
        assert_eq!(announcements.take().await.len(), WAITING);
        let user = UserId::new();
        announcements.put(std::iter::once((user, Position(7))));
        assert_eq!(announcements.take().await, [(user, Position(7))]);
        assert!(announcements.waiting.lock().is_empty());
    }
}
