//! A person who forgot the PIN takes another, with a linked card at hand.

use domain::{CardId, Rejection, WalletEvent};
use uuid::Uuid;

use crate::{Caller, CommandError, Commands, Committed, engine::begin, gateways::LinkCard};

impl Commands {
    /// Takes another PIN; whoever knows the number of a linked card may. A lock ends.
    ///
    /// # Errors
    /// [`Rejection::CardNotFound`], [`Rejection::PinResetTooEarly`], [`Rejection::CardRefused`] where the number is not that card's, a PIN that breaks its
    /// rule, [`CommandError::NotConnected`], [`CommandError::GatewaySilent`].
    pub async fn reset_pin(
        &self,
        caller: &Caller,
        card: CardId,
        number: String,
        pin: String,
    ) -> Result<Committed<WalletEvent>, CommandError> {
        let user = caller.user()?;
        let begun = begin!(self, caller);
        let now = self.now();
        let (token, bank, holder) = self
            .streams
            .wallets
            .look(user, |wallet| {
                let card = wallet.check_reset(card, now)?;
                let holder = wallet.holder().unwrap_or_default().to_owned();
                Ok::<_, Rejection>((card.token.clone(), card.bank.clone(), holder))
            })
            .await??;
        let proved = self.ask_bank_to_link(LinkCard { request_id: Uuid::now_v7(), holder, number, bank }).await?;
        if proved.token != token {
            return Err(Rejection::CardRefused { code: "another-card".to_owned() }.into());
        }
        let verifier = self.pin_verifier(user, &pin).await?;
        self.run(&self.streams.wallets, user, begun, |wallet, now| {
            wallet.check_reset(card, now)?;
            wallet.change_pin(verifier.clone())
        })
        .await
    }
}
