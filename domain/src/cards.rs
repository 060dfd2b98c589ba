//! Linked cards, of people and of merchants: a token and four digits, never the number.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{CardId, Rejection};

/// A card was linked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardLinked {
    /// Its id here.
    pub card: CardId,
    /// What the bank calls it; the number itself is kept nowhere.
    pub token: String,
    /// The number's last four digits.
    pub last_four: String,
    /// The bank's name.
    pub bank: String,
    /// The holder's name as the bank has it.
    pub holder: String,
    /// From when this and other cards can reset the PIN of a wallet that had money in it before anybody's name was known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resets_pin_from: Option<DateTime<Utc>>,
}

/// A card was unlinked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardUnlinked {
    /// Which.
    pub card: CardId,
}

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

/// The cards that somebody has, or once had.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cards(Vec<Card>);

impl Cards {
    /// The cards that are linked.
    pub fn linked(&self) -> impl Iterator<Item = &Card> {
        self.0.iter().filter(|card| !card.unlinked)
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
    pub fn token(&self, id: CardId) -> Option<&str> {
        self.0.iter().find(|card| card.id == id).map(|card| card.token.as_str())
    }

    /// Checks that there is room for another one.
    ///
    /// # Errors
    /// [`Rejection::TooManyCards`].
    pub fn check_room(&self, max: usize) -> Result<(), Rejection> {
        if self.linked().count() < max { Ok(()) } else { Err(Rejection::TooManyCards { max }) }
    }

    /// Links a card that the bank has confirmed. One that was linked before gets its former id, so that money still on its
    /// way to or from it finds it.
    ///
    /// # Errors
    /// [`Rejection::TooManyCards`], [`Rejection::CardLinkedAlready`].
    pub fn link(&self, card: CardLinked, max: usize) -> Result<CardLinked, Rejection> {
        self.check_room(max)?;
        if self.linked().any(|linked| linked.token == card.token) {
            return Err(Rejection::CardLinkedAlready);
        }
        let former = self.0.iter().find(|former| former.token == card.token).map(|former| former.id);
        Ok(CardLinked { card: former.unwrap_or(card.card), ..card })
    }

    /// Unlinks a card.
    ///
    /// # Errors
    /// [`Rejection::CardNotFound`].
    pub fn unlink(&self, card: CardId) -> Result<CardUnlinked, Rejection> {
        self.card(card)?;
        Ok(CardUnlinked { card })
    }

    pub(crate) fn evolve_linked(&mut self, linked: &CardLinked) {
        let CardLinked { card, token, last_four, bank, .. } = linked.clone();
        // The same card linked again takes the place of its former self.
        self.0.retain(|former| !(former.unlinked && former.token == token));
        self.0.push(Card { id: card, token, last_four, bank, unlinked: false });
    }

    pub(crate) fn evolve_unlinked(&mut self, unlinked: &CardUnlinked) {
        self.0.iter_mut().filter(|card| card.id == unlinked.card).for_each(|card| card.unlinked = true);
    }
}
