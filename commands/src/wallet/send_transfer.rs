//! A person sends money to a friend.

use domain::{
    ConversationId, HoldId, Rejection, WalletEvent, conversation::Content, hold::Purpose, rejection::check_text,
    wallet::Placement,
};
use ledger::Money;
use uuid::Uuid;

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

/// Money for a friend.
#[derive(Clone, Debug)]
pub struct TransferToSend {
    /// The direct conversation with the friend.
    pub conversation: ConversationId,
    /// How much.
    pub amount: Money,
    /// A few words.
    pub note: String,
    /// What the PIN was proved with.
    pub authorization: Uuid,
}

impl Commands {
    /// Places a transfer, which the friend is to accept. [`Commands::show_hold`] shows it in the conversation.
    ///
    /// # Errors
    /// As for a message to that conversation; [`Rejection::NotAuthorized`], [`Rejection::LimitReached`],
    /// [`Rejection::InsufficientFunds`].
    pub async fn send_transfer(
        &self,
        caller: &Caller,
        transfer: TransferToSend,
    ) -> Result<Committed<WalletEvent>, CommandError> {
        let (owner, device) = (caller.user()?, Self::device_of(caller)?);
        let begun = begin!(self, caller);
        let TransferToSend { conversation, amount, note, authorization } = transfer;
        check_text("note", &note, Content::MONEY_WORDS_CHARS)?;
        let to = self.reachable_peer(owner, conversation).await?;
        let to = to.ok_or(Rejection::InvalidField { field: "conversation", rule: "must be with one friend" })?;
        let arrival_seconds = self.streams.wallets.look(owner, |wallet| wallet.arrival_seconds).await?;
        let purpose = Purpose::Transfer { to, conversation, note, arrival_seconds };
        let placement = Placement { hold: HoldId::new(), purpose, amount };
        self.place_hold(owner, Some((authorization, device)), begun, placement).await
    }
}
