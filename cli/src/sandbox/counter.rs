//! Orders of money: each carried out at most once, its outcome kept for ever, and the statement of what was done.

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
};

use chrono::{DateTime, TimeDelta, Utc};
use ledger::{Currency, Money, MoneyError};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use uuid::Uuid;

use super::book::{Book, BookError};

/// What a sandbox trades in.
pub(super) trait Trade: Default + Send + 'static {
    /// What it learns besides orders.
    type Fact: Serialize + DeserializeOwned + Send;
    /// Takes in a fact.
    fn learn(&mut self, fact: Self::Fact);
    /// Whether an order can be carried out now; `ours` is the balance of the account that the statement is of.
    fn judge(&self, order: &Order, ours: Money, now: DateTime<Utc>) -> Result<(), Declined>;
    /// Takes in that an order was carried out.
    ///
    /// # Errors
    /// When a balance would become too large; [`Self::judge`] has seen to it that it does not.
    fn carry_out(&mut self, order: &Order) -> Result<(), MoneyError>;
}

/// What an order is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Operation {
    /// From a card to the settlement account.
    Collect,
    /// From the settlement account to a card.
    PayOut,
    /// A bill.
    Pay,
}

impl Operation {
    /// The amount as the statement signs it.
    fn signed(self, amount: Money) -> Money {
        match self {
            Self::Collect | Self::Pay => amount,
            Self::PayOut => amount.negated(),
        }
    }
}

/// An order to move money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Order {
    /// Whoever orders twice under one id means one order.
    pub(super) request_id: Uuid,
    /// What for.
    pub(super) operation: Operation,
    /// The card's token, or the bill.
    pub(super) subject: String,
    /// How much; above zero.
    pub(super) amount: Money,
}

/// Why no money was moved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Declined {
    /// For programs.
    pub(super) code: String,
    /// For people.
    pub(super) reason: String,
}

impl Declined {
    /// Declined, and why.
    pub(super) fn new(code: &str, reason: &str) -> Self {
        Self { code: code.to_owned(), reason: reason.to_owned() }
    }
}

/// How far an order is, as it is answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub(super) enum Standing {
    /// Carried out.
    Done {
        /// Ours, on the statement.
        reference: String,
        /// When.
        at: DateTime<Utc>,
    },
    /// Declined for good.
    Declined(Declined),
    /// Taken in, and decided by whoever asks first after that time.
    Pending {
        /// The time.
        #[serde(rename = "decided_after")]
        due: DateTime<Utc>,
    },
}

/// An order and how far it is: the answer to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Answer {
    /// The order.
    #[serde(flatten)]
    pub(super) order: Order,
    /// How far it is.
    #[serde(flatten)]
    pub(super) standing: Standing,
}

/// A line of the statement, signed from the side of whoever holds the account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct StatementLine {
    reference: String,
    request_id: Uuid,
    at: DateTime<Utc>,
    kind: Operation,
    amount: Money,
    balance: Money,
}

/// How a fault has a new order treated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Treatment {
    /// It is declined, whatever it is.
    Decline(Declined),
    /// It is decided after that time.
    Postpone(TimeDelta),
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum CounterError {
    /// The id stands for another order.
    #[error("this request id was used before for something else")]
    Reused,
    /// The book can't be written.
    #[error(transparent)]
    Book(#[from] BookError),
    /// A balance is beyond what can be counted.
    #[error(transparent)]
    Money(#[from] MoneyError),
}

/// A line of the book.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line<F> {
    /// Something learned.
    Fact(F),
    /// How far an order is from now on.
    Order(Answer),
}

/// Where orders are taken.
pub(super) struct Counter<T: Trade> {
    book: Book,
    trade: T,
    orders: HashMap<Uuid, Answer>,
    statement: Vec<StatementLine>,
    balances: BTreeMap<Currency, Money>,
}

impl<T: Trade> Counter<T> {
    /// Opens the book and takes in what is in it.
    ///
    /// # Errors
    /// [`BookError`]
    pub(super) fn open(path: &Path) -> Result<Self, BookError> {
        let (book, lines) = Book::open(path)?;
        let trade = T::default();
        let mut counter = Self { book, trade, orders: HashMap::new(), statement: vec![], balances: BTreeMap::new() };
        for (at, line) in lines.into_iter().enumerate() {
            counter.apply(line).map_err(|_| BookError::Damaged { path: path.to_owned(), line: at + 1 })?;
        }
        Ok(counter)
    }

    /// What it trades in.
    pub(super) const fn trade(&self) -> &T {
        &self.trade
    }

    /// Takes in facts; they are on disk when this returns.
    ///
    /// # Errors
    /// [`CounterError::Book`]
    pub(super) fn learn(&mut self, fact: T::Fact) -> Result<(), CounterError> {
        self.write(Line::Fact(fact))
    }

    /// Takes an order: one that is known has its answer, a new one is carried out or declined.
    ///
    /// # Errors
    /// [`CounterError`]
    pub(super) fn take(
        &mut self,
        order: Order,
        treatment: Option<Treatment>,
        now: DateTime<Utc>,
    ) -> Result<Answer, CounterError> {
        if let Some(known) = self.orders.get(&order.request_id).cloned() {
            return if known.order == order { self.settle_if_due(known, now) } else { Err(CounterError::Reused) };
        }
        match treatment {
            Some(Treatment::Decline(declined)) => self.answer(order, Standing::Declined(declined)),
            Some(Treatment::Postpone(by)) => {
                let due = now.checked_add_signed(by).unwrap_or(DateTime::<Utc>::MAX_UTC);
                self.answer(order, Standing::Pending { due })
            }
            None => self.settle(order, now),
        }
    }

    /// The answer to an order that is known.
    ///
    /// # Errors
    /// [`CounterError::Book`]
    pub(super) fn look_up(&mut self, request: Uuid, now: DateTime<Utc>) -> Result<Option<Answer>, CounterError> {
        match self.orders.get(&request).cloned() {
            Some(known) => self.settle_if_due(known, now).map(Some),
            None => Ok(None),
        }
    }

    /// What was done from a time on, up to and without another.
    ///
    /// # Errors
    /// [`CounterError::Book`]
    pub(super) fn statement(
        &mut self,
        from: Option<DateTime<Utc>>,
        to: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Result<Vec<StatementLine>, CounterError> {
        let waiting = |answer: &&Answer| matches!(answer.standing, Standing::Pending { .. });
        let waiting: Vec<Answer> = self.orders.values().filter(waiting).cloned().collect();
        for answer in waiting {
            self.settle_if_due(answer, now)?;
        }
        let within =
            |line: &&StatementLine| from.is_none_or(|from| line.at >= from) && to.is_none_or(|to| line.at < to);
        Ok(self.statement.iter().filter(within).cloned().collect())
    }

    fn settle_if_due(&mut self, known: Answer, now: DateTime<Utc>) -> Result<Answer, CounterError> {
        match known.standing {
            Standing::Pending { due } if due <= now => self.settle(known.order, now),
            _ => Ok(known),
        }
    }

    fn settle(&mut self, order: Order, now: DateTime<Utc>) -> Result<Answer, CounterError> {
        let ours = self.balance(order.amount.currency());
        let judged = match ours.checked_add(order.operation.signed(order.amount)) {
            Ok(_) => self.trade.judge(&order, ours, now),
            Err(_) => Err(Declined::new("too-large", "the account would hold more than can be counted")),
        };
        let standing = match judged {
            // Orders done so far, plus one: references are dense.
            Ok(()) => Standing::Done { reference: format!("S{:012}", self.statement.len() + 1), at: now },
            Err(declined) => Standing::Declined(declined),
        };
        self.answer(order, standing)
    }

    fn balance(&self, currency: Currency) -> Money {
        self.balances.get(&currency).copied().unwrap_or(Money::zero(currency))
    }

    fn answer(&mut self, order: Order, standing: Standing) -> Result<Answer, CounterError> {
        let answer = Answer { order, standing };
        self.write(Line::Order(answer.clone()))?;
        Ok(answer)
    }

    fn write(&mut self, line: Line<T::Fact>) -> Result<(), CounterError> {
        self.book.append(&line)?;
        self.apply(line)
    }

    fn apply(&mut self, line: Line<T::Fact>) -> Result<(), CounterError> {
        match line {
            Line::Fact(fact) => self.trade.learn(fact),
            Line::Order(answer) => {
                if let Standing::Done { reference, at } = &answer.standing {
                    self.carry_out(&answer.order, reference.clone(), *at)?;
                }
                self.orders.insert(answer.order.request_id, answer);
            }
        }
        Ok(())
    }

    fn carry_out(&mut self, order: &Order, reference: String, at: DateTime<Utc>) -> Result<(), CounterError> {
        let amount = order.operation.signed(order.amount);
        let balance = self.balance(amount.currency()).checked_add(amount)?;
        self.trade.carry_out(order)?;
        self.balances.insert(amount.currency(), balance);
        let (request_id, kind) = (order.request_id, order.operation);
        self.statement.push(StatementLine { reference, request_id, at, kind, amount, balance });
        Ok(())
    }
}
