//! Answering followers in official accounts' names: each account that has something to answer gets a task of its own, so
//! that what holds one up holds up no other.

use std::{collections::HashSet, sync::Arc, time::Duration};

use domain::OfficialAccountId;
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::timers::Turn;

/// How often is looked for what was left undone, besides whenever there is something new.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Answers for ever, whenever it is this server's turn; `told` says that there is something new.
pub(crate) async fn answer_followers(turn: Turn, tell: watch::Sender<()>) {
    let commands = turn.commands.clone();
    let mut told = tell.subscribe();
    let mut beat = tokio::time::interval(LOOK_EVERY);
    let busy: Arc<Mutex<HashSet<OfficialAccountId>>> = Arc::default();
    let mut tasks = tokio::task::JoinSet::new();
    loop {
        tokio::select! {
            _ = beat.tick() => {}
            Ok(()) = told.changed() => {}
            Some(_) = tasks.join_next() => continue,
        }
        if !turn.is_here() {
            continue;
        }
        let accounts = match commands.accounts_to_answer().await {
            Ok(accounts) => accounts,
            Err(error) => {
                tracing::warn!(%error, "followers were not answered; trying again");
                continue;
            }
        };
        for account in accounts {
            if !busy.lock().insert(account) {
                continue;
            }
            let (turn, commands, busy, tell) = (turn.clone(), commands.clone(), busy.clone(), tell.clone());
            tasks.spawn(async move {
                let answered = commands.answer_followers(account, tell.subscribe(), || turn.is_here()).await;
                busy.lock().remove(&account);
                match answered {
                    // What came while the last one was answered is looked for at once.
                    Ok(done) if done > 0 => {
                        tell.send_replace(());
                    }
                    Ok(_) => {}
                    Err(error) => tracing::warn!(%error, %account, "followers were not answered; trying again"),
                }
            });
        }
    }
}
