//! A person opens a red packet.

use domain::{
    HoldEvent, HoldId, Rejection,
    hold::{Payer, Purpose, Terms},
};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Opens a red packet: the caller's share is drawn and theirs.
    ///
    /// # Errors
    /// [`Rejection::HoldNotFound`] for who is no member of its conversation, but [`Rejection::NotForYou`] for its sender;
    /// [`Rejection::OpenedAlready`], [`Rejection::AllGone`], [`Rejection::HoldOver`].
    pub async fn open_red_packet(&self, caller: &Caller, hold: HoldId) -> Result<Committed<HoldEvent>, CommandError> {
        let by = caller.user()?;
        let begun = begin!(self, caller);
        let terms = self.terms(hold).await?;
        let Purpose::RedPacket { conversation, .. } = terms.purpose else {
            return Err(Rejection::HoldNotFound.into());
        };
        let (part, peer) =
            self.streams.conversations.look(conversation, |state| (state.check_part(by), state.peer_of(by))).await?;
        // To a friend means to the friend; in a group the sender takes part as everybody does, while a member.
        if (peer.is_some() || part.is_err()) && is_payer(&terms, by) {
            return Err(Rejection::NotForYou.into());
        }
        part.map_err(|_| Rejection::HoldNotFound)?;
        self.decide_hold(&terms, begun, |hold, now| {
            hold.open_share(&terms, by, &mut |bound| self.dice.below(bound), now, &self.policy.money)
        })
        .await
    }
}

fn is_payer(terms: &Terms, user: domain::UserId) -> bool {
    terms.payer == Payer::Person(user)
}
