//! What is done for official accounts: answering followers in their names, telling their webhooks. Each account that has
//! something to be done gets a task of its own, so that what holds one up holds up no other.

use std::{collections::HashSet, sync::Arc, time::Duration};

use commands::{CommandError, Commands};
use domain::OfficialAccountId;
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::timers::{Turn, every};

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
            Self::Notify => turn.commands.notify_webhook(account, || turn.is_here()).await,
        }
    }
}

/// The accounts that are being worked for.
#[derive(Clone, Debug, Default)]
struct Busy(Arc<Mutex<HashSet<OfficialAccountId>>>);

impl Busy {
    /// Enters an account, until what is given is dropped; none where it is being worked for already.
    fn enter(&self, account: OfficialAccountId) -> Option<Entered> {
        self.0.lock().insert(account).then(|| Entered { busy: self.clone(), account })
    }
}

/// An account that is being worked for: no longer when this is dropped, so also where the work broke off.
#[derive(Debug)]
struct Entered {
    busy: Busy,
    account: OfficialAccountId,
}

impl Drop for Entered {
    fn drop(&mut self) {
        self.busy.0.lock().remove(&self.account);
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
    let mut beat = every(LOOK_EVERY);
    let busy = Busy::default();
    let mut tasks = tokio::task::JoinSet::new();
    loop {
        tokio::select! {
            _ = beat.tick() => {}
            Ok(()) = told.changed() => {}
            Ok(()) = clock_moved.changed() => {}
            Some(ended) = tasks.join_next() => {
                if let Err(error) = ended {
                    // One account's trouble is not the others': it is worked for again with the next look.
                    tracing::error!(%error, ?work, "working for an account broke off; trying again");
                }
                continue;
            }
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
            let Some(entered) = busy.enter(account) else { continue };
            let (turn, tell) = (turn.clone(), tell.clone());
            tasks.spawn(async move {
                let worked = work.run(&turn, account, tell.subscribe()).await;
                drop(entered);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_account_is_worked_for_once_at_a_time_and_again_after_its_work_broke_off() {
        let (busy, account) = (Busy::default(), OfficialAccountId::new());
        let entered = busy.enter(account).unwrap();
        assert!(busy.enter(account).is_none());
        assert!(busy.enter(OfficialAccountId::new()).is_some(), "another has nothing to do with it");
        let broken = tokio::spawn(async move {
            let _entered = entered;
            panic!("in the middle of its work");
        });
        assert!(broken.await.unwrap_err().is_panic());
        assert!(busy.enter(account).is_some());
    }
}
