//! The chart of accounts and the names of accounts.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize, Serializer};
use thiserror::Error;
use uuid::Uuid;

/// One part of an account's name that is chosen by the caller: an id or a kind.
///
/// It starts with an upper-case ASCII letter or a digit and goes on with ASCII letters, digits and `-`: what beancount,
/// hledger, ledger-cli and tackler accept alike. A UUID fits when written in upper case. No names of people: books are
/// handed to outsiders.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Segment(Box<str>);

impl Segment {
    /// The most bytes that a segment has.
    pub const MAX_LEN: usize = 64;

    /// Checks and keeps `text`.
    ///
    /// # Errors
    /// [`AccountError::BadSegment`].
    pub fn new(text: &str) -> Result<Self, AccountError> {
        if Self::is_good(text) { Ok(Self(text.into())) } else { Err(AccountError::BadSegment) }
    }

    /// A text of the code's own, such as a kind of hold.
    ///
    /// # Panics
    /// When the text breaks the rule, which is the code's mistake.
    #[must_use]
    pub fn of_static(text: &'static str) -> Self {
        assert!(Self::is_good(text), "{text} is no part of an account's name");
        Self(text.into())
    }

    fn is_good(text: &str) -> bool {
        let starts = text.starts_with(|first: char| first.is_ascii_uppercase() || first.is_ascii_digit());
        let goes_on = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        starts && goes_on && text.len() <= Self::MAX_LEN
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<Uuid> for Segment {
    /// The id in upper case.
    fn from(id: Uuid) -> Self {
        let mut buffer = Uuid::encode_buffer();
        Self((&*id.hyphenated().encode_upper(&mut buffer)).into())
    }
}

impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a name is not an account's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AccountError {
    /// Not a segment, see [`Segment`].
    #[error(
        "a part of an account's name starts with A-Z or 0-9 and goes on with letters, digits and -, {max} at most",
        max = Segment::MAX_LEN
    )]
    BadSegment,
    /// Well formed or not, the chart has no such account.
    #[error("no such account in the chart")]
    NotInChart,
}

/// An account of the chart. There are no others, and the order is that of their names' families.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub enum Account {
    /// `Assets:Bank:Settlement`: what the bank holds for the house.
    Settlement,
    /// `Equity:Opening`: the counterpart of balances that a book starts with.
    Opening,
    /// `Income:Fees:{kind}`: fees earned.
    Fees {
        /// What the fee is for.
        kind: Segment,
    },
    /// `Liabilities:Hold:{kind}:{id}`: money on its way, until its outcome is decided.
    Hold {
        /// What it is held for.
        kind: Segment,
        /// The hold's id.
        id: Segment,
    },
    /// `Liabilities:Merchant:{id}`: what the house owes a merchant.
    Merchant(Segment),
    /// `Liabilities:Wallet:{id}`: what the house owes a person.
    Wallet(Segment),
}

/// What an account is to the house.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// What the house has.
    Assets,
    /// What its owners have put in.
    Equity,
    /// What it has earned.
    Income,
    /// What it owes.
    Liabilities,
}

/// A side of the books.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// Positive in a posting.
    Debit,
    /// Negative in a posting.
    Credit,
}

impl Class {
    /// The side on which such an account grows.
    #[must_use]
    pub const fn normal_side(self) -> Side {
        match self {
            Self::Assets => Side::Debit,
            Self::Equity | Self::Income | Self::Liabilities => Side::Credit,
        }
    }
}

impl Account {
    /// A person's wallet.
    ///
    /// # Errors
    /// [`AccountError::BadSegment`].
    pub fn wallet(id: &str) -> Result<Self, AccountError> {
        Ok(Self::Wallet(Segment::new(id)?))
    }

    /// A merchant's balance.
    ///
    /// # Errors
    /// [`AccountError::BadSegment`].
    pub fn merchant(id: &str) -> Result<Self, AccountError> {
        Ok(Self::Merchant(Segment::new(id)?))
    }

    /// A hold.
    ///
    /// # Errors
    /// [`AccountError::BadSegment`].
    pub fn hold(kind: &str, id: &str) -> Result<Self, AccountError> {
        Ok(Self::Hold { kind: Segment::new(kind)?, id: Segment::new(id)? })
    }

    /// Fees of a kind.
    ///
    /// # Errors
    /// [`AccountError::BadSegment`].
    pub fn fees(kind: &str) -> Result<Self, AccountError> {
        Ok(Self::Fees { kind: Segment::new(kind)? })
    }

    /// What the account is to the house.
    #[must_use]
    pub const fn class(&self) -> Class {
        match self {
            Self::Settlement => Class::Assets,
            Self::Opening => Class::Equity,
            Self::Fees { .. } => Class::Income,
            Self::Hold { .. } | Self::Merchant(_) | Self::Wallet(_) => Class::Liabilities,
        }
    }

    /// Whether the account holds somebody's money and so may never be below zero on its normal side.
    #[must_use]
    pub const fn is_owned(&self) -> bool {
        matches!(self, Self::Hold { .. } | Self::Merchant(_) | Self::Wallet(_))
    }

    /// Whether the account is a hold.
    #[must_use]
    pub const fn is_hold(&self) -> bool {
        matches!(self, Self::Hold { .. })
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Settlement => f.write_str("Assets:Bank:Settlement"),
            Self::Opening => f.write_str("Equity:Opening"),
            Self::Fees { kind } => write!(f, "Income:Fees:{kind}"),
            Self::Hold { kind, id } => write!(f, "Liabilities:Hold:{kind}:{id}"),
            Self::Merchant(id) => write!(f, "Liabilities:Merchant:{id}"),
            Self::Wallet(id) => write!(f, "Liabilities:Wallet:{id}"),
        }
    }
}

impl FromStr for Account {
    type Err = AccountError;

    fn from_str(name: &str) -> Result<Self, AccountError> {
        let mut parts = name.split(':');
        // The longest name of the chart has four parts; a fifth is looked for so that it is refused.
        match [(); 5].map(|()| parts.next()) {
            [Some("Assets"), Some("Bank"), Some("Settlement"), None, _] => Ok(Self::Settlement),
            [Some("Equity"), Some("Opening"), None, ..] => Ok(Self::Opening),
            [Some("Income"), Some("Fees"), Some(kind), None, _] => Self::fees(kind),
            [Some("Liabilities"), Some("Hold"), Some(kind), Some(id), None] => Self::hold(kind, id),
            [Some("Liabilities"), Some("Merchant"), Some(id), None, _] => Self::merchant(id),
            [Some("Liabilities"), Some("Wallet"), Some(id), None, _] => Self::wallet(id),
            _ => Err(AccountError::NotInChart),
        }
    }
}

impl TryFrom<String> for Account {
    type Error = AccountError;

    fn try_from(name: String) -> Result<Self, AccountError> {
        name.parse()
    }
}

impl Serialize for Account {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_account_of_the_chart_reads_back_from_its_name() {
        for (name, class, owned) in [
            ("Assets:Bank:Settlement", Class::Assets, false),
            ("Equity:Opening", Class::Equity, false),
            ("Income:Fees:Withdrawal", Class::Income, false),
            ("Liabilities:Hold:RedPacket:0190F3C2-7E5A", Class::Liabilities, true),
            ("Liabilities:Merchant:M1", Class::Liabilities, true),
            ("Liabilities:Wallet:7", Class::Liabilities, true),
        ] {
            let account: Account = name.parse().unwrap();
            assert_eq!((account.to_string().as_str(), account.class(), account.is_owned()), (name, class, owned));
            assert_eq!(serde_json::to_string(&account).unwrap(), format!("{name:?}"));
            assert_eq!(serde_json::from_str::<Account>(&format!("{name:?}")).unwrap(), account);
        }
    }

    #[test]
    fn a_name_outside_the_chart_is_refused() {
        for name in [
            "",
            "Assets",
            "Assets:Bank:Settlement:CNY",
            "Equity:Opening:",
            "Expenses:Fees:Bank",
            "Liabilities:Hold:Transfer",
            "Liabilities:Hold:Transfer:1:2",
            "Liabilities:Wallet",
            "liabilities:Wallet:U1",
        ] {
            assert_eq!(name.parse::<Account>(), Err(AccountError::NotInChart), "{name}");
        }
    }

    #[test]
    fn a_segment_that_some_accounting_tool_would_misread_is_refused() {
        let long = "A".repeat(Segment::MAX_LEN + 1);
        for text in ["", "a1", "-A", "A_1", "A 1", "A  1", "A:1", "Ä", "A;", "A\n", "(A)", "A.1", long.as_str()] {
            assert_eq!(Account::wallet(text), Err(AccountError::BadSegment), "{text:?}");
        }
        assert!(Segment::new(&"A".repeat(Segment::MAX_LEN)).is_ok());
    }
}
