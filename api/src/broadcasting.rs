//! Pushing broadcasts of official accounts to those who are connected and are shown them.
//!
//! A push is a passing frame and no part of catching up: a device that was away reads the list of broadcasts.

use std::sync::Arc;

use domain::OfficialAccountId;
use eventlog::Position;
use projections::{
    ProjectionError,
    broadcasts::{BroadcastsView, Follower},
    official::OfficialView,
};
use serde_json::json;

use crate::{
    App,
    hub::Hub,
    problem::{Code, Problem},
};

/// A broadcast that was sent just now.
pub(crate) type Sent = (OfficialAccountId, u64);

/// Pushes broadcasts for as long as it is polled.
pub async fn push_broadcasts(app: Arc<App>) {
    loop {
        let waiting = app.hub.broadcasts.take().await;
        if let Err(problem) = push(&app, waiting).await {
            tracing::debug!(%problem, "broadcasts were not pushed");
        }
    }
}

async fn push(app: &Arc<App>, waiting: Vec<Sent>) -> Result<(), Problem> {
    let broadcasts = app.fresh(&app.read_models.broadcasts, Position::START).await?;
    let official = app.fresh(&app.read_models.official, Position::START).await?;
    let hub = app.hub.clone();
    let told = tokio::task::spawn_blocking(move || {
        waiting.into_iter().try_for_each(|sent| tell(&hub, &broadcasts, &official, sent))
    });
    told.await.map_err(|_| Problem::new(Code::Stopping, "the server is stopping"))??;
    Ok(())
}

fn tell(
    hub: &Hub,
    broadcasts: &BroadcastsView,
    official: &OfficialView,
    (account, number): Sent,
) -> Result<(), ProjectionError> {
    let Some(row) = broadcasts.sent(account, number)? else { return Ok(()) };
    let mut shown = vec![];
    for user in hub.people() {
        if let Some(followed) = official.followed(user, account)? {
            let follower = Follower { openid: &followed.openid, since: followed.since };
            if broadcasts.is_shown_to(account, follower, number)? {
                shown.push(user);
            }
        }
    }
    let (position, at, contents) = (row.position, row.at, row.contents);
    let broadcast =
        json!({ "account": account, "number": number, "position": position, "at": at, "contents": contents });
    hub.tell_all(&shown, &json!({ "type": "broadcast", "broadcast": broadcast }));
    Ok(())
}
