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
    ) -> Result<Committed<MerchantEvent>, CommandError> {
        let owner = caller.user()?;
        let begun = begin!(self, caller);
        let merchant = MerchantId(begun.id.derive("merchant"));
        self.run(&self.merchants, merchant, begun, |state, _| state.register(merchant, name, owner)).await
    }
}
