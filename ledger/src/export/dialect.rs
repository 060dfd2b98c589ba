//! How beancount, hledger and ledger-cli write the same things.

use std::fmt::Write;

use chrono::{Days, NaiveDate};

use crate::{currency::Currency, export::origin::plain, money::Money};

/// A tool, and so the language of its journals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// beancount, version 2.3 or newer.
    Beancount,
    /// hledger, version 1.25 or newer.
    Hledger,
    /// ledger-cli, version 3.
    Ledger,
}

/// What a transaction says about itself besides its postings: a name and a value.
pub type Note = (&'static str, String);

/// The names that notes have; ledger-cli wants them declared.
pub const NOTES: [&str; 10] =
    ["position", "stream", "version", "event", "hash", "time", "deadline", "entries", "first", "last"];

impl Dialect {
    /// What the names of its files end with, without the point.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Beancount => "beancount",
            Self::Hledger => "journal",
            Self::Ledger => "ledger",
        }
    }

    /// The tool's command that checks a book in `file`, with all the strictness that it has.
    #[must_use]
    pub fn check(self, file: &str) -> String {
        match self {
            Self::Beancount => format!("bean-check {file}"),
            Self::Hledger => format!("hledger -f {file} check -s ordereddates"),
            Self::Ledger => format!("ledger --pedantic -f {file} balance"),
        }
    }

    /// The tool's command that lists the balances of accounts that begin with `beginning`, summed at `depth` parts of a name.
    #[must_use]
    pub fn balance(self, file: &str, depth: u8, beginning: &str) -> String {
        match self {
            Self::Beancount => format!(
                "bean-query {file} \"SELECT root(account, {depth}) AS name, sum(position) WHERE account ~ '^{beginning}' \
                 GROUP BY name ORDER BY name\""
            ),
            Self::Hledger => format!("hledger -f {file} balance --flat --depth {depth} '^{beginning}'"),
            Self::Ledger => format!("ledger -f {file} balance --flat --depth {depth} '^{beginning}'"),
        }
    }

    /// What a file begins with that is given to the tool: nothing is rounded away there.
    #[must_use]
    pub fn preamble(self, title: &str) -> String {
        match self {
            // Without the option an entry may be out by half of its last digit.
            Self::Beancount => {
                format!("option \"title\" \"{}\"\noption \"tolerance_multiplier\" \"0\"\n\n", title.replace('"', "'"))
            }
            Self::Hledger => format!("; {title}\n\n"),
            Self::Ledger => {
                let tags: String = NOTES.iter().map(|name| format!("tag {name}\n")).collect();
                format!("; {title}\n\n{tags}\n")
            }
        }
    }

    /// Takes another file in; its path is relative to the file that this stands in.
    #[must_use]
    pub fn include(self, file: &str) -> String {
        match self {
            Self::Beancount => format!("include \"{file}\"\n"),
            Self::Hledger | Self::Ledger => format!("include {file}\n"),
        }
    }

    /// Declares a currency with its decimals.
    #[must_use]
    pub fn currency(self, currency: Currency, since: NaiveDate) -> String {
        let decimals = currency.decimals() as usize;
        match self {
            Self::Beancount => format!("{since} commodity {currency}\n"),
            // hledger wants to see the decimal mark even where nothing follows.
            Self::Hledger => format!("commodity 1000.{:0<decimals$} {currency}\n", ""),
            Self::Ledger => format!("commodity {currency}\n    format {:.decimals$} {currency}\n", 1000.0),
        }
    }

    /// Declares an account that is first used on `since`.
    #[must_use]
    pub fn account(self, name: &str, since: NaiveDate) -> String {
        match self {
            Self::Beancount => format!("{since} open {name}\n"),
            Self::Hledger | Self::Ledger => format!("account {name}\n"),
        }
    }

    /// Writes a transaction. Its postings sum to zero.
    pub fn transaction<'a>(
        self,
        out: &mut String,
        date: NaiveDate,
        narration: &str,
        notes: &[Note],
        postings: impl Iterator<Item = (&'a str, Money)>,
    ) {
        let narration = plain(narration);
        match self {
            Self::Beancount => put(out, format_args!("{date} * \"{narration}\"\n")),
            Self::Hledger | Self::Ledger => put(out, format_args!("{date} * {narration}\n")),
        }
        for (name, value) in notes {
            let value = plain(value);
            match self {
                Self::Beancount => put(out, format_args!("  {name}: \"{value}\"\n")),
                Self::Hledger | Self::Ledger => put(out, format_args!("    ; {name}: {value}\n")),
            }
        }
        for (account, amount) in postings {
            put(out, format_args!("    {account}  {amount}\n"));
        }
        out.push('\n');
    }

    /// Asserts, exactly, what accounts stand at when a day ends. Amounts are signed from the debit side.
    pub fn closing<'a>(self, out: &mut String, day: NaiveDate, balances: impl Iterator<Item = (&'a str, Money)>) {
        let mut balances = balances.peekable();
        if balances.peek().is_none() {
            return;
        }
        match self {
            // An assertion of beancount is about the beginning of its day, and without `~ 0` about within 0.01.
            Self::Beancount => {
                let next = day.checked_add_days(Days::new(1)).unwrap_or(day);
                for (account, balance) in balances {
                    let (amount, currency) = (balance.amount(), balance.currency());
                    put(out, format_args!("{next} balance {account}  {amount} ~ 0 {currency}\n"));
                }
            }
            Self::Hledger | Self::Ledger => {
                put(out, format_args!("{day} * closing-balances\n"));
                for (account, balance) in balances {
                    put(out, format_args!("    {account}  {} = {balance}\n", Money::zero(balance.currency())));
                }
            }
        }
        out.push('\n');
    }
}

/// Writing to a string can't fail.
fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    let _ = out.write_fmt(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Dialect; 3] = [Dialect::Beancount, Dialect::Hledger, Dialect::Ledger];

    fn day() -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 11, 22).unwrap()
    }

    #[test]
    fn currencies_are_declared_with_their_decimals() {
        let declared = |currency| ALL.map(|dialect| dialect.currency(currency, day()));
        assert_eq!(
            declared(Currency::CNY),
            ["2026-11-22 commodity CNY\n", "commodity 1000.00 CNY\n", "commodity CNY\n    format 1000.00 CNY\n"]
        );
        assert_eq!(
            declared(Currency::JPY),
            ["2026-11-22 commodity JPY\n", "commodity 1000. JPY\n", "commodity JPY\n    format 1000 JPY\n"]
        );
    }

    #[test]
    fn a_closing_balance_is_exact_and_stands_at_the_end_of_its_day() {
        let balance = Money::parse("-7.00", Currency::CNY).unwrap();
        let [beancount, hledger, ledger] = ALL.map(|dialect| {
            let mut out = String::new();
            dialect.closing(&mut out, day(), [("Liabilities:Wallet:A", balance)].into_iter());
            out
        });
        assert_eq!(beancount, "2026-11-23 balance Liabilities:Wallet:A  -7.00 ~ 0 CNY\n\n");
        assert_eq!(hledger, "2026-11-22 * closing-balances\n    Liabilities:Wallet:A  0.00 CNY = -7.00 CNY\n\n");
        assert_eq!(ledger, hledger);
        let mut nothing = String::new();
        Dialect::Hledger.closing(&mut nothing, day(), std::iter::empty());
        assert_eq!(nothing, "");
    }
}
