//! A person pays at a merchant's static code.

use domain::{
    MerchantId, PaymentId, WalletEvent, conversation::Content, hold::Payer, rejection::check_line, wallet::Payment,
};
use ledger::Money;
use uuid::Uuid;

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

/// A payment to a merchant.
#[derive(Clone, Debug)]
pub struct MerchantPayment {
    /// Whom.
    pub merchant: MerchantId,
    /// How much.
    pub amount: Money,
    /// A few words.
    pub note: String,
    /// What the PIN was proved with.
    pub authorization: Uuid,
}

impl Commands {
    /// Pays a merchant at once: one leg, since nothing about it can fail any more.
    ///
    /// # Errors
    /// [`domain::Rejection::MerchantNotFound`], [`domain::Rejection::MerchantClosed`],
    /// [`domain::Rejection::NotAuthorized`], [`domain::Rejection::LimitReached`],
    /// [`domain::Rejection::InsufficientFunds`].
    pub async fn pay_merchant(
        &self,
        caller: &Caller,
        payment: MerchantPayment,
    ) -> Result<Committed<WalletEvent>, CommandError> {
        let (owner, device) = (caller.user()?, Self::device_of(caller)?);
        let begun = begin!(self, caller);
        let MerchantPayment { merchant, amount, note, authorization } = payment;
        check_line("note", &note, Content::MONEY_WORDS_CHARS)?;
        // A look at what is in memory: nothing is written to the merchant's stream when it is paid.
        self.streams.merchants.look(merchant, |state| state.check_open()).await??;
        let id = PaymentId::new();
        self.run_paying(&self.streams.wallets, owner, begun, |wallet, now| {
            let credited = self.accounts.credited(Payer::Person(owner), amount.currency());
            let authorization = Some((authorization, device));
            let payment = Payment { owner, credited, authorization, now, policy: &self.policy.money };
            wallet.pay(&payment, id, merchant, amount, &note)
        })
        .await
    }
}
