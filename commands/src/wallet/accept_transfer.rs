//! A person accepts a transfer.

use domain::{HoldEvent, HoldId};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Accepts a transfer; whoever has no wallet yet gets the money all the same and finds it when opening one.
    ///
    /// # Errors
    /// [`domain::Rejection::HoldNotFound`], [`domain::Rejection::HoldOver`].
    pub async fn accept_transfer(&self, caller: &Caller, hold: HoldId) -> Result<Committed<HoldEvent>, CommandError> {
        let by = caller.user()?;
        let begun = begin!(self, caller);
        let terms = self.terms(hold).await?;
        self.decide_hold(&terms, begun, |hold, now| hold.accept_transfer(&terms, by, now)).await
    }
}
