//! A person opens a shop.

use domain::{MerchantEvent, MerchantId};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Registers a merchant, whose owner the caller is; gives its id.
    ///
    /// # Errors
    /// A name that breaks its rule.
    pub async fn register_merchant(
        &self,
        caller: &Caller,
        name: &str,
    ) -> Result<(MerchantId, Committed<MerchantEvent>), CommandError> {
        let merchant = MerchantId(caller.id_of_made());
        Ok((merchant, self.register_as(caller, merchant, name).await?))
    }

    async fn register_as(
        &self,
        caller: &Caller,
        merchant: MerchantId,
        name: &str,
    ) -> Result<Committed<MerchantEvent>, CommandError> {
        let owner = caller.user()?;
        let begun = begin!(self, caller);
        self.run(&self.streams.merchants, merchant, begun, |state, _| state.register(merchant, name, owner)).await
    }
}
