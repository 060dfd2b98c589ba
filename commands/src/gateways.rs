//! Ports to the outside world of the wallet: a bank that holds people's cards and our settlement account, and billers.
//! What a real gateway has to keep to is written in `docs/gateways.md`.
//!
//! Money moves at most once per request id, however often the request is made: a repeat is given the first outcome. Whoever
//! asks may therefore ask again whenever the outcome is not known.

use std::fmt;

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use ledger::Money;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use uuid::Uuid;

/// A bank: it links cards, and moves money between a card and our settlement account.
#[async_trait]
pub trait BankGateway: Send + Sync + 'static {
    /// Has the bank check a card and its holder, and gives what may be kept instead of the number. A repeat with the same
    /// request id gives the same token.
    ///
    /// # Errors
    /// [`GatewayError::Refused`] where the bank does not take the card; else the outcome is not known.
    async fn link_card(&self, request: &LinkCard) -> Result<LinkedCard, GatewayError>;

    /// Collects from the card to our settlement account: a top-up.
    ///
    /// # Errors
    /// [`GatewayError`]; only [`GatewayError::Unavailable`] says that nothing was done.
    async fn collect(&self, request: &BankRequest) -> Result<Outcome, GatewayError>;

    /// Pays out from our settlement account to the card: a withdrawal.
    ///
    /// # Errors
    /// [`GatewayError`]; only [`GatewayError::Unavailable`] says that nothing was done.
    async fn pay_out(&self, request: &BankRequest) -> Result<Outcome, GatewayError>;

    /// What became of a request to collect or to pay out. None: the bank never heard of it. One that is still under way in
    /// the network may arrive after that answer; only a repeat of the request itself settles it.
    ///
    /// # Errors
    /// [`GatewayError`]: nothing is known then.
    async fn outcome(&self, request_id: Uuid) -> Result<Option<Outcome>, GatewayError>;
}

/// Those who bill households: electricity, water, gas, phone.
#[async_trait]
pub trait BillerGateway: Send + Sync + 'static {
    /// The billers that can be paid.
    ///
    /// # Errors
    /// [`GatewayError`]
    async fn billers(&self) -> Result<Vec<Biller>, GatewayError>;

    /// The open bills of an account with a biller.
    ///
    /// # Errors
    /// [`GatewayError::Refused`] where there is no such biller or account.
    async fn bills(&self, biller: &str, account: &str) -> Result<Vec<Bill>, GatewayError>;

    /// Pays a bill.
    ///
    /// # Errors
    /// [`GatewayError`]; only [`GatewayError::Unavailable`] says that nothing was done.
    async fn pay(&self, payment: &BillPayment) -> Result<Outcome, GatewayError>;

    /// What became of a payment. None: the biller never heard of it; see [`BankGateway::outcome`].
    ///
    /// # Errors
    /// [`GatewayError`]: nothing is known then.
    async fn outcome(&self, request_id: Uuid) -> Result<Option<Outcome>, GatewayError>;
}

/// A card to be linked. The number is here and on its way to the bank, and nowhere else: neither stored nor shown.
#[derive(Clone, PartialEq, Eq)]
pub struct LinkCard {
    /// Makes the request repeatable.
    pub request_id: Uuid,
    /// The holder's name as on the card.
    pub holder: String,
    /// The card's number, digits only.
    pub number: String,
    /// The bank that issued it, by the name that people know.
    pub bank: String,
}

impl fmt::Debug for LinkCard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LinkCard")
            .field("request_id", &self.request_id)
            .field("bank", &self.bank)
            .finish_non_exhaustive()
    }
}

/// A card that the bank has linked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkedCard {
    /// What stands for the card from now on: the same however often the card is linked.
    pub token: String,
    /// The last four digits of its number.
    pub last_four: String,
    /// The bank that issued it.
    pub bank: String,
    /// The holder's name as the bank knows it.
    pub holder: String,
}

/// Money to be moved between a card and us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BankRequest {
    /// Makes the request repeatable.
    pub request_id: Uuid,
    /// The card, as [`LinkedCard::token`].
    pub card_token: String,
    /// How much; above zero.
    pub amount: Money,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The money was moved.
    Done {
        /// The other side's name for it, as on its statement.
        reference: String,
        /// When, by the other side's clock.
        at: DateTime<Utc>,
    },
    /// The other side said no, for good: no money was moved or will be, even if asked again with the same id.
    Declined {
        /// Why, for programs.
        code: String,
        /// Why, for people.
        reason: String,
    },
    /// The other side has taken it in and not decided: ask for the outcome later.
    Pending,
}

/// Why there is no outcome.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum GatewayError {
    /// The request did not get there, so that it was surely not carried out (this time: an earlier try may have been).
    #[error("the other side is out of reach: {0}")]
    Unavailable(String),
    /// The request may have been carried out: there was no answer in time, or none that can be believed. Ask again.
    #[error("the outcome is not known: {0}")]
    Unknown(String),
    /// The other side said no to linking a card or to a query.
    #[error("refused ({code}): {reason}")]
    Refused {
        /// Why, for programs.
        code: String,
        /// Why, for people.
        reason: String,
    },
}

/// What a gateway to billers refuses a query with that names no biller.
pub const UNKNOWN_BILLER: &str = "unknown-biller";
/// What it refuses a query with where the biller has no such account.
pub const UNKNOWN_ACCOUNT: &str = "unknown-account";

/// Who sends bills.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Biller {
    /// Its identifier.
    pub id: String,
    /// Its name, for people.
    pub name: String,
    /// What it supplies.
    pub kind: BillerKind,
}

/// What a biller supplies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BillerKind {
    /// Electricity.
    Electricity,
    /// Water.
    Water,
    /// Gas.
    Gas,
    /// Telephone, paid after use.
    Phone,
}

impl BillerKind {
    /// The name used in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Electricity => "electricity",
            Self::Water => "water",
            Self::Gas => "gas",
            Self::Phone => "phone",
        }
    }
}

/// An open bill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bill {
    /// Its identifier, unique among all billers.
    pub id: String,
    /// Whose bill it is, as [`Biller::id`].
    pub biller: String,
    /// The customer's account number with the biller.
    pub account: String,
    /// The customer's name, masked by the biller: `*明`.
    pub holder: String,
    /// What is to be paid; neither more nor less is taken.
    pub amount: Money,
    /// By when.
    pub due: NaiveDate,
}

/// A bill to be paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BillPayment {
    /// Makes the request repeatable.
    pub request_id: Uuid,
    /// Which bill, as [`Bill::id`].
    pub bill: String,
    /// How much: exactly what the bill says.
    pub amount: Money,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_to_be_linked_is_shown_without_its_number_and_holder() {
        let (holder, number) = ("Mei Lin".to_owned(), "6200000000000005".to_owned());
        let shown = format!("{:?}", LinkCard { request_id: Uuid::nil(), holder, number, bank: "Harbour".to_owned() });
        assert_eq!(shown, r#"LinkCard { request_id: 00000000-0000-0000-0000-000000000000, bank: "Harbour", .. }"#);
    }
}
