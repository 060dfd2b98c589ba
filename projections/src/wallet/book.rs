//! What is in memory: the sums of every account, and what is open.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::{DateTime, Utc};
use domain::{
    CardId, HoldId, PaymentId, UserId,
    cards::CardLinked,
    hold::{Payer, ReturnReason, Settler, Share, Stage, Terms},
};
use ledger::{Amounts, Currency, Money, MoneyError};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// All that ever came into and went out of an account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flow {
    /// In.
    pub credited: Amounts,
    /// Out.
    pub debited: Amounts,
}

impl Flow {
    /// What is there.
    ///
    /// # Errors
    /// When the sums no longer fit.
    pub fn balance(&self, currency: Currency) -> Result<Money, MoneyError> {
        self.credited.of(currency).checked_sub(self.debited.of(currency))
    }
}

/// A hold and what has become of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldRow {
    /// Its terms.
    pub terms: Terms,
    /// How it stands.
    #[serde(default)]
    pub stage: Stage,
    /// Shares taken out of a red packet, in their order, with their times.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shares: Vec<(Share, DateTime<Utc>)>,
    /// Why money went back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub returned: Option<ReturnReason>,
    /// What the bank or biller calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// When it was decided, in whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over_at: Option<DateTime<Utc>>,
    /// Whether its conversation shows it.
    #[serde(default)]
    pub shown: bool,
}

impl HoldRow {
    /// When the clock has to look at it.
    #[must_use]
    pub fn due(&self) -> Option<DateTime<Utc>> {
        match self.stage {
            Stage::Arriving(at) => Some(at),
            Stage::Waiting => self.terms.expires_at(),
            Stage::Released | Stage::Returned => None,
        }
    }

    /// What is still held.
    #[must_use]
    pub fn left(&self) -> Money {
        let taken = self.shares.iter().map(|(share, _)| share.amount);
        taken.fold(self.terms.amount, |left, amount| left.checked_sub(amount).unwrap_or(left))
    }

    /// Whether everything about it is decided.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Released | Stage::Returned)
    }
}

/// A linked card, as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Card)]
pub struct CardRow {
    /// Its id here.
    pub id: CardId,
    /// The bank's name.
    pub bank: String,
    /// The number's last four digits.
    pub last_four: String,
    /// When it was linked.
    pub linked_at: DateTime<Utc>,
}

impl CardRow {
    pub(crate) fn of(linked: &CardLinked, linked_at: DateTime<Utc>) -> Self {
        let CardLinked { card: id, bank, last_four, .. } = linked.clone();
        Self { id, bank, last_four, linked_at }
    }
}

/// A wallet, as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WalletRow {
    /// When it was opened.
    pub opened_at: DateTime<Utc>,
    /// The real name, once a card has given it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<String>,
    /// The linked cards.
    #[serde(default)]
    pub cards: Vec<CardRow>,
    /// How long transfers wait after they were accepted, in seconds.
    #[serde(default)]
    pub arrival_seconds: i64,
}

/// How a top-up stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum TopUpState {
    /// The bank has not settled it.
    Pending,
    /// The money is there.
    Done {
        /// What the bank calls it.
        reference: String,
    },
    /// The bank has refused.
    Declined {
        /// Its code.
        code: String,
        /// Its words.
        reason: String,
    },
}

/// A top-up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopUpRow {
    /// Whose.
    pub user: UserId,
    /// From which card.
    pub card: CardId,
    /// How much.
    pub amount: Money,
    /// When it was asked for.
    pub at: DateTime<Utc>,
    /// How it stands.
    #[serde(flatten)]
    pub state: TopUpState,
}

/// Everything in memory.
#[derive(Default)]
pub(super) struct Book {
    pub(super) flows: HashMap<Payer, Flow>,
    /// Those that are not over.
    pub(super) holds: HashMap<HoldId, HoldRow>,
    /// The same by whose money it is and when it was sent.
    pub(super) by_payer: BTreeSet<(Payer, DateTime<Utc>, HoldId)>,
    /// The same by the one person who is to get it.
    pub(super) by_payee: BTreeSet<(UserId, DateTime<Utc>, HoldId)>,
    pub(super) due: BTreeSet<(DateTime<Utc>, HoldId)>,
    pub(super) unshown: BTreeSet<HoldId>,
    /// Those that a bank, a biller or an order decides on.
    pub(super) outside: BTreeSet<(Settler, HoldId)>,
    /// Top-ups that the bank has not settled.
    pub(super) top_ups: BTreeMap<PaymentId, UserId>,
    /// The same by who asked for them.
    pub(super) top_ups_of: BTreeSet<(UserId, PaymentId)>,
    /// What the present batch has touched.
    pub(super) touched: Touched,
}

/// What a batch has touched.
#[derive(Default)]
pub(super) struct Touched {
    pub(super) flows: HashSet<Payer>,
    /// Holds that are over now, besides the open ones; their rows are written once more.
    pub(super) over: HashMap<HoldId, HoldRow>,
    pub(super) holds: HashSet<HoldId>,
    pub(super) top_ups: HashMap<PaymentId, TopUpRow>,
    pub(super) wallets: HashMap<UserId, WalletRow>,
}

impl Book {
    /// Keeps an open hold, and the lists that it is on.
    pub(super) fn keep(&mut self, row: HoldRow) {
        let id = row.terms.hold;
        self.drop_from_lists(id);
        if let Some(due) = row.due() {
            self.due.insert((due, id));
        }
        if !row.shown && row.terms.purpose.conversation().is_some() {
            self.unshown.insert(id);
        }
        if let Some(settler) = row.terms.purpose.settler() {
            self.outside.insert((settler, id));
        }
        self.by_payer.insert((row.terms.payer, row.terms.placed_at, id));
        if let Some(payee) = row.terms.purpose.payee() {
            self.by_payee.insert((payee, row.terms.placed_at, id));
        }
        self.holds.insert(id, row);
    }

    /// Keeps a top-up that waits for the bank.
    pub(super) fn keep_top_up(&mut self, id: PaymentId, user: UserId) {
        self.top_ups.insert(id, user);
        self.top_ups_of.insert((user, id));
    }

    /// Drops a top-up that the bank has settled.
    pub(super) fn drop_top_up(&mut self, id: PaymentId) {
        if let Some(user) = self.top_ups.remove(&id) {
            self.top_ups_of.remove(&(user, id));
        }
    }

    /// Changes an open hold; one that is over then leaves memory.
    pub(super) fn change(&mut self, id: HoldId, change: impl FnOnce(&mut HoldRow)) {
        let Some(mut row) = self.holds.get(&id).cloned() else { return };
        change(&mut row);
        self.touched.holds.insert(id);
        if row.is_over() {
            self.drop_from_lists(id);
            self.holds.remove(&id);
            self.touched.over.insert(id, row);
        } else {
            self.keep(row);
        }
    }

    fn drop_from_lists(&mut self, id: HoldId) {
        let Some(row) = self.holds.get(&id) else { return };
        if let Some(due) = row.due() {
            self.due.remove(&(due, id));
        }
        if let Some(settler) = row.terms.purpose.settler() {
            self.outside.remove(&(settler, id));
        }
        self.unshown.remove(&id);
        self.by_payer.remove(&(row.terms.payer, row.terms.placed_at, id));
        if let Some(payee) = row.terms.purpose.payee() {
            self.by_payee.remove(&(payee, row.terms.placed_at, id));
        }
    }
}
