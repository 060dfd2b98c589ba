//! The process manager of money: lets fall due what is due, asks banks and billers again, shows what is not shown yet.
//!
//! Its to-do lists are a read model; every item is done by a command that does it once.

use std::collections::BTreeMap;

use domain::hold::Settler;
use futures::{StreamExt, stream};
use parking_lot::Mutex;

use crate::{Caller, CommandError, Commands, engine::Begun, ports::Unsettled, processes::counted};

/// How many items of a list are done in one round.
const ROUND: usize = 256;
/// How many requests of one kind to the outside are under way at a time.
const ASKED_AT_ONCE: usize = 16;

/// Where the next round about what is not settled begins: behind the last item of the round before, so that however many
/// wait in vain, none waits for ever.
#[derive(Debug, Default)]
pub(crate) struct Rounds(Mutex<BTreeMap<Settler, Unsettled>>);

impl Commands {
    /// Shows, lets fall due and closes what is to be by now; tells how many items it did something about.
    ///
    /// # Errors
    /// The first that a list gives; an item's failure is logged, and the item stays on its list.
    pub async fn run_money(&self) -> Result<usize, CommandError> {
        let mut done = 0;
        for hold in self.accounts.unshown(ROUND).await? {
            done += counted("show hold", self.show_hold(hold).await);
        }
        loop {
            let due = self.accounts.holds_due(self.now(), ROUND).await?;
            let mut moved = 0;
            for hold in &due {
                moved += counted("let hold fall due", self.let_fall_due(*hold).await);
            }
            done += moved;
            if due.len() < ROUND || moved == 0 {
                break;
            }
        }
        for order in self.accounts.orders_due(self.now(), ROUND).await? {
            done += counted("close order", self.expire_order(order).await);
        }
        Ok(done)
    }

    /// Asks somebody about what they have not settled; tells how many items it got an answer or a silence about. Apart from
    /// [`Self::run_money`] and from asking others, so that a silent bank holds up nothing that does not need it.
    ///
    /// # Errors
    /// As [`Self::run_money`].
    pub async fn run_settlements(&self, settler: Settler) -> Result<usize, CommandError> {
        let asked = self.to_be_asked(settler).await?;
        let settled = stream::iter(asked).map(|item| self.settle(item)).buffer_unordered(ASKED_AT_ONCE);
        Ok(settled.map(|outcome| counted("settle", outcome)).fold(0, |sum, one| async move { sum + one }).await)
    }

    /// Items of a round: from where the last one ended, up to a round's worth or the end of the list.
    async fn to_be_asked(&self, settler: Settler) -> Result<Vec<Unsettled>, CommandError> {
        let (mut asked, now) = (vec![], self.now());
        let mut after = self.rounds.0.lock().get(&settler).copied();
        loop {
            let page = self.accounts.unsettled(settler, after, ROUND).await?;
            for item in &page {
                after = Some(*item);
                if self.pauses.is_over(*item, now) {
                    asked.push(*item);
                }
                if asked.len() == ROUND {
                    self.rounds.0.lock().insert(settler, *item);
                    return Ok(asked);
                }
            }
            if page.len() < ROUND {
                self.rounds.0.lock().remove(&settler);
                self.pauses.forget_old(now);
                return Ok(asked);
            }
        }
    }

    async fn let_fall_due(&self, hold: domain::HoldId) -> Result<(), CommandError> {
        let terms = self.terms(hold).await?;
        self.decide_hold(&terms, Begun::unkeyed(&Caller::SERVER), |hold, now| hold.fall_due(&terms, now)).await?;
        Ok(())
    }

    pub(super) async fn settle(&self, item: Unsettled) -> Result<(), CommandError> {
        match item {
            Unsettled::TopUp(user, top_up) => self.settle_top_up(user, top_up).await,
            Unsettled::Hold(hold) => self.settle_hold(hold).await,
        }
    }
}
