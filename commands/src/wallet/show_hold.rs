//! Money on its way is shown in its conversation.

use domain::{
    HoldId,
    conversation::{Content, messages::Draft},
    hold::{Payer, Purpose, Terms},
};

use crate::{CommandError, Commands};

impl Commands {
    /// Shows a transfer or red packet in its conversation, once.
    ///
    /// # Errors
    /// As for a message of the payer; it is tried again while the money is on its way.
    pub async fn show_hold(&self, hold: HoldId) -> Result<(), CommandError> {
        let terms = self.terms(hold).await?;
        let (Payer::Person(by), Some(conversation)) = (terms.payer, terms.purpose.conversation()) else {
            return Ok(());
        };
        let Some(content) = card_of(&terms) else { return Ok(()) };
        let Some(begun) = self.begin_showing("show", by, hold.0).await? else { return Ok(()) };
        self.run(&self.streams.conversations, conversation, begun, |state, now| {
            state.say(by, Draft::of(content.clone()), &self.policy, now)
        })
        .await?;
        Ok(())
    }
}

fn card_of(terms: &Terms) -> Option<Content> {
    match &terms.purpose {
        Purpose::Transfer { to, note, .. } => {
            Some(Content::Transfer { transfer: terms.hold, to: *to, amount: terms.amount, note: note.clone() })
        }
        Purpose::RedPacket { packet, greeting, .. } => {
            Some(Content::RedPacket { red_packet: terms.hold, packet: *packet, greeting: greeting.clone() })
        }
        Purpose::Withdrawal { .. } | Purpose::Bill { .. } | Purpose::Order { .. } => None,
    }
}
