//! A person puts a red packet into a conversation.

use domain::{
    ConversationId, HoldId, Rejection, WalletEvent,
    conversation::Content,
    hold::{PacketKind, Purpose},
    rejection::check_text,
    wallet::Placement,
};
use ledger::Money;
use uuid::Uuid;

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

/// A red packet to be sent.
#[derive(Clone, Debug)]
pub struct RedPacketToSend {
    /// Into which conversation.
    pub conversation: ConversationId,
    /// How it is divided.
    pub packet: PacketKind,
    /// Into how many shares.
    pub shares: u32,
    /// How much in all.
    pub amount: Money,
    /// A few words.
    pub greeting: String,
    /// What the PIN was proved with.
    pub authorization: Uuid,
}

impl Commands {
    /// Places a red packet. [`Commands::show_hold`] shows it in the conversation.
    ///
    /// # Errors
    /// As for a message to that conversation; shares and amount that don't fit each other; a receiver who is no member;
    /// [`Rejection::NotAuthorized`], [`Rejection::LimitReached`], [`Rejection::InsufficientFunds`].
    pub async fn send_red_packet(
        &self,
        caller: &Caller,
        packet: RedPacketToSend,
    ) -> Result<Committed<WalletEvent>, CommandError> {
        let (owner, device) = (caller.user()?, Self::device_of(caller)?);
        let begun = begin!(self, caller);
        let RedPacketToSend { conversation, packet, shares, amount, greeting, authorization } = packet;
        check_text("greeting", &greeting, Content::MONEY_WORDS_CHARS)?;
        let peer = self.reachable_peer(owner, conversation).await?;
        if peer.is_some() && shares > 1 {
            return Err(Rejection::InvalidField { field: "shares", rule: "a friend gets one share" }.into());
        }
        // In a group, whoever may not speak may not shower money either.
        let now = self.now();
        self.streams.conversations.look(conversation, |state| state.check_voice(owner, now)).await??;
        if let PacketKind::Exclusive { to } = packet {
            self.streams
                .conversations
                .look(conversation, |state| state.check_part(to))
                .await?
                .map_err(|_| Rejection::MemberNotFound)?;
        }
        let purpose = Purpose::RedPacket { conversation, packet, shares, greeting };
        let placement = Placement { hold: HoldId::new(), purpose, amount };
        self.place_hold(owner, Some((authorization, device)), begun, placement).await
    }
}
