//! A person gives a transfer back.

use domain::{HoldEvent, HoldId};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Gives a transfer back that the caller was to accept.
    ///
    /// # Errors
    /// [`domain::Rejection::HoldNotFound`], [`domain::Rejection::HoldOver`].
    pub async fn return_transfer(&self, caller: &Caller, hold: HoldId) -> Result<Committed<HoldEvent>, CommandError> {
        let by = caller.user()?;
        let begun = begin!(self, caller);
        let terms = self.terms(hold).await?;
        self.decide_hold(&terms, begun, |hold, now| hold.return_transfer(&terms, by, now)).await
    }
}
