//! Pushing notices of Moments: what the read model has just learned of is told to those who are connected, each judged as
//! if they had asked for it now.
//!
//! A push is a passing frame and no part of catching up: a device that was away reads the list of notices.

use std::sync::Arc;

use eventlog::Position;
use parking_lot::Mutex;
use projections::{
    ProjectionError,
    moments::{Bounds, Tiding},
};
use tokio::sync::Notify;

use crate::{
    App,
    problem::{Code, Problem},
};

/// Most tidings that wait to be looked at. Where more come nobody is pushed a notice of them; they are found in the list.
const WAITING: usize = 10_000;

/// What happened in Moments, of which somebody may have to be pushed a notice.
#[derive(Debug)]
pub(crate) struct Announcements<T = Tiding> {
    waiting: Mutex<Vec<T>>,
    wake: Notify,
}

impl<T> Default for Announcements<T> {
    fn default() -> Self {
        Self { waiting: Mutex::default(), wake: Notify::new() }
    }
}

impl<T> Announcements<T> {
    pub(crate) fn put(&self, tidings: impl Iterator<Item = T>) {
        let mut waiting = self.waiting.lock();
        let room = WAITING.saturating_sub(waiting.len());
        waiting.extend(tidings.take(room));
        let any = !waiting.is_empty();
        drop(waiting);
        if any {
            self.wake.notify_one();
        }
    }

    pub(crate) async fn take(&self) -> Vec<T> {
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

/// How far somebody looks around in Moments.
pub(crate) fn bounds(app: &App) -> Bounds {
    Bounds { stranger_posts: app.commands.policy.moments.stranger_posts, ..Bounds::default() }
}

async fn push(app: &Arc<App>, waiting: Vec<Tiding>) -> Result<(), Problem> {
    let moments = app.fresh(&app.read_models.moments, Position::START).await?;
    let people = app.fresh(&app.read_models.people, Position::START).await?;
    let (now, bounds) = (app.commands.now(), bounds(app));
    let hub = app.hub.clone();
    let judged = tokio::task::spawn_blocking(move || {
        for tiding in waiting {
            for user in hub.present(moments.told_of(&tiding)?) {
                if let Some(notice) = moments.seen_by(user, &people, now, bounds).notice(&tiding)? {
                    hub.tell(user, &serde_json::json!({ "type": "moments-notice", "notice": notice }));
                }
            }
        }
        Ok::<(), ProjectionError>(())
    });
    judged.await.map_err(|_| Problem::new(Code::Stopping, "the server is stopping"))??;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_waits_is_taken_once_and_what_is_too_much_is_left_out() {
        let announcements = Announcements::default();
        announcements.put(0..WAITING + 5);
        assert_eq!(announcements.take().await.len(), WAITING);
        announcements.put(std::iter::once(7));
        assert_eq!(announcements.take().await, [7]);
        assert!(announcements.waiting.lock().is_empty());
    }
}
