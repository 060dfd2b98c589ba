//! The accounting core of Teahouse: money, accounts, balanced journal entries and what can be computed from them.
//! Pure: no I/O, no clock, no dice, and nothing about chat.
//!
//! # Layout
//! From the ground up, each module using only those before it:
//! - [`currency`]: the ISO 4217 table with each currency's decimals.
//! - [`money`]: an exact amount of one currency; [`amounts`]: several currencies side by side.
//! - [`account`]: the chart of accounts and the names that plain-text accounting tools accept.
//! - [`entry`]: postings, and journal entries that cannot be built unbalanced.
//! - [`journal`]: an entry with its place in the log; as-of by position and by time.
//! - [`balances`]: the fold of entries; [`book`]: balances, open holds and the position they were read at.
//! - [`statement`]: one account's lines with running balances; [`trial_balance`]: all accounts on two sides.
//! - [`invariants`]: what must be true of every book, as functions for tests and audits alike.
//! - [`export`]: books for beancount, hledger and ledger-cli; one account's statement as CSV, JSON and camt.053.
//!
//! # Sign
//! A posting's amount is signed from the debit side: positive is a debit, negative a credit, as in beancount, hledger and
//! ledger-cli. What an account's owner sees is the balance on the account's [normal side](account::Class::normal_side):
//! a wallet that holds 10.00 has a posted sum of -10.00 and a balance of 10.00.

pub mod account;
pub mod amounts;
pub mod balances;
pub mod book;
pub mod currency;
pub mod entry;
pub mod export;
pub mod invariants;
pub mod journal;
pub mod money;
pub mod statement;
pub mod trial_balance;

pub use account::{Account, AccountError, Class, Segment, Side};
pub use amounts::Amounts;
pub use balances::Balances;
pub use book::{Book, BookError, Hold};
pub use currency::{Currency, UnknownCurrency};
pub use entry::{Entry, EntryError, Posting};
pub use invariants::Violation;
pub use journal::{AsOf, Booked, Timestamp};
pub use money::{Money, MoneyError};
pub use statement::{Statement, StatementLine};
pub use trial_balance::{TrialBalance, TrialRow, TrialTotal};
