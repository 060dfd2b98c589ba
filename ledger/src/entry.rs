//! Postings and journal entries.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    account::{Account, Side},
    amounts::Amounts,
    currency::Currency,
    journal::Timestamp,
    money::{Money, MoneyError},
};

/// One line of a journal entry: an account and what it is debited (positive) or credited (negative).
///
/// Serialised as `{"account":"Liabilities:Wallet:U1","amount":"-12.30","currency":"CNY"}`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "PostingText", into = "PostingText")]
pub struct Posting {
    account: Account,
    amount: Money,
}

impl Posting {
    /// Debits `account`: an asset grows, what the house owes shrinks.
    ///
    /// # Errors
    /// [`EntryError::NotPositive`].
    pub fn debit(account: Account, amount: Money) -> Result<Self, EntryError> {
        if amount.is_positive() { Ok(Self { account, amount }) } else { Err(EntryError::NotPositive(amount)) }
    }

    /// Credits `account`: what the house owes or has earned grows, an asset shrinks.
    ///
    /// # Errors
    /// [`EntryError::NotPositive`].
    pub fn credit(account: Account, amount: Money) -> Result<Self, EntryError> {
        Self::debit(account, amount).map(|debit| Self { amount: amount.negated(), ..debit })
    }

    /// The account.
    #[must_use]
    pub const fn account(&self) -> &Account {
        &self.account
    }

    /// The amount, signed from the debit side. Never zero.
    #[must_use]
    pub const fn amount(&self) -> Money {
        self.amount
    }

    /// The currency of the amount.
    #[must_use]
    pub const fn currency(&self) -> Currency {
        self.amount.currency()
    }

    /// The side.
    #[must_use]
    pub const fn side(&self) -> Side {
        if self.amount.is_negative() { Side::Credit } else { Side::Debit }
    }
}

/// A journal entry: postings whose sum is zero in every currency. It cannot be built, nor read from the log, otherwise.
///
/// An entry that puts money into a hold says by when the hold must be settled; no other entry has a deadline.
///
/// Serialised as `{"postings":[...]}`, with `"deadline"` in microseconds where there is one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "EntryFields", into = "EntryFields")]
pub struct Entry {
    postings: Vec<Posting>,
    deadline: Option<Timestamp>,
}

/// Why postings are not an entry.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum EntryError {
    /// A debit or a credit of nothing, or of less.
    #[error("a posting of {0}: debits and credits are above zero")]
    NotPositive(Money),
    /// Fewer than two postings, or more than [`Entry::MAX_POSTINGS`].
    #[error("an entry has 2 to {max} postings, not {0}", max = Entry::MAX_POSTINGS)]
    PostingCount(usize),
    /// An account twice in one currency: net it first.
    #[error("{0} is posted to twice in {1}")]
    Repeated(Account, Currency),
    /// What debits exceed credits by (negative: credits exceed debits).
    #[error("the postings do not balance: {0} too much on the debit side")]
    Unbalanced(Amounts),
    /// Money goes into a hold that nobody would have to settle.
    #[error("money goes into {0} without a deadline")]
    HoldWithoutDeadline(Account),
    /// A deadline, but no money goes into a hold.
    #[error("a deadline on an entry that puts money into no hold")]
    DeadlineWithoutHold,
    /// An amount that is no amount, or a sum that doesn't fit.
    #[error(transparent)]
    Money(#[from] MoneyError),
}

impl Entry {
    /// The most postings that an entry has.
    pub const MAX_POSTINGS: usize = 100;

    /// An entry that puts nothing into a hold.
    ///
    /// # Errors
    /// Any [`EntryError`].
    pub fn new(postings: Vec<Posting>) -> Result<Self, EntryError> {
        Self::checked(postings, None)
    }

    /// An entry that puts money into a hold (or several), to be settled by `deadline`.
    ///
    /// # Errors
    /// Any [`EntryError`].
    pub fn holding_until(deadline: Timestamp, postings: Vec<Posting>) -> Result<Self, EntryError> {
        Self::checked(postings, Some(deadline))
    }

    /// The commonest entry: one account is debited, another is credited. Between wallets, `debit` pays `credit`.
    ///
    /// # Errors
    /// Any [`EntryError`].
    pub fn transfer(debit: Account, credit: Account, amount: Money) -> Result<Self, EntryError> {
        Self::new(vec![Posting::debit(debit, amount)?, Posting::credit(credit, amount)?])
    }

    /// The postings, in the order given.
    #[must_use]
    pub fn postings(&self) -> &[Posting] {
        &self.postings
    }

    /// By when the money that this entry holds must have moved on.
    #[must_use]
    pub const fn deadline(&self) -> Option<Timestamp> {
        self.deadline
    }

    fn checked(postings: Vec<Posting>, deadline: Option<Timestamp>) -> Result<Self, EntryError> {
        if !(2..=Self::MAX_POSTINGS).contains(&postings.len()) {
            return Err(EntryError::PostingCount(postings.len()));
        }
        for (at, posting) in postings.iter().enumerate() {
            let same = |other: &Posting| other.account == posting.account && other.currency() == posting.currency();
            if postings.iter().take(at).any(same) {
                return Err(EntryError::Repeated(posting.account.clone(), posting.currency()));
            }
        }
        let sum = sum(&postings)?;
        if !sum.is_zero() {
            return Err(EntryError::Unbalanced(sum));
        }
        let held = postings.iter().find(|posting| posting.account.is_hold() && posting.side() == Side::Credit);
        match (held, deadline) {
            (Some(posting), None) => Err(EntryError::HoldWithoutDeadline(posting.account.clone())),
            (None, Some(_)) => Err(EntryError::DeadlineWithoutHold),
            _ => Ok(Self { postings, deadline }),
        }
    }
}

/// The sum of postings, per currency: nothing, when they balance.
///
/// # Errors
/// [`MoneyError::TooLarge`].
pub fn sum(postings: &[Posting]) -> Result<Amounts, MoneyError> {
    let mut sum = Amounts::default();
    postings.iter().try_for_each(|posting| sum.add(posting.amount))?;
    Ok(sum)
}

/// The serialised form of a posting, flat to save bytes.
#[derive(Serialize, Deserialize)]
struct PostingText {
    account: Account,
    amount: String,
    currency: Currency,
}

impl From<Posting> for PostingText {
    fn from(Posting { account, amount }: Posting) -> Self {
        Self { account, amount: amount.amount().to_string(), currency: amount.currency() }
    }
}

impl TryFrom<PostingText> for Posting {
    type Error = EntryError;

    fn try_from(PostingText { account, amount, currency }: PostingText) -> Result<Self, EntryError> {
        let amount = Money::parse(&amount, currency)?;
        if amount.is_negative() { Self::credit(account, amount.negated()) } else { Self::debit(account, amount) }
    }
}

/// The serialised form of an entry.
#[derive(Serialize, Deserialize)]
struct EntryFields {
    postings: Vec<Posting>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    deadline: Option<Timestamp>,
}

impl From<Entry> for EntryFields {
    fn from(Entry { postings, deadline }: Entry) -> Self {
        Self { postings, deadline }
    }
}

impl TryFrom<EntryFields> for Entry {
    type Error = EntryError;

    fn try_from(EntryFields { postings, deadline }: EntryFields) -> Result<Self, EntryError> {
        Self::checked(postings, deadline)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Currency::{CNY, USD};

    fn wallet(id: &str) -> Account {
        Account::wallet(id).unwrap()
    }

    fn money(text: &str, currency: Currency) -> Money {
        Money::parse(text, currency).unwrap()
    }

    fn debit(account: &Account, text: &str, currency: Currency) -> Posting {
        Posting::debit(account.clone(), money(text, currency)).unwrap()
    }

    fn credit(account: &Account, text: &str, currency: Currency) -> Posting {
        Posting::credit(account.clone(), money(text, currency)).unwrap()
    }

    #[test]
    fn an_entry_balances_in_each_currency_by_itself() {
        let (a, b) = (wallet("A"), wallet("B"));
        let exchange =
            vec![debit(&a, "7.00", CNY), credit(&b, "7.00", CNY), credit(&a, "1.00", USD), debit(&b, "1.00", USD)];
        assert_eq!(Entry::new(exchange.clone()).unwrap().postings(), exchange);
        let Err(EntryError::Unbalanced(by)) = Entry::new(vec![debit(&a, "7.00", CNY), credit(&b, "7.00", USD)]) else {
            panic!("one currency does not pay for another")
        };
        assert_eq!(by.to_string(), "7.00 CNY, -7.00 USD");
    }

    #[test]
    fn an_entry_that_is_out_by_a_cent_is_refused() {
        let fees = Account::fees("Withdrawal").unwrap();
        let postings = vec![
            debit(&wallet("A"), "100.10", CNY),
            credit(&Account::Settlement, "100.00", CNY),
            credit(&fees, "0.09", CNY),
        ];
        assert_eq!(
            Entry::new(postings).unwrap_err().to_string(),
            "the postings do not balance: 0.01 CNY too much on the debit side"
        );
    }

    #[test]
    fn postings_of_nothing_lone_postings_and_repeated_accounts_are_refused() {
        let (a, b, none) = (wallet("A"), wallet("B"), Money::zero(CNY));
        assert_eq!(Posting::debit(a.clone(), none), Err(EntryError::NotPositive(none)));
        let negative = money("-1", CNY);
        assert_eq!(Posting::credit(a.clone(), negative), Err(EntryError::NotPositive(negative)));
        assert_eq!(Entry::new(vec![]), Err(EntryError::PostingCount(0)));
        assert_eq!(Entry::new(vec![debit(&a, "1", CNY)]), Err(EntryError::PostingCount(1)));
        assert_eq!(Entry::new(vec![debit(&a, "1", CNY); 101]), Err(EntryError::PostingCount(101)));
        assert_eq!(Entry::transfer(a.clone(), a.clone(), money("1", CNY)), Err(EntryError::Repeated(a.clone(), CNY)));
        let twice = vec![debit(&a, "2", CNY), credit(&b, "1", CNY), credit(&b, "1", CNY)];
        assert_eq!(Entry::new(twice), Err(EntryError::Repeated(b, CNY)));
    }

    #[test]
    fn money_goes_into_a_hold_only_with_a_deadline() {
        let (payer, hold) = (wallet("A"), Account::hold("Transfer", "T1").unwrap());
        let into = vec![debit(&payer, "5", CNY), credit(&hold, "5", CNY)];
        assert_eq!(Entry::new(into.clone()), Err(EntryError::HoldWithoutDeadline(hold.clone())));
        assert_eq!(Entry::holding_until(Timestamp(9), into).unwrap().deadline(), Some(Timestamp(9)));
        let out_of = vec![debit(&hold, "5", CNY), credit(&payer, "5", CNY)];
        assert_eq!(Entry::holding_until(Timestamp(9), out_of.clone()), Err(EntryError::DeadlineWithoutHold));
        assert!(Entry::new(out_of).is_ok());
    }

    #[test]
    fn json_reads_back_and_an_unbalanced_one_is_refused() {
        let hold = Account::hold("Order", "O1").unwrap();
        let postings = vec![debit(&wallet("A"), "5", CNY), credit(&hold, "5", CNY)];
        let entry = Entry::holding_until(Timestamp(1_700_000_000_000_000), postings).unwrap();
        let json = serde_json::to_string(&entry).unwrap();
        let expected = concat!(
            r#"{"postings":[{"account":"Liabilities:Wallet:A","amount":"5.00","currency":"CNY"},"#,
            r#"{"account":"Liabilities:Hold:Order:O1","amount":"-5.00","currency":"CNY"}],"deadline":1700000000000000}"#
        );
        assert_eq!(json, expected);
        assert_eq!(serde_json::from_str::<Entry>(&json).unwrap(), entry);
        for (from, to) in
            [("-5.00", "-5.01"), ("-5.00", "0.00"), ("-5.00", "-5.001"), ("Wallet:A", "Wallet:a"), ("deadline", "x")]
        {
            assert!(serde_json::from_str::<Entry>(&json.replace(from, to)).is_err(), "{to}");
        }
    }
}
