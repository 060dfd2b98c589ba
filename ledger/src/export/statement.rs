//! One account's statement as CSV and as JSON, line by line. Amounts are as the account's owner sees them.

use crate::{
    account::Account,
    amounts::Amounts,
    export::{
        date,
        origin::{Origin, plain},
    },
    journal::Timestamp,
    money::Money,
    statement::StatementLine,
};

/// What the first line of a CSV statement names.
const COLUMNS: &str = "position,booked,happened,kind,change,balance,currency,stream,version,event,hash\n";

/// A statement as comma-separated values: opening balances, lines, closing balances.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CsvStatement;

impl CsvStatement {
    /// What stands before the lines.
    #[must_use]
    pub fn begin(opening: &Amounts) -> String {
        format!("{COLUMNS}{}", Self::balances("opening-balance", opening))
    }

    /// A line.
    #[must_use]
    pub fn line(line: &StatementLine, origin: &Origin) -> String {
        format!(
            "{},{},{},{},{},{},{},{},{},{},{}\n",
            line.position,
            date::text(line.at),
            date::text(origin.at),
            plain(&origin.kind),
            line.change.amount(),
            line.balance.amount(),
            line.change.currency(),
            plain(&origin.stream),
            origin.version,
            plain(&origin.event),
            plain(&origin.hash),
        )
    }

    /// What stands behind the lines.
    #[must_use]
    pub fn end(closing: &Amounts) -> String {
        Self::balances("closing-balance", closing)
    }

    fn balances(kind: &str, balances: &Amounts) -> String {
        balances.iter().map(|money| format!(",,,{kind},,{},{},,,,\n", money.amount(), money.currency())).collect()
    }
}

/// A statement as one JSON object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JsonStatement {
    /// Whether a line was written: the next one needs a comma before it.
    continued: bool,
}

impl JsonStatement {
    /// What stands before the lines.
    #[must_use]
    pub fn begin(&self, account: &Account, opening: &Amounts) -> String {
        format!("{{\"account\":\"{account}\",\"opening\":{},\"lines\":[", amounts(opening))
    }

    /// A line.
    #[must_use]
    pub fn line(&mut self, line: &StatementLine, origin: &Origin) -> String {
        let comma = if std::mem::replace(&mut self.continued, true) { "," } else { "" };
        let time = |at: Timestamp| date::text(at);
        format!(
            "{comma}\n{{\"position\":{},\"booked\":\"{}\",\"happened\":\"{}\",\"kind\":\"{}\",\"change\":{},\
             \"balance\":{},\"stream\":\"{}\",\"version\":{},\"event\":\"{}\",\"hash\":\"{}\"}}",
            line.position,
            time(line.at),
            time(origin.at),
            plain(&origin.kind),
            amount(line.change),
            amount(line.balance),
            plain(&origin.stream),
            origin.version,
            plain(&origin.event),
            plain(&origin.hash),
        )
    }

    /// What stands behind the lines.
    #[must_use]
    pub fn end(&self, closing: &Amounts) -> String {
        format!("\n],\"closing\":{}}}\n", amounts(closing))
    }
}

fn amount(money: Money) -> String {
    format!("{{\"amount\":\"{}\",\"currency\":\"{}\"}}", money.amount(), money.currency())
}

fn amounts(amounts: &Amounts) -> String {
    format!("[{}]", amounts.iter().map(amount).collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::currency::Currency::CNY;

    fn line(position: u64) -> (StatementLine, Origin) {
        let yuan = |text| Money::parse(text, CNY).unwrap();
        let line = StatementLine { position, at: Timestamp(2), change: yuan("-1.20"), balance: yuan("3.80") };
        let origin = Origin {
            kind: "wallet.paid".to_owned(),
            stream: "wallet-\"1\"".to_owned(),
            version: 4,
            at: Timestamp(1),
            event: "e".to_owned(),
            hash: "h".to_owned(),
        };
        (line, origin)
    }

    fn held(text: &str) -> Amounts {
        let mut held = Amounts::default();
        held.add(Money::parse(text, CNY).unwrap()).unwrap();
        held
    }

    #[test]
    fn a_csv_statement_opens_moves_and_closes() {
        let (line, origin) = line(7);
        let text =
            [CsvStatement::begin(&held("5")), CsvStatement::line(&line, &origin), CsvStatement::end(&held("3.80"))];
        let expected = "\
position,booked,happened,kind,change,balance,currency,stream,version,event,hash
,,,opening-balance,,5.00,CNY,,,,
7,1970-01-01T00:00:00.000002Z,1970-01-01T00:00:00.000001Z,wallet.paid,-1.20,3.80,CNY,wallet-_1_,4,e,h
,,,closing-balance,,3.80,CNY,,,,
";
        assert_eq!(text.concat(), expected);
    }

    #[test]
    fn a_json_statement_is_json_with_any_number_of_lines() {
        let account = Account::wallet("A").unwrap();
        for count in 0..3 {
            let mut statement = JsonStatement::default();
            let mut text = statement.begin(&account, &held("5"));
            for position in 0..count {
                let (line, origin) = line(position);
                text.push_str(&statement.line(&line, &origin));
            }
            text.push_str(&statement.end(&Amounts::default()));
            let read: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert_eq!(read["lines"].as_array().unwrap().len() as u64, count);
            assert_eq!((&read["opening"][0]["amount"], &read["closing"]), (&"5.00".into(), &serde_json::json!([])));
        }
    }
}
