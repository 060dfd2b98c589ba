//! What is done for official accounts: answering followers in their names, telling their webhooks. Each account that has
//! something to be done gets a task of its own, so that what holds one up holds up no other.

use std::{collections::HashSet, sync::Arc, time::Duration};

use commands::{CommandError, Commands};
use domain::OfficialAccountId;
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::timers::Turn;

/// How often is looked for what was left undone or falls due, besides whenever there is something new.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// What is done for accounts.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Work {
    /// Answering followers.
    Answer,
    /// Telling webhooks.
    Notify,
}

impl Work {
    async fn accounts(self, commands: &Commands) -> Result<Vec<OfficialAccountId>, CommandError> {
        match self {
            Self::Answer => commands.accounts_to_answer().await,
            Self::Notify => commands.accounts_to_notify().await,
        }
    }

    /// Does it for an account while it is this server's turn; tells how many things it went through. `told` says that there
    /// is something new.
    async fn run(
        self,
        turn: &Turn,
        account: OfficialAccountId,
        told: watch::Receiver<()>,
    ) -> Result<usize, CommandError> {
        match self {
            Self::Answer => turn.commands.answer_followers(account, told, || turn.is_here()).await,
            Self::Notify => turn.commands.notify_webhook(account).await,
        }
    }
}

/// Works for ever, whenever it is this server's turn; `tell` says that there is something new.
pub(crate) async fn work_for_accounts(
    work: Work,
    turn: Turn,
    mut clock_moved: watch::Receiver<()>,
    tell: watch::Sender<()>,
) {
    let commands = turn.commands.clone();
    let mut told = tell.subscribe();
    let mut beat = tokio::time::interval(LOOK_EVERY);
    let busy: Arc<Mutex<HashSet<OfficialAccountId>>> = Arc::default();
    let mut tasks = tokio::task::JoinSet::new();
    loop {
        tokio::select! {
            _ = beat.tick() => {}
            Ok(()) = told.changed() => {}
            Ok(()) = clock_moved.changed() => {}
            Some(_) = tasks.join_next() => continue,
        }
        if !turn.is_here() {
            continue;
        }
        let accounts = match work.accounts(&commands).await {
            Ok(accounts) => accounts,
            Err(error) => {
                tracing::warn!(%error, ?work, "official accounts were not worked for; trying again");
                continue;
            }
        };
        for account in accounts {
            if !busy.lock().insert(account) {
                continue;
            }
            let (turn, busy, tell) = (turn.clone(), busy.clone(), tell.clone());
            tasks.spawn(async move {
                let worked = work.run(&turn, account, tell.subscribe()).await;
                busy.lock().remove(&account);
                match worked {
                    // What came while the last one was seen to is looked for at once.
                    Ok(done) if done > 0 => {
                        tell.send_replace(());
                    }
                    Ok(_) => {}
                    Err(error) => {
                        tracing::warn!(%error, %account, ?work, "an account was not worked for; trying again")
                    }
                }
            });
        }
    }
}
