//! Linked debit cards: a token and four digits, never the number.

use serde::{Deserialize, Serialize};

use super::{CardLinked, CardUnlinked, Wallet, WalletEvent};
use crate::{CardId, Rejection, policy::MoneyPolicy};

/// A card that was linked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// Its id here.
    pub id: CardId,
    /// What the bank calls it.
    pub token: String,
    /// The number's last four digits.
    pub last_four: String,
    /// The bank's name.
    pub bank: String,
    /// Whether it was unlinked; money on its way to it still arrives.
    pub unlinked: bool,
}

impl Wallet {
    /// Checks that another card may be linked in that name, before the bank is asked.
    ///
    /// # Errors
    /// [`Rejection::WalletNotOpen`], [`Rejection::TooManyCards`], [`Rejection::OtherHolder`].
    pub fn check_may_link(&self, holder: &str, policy: &MoneyPolicy) -> Result<(), Rejection> {
        self.check_open()?;
        if self.linked().count() >= policy.cards_max {
            return Err(Rejection::TooManyCards { max: policy.cards_max });
        }
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
        if self.linked().any(|linked| linked.token == card.token) {
            return Err(Rejection::CardLinkedAlready);
        }
        let former = self.cards.iter().find(|former| former.token == card.token).map(|former| former.id);
        Ok(vec![CardLinked { card: former.unwrap_or(card.card), ..card }.into()])
    }

    /// Unlinks a card.
    ///
    /// # Errors
    /// [`Rejection::CardNotFound`].
    pub fn unlink_card(&self, card: CardId) -> Result<Vec<WalletEvent>, Rejection> {
        self.card(card)?;
        Ok(vec![CardUnlinked { card }.into()])
    }

    /// A card that is linked.
    ///
    /// # Errors
    /// [`Rejection::CardNotFound`].
    pub fn card(&self, id: CardId) -> Result<&Card, Rejection> {
        self.linked().find(|card| card.id == id).ok_or(Rejection::CardNotFound)
    }

    /// What the bank calls a card that is or was linked.
    #[must_use]
    pub fn card_token(&self, id: CardId) -> Option<&str> {
        self.cards.iter().find(|card| card.id == id).map(|card| card.token.as_str())
    }

    /// The cards that are linked.
    pub fn linked(&self) -> impl Iterator<Item = &Card> {
        self.cards.iter().filter(|card| !card.unlinked)
    }

    pub(super) fn evolve_linked(&mut self, linked: &CardLinked) {
        let CardLinked { card, token, last_four, bank, holder } = linked.clone();
        self.holder.get_or_insert(holder);
        // The same card linked again takes the place of its former self.
        self.cards.retain(|former| !(former.unlinked && former.token == token));
        self.cards.push(Card { id: card, token, last_four, bank, unlinked: false });
    }

    pub(super) fn evolve_unlinked(&mut self, unlinked: &CardUnlinked) {
        self.cards.iter_mut().filter(|card| card.id == unlinked.card).for_each(|card| card.unlinked = true);
    }
}

/// Names are compared without regard to case and spacing.
fn same_name(one: &str, other: &str) -> bool {
    let words = |name: &str| name.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>();
    words(one) == words(other)
}
