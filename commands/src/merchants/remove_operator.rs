//! Somebody acts for a merchant no longer.

use domain::{MerchantEvent, MerchantId, UserId};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Takes an operator's part away, or one's own.
    ///
    /// # Errors
    /// [`domain::Rejection::MerchantNotFound`], [`domain::Rejection::MerchantOwnerOnly`],
    /// [`domain::Rejection::NotAnOperator`].
    pub async fn remove_operator(
        &self,
        caller: &Caller,
        merchant: MerchantId,
        user: UserId,
    ) -> Result<Committed<MerchantEvent>, CommandError> {
        let by = caller.user()?;
        let begun = begin!(self, caller);
        self.run(&self.streams.merchants, merchant, begun, |state, _| state.remove_operator(by, user)).await
    }
}
