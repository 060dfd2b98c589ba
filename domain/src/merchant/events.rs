//! Events of a merchant. A refund takes money out of the merchant's account, so it stands here.

use chrono::{DateTime, Utc};
use ledger::{Entry, Money};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    CardId, HoldId, MerchantId, PaymentId, UserId,
    cards::{CardLinked, CardUnlinked},
    event::event_family,
    hold::{Payer, Purpose, Terms},
};

/// Somebody opened a shop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MerchantRegistered {
    /// Its id.
    pub merchant: MerchantId,
    /// Its name, which payers see.
    pub name: String,
    /// Whose it is.
    pub owner: UserId,
}

/// Somebody may act for the merchant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperatorAdded {
    /// Who.
    pub user: UserId,
}

/// Somebody may no longer act for the merchant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperatorRemoved {
    /// Who.
    pub user: UserId,
}

/// The shop takes no payments any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MerchantClosed {}

/// A payer got money back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refunded {
    /// Its id, which follows from the merchant and the merchant's number of it.
    pub refund: PaymentId,
    /// The merchant's number of it.
    pub out_refund_no: String,
    /// What was paid: an order, or a payment to the static code.
    pub paid: Uuid,
    /// Who had paid.
    pub payer: UserId,
    /// The merchant's words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// Until when more of it can be given back.
    pub until: DateTime<Utc>,
    /// How much.
    pub amount: Money,
    /// Merchant to wallet.
    pub entry: Entry,
}

/// The first leg of a withdrawal: money went from the merchant's account into a hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WithdrawalPlaced {
    /// The hold; its stream takes in what the bank makes of it.
    pub hold: HoldId,
    /// To which card.
    pub card: CardId,
    /// What the card gets.
    pub amount: Money,
    /// What the house keeps.
    pub fee: Money,
    /// Merchant to hold, with the hold's deadline.
    pub entry: Entry,
}

event_family! {
    /// Events of a `merchant-` stream.
    MerchantEvent {
        "merchant.registered" => MerchantRegistered,
        "merchant.operator-added" => OperatorAdded,
        "merchant.operator-removed" => OperatorRemoved,
        "merchant.closed" => MerchantClosed,
        "merchant.refunded" => Refunded,
        "merchant.card-linked" => CardLinked,
        "merchant.card-unlinked" => CardUnlinked,
        "merchant.withdrawal-placed" => WithdrawalPlaced,
    }
}

impl WithdrawalPlaced {
    /// The terms that it fixes, placed at that time; none where its entry holds nothing.
    #[must_use]
    pub fn terms(&self, merchant: MerchantId, placed_at: DateTime<Utc>) -> Option<Terms> {
        let purpose = Purpose::Withdrawal { card: self.card, amount: self.amount, fee: self.fee };
        Terms::of_entry(&self.entry, self.hold, Payer::Merchant(merchant), purpose, placed_at)
    }
}

impl MerchantEvent {
    /// The journal entry, where the event moves money.
    #[must_use]
    pub fn entry(&self) -> Option<&Entry> {
        match self {
            Self::Refunded(event) => Some(&event.entry),
            Self::WithdrawalPlaced(event) => Some(&event.entry),
            _ => None,
        }
    }
}
