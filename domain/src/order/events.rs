//! Events of an order: what it is, and the second legs of its payments.

use chrono::{DateTime, Utc};
use ledger::{Entry, Money};
use serde::{Deserialize, Serialize};

use crate::{HoldId, MerchantId, UserId, event::event_family};

/// A merchant wants to be paid for something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderCreated {
    /// Whose order.
    pub merchant: MerchantId,
    /// The merchant's number of it; no other order of the merchant has it.
    pub out_trade_no: String,
    /// How much.
    pub amount: Money,
    /// What for; payers see it.
    pub description: String,
    /// When it is to end, where the merchant has said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<DateTime<Utc>>,
    /// Until when its code can be paid.
    pub code_until: DateTime<Utc>,
    /// When it is closed unless it was paid.
    pub closes_at: DateTime<Utc>,
}

/// The merchant asked for the code again after its time was over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeRenewed {
    /// Until when the code can be paid now.
    pub code_until: DateTime<Utc>,
}

/// It was paid: the second leg.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderPaid {
    /// Where the payer's money was held.
    pub hold: HoldId,
    /// Who paid.
    pub payer: UserId,
    /// Who was paid.
    pub merchant: MerchantId,
    /// Hold to merchant.
    pub entry: Entry,
}

/// Somebody paid what was paid or closed already, and has the money back: the second leg.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentReturned {
    /// Where the payer's money was held.
    pub hold: HoldId,
    /// Who has it back.
    pub payer: UserId,
    /// Why: `order-paid` or `order-closed`.
    pub code: String,
    /// Hold to payer.
    pub entry: Entry,
}

/// It can't be paid any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderClosed {
    /// Whether its time was over, rather than that the merchant did not want it any more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub expired: bool,
}

event_family! {
    /// Events of an `order-` stream.
    OrderEvent {
        "order.created" => OrderCreated,
        "order.code-renewed" => CodeRenewed,
        "order.paid" => OrderPaid,
        "order.payment-returned" => PaymentReturned,
        "order.closed" => OrderClosed,
    }
}

impl OrderEvent {
    /// The journal entry, where the event moves money.
    #[must_use]
    pub fn entry(&self) -> Option<&Entry> {
        match self {
            Self::OrderPaid(event) => Some(&event.entry),
            Self::PaymentReturned(event) => Some(&event.entry),
            _ => None,
        }
    }
}
