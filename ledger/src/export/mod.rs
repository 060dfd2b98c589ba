//! Books in the formats of others: journals for beancount, hledger and ledger-cli, one account's statement as CSV, JSON and
//! camt.053. Pure: text goes to a [`Shelf`] that the caller provides, as the journal is read.
//!
//! # Layout
//! - [`origin`]: what a booked entry's event was, so that each line can be traced back to the log.
//! - [`dialect`]: how each of the three tools writes things; [`date`]: times and days.
//! - [`control`]: the control accounts, and a day's turnover on them.
//! - [`sub_ledger`]: a day of the sub-ledgers: every entry, and what the accounts that it touched opened and closed with.
//! - [`books`]: both books, file by file.
//! - [`statement`]: one account's lines as CSV and JSON; [`camt053`]: as ISO 20022 wants them.

pub mod books;
pub mod camt053;
pub mod control;
pub mod date;
pub mod dialect;
pub mod origin;
pub mod statement;
pub mod sub_ledger;

pub use books::{Books, BooksError, Depth, Exported, Shelf};
pub use camt053::Camt053;
pub use dialect::Dialect;
pub use origin::Origin;
