//! One account's statement as a bank gives it: ISO 20022 `camt.053.001.08`, one `Stmt` for each currency.
//!
//! The message wants totals and closing balance before the entries. Whoever writes it keeps the entries aside as they come,
//! each in the text that [`Camt053::entry`] gives, and puts them behind [`Camt053::begin_statement`].

use thiserror::Error;

use crate::{
    account::Account,
    export::{
        date,
        origin::{Origin, plain},
    },
    journal::Timestamp,
    money::{Money, MoneyError},
    statement::StatementLine,
};

/// The most characters that the standard gives an account's identification.
const ID_CHARS: usize = 34;
/// The most characters that the standard gives an account's name.
const NAME_CHARS: usize = 70;

/// Why an account can't be shown.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("camt.053 names accounts with at most {ID_CHARS} characters, which {0} does not fit into")]
pub struct NameTooLong(Account);

/// Writes one account's message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Camt053 {
    id: String,
    name: Option<String>,
}

/// One statement of the message: what it opens with, and what has gone through it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turnover {
    opening: Money,
    credits: u64,
    credited: Money,
    debits: u64,
    debited: Money,
}

impl Turnover {
    /// A statement that opens with `opening`, as the account's owner sees it.
    #[must_use]
    pub fn opening(opening: Money) -> Self {
        let zero = Money::zero(opening.currency());
        Self { opening, credits: 0, credited: zero, debits: 0, debited: zero }
    }

    /// Counts a line of the statement's currency.
    ///
    /// # Errors
    /// Any [`MoneyError`].
    pub fn count(&mut self, line: &StatementLine) -> Result<(), MoneyError> {
        if line.change.is_negative() {
            self.debits += 1;
            self.debited = self.debited.checked_add(line.change.negated())?;
        } else {
            self.credits += 1;
            self.credited = self.credited.checked_add(line.change)?;
        }
        Ok(())
    }

    /// What it closes with.
    ///
    /// # Errors
    /// Any [`MoneyError`].
    pub fn closing(&self) -> Result<Money, MoneyError> {
        self.opening.checked_add(self.credited)?.checked_sub(self.debited)
    }
}

/// The period of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// Its beginning.
    pub from: Timestamp,
    /// Its end.
    pub to: Timestamp,
}

impl Camt053 {
    /// A message about `account`. It is identified by its name in the chart where that is short enough, else by the last part
    /// of the name without `-`, which for an id is unique.
    ///
    /// # Errors
    /// [`NameTooLong`].
    pub fn new(account: &Account) -> Result<Self, NameTooLong> {
        let name = account.to_string();
        let last: String = name.rsplit(':').next().unwrap_or_default().replace('-', "");
        let id = [&name, &last].into_iter().find(|id| id.len() <= ID_CHARS).cloned();
        let id = id.ok_or_else(|| NameTooLong(account.clone()))?;
        Ok(Self { id, name: Some(name).filter(|name| name.len() <= NAME_CHARS) })
    }

    /// What stands before the statements. `created` is the time that the books are as of.
    #[must_use]
    pub fn begin(&self, last_position: u64, created: Timestamp) -> String {
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.08\">\n\
             <BkToCstmrStmt>\n<GrpHdr><MsgId>TEAHOUSE-{last_position}</MsgId><CreDtTm>{}</CreDtTm></GrpHdr>\n",
            date::text(created)
        )
    }

    /// What stands before the entries of a currency.
    ///
    /// # Errors
    /// Any [`MoneyError`].
    pub fn begin_statement(
        &self,
        last_position: u64,
        period: Period,
        turnover: &Turnover,
    ) -> Result<String, MoneyError> {
        let currency = turnover.opening.currency();
        let name = self.name.as_ref().map(|name| format!("<Nm>{name}</Nm>")).unwrap_or_default();
        let closing = turnover.closing()?;
        let (sum, net) =
            (turnover.credited.checked_add(turnover.debited)?, turnover.credited.checked_sub(turnover.debited)?);
        Ok(format!(
            "<Stmt>\n<Id>{last_position}-{currency}</Id>\n\
             <FrToDt><FrDtTm>{from}</FrDtTm><ToDtTm>{to}</ToDtTm></FrToDt>\n\
             <Acct><Id><Othr><Id>{id}</Id></Othr></Id><Ccy>{currency}</Ccy>{name}</Acct>\n\
             {opening}{closing}\
             <TxsSummry><TtlNtries><NbOfNtries>{count}</NbOfNtries><Sum>{sum}</Sum>\
             <TtlNetNtry><Amt>{net}</Amt><CdtDbtInd>{net_side}</CdtDbtInd></TtlNetNtry></TtlNtries>\
             <TtlCdtNtries><NbOfNtries>{credits}</NbOfNtries><Sum>{credited}</Sum></TtlCdtNtries>\
             <TtlDbtNtries><NbOfNtries>{debits}</NbOfNtries><Sum>{debited}</Sum></TtlDbtNtries></TxsSummry>\n",
            from = date::text(period.from),
            to = date::text(period.to),
            id = self.id,
            opening = balance("OPBD", turnover.opening, period.from),
            closing = balance("CLBD", closing, period.to),
            count = turnover.credits + turnover.debits,
            sum = sum.amount(),
            net = net.amount().abs(),
            net_side = side(net),
            credits = turnover.credits,
            credited = turnover.credited.amount(),
            debits = turnover.debits,
            debited = turnover.debited.amount(),
        ))
    }

    /// An entry.
    #[must_use]
    pub fn entry(line: &StatementLine, origin: &Origin) -> String {
        // The standard gives a reference 35 characters: an id has 32 without its dashes.
        let event: String = plain(&origin.event).chars().filter(|char| *char != '-').take(35).collect();
        format!(
            "<Ntry><NtryRef>{}</NtryRef>{}<CdtDbtInd>{}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>\
             <BookgDt><DtTm>{}</DtTm></BookgDt><ValDt><DtTm>{}</DtTm></ValDt><AcctSvcrRef>{event}</AcctSvcrRef>\
             <BkTxCd><Prtry><Cd>{}</Cd></Prtry></BkTxCd><AddtlNtryInf>{}/{} {}</AddtlNtryInf></Ntry>\n",
            line.position,
            amount(line.change),
            side(line.change),
            date::text(line.at),
            date::text(origin.at),
            xml(&origin.kind).chars().take(35).collect::<String>(),
            xml(&origin.stream),
            origin.version,
            xml(&origin.hash),
        )
    }

    /// What stands behind the entries of a currency.
    #[must_use]
    pub const fn end_statement() -> &'static str {
        "</Stmt>\n"
    }

    /// What stands behind the statements.
    #[must_use]
    pub const fn end() -> &'static str {
        "</BkToCstmrStmt>\n</Document>\n"
    }
}

fn balance(kind: &str, money: Money, at: Timestamp) -> String {
    format!(
        "<Bal><Tp><CdOrPrtry><Cd>{kind}</Cd></CdOrPrtry></Tp>{}<CdtDbtInd>{}</CdtDbtInd><Dt><DtTm>{}</DtTm></Dt></Bal>\n",
        amount(money),
        side(money),
        date::text(at),
    )
}

fn amount(money: Money) -> String {
    format!("<Amt Ccy=\"{}\">{}</Amt>", money.currency(), money.amount().abs())
}

fn side(money: Money) -> &'static str {
    if money.is_negative() { "DBIT" } else { "CRDT" }
}

/// Text that needs no escaping.
fn xml(text: &str) -> String {
    plain(text).replace(['<', '>', '&', '\''], "_")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::currency::Currency::CNY;

    fn yuan(text: &str) -> Money {
        Money::parse(text, CNY).unwrap()
    }

    #[test]
    fn an_account_is_identified_by_what_fits() {
        let id = |account: &Account| Camt053::new(account).map(|message| message.id);
        assert_eq!(id(&Account::Settlement).unwrap(), "Assets:Bank:Settlement");
        let wallet = Account::wallet("0190F3C2-7E5A-7000-8000-0123456789AB").unwrap();
        assert_eq!(id(&wallet).unwrap(), "0190F3C27E5A700080000123456789AB");
        let long = Account::wallet(&"A".repeat(35)).unwrap();
        assert_eq!(id(&long), Err(NameTooLong(long)));
    }

    #[test]
    fn the_closing_balance_is_the_opening_one_and_all_entries() {
        let message = Camt053::new(&Account::wallet("A").unwrap()).unwrap();
        let mut turnover = Turnover::opening(yuan("5.00"));
        for (change, balance) in [("-1.20", "3.80"), ("0.50", "4.30"), ("-4.00", "0.30")] {
            let (change, balance) = (yuan(change), yuan(balance));
            turnover.count(&StatementLine { position: 1, at: Timestamp(0), change, balance }).unwrap();
        }
        assert_eq!(turnover.closing(), Ok(yuan("0.30")));
        let period = Period { from: Timestamp(0), to: Timestamp(86_400_000_000) };
        let text = message.begin_statement(9, period, &turnover).unwrap();
        for part in [
            "<Cd>OPBD</Cd></CdOrPrtry></Tp><Amt Ccy=\"CNY\">5.00</Amt><CdtDbtInd>CRDT</CdtDbtInd>",
            "<Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy=\"CNY\">0.30</Amt><CdtDbtInd>CRDT</CdtDbtInd>",
            "<NbOfNtries>3</NbOfNtries><Sum>5.70</Sum><TtlNetNtry><Amt>4.70</Amt><CdtDbtInd>DBIT</CdtDbtInd>",
            "<TtlCdtNtries><NbOfNtries>1</NbOfNtries><Sum>0.50</Sum>",
            "<TtlDbtNtries><NbOfNtries>2</NbOfNtries><Sum>5.20</Sum>",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}
