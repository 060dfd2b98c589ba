//! The process manager of money: lets fall due what is due, asks banks and billers again, shows what is not shown yet.
//!
//! Its to-do lists are a read model; every item is done by a command that does it once.

use futures::{StreamExt, stream};

use crate::{Caller, CommandError, Commands, engine::Begun, ports::Unsettled};

/// How many items of each list are looked at in one round.
const ROUND: usize = 256;
/// How many requests to banks and billers are under way at a time.
const ASKED_AT_ONCE: usize = 16;

impl Commands {
    /// Shows, lets fall due and closes what is to be by now; tells how many items it did something about.
    ///
    /// # Errors
    /// The first that a list gives; an item's failure is logged, and the item stays on its list.
    pub async fn run_money(&self) -> Result<usize, CommandError> {
        let mut done = 0;
        for hold in self.accounts.unshown(ROUND).await? {
            done += counted("show", self.show_hold(hold).await);
        }
        loop {
            let due = self.accounts.holds_due(self.now(), ROUND).await?;
            let mut moved = 0;
            for hold in &due {
                moved += counted("let fall due", self.let_fall_due(*hold).await);
            }
            done += moved;
            if due.len() < ROUND || moved == 0 {
                break;
            }
        }
        for order in self.accounts.orders_due(self.now(), ROUND).await? {
            done += counted("close", self.expire_order(order).await);
        }
        Ok(done)
    }

    /// Asks banks and billers about what they have not settled; tells how many items it got an answer or a silence about.
    /// Apart from [`Self::run_money`], so that a silent bank holds up nothing that needs none.
    ///
    /// # Errors
    /// As [`Self::run_money`].
    pub async fn run_settlements(&self) -> Result<usize, CommandError> {
        let open = self.accounts.unsettled(ROUND).await?;
        let asked = open.into_iter().filter(|item| self.pauses.is_over(*item, self.now()));
        let settled = stream::iter(asked).map(|item| self.settle(item)).buffer_unordered(ASKED_AT_ONCE);
        Ok(settled.map(|outcome| counted("settle", outcome)).fold(0, |sum, one| async move { sum + one }).await)
    }

    async fn let_fall_due(&self, hold: domain::HoldId) -> Result<(), CommandError> {
        let terms = self.terms(hold).await?;
        self.decide_hold(&terms, Begun::unkeyed(&Caller::SERVER), |hold, now| hold.fall_due(&terms, now)).await?;
        Ok(())
    }

    async fn settle(&self, item: Unsettled) -> Result<(), CommandError> {
        match item {
            Unsettled::TopUp(user, top_up) => self.settle_top_up(user, top_up).await,
            Unsettled::Hold(hold) => self.settle_hold(hold).await,
        }
    }
}

fn counted(what: &str, outcome: Result<(), CommandError>) -> usize {
    match outcome {
        Ok(()) => 1,
        Err(error) => {
            tracing::warn!(%error, what, "left undone about money; it will be tried again");
            0
        }
    }
}
