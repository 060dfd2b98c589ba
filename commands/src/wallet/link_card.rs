//! A person links a debit card.

use domain::{CardId, Rejection, WalletEvent, cards::CardLinked, hold::Payer};

use crate::{
    Caller, CommandError, Commands, Committed,
    engine::begin,
    gateways::{GatewayError, LinkCard, LinkedCard},
};

/// A card as the person gives it. Its number is not kept.
pub struct CardToLink {
    /// The holder's name.
    pub holder: String,
    /// The number: 12 to 19 digits, the last one right by Luhn's rule.
    pub number: String,
    /// The bank's name.
    pub bank: String,
}

impl Commands {
    /// Has the bank confirm a card and links it. The first card gives the wallet its real name.
    ///
    /// # Errors
    /// Fields that break their rules, [`Rejection::CardRefused`], [`Rejection::OtherHolder`], [`Rejection::TooManyCards`],
    /// [`Rejection::CardLinkedAlready`], [`CommandError::NotConnected`], [`CommandError::GatewaySilent`].
    pub async fn link_card(&self, caller: &Caller, card: CardToLink) -> Result<Committed<WalletEvent>, CommandError> {
        let user = caller.user()?;
        let begun = begin!(self, caller);
        card.check()?;
        let policy = &self.policy.money;
        self.streams.wallets.look(user, |wallet| wallet.check_may_link(&card.holder, policy)).await??;
        let card = self.confirm_card(caller, card).await?;
        // Money that has come in counts, also where it is not known of here yet.
        self.accounts.catch_up().await?;
        let available = self.available(Payer::Person(user)).await?;
        self.run(&self.streams.wallets, user, begun, |wallet, now| {
            wallet.link_card(card.clone(), available, now, policy)
        })
        .await
    }

    /// Has the bank confirm a card that a command is to link.
    pub(crate) async fn confirm_card(&self, caller: &Caller, card: CardToLink) -> Result<CardLinked, CommandError> {
        let CardToLink { holder, number, bank } = card;
        // The same for who asks again since the first answer got lost.
        let request_id = caller.id_of_made();
        let linked = self.ask_bank_to_link(LinkCard { request_id, holder, number, bank }).await?;
        let LinkedCard { token, last_four, bank, holder } = linked;
        Ok(CardLinked { card: CardId::new(), token, last_four, bank, holder, resets_pin_from: None })
    }

    pub(super) async fn ask_bank_to_link(&self, request: LinkCard) -> Result<LinkedCard, CommandError> {
        let bank = self.bank.as_ref().ok_or(CommandError::NotConnected("bank"))?;
        bank.link_card(&request).await.map_err(|error| match error {
            GatewayError::Refused { code, .. } => Rejection::CardRefused { code }.into(),
            GatewayError::Unavailable(_) | GatewayError::Unknown(_) => {
                tracing::warn!(%error, "a card could not be linked");
                CommandError::GatewaySilent("bank")
            }
        })
    }
}

impl CardToLink {
    /// Checks what can be checked without the bank.
    pub(crate) fn check(&self) -> Result<(), Rejection> {
        domain::rejection::check_name("holder", &self.holder, 60)?;
        domain::rejection::check_name("bank", &self.bank, 60)?;
        check_number(&self.number)
    }
}

fn check_number(number: &str) -> Result<(), Rejection> {
    let digits = number.bytes().all(|byte| byte.is_ascii_digit());
    let sum: u32 =
        number.chars().rev().filter_map(|digit| digit.to_digit(10)).zip([1, 2].into_iter().cycle()).map(weighed).sum();
    if digits && (12..=19).contains(&number.len()) && sum.is_multiple_of(10) {
        Ok(())
    } else {
        Err(Rejection::InvalidField { field: "number", rule: "is not the number of a card" })
    }
}

/// A digit's weight in Luhn's sum: every second one counts double, and of two digits their sum.
fn weighed((digit, weight): (u32, u32)) -> u32 {
    let product = digit * weight;
    if product > 9 { product - 9 } else { product }
}

#[cfg(test)]
mod tests {
    use super::check_number;

    #[test]
    fn a_card_number_has_a_right_last_digit() {
        for (number, right) in [
            ("6222021234567894", luhn_holds("6222021234567894")),
            ("4111111111111111", true),
            ("4111111111111112", false),
            ("79927398713", false),
            ("4111 1111 1111 1111", false),
            ("", false),
        ] {
            assert_eq!(check_number(number).is_ok(), right, "{number}");
        }
    }

    fn luhn_holds(number: &str) -> bool {
        let digits: Vec<u32> = number.chars().map(|digit| digit.to_digit(10).unwrap()).collect();
        let doubled = |index: usize| (digits.len() - index).is_multiple_of(2);
        let sum: u32 = (0..digits.len())
            .map(|index| if doubled(index) { digits[index] * 2 / 10 + digits[index] * 2 % 10 } else { digits[index] })
            .sum();
        sum.is_multiple_of(10)
    }
}
