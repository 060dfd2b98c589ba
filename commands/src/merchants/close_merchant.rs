//! An owner closes the shop.

use domain::{MerchantEvent, MerchantId};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Takes no payments any more for the caller's merchant. What is there can still be given back.
    ///
    /// # Errors
    /// [`domain::Rejection::MerchantNotFound`], [`domain::Rejection::MerchantOwnerOnly`].
    pub async fn close_merchant(
        &self,
        caller: &Caller,
        merchant: MerchantId,
    ) -> Result<Committed<MerchantEvent>, CommandError> {
        let by = caller.user()?;
        let begun = begin!(self, caller);
        self.run(&self.streams.merchants, merchant, begun, |state, _| state.close(by)).await
    }
}
