//! Events of a hold: the second legs.

use chrono::{DateTime, Utc};
use ledger::{Entry, Money};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Payer;
use crate::{UserId, accounts, event::event_family};

/// The payee has accepted; the money arrives later, as the payer wished.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransferAccepted {
    /// Whose money it is.
    pub payer: Payer,
    /// Who is to get it.
    pub to: UserId,
    /// When it arrives.
    pub arrives_at: DateTime<Utc>,
}

/// All of it went where it was to go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldReleased {
    /// Whose money it is.
    pub payer: Payer,
    /// The bank's or biller's reference, where one of them has it now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Hold to payee.
    pub entry: Entry,
}

/// Why money went back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum ReturnReason {
    /// The payee did not want it.
    Declined,
    /// Nobody took it in time.
    Expired,
    /// The payer took it back.
    Cancelled,
    /// The bank, the biller or the order refused it.
    Refused {
        /// Their code.
        code: String,
        /// Their words.
        words: String,
    },
}

/// What was left of it went back to the payer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldReturned {
    /// Whose money it is.
    pub payer: Payer,
    /// Why.
    #[serde(flatten)]
    pub reason: ReturnReason,
    /// Who was to get it, where that was a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<UserId>,
    /// Hold to payer.
    pub entry: Entry,
}

/// Somebody opened a red packet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShareOpened {
    /// Whose money it is.
    pub payer: Payer,
    /// Who.
    pub user: UserId,
    /// What was drawn for them.
    pub amount: Money,
    /// Whether it was the last share.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub last: bool,
    /// Hold to wallet.
    pub entry: Entry,
}

event_family! {
    /// Events of a `hold-` stream.
    HoldEvent {
        "hold.accepted" => TransferAccepted,
        "hold.released" => HoldReleased,
        "hold.returned" => HoldReturned,
        "hold.share-opened" => ShareOpened,
    }
}

impl HoldEvent {
    /// The journal entry, where the event moves money.
    #[must_use]
    pub fn entry(&self) -> Option<&Entry> {
        match self {
            Self::TransferAccepted(_) => None,
            Self::HoldReleased(event) => Some(&event.entry),
            Self::HoldReturned(event) => Some(&event.entry),
            Self::ShareOpened(event) => Some(&event.entry),
        }
    }
    /// The people whom it concerns.
    #[must_use]
    pub fn people(&self) -> Vec<UserId> {
        let (payer, other) = match self {
            Self::TransferAccepted(event) => (event.payer, Some(event.to)),
            Self::HoldReleased(event) => (event.payer, event.entry.postings().iter().find_map(accounts::paid_person)),
            Self::HoldReturned(event) => (event.payer, event.to),
            Self::ShareOpened(event) => (event.payer, Some(event.user)),
        };
        let payer = match payer {
            Payer::Person(user) => Some(user),
            Payer::Merchant(_) => None,
        };
        payer.into_iter().chain(other.filter(|other| Some(*other) != payer)).collect()
    }
}
