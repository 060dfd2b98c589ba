//! A person takes a transfer back before it arrives.

use domain::{HoldEvent, HoldId};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Takes back a transfer with delayed arrival that has not arrived yet.
    ///
    /// # Errors
    /// [`domain::Rejection::HoldNotFound`], [`domain::Rejection::HoldOver`], [`domain::Rejection::NotArriving`].
    pub async fn cancel_transfer(&self, caller: &Caller, hold: HoldId) -> Result<Committed<HoldEvent>, CommandError> {
        let by = caller.user()?;
        let begun = begin!(self, caller);
        let terms = self.terms(hold).await?;
        self.decide_hold(&terms, begun, |hold, now| hold.cancel_transfer(&terms, by, now)).await
    }
}
