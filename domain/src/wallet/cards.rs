//! A person's linked debit cards. The first gives the wallet its real name.

use super::{Wallet, WalletEvent};
use crate::{
    CardId, Rejection,
    cards::{Card, CardLinked},
    policy::MoneyPolicy,
};

impl Wallet {
    /// Checks that another card may be linked in that name, before the bank is asked.
    ///
    /// # Errors
    /// [`Rejection::WalletNotOpen`], [`Rejection::TooManyCards`], [`Rejection::OtherHolder`].
    pub fn check_may_link(&self, holder: &str, policy: &MoneyPolicy) -> Result<(), Rejection> {
        self.check_open()?;
        self.cards.check_room(policy.cards_max)?;
        match &self.holder {
            Some(known) if !same_name(known, holder) => Err(Rejection::OtherHolder),
            _ => Ok(()),
        }
    }

    /// Links a card that the bank has confirmed. The first gives the real name; later ones must bear the same. A card
    /// that was linked before gets its former id, so that money still on its way to or from it finds it.
    ///
    /// # Errors
    /// As [`Self::check_may_link`], and [`Rejection::CardLinkedAlready`].
    pub fn link_card(&self, card: CardLinked, policy: &MoneyPolicy) -> Result<Vec<WalletEvent>, Rejection> {
        self.check_may_link(&card.holder, policy)?;
        Ok(vec![self.cards.link(card, policy.cards_max)?.into()])
    }

    /// Unlinks a card.
    ///
    /// # Errors
    /// [`Rejection::CardNotFound`].
    pub fn unlink_card(&self, card: CardId) -> Result<Vec<WalletEvent>, Rejection> {
        Ok(vec![self.cards.unlink(card)?.into()])
    }

    /// A card that is linked.
    ///
    /// # Errors
    /// [`Rejection::CardNotFound`].
    pub fn card(&self, id: CardId) -> Result<&Card, Rejection> {
        self.cards.card(id)
    }

    /// What the bank calls a card that is or was linked.
    #[must_use]
    pub fn card_token(&self, id: CardId) -> Option<&str> {
        self.cards.token(id)
    }

    /// The cards that are linked.
    pub fn linked(&self) -> impl Iterator<Item = &Card> {
        self.cards.linked()
    }

    pub(super) fn evolve_linked(&mut self, linked: &CardLinked) {
        self.holder.get_or_insert_with(|| linked.holder.clone());
        self.cards.evolve_linked(linked);
    }
}

/// Names are compared without regard to case and spacing.
fn same_name(one: &str, other: &str) -> bool {
    let words = |name: &str| name.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>();
    words(one) == words(other)
}
