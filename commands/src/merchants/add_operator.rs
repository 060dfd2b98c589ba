//! An owner lets somebody act for the merchant.

use domain::{MerchantEvent, MerchantId, Rejection, UserId};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Lets a person act for the caller's merchant.
    ///
    /// # Errors
    /// [`Rejection::MerchantNotFound`], [`Rejection::MerchantOwnerOnly`], [`Rejection::PersonNotFound`],
    /// [`Rejection::TooManyOperators`].
    pub async fn add_operator(
        &self,
        caller: &Caller,
        merchant: MerchantId,
        user: UserId,
    ) -> Result<Committed<MerchantEvent>, CommandError> {
        let by = caller.user()?;
        let begun = begin!(self, caller);
        let exists = self.streams.users.look(user, domain::User::is_registered).await?;
        self.run(&self.streams.merchants, merchant, begun, |state, _| {
            let added = state.add_operator(by, user, &self.policy.money)?;
            if exists { Ok(added) } else { Err(Rejection::PersonNotFound) }
        })
        .await
    }
}
