//! A person's linked debit cards. The first gives the wallet its real name.

use chrono::{DateTime, TimeDelta, Utc};
use ledger::Money;

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
    /// Where there is money already, the first card can't reset the PIN at once: else somebody who has got hold of the
    /// device only would link a card of their own and take that money with a PIN of their own.
    ///
    /// # Errors
    /// As [`Self::check_may_link`], and [`Rejection::CardLinkedAlready`].
    pub fn link_card(
        &self,
        card: CardLinked,
        available: Money,
        now: DateTime<Utc>,
        policy: &MoneyPolicy,
    ) -> Result<Vec<WalletEvent>, Rejection> {
        self.check_may_link(&card.holder, policy)?;
        let waits = self.holder.is_none() && available.is_positive();
        let resets_pin_from = waits.then(|| now + TimeDelta::seconds(policy.pin_reset_seconds));
        let card = CardLinked { resets_pin_from, ..card };
        Ok(vec![self.cards.link(card, policy.cards_max)?.into()])
    }

    /// Checks that a card can reset the PIN.
    ///
    /// # Errors
    /// [`Rejection::CardNotFound`], [`Rejection::PinResetTooEarly`].
    pub fn check_reset(&self, card: CardId, now: DateTime<Utc>) -> Result<&Card, Rejection> {
        let card = self.card(card)?;
        match self.resets_pin_from {
            Some(from) if now < from => Err(Rejection::PinResetTooEarly { seconds: (from - now).num_seconds().max(1) }),
            _ => Ok(card),
        }
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
        if self.holder.is_none() {
            self.holder = Some(linked.holder.clone());
            self.resets_pin_from = linked.resets_pin_from;
        }
        self.cards.evolve_linked(linked);
    }
}

/// Names are compared without regard to case and spacing.
fn same_name(one: &str, other: &str) -> bool {
    let words = |name: &str| name.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>();
    words(one) == words(other)
}

#[cfg(test)]
mod tests {
    use ledger::Currency::CNY;

    use super::*;
    use crate::{testing::given, wallet::WalletOpened};

    fn card(token: &str) -> CardLinked {
        let (last_four, bank, holder) = ("0005".into(), "Harbour Bank".into(), "Li Mei".into());
        CardLinked { card: CardId::new(), token: token.into(), last_four, bank, holder, resets_pin_from: None }
    }

    #[test]
    fn the_first_card_of_a_wallet_with_money_opens_it_a_day_later_and_no_other_card_does_before() {
        let (now, policy) = (DateTime::UNIX_EPOCH, MoneyPolicy::default());
        for (there, waits) in [("0.00", false), ("0.01", true)] {
            let available = Money::parse(there, CNY).unwrap();
            let mut events: Vec<WalletEvent> = vec![WalletOpened { pin: "verifier".into() }.into()];
            let mut ids = vec![];
            for token in ["one", "two"] {
                let linked = card(token);
                ids.push(linked.card);
                let wallet: Wallet = given(events.clone());
                events.extend(wallet.link_card(linked, available, now, &policy).unwrap());
            }
            let wallet: Wallet = given(events);
            let tomorrow = now + TimeDelta::days(1);
            for id in ids {
                assert_eq!(wallet.check_reset(id, tomorrow - TimeDelta::seconds(1)).is_err(), waits, "{there}");
                assert!(wallet.check_reset(id, tomorrow).is_ok());
            }
        }
    }
}
