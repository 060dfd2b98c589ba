//! Events of a wallet. Those that move money carry their balanced journal entry.

use chrono::{DateTime, NaiveDate, Utc};
use ledger::{Entry, Money};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    CardId, DeviceId, HoldId, MerchantId, OrderId, PaymentId,
    cards::{CardLinked, CardUnlinked},
    event::event_family,
    hold::{Payer, Purpose, Terms},
};

/// A person opened a wallet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WalletOpened {
    /// Argon2id verifier of the PIN, which was mixed with the server's secret before.
    pub pin: String,
}

/// The PIN was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PinChanged {
    /// Verifier of the new PIN.
    pub pin: String,
}

/// A wrong PIN was given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PinFailed {
    /// Until when no PIN is looked at any more, if this was one wrong try too many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locked_until: Option<DateTime<Utc>>,
}

/// A PIN was proved for payments to come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpendingAuthorized {
    /// What payments name.
    pub authorization: Uuid,
    /// The only device that may use it.
    pub device: DeviceId,
    /// How much may be spent in all; none for one payment of any permitted amount.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub up_to: Option<Money>,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
}

/// Money is to be fetched from a card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopUpRequested {
    /// Its id, by which the bank knows the request too.
    pub top_up: PaymentId,
    /// From which card.
    pub card: CardId,
    /// How much.
    pub amount: Money,
}

/// The bank has handed the money over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToppedUp {
    /// Which top-up.
    pub top_up: PaymentId,
    /// The bank's reference.
    pub reference: String,
    /// Bank to wallet.
    pub entry: Entry,
}

/// The bank has refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopUpDeclined {
    /// Which top-up.
    pub top_up: PaymentId,
    /// The bank's code.
    pub code: String,
    /// The bank's words.
    pub reason: String,
}

/// A merchant was paid at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paid {
    /// Its id.
    pub payment: PaymentId,
    /// Whom.
    pub merchant: MerchantId,
    /// What the PIN was proved with; none where no PIN was needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization: Option<Uuid>,
    /// The payer's words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// The day whose limits it counts towards.
    pub day: NaiveDate,
    /// Wallet to merchant.
    pub entry: Entry,
}

/// The first leg of something that can still fail: money went from the wallet into a hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldPlaced {
    /// The hold; its stream decides what becomes of the money.
    pub hold: HoldId,
    /// What for.
    pub purpose: Purpose,
    /// What the PIN was proved with; none where no PIN was needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization: Option<Uuid>,
    /// Hash of the code that the payer showed, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pay_code: Option<String>,
    /// The day whose limits it counts towards.
    pub day: NaiveDate,
    /// Wallet to hold, with the hold's deadline.
    pub entry: Entry,
}

/// A withdrawal came to nothing; what it took of the free amount is given back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WithdrawalFailed {
    /// Which.
    pub hold: HoldId,
    /// How much was to go to the bank.
    pub amount: Money,
}

/// The person chose how long transfers wait after they were accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArrivalChosen {
    /// Seconds: none, two hours or a day.
    pub seconds: i64,
}

/// The payer asked for a code to show at the counter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PayCodeIssued {
    /// Keyed hash of the code.
    pub code: String,
    /// Until when it pays.
    pub expires_at: DateTime<Utc>,
}

/// A code was read at the counter, and the payer has to confirm with the PIN.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PayCodePresented {
    /// Keyed hash of the code, which is used now.
    pub code: String,
    /// What is to be paid.
    pub order: OrderId,
    /// Whom.
    pub merchant: MerchantId,
    /// How much.
    pub amount: Money,
}

event_family! {
    /// Events of a `wallet-` stream.
    WalletEvent {
        "wallet.opened" => WalletOpened,
        "wallet.pin-changed" => PinChanged,
        "wallet.pin-failed" => PinFailed,
        "wallet.spending-authorized" => SpendingAuthorized,
        "wallet.card-linked" => CardLinked,
        "wallet.card-unlinked" => CardUnlinked,
        "wallet.top-up-requested" => TopUpRequested,
        "wallet.topped-up" => ToppedUp,
        "wallet.top-up-declined" => TopUpDeclined,
        "wallet.paid" => Paid,
        "wallet.hold-placed" => HoldPlaced,
        "wallet.pay-code-issued" => PayCodeIssued,
        "wallet.pay-code-presented" => PayCodePresented,
        "wallet.withdrawal-failed" => WithdrawalFailed,
        "wallet.arrival-chosen" => ArrivalChosen,
    }
}

impl HoldPlaced {
    /// The terms that it fixes, placed at that time; none where its entry holds nothing.
    #[must_use]
    pub fn terms(&self, payer: Payer, placed_at: DateTime<Utc>) -> Option<Terms> {
        Terms::of_entry(&self.entry, self.hold, payer, self.purpose.clone(), placed_at)
    }
}

impl WalletEvent {
    /// The journal entry, where the event moves money.
    #[must_use]
    pub fn entry(&self) -> Option<&Entry> {
        match self {
            Self::ToppedUp(event) => Some(&event.entry),
            Self::Paid(event) => Some(&event.entry),
            Self::HoldPlaced(event) => Some(&event.entry),
            _ => None,
        }
    }
}
