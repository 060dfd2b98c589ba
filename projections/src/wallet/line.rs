//! Lines of statements.

use chrono::{DateTime, Utc};
use domain::{CardId, MerchantId, UserId};
use ledger::Money;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// What a line is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LineKind {
    /// Money from a card.
    TopUp,
    /// Money to a card, with its fee.
    Withdrawal,
    /// A withdrawal that came to nothing.
    WithdrawalReturned,
    /// Money for a friend.
    TransferSent,
    /// Money from a friend.
    TransferReceived,
    /// Money for a friend that came back.
    TransferReturned,
    /// A red packet that was sent.
    RedPacketSent,
    /// A share of a red packet.
    RedPacketReceived,
    /// What nobody took out of a red packet.
    RedPacketReturned,
    /// A payment to a merchant, for the payer.
    Payment,
    /// A payment to a merchant, for the merchant.
    Sale,
    /// A household bill.
    Bill,
    /// A bill that the biller refused.
    BillReturned,
    /// An order's payment that came to nothing.
    PaymentReturned,
    /// A refund, for the payer who had paid.
    RefundReceived,
    /// A refund, for the merchant.
    RefundGiven,
}

/// Who is at the other end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Counterparty {
    /// A person.
    Person {
        /// Who.
        user: UserId,
    },
    /// A merchant.
    Merchant {
        /// Which.
        merchant: MerchantId,
    },
    /// A card of one's own.
    Card {
        /// Which.
        card: CardId,
    },
    /// A biller.
    Biller {
        /// Which, by its own name.
        biller: String,
    },
    /// The conversation that a red packet was put into.
    Conversation {
        /// Which.
        conversation: domain::ConversationId,
    },
}

impl Counterparty {
    /// Its id, or the name by which a biller is known.
    #[must_use]
    pub fn id(&self) -> String {
        match self {
            Self::Person { user } => user.to_string(),
            Self::Merchant { merchant } => merchant.to_string(),
            Self::Card { card } => card.to_string(),
            Self::Biller { biller } => biller.clone(),
            Self::Conversation { conversation } => conversation.to_string(),
        }
    }
}

/// One line of a statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Line {
    /// Its number: the position in the log.
    pub position: u64,
    /// When.
    pub at: DateTime<Utc>,
    /// What it is about.
    pub kind: LineKind,
    /// How much came in, or, with a minus, went out.
    pub amount: Money,
    /// What was there afterwards.
    pub balance: Money,
    /// The payment, top-up, transfer, red packet or order.
    pub reference: Uuid,
    /// Who is at the other end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counterparty: Option<Counterparty>,
    /// The payer's words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}
