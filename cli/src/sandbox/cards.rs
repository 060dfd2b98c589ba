//! The cards of the sandbox's bank.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use ledger::{Currency, Money, MoneyError};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::counter::{Declined, Operation, Order, Trade};

/// Every number that begins so, has 16 digits and a right check digit is a card.
const TEST_RANGE: &str = "620000";
const TEST_DIGITS: usize = 16;
/// What such a card holds before anybody has touched it, in cents.
const FIRST_BALANCE_MINOR: i128 = 1_000_000;
/// Longest name, in bytes.
const NAME_BYTES: usize = 100;

/// All cards, by number, and what was linked.
#[derive(Default)]
pub(super) struct Cards {
    cards: HashMap<String, Card>,
    links: HashMap<Uuid, Link>,
    /// Numbers by token.
    tokens: HashMap<String, String>,
    /// Tokens by number: a card has one, however often it is linked.
    named: HashMap<String, String>,
}

/// A card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Card {
    /// Its number.
    pub(super) number: String,
    /// Whose it is; unknown until somebody links it.
    pub(super) holder: Option<String>,
    /// Which bank issued it; unknown until somebody links it.
    pub(super) bank: Option<String>,
    /// What it holds.
    pub(super) balance: Money,
}

/// That somebody linked a card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Link {
    /// By which request.
    pub(super) request_id: Uuid,
    /// The card's number.
    pub(super) number: String,
    /// Whose it is, as they said.
    pub(super) holder: String,
    /// Which bank issued it, as they said.
    pub(super) bank: String,
    /// What stands for the card.
    pub(super) token: String,
}

/// What a bank learns besides orders.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum CardFact {
    /// A card is like that from now on.
    Card(Card),
    /// A card was linked.
    Link(Link),
}

/// What linking a card comes to.
#[derive(Debug)]
pub(super) enum Linking {
    /// The request was carried out before.
    Known(Link),
    /// It is good: these facts are to be taken in.
    New(Card, Link),
    /// The request was carried out before, for another card or holder.
    Reused,
    /// It is not good.
    Refused(Declined),
}

impl Cards {
    /// The card of that number: one that is known, else one of the test range.
    pub(super) fn card(&self, number: &str) -> Option<Card> {
        let in_range = number.starts_with(TEST_RANGE) && number.len() == TEST_DIGITS && is_number(number);
        let fresh = || {
            let balance = Money::from_minor(FIRST_BALANCE_MINOR, Currency::CNY).ok()?;
            Some(Card { number: number.to_owned(), holder: None, bank: None, balance })
        };
        self.cards.get(number).cloned().or_else(|| in_range.then(fresh).flatten())
    }

    /// The card that a token stands for.
    pub(super) fn by_token(&self, token: &str) -> Option<&Card> {
        self.cards.get(self.tokens.get(token)?)
    }

    /// What linking a card would come to; `wanted.token` is the token of a card linked for the first time.
    pub(super) fn link(&self, wanted: Link) -> Linking {
        if let Some(known) = self.links.get(&wanted.request_id) {
            let same = Link { token: known.token.clone(), ..wanted } == *known;
            return if same { Linking::Known(known.clone()) } else { Linking::Reused };
        }
        let refused = |code, reason| Linking::Refused(Declined::new(code, reason));
        if !is_number(&wanted.number) {
            return refused("invalid-number", "that is not the number of a card");
        }
        if !is_name(&wanted.holder) || !is_name(&wanted.bank) {
            return refused("invalid-name", "the holder's name or the bank's is missing or too long");
        }
        let Some(mut card) = self.card(&wanted.number) else {
            return refused("unknown-card", "no bank has issued such a card");
        };
        if card.bank.as_ref().is_some_and(|bank| !same_name(bank, &wanted.bank)) {
            return refused("bank-mismatch", "the card was issued by another bank");
        }
        if card.holder.as_ref().is_some_and(|holder| !same_name(holder, &wanted.holder)) {
            return refused("holder-mismatch", "the card is somebody else's");
        }
        card.holder.get_or_insert_with(|| wanted.holder.trim().to_owned());
        card.bank.get_or_insert_with(|| wanted.bank.trim().to_owned());
        let token = self.named.get(&wanted.number).cloned().unwrap_or(wanted.token);
        Linking::New(card, Link { token, ..wanted })
    }
}

impl Trade for Cards {
    type Fact = CardFact;

    fn learn(&mut self, fact: CardFact) {
        match fact {
            CardFact::Card(card) => {
                self.cards.insert(card.number.clone(), card);
            }
            CardFact::Link(link) => {
                self.tokens.insert(link.token.clone(), link.number.clone());
                self.named.insert(link.number.clone(), link.token.clone());
                self.links.insert(link.request_id, link);
            }
        }
    }

    fn judge(&self, order: &Order, ours: Money, _now: DateTime<Utc>) -> Result<(), Declined> {
        let unknown = || Declined::new("unknown-card", "no card was linked under that token");
        let other_currency = |_| Declined::new("wrong-currency", "the card is in another currency");
        let card = self.by_token(&order.subject).ok_or_else(unknown)?;
        let (payer, code, reason) = match order.operation {
            Operation::PayOut => (ours, "settlement-short", "the settlement account does not hold that much"),
            Operation::Collect | Operation::Pay => {
                (card.balance, "insufficient-funds", "the card does not hold that much")
            }
        };
        // Both sums are made, so that none is too large to be booked once the order is good.
        card.balance.checked_add(order.amount).map_err(other_currency)?;
        let left = payer.checked_sub(order.amount).map_err(other_currency)?;
        if left.is_negative() { Err(Declined::new(code, reason)) } else { Ok(()) }
    }

    fn carry_out(&mut self, order: &Order) -> Result<(), MoneyError> {
        let card = self.tokens.get(&order.subject).and_then(|number| self.cards.get_mut(number));
        if let Some(card) = card {
            card.balance = match order.operation {
                Operation::PayOut => card.balance.checked_add(order.amount)?,
                Operation::Collect | Operation::Pay => card.balance.checked_sub(order.amount)?,
            };
        }
        Ok(())
    }
}

/// Whether that can be the number of a card: 12 to 19 digits, the last of which checks the others (Luhn).
pub(super) fn is_number(text: &str) -> bool {
    let digits: Option<Vec<u32>> = text.chars().map(|sign| sign.to_digit(10)).collect();
    let Some(digits) = digits.filter(|digits| (12..=19).contains(&digits.len())) else { return false };
    let doubled = |digit: u32| if digit > 4 { digit * 2 - 9 } else { digit * 2 };
    let sum: u32 =
        digits.iter().rev().enumerate().map(|(at, digit)| if at % 2 == 1 { doubled(*digit) } else { *digit }).sum();
    sum.is_multiple_of(10)
}

/// The last four digits of a number.
pub(super) fn last_four(number: &str) -> String {
    let mut last: Vec<char> = number.chars().rev().take(4).collect();
    last.reverse();
    last.into_iter().collect()
}

fn is_name(text: &str) -> bool {
    (1..=NAME_BYTES).contains(&text.trim().len()) && !text.chars().any(char::is_control)
}

/// Names are compared without regard to case and spaces.
fn same_name(one: &str, other: &str) -> bool {
    let plain = |name: &str| name.chars().filter(|sign| !sign.is_whitespace()).collect::<String>().to_lowercase();
    plain(one) == plain(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_digit_tells_numbers_from_others() {
        for good in ["4111111111111111", "6200000000000005", "378282246310005"] {
            assert!(is_number(good), "{good}");
        }
        for bad in
            ["4111111111111112", "6200000000000000", "", "0", "00000000000", "41111111x1111111", "４111111111111111"]
        {
            assert!(!is_number(bad), "{bad}");
        }
    }

    #[test]
    fn a_cards_first_link_says_whose_it_is_and_others_are_refused() {
        let mut cards = Cards::default();
        let link = |id, holder: &str, number: &str, bank: &str| {
            let [holder, number, bank, token] = [holder, number, bank, "t"].map(str::to_owned);
            Link { request_id: Uuid::from_u128(id), number, holder, bank, token }
        };
        let number = "6200000000000005";
        let Linking::New(card, first) = cards.link(link(1, "Mei Lin", number, "Harbour")) else { panic!() };
        cards.learn(CardFact::Card(card));
        cards.learn(CardFact::Link(first.clone()));
        assert!(matches!(cards.link(first), Linking::Known(_)));
        assert!(matches!(cards.link(link(1, "Arjun", number, "Harbour")), Linking::Reused));
        assert!(matches!(cards.link(link(2, "MEI  lin", number, "harbour")), Linking::New(..)));
        for (holder, number, bank, code) in [
            ("Arjun", number, "Harbour", "holder-mismatch"),
            ("Mei Lin", number, "Hill", "bank-mismatch"),
            ("Mei Lin", "6200000000000006", "Harbour", "invalid-number"),
            ("Mei Lin", "4111111111111111", "Harbour", "unknown-card"),
            (" ", number, "Harbour", "invalid-name"),
        ] {
            let Linking::Refused(declined) = cards.link(link(3, holder, number, bank)) else { panic!("{code}") };
            assert_eq!(declined.code, code);
        }
    }
}
