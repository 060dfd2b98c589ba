//! The terms of a hold: fixed by its first leg.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use ledger::{Account, Entry, EntryError, Money, Posting, Segment, Timestamp};
use serde::{Deserialize, Serialize};

use super::PacketKind;
use crate::{CardId, ConversationId, HoldId, MerchantId, MoneyPolicy, OrderId, UserId, accounts};

/// What money is held for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Purpose {
    /// A friend is to accept it.
    Transfer {
        /// Who.
        to: UserId,
        /// The conversation that shows it.
        conversation: ConversationId,
        /// The payer's words.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        note: String,
        /// How long it waits after it was accepted, in seconds.
        #[serde(default, skip_serializing_if = "is_zero")]
        arrival_seconds: i64,
    },
    /// People open it and take shares.
    RedPacket {
        /// The conversation that it was put into.
        conversation: ConversationId,
        /// How it is divided.
        packet: PacketKind,
        /// Into how many shares.
        shares: u32,
        /// The payer's words.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        greeting: String,
    },
    /// The bank pays it out to a card.
    Withdrawal {
        /// Which card.
        card: CardId,
        /// What the card gets.
        amount: Money,
        /// What the house keeps.
        fee: Money,
    },
    /// A biller takes it.
    Bill {
        /// Which biller.
        biller: String,
        /// The biller's name of the bill.
        bill: String,
        /// The customer's number with the biller.
        account: String,
        /// When it was due.
        due: NaiveDate,
    },
    /// It pays a merchant's order.
    Order {
        /// Which order.
        order: OrderId,
        /// Whose.
        merchant: MerchantId,
    },
}

impl Purpose {
    /// By when the money must have moved on, when it is placed now.
    #[must_use]
    pub fn deadline(&self, now: DateTime<Utc>, policy: &MoneyPolicy) -> DateTime<Utc> {
        let seconds = match self {
            Self::Transfer { arrival_seconds, .. } => policy.hold_seconds + arrival_seconds,
            Self::RedPacket { .. } => policy.hold_seconds,
            Self::Withdrawal { .. } | Self::Bill { .. } | Self::Order { .. } => policy.settlement_seconds,
        };
        now + TimeDelta::seconds(seconds)
    }

    /// What sort of purpose it is.
    #[must_use]
    pub fn kind(&self) -> HoldKind {
        match self {
            Self::Transfer { .. } => HoldKind::Transfer,
            Self::RedPacket { .. } => HoldKind::RedPacket,
            Self::Withdrawal { .. } => HoldKind::Withdrawal,
            Self::Bill { .. } => HoldKind::Bill,
            Self::Order { .. } => HoldKind::Order,
        }
    }

    /// Who decides on it, where neither people nor the clock do.
    #[must_use]
    pub fn settler(&self) -> Option<Settler> {
        match self {
            Self::Transfer { .. } | Self::RedPacket { .. } => None,
            Self::Withdrawal { .. } => Some(Settler::Bank),
            Self::Bill { .. } => Some(Settler::Billers),
            Self::Order { .. } => Some(Settler::Orders),
        }
    }

    /// Whether it only brings the owner's money to the owner's card.
    #[must_use]
    pub fn is_withdrawal(&self) -> bool {
        matches!(self, Self::Withdrawal { .. })
    }

    /// The one person who is to get it.
    #[must_use]
    pub fn payee(&self) -> Option<UserId> {
        match self {
            Self::Transfer { to, .. } | Self::RedPacket { packet: PacketKind::Exclusive { to }, .. } => Some(*to),
            _ => None,
        }
    }

    /// The conversation that shows it.
    #[must_use]
    pub fn conversation(&self) -> Option<ConversationId> {
        match self {
            Self::Transfer { conversation, .. } | Self::RedPacket { conversation, .. } => Some(*conversation),
            _ => None,
        }
    }
}

/// What sort of thing money is held for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HoldKind {
    /// A transfer to a friend.
    Transfer,
    /// A red packet.
    RedPacket,
    /// A withdrawal to a card.
    Withdrawal,
    /// A household bill.
    Bill,
    /// A payment of an order.
    Order,
}

impl HoldKind {
    /// The part of the account's name that tells what it is for.
    #[must_use]
    pub fn segment(self) -> Segment {
        Segment::of_static(match self {
            Self::Transfer => "Transfer",
            Self::RedPacket => "RedPacket",
            Self::Withdrawal => "Withdrawal",
            Self::Bill => "Bill",
            Self::Order => "Order",
        })
    }
}

/// Who decides on money, where neither people nor the clock do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Settler {
    /// The bank.
    Bank,
    /// The billers.
    Billers,
    /// The order's own stream.
    Orders,
}

impl Settler {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Bank, Self::Billers, Self::Orders];
}

/// Whose money is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Payer {
    /// A person's.
    Person(UserId),
    /// A merchant's.
    Merchant(MerchantId),
}

impl Payer {
    /// The account that it came from, and goes back to.
    #[must_use]
    pub fn account(self) -> Account {
        match self {
            Self::Person(user) => accounts::wallet(user),
            Self::Merchant(merchant) => accounts::merchant(merchant),
        }
    }
}

/// The terms of a hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// The hold.
    pub hold: HoldId,
    /// Whose money it is.
    pub payer: Payer,
    /// What for.
    pub purpose: Purpose,
    /// How much.
    pub amount: Money,
    /// When it was placed.
    pub placed_at: DateTime<Utc>,
    /// By when the money must have moved on.
    pub deadline: DateTime<Utc>,
}

impl Terms {
    /// The terms that a first leg's entry fixes; none where it holds nothing until a deadline.
    pub(crate) fn of_entry(
        entry: &Entry,
        hold: HoldId,
        payer: Payer,
        purpose: Purpose,
        placed_at: DateTime<Utc>,
    ) -> Option<Self> {
        let held = entry.postings().iter().find(|posting| posting.account().is_hold())?;
        let deadline = DateTime::from_timestamp_micros(entry.deadline()?.0)?;
        Some(Self { hold, payer, purpose, amount: held.amount().negated(), placed_at, deadline })
    }

    /// A first leg's entry: from the payer into the hold, until the deadline.
    pub(crate) fn entry(&self) -> Result<Entry, EntryError> {
        let postings =
            vec![Posting::debit(self.payer.account(), self.amount)?, Posting::credit(self.account(), self.amount)?];
        Entry::holding_until(Timestamp(self.deadline.timestamp_micros()), postings)
    }

    /// When it goes back unless somebody has taken it; none where somebody outside decides.
    #[must_use]
    pub fn expires_at(&self) -> Option<DateTime<Utc>> {
        match &self.purpose {
            // Accepted at the last moment, it must still arrive before the deadline.
            Purpose::Transfer { arrival_seconds, .. } => Some(self.deadline - TimeDelta::seconds(*arrival_seconds)),
            Purpose::RedPacket { .. } => Some(self.deadline),
            Purpose::Withdrawal { .. } | Purpose::Bill { .. } | Purpose::Order { .. } => None,
        }
    }

    /// The hold's account.
    #[must_use]
    pub fn account(&self) -> Account {
        accounts::hold(self.purpose.kind().segment(), self.hold)
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_zero(seconds: &i64) -> bool {
    *seconds == 0
}
