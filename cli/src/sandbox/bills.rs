//! The bills of the sandbox's billers. They follow from the account number and the month, so that every account that looks
//! like one has a bill.

use std::collections::HashSet;

use chrono::{DateTime, Datelike, Months, NaiveDate, Utc};
use commands::gateways::{Bill, Biller, BillerKind};
use ledger::{Currency, Money, MoneyError};
use serde::{Deserialize, Serialize};

use super::counter::{Declined, Order, Trade};

/// Identifier, name and kind of each biller.
const BILLERS: [(&str, &str, BillerKind); 4] = [
    ("harbour-electric", "Harbour Electric", BillerKind::Electricity),
    ("spring-water", "Spring Water Works", BillerKind::Water),
    ("hearth-gas", "Hearth Gas", BillerKind::Gas),
    ("longline-phone", "Longline Telephone", BillerKind::Phone),
];
/// How the holders of accounts are called, masked.
const HOLDERS: [&str; 8] = ["*明", "*芳", "*伟", "*丽", "*强", "*静", "*磊", "*娟"];
/// Digits of an account number.
const ACCOUNT_DIGITS: std::ops::RangeInclusive<usize> = 6..=20;
/// The smallest bill, and by how much the largest exceeds it, in cents.
const SMALLEST_MINOR: u64 = 1_000;
const SPREAD_MINOR: u64 = 49_000;
/// For how many months a bill can be paid.
const PAYABLE_MONTHS: u32 = 12;
/// The day of the next month on which a bill falls due.
const DUE_DAY: u32 = 10;

/// Which bills were paid.
#[derive(Default)]
pub(super) struct Bills {
    paid: HashSet<String>,
}

/// Billers learn of nothing but orders.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Nothing {}

/// Why there are no bills to be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoBills {
    /// There is no such biller.
    UnknownBiller,
    /// The biller has no such account.
    UnknownAccount,
}

/// All billers.
pub(super) fn billers() -> Vec<Biller> {
    BILLERS.map(|(id, name, kind)| Biller { id: id.to_owned(), name: name.to_owned(), kind }).into()
}

impl Bills {
    /// This month's bill of an account, until it is paid.
    ///
    /// # Errors
    /// [`NoBills`]
    pub(super) fn open(&self, biller: &str, account: &str, now: DateTime<Utc>) -> Result<Vec<Bill>, NoBills> {
        if !BILLERS.iter().any(|(id, ..)| *id == biller) {
            return Err(NoBills::UnknownBiller);
        }
        let digits = account.bytes().all(|byte| byte.is_ascii_digit());
        if !digits || !ACCOUNT_DIGITS.contains(&account.len()) {
            return Err(NoBills::UnknownAccount);
        }
        let bill = first_of_month(now.date_naive()).and_then(|month| bill(biller, account, month));
        Ok(bill.into_iter().filter(|bill| !self.paid.contains(&bill.id)).collect())
    }

    /// The bill of that identifier, of this month or one of those before.
    fn find(&self, id: &str, now: DateTime<Utc>) -> Option<Bill> {
        let (rest, month) = id.rsplit_once('.')?;
        let (biller, account) = rest.rsplit_once('.')?;
        let month = NaiveDate::parse_from_str(&format!("{month}01"), "%Y%m%d").ok()?;
        let this_month = first_of_month(now.date_naive())?;
        let oldest = this_month.checked_sub_months(Months::new(PAYABLE_MONTHS))?;
        self.open(biller, account, now).ok()?;
        // Written in another way it is another identifier.
        bill(biller, account, month).filter(|bill| (oldest..=this_month).contains(&month) && bill.id == id)
    }
}

fn first_of_month(date: NaiveDate) -> Option<NaiveDate> {
    date.with_day(1)
}

fn bill(biller: &str, account: &str, month: NaiveDate) -> Option<Bill> {
    let id = format!("{biller}.{account}.{}", month.format("%Y%m"));
    let mut dice = blake3::Hasher::new().update(id.as_bytes()).finalize_xof();
    let mut drawn = [0; 8];
    dice.fill(&mut drawn);
    let minor = SMALLEST_MINOR + u64::from_le_bytes(drawn) % SPREAD_MINOR;
    // A person has the same name in every month.
    let named = blake3::hash(account.as_bytes()).as_bytes().first().map(|byte| usize::from(*byte));
    let holder = HOLDERS.iter().cycle().nth(named.unwrap_or(0))?;
    Some(Bill {
        id,
        biller: biller.to_owned(),
        account: account.to_owned(),
        holder: (*holder).to_owned(),
        amount: Money::from_minor(minor.into(), Currency::CNY).ok()?,
        due: month.checked_add_months(Months::new(1))?.with_day(DUE_DAY)?,
    })
}

impl Trade for Bills {
    type Fact = Nothing;

    fn learn(&mut self, fact: Nothing) {
        match fact {}
    }

    fn judge(&self, order: &Order, _ours: Money, now: DateTime<Utc>) -> Result<(), Declined> {
        let unknown = || Declined::new("unknown-bill", "there is no such bill to be paid");
        let bill = self.find(&order.subject, now).ok_or_else(unknown)?;
        if self.paid.contains(&bill.id) {
            return Err(Declined::new("already-paid", "the bill was paid before"));
        }
        if bill.amount != order.amount {
            return Err(Declined::new("wrong-amount", "a bill is paid exactly or not at all"));
        }
        Ok(())
    }

    fn carry_out(&mut self, order: &Order) -> Result<(), MoneyError> {
        self.paid.insert(order.subject.clone());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{super::counter::Operation, *};

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn order(bill: &Bill) -> Order {
        let (subject, amount) = (bill.id.clone(), bill.amount);
        Order { request_id: uuid::Uuid::from_u128(1), operation: Operation::Pay, subject, amount }
    }

    #[test]
    fn an_account_has_one_bill_a_month_that_can_be_paid_for_a_year() {
        let mut bills = Bills::default();
        let november = at("2026-11-30T23:59:59Z");
        let [bill] = bills.open("spring-water", "12345678", november).unwrap().try_into().unwrap();
        assert_eq!((bill.id.as_str(), bill.due.to_string().as_str()), ("spring-water.12345678.202611", "2026-12-10"));
        assert!((1_000..50_000).contains(&bill.amount.minor()));
        assert_eq!(bills.open("spring-water", "12345678", at("2026-11-01T00:00:00Z")).unwrap(), vec![bill.clone()]);
        let [next] = bills.open("spring-water", "12345678", at("2026-12-01T00:00:00Z")).unwrap().try_into().unwrap();
        assert_ne!(next.id, bill.id);

        let order = order(&bill);
        let judge = |bills: &Bills, time| bills.judge(&order, bill.amount, at(time)).map_err(|declined| declined.code);
        assert_eq!(judge(&bills, "2027-11-30T00:00:00Z"), Ok(()));
        for too_early_or_late in ["2027-12-01T00:00:00Z", "2026-10-31T00:00:00Z"] {
            assert_eq!(judge(&bills, too_early_or_late), Err("unknown-bill".to_owned()));
        }
        bills.carry_out(&order).unwrap();
        assert_eq!(judge(&bills, "2026-11-30T00:00:00Z"), Err("already-paid".to_owned()));
        assert_eq!(bills.open("spring-water", "12345678", november), Ok(vec![]));
    }

    #[test]
    fn what_is_not_an_account_has_no_bill() {
        let bills = Bills::default();
        let now = at("2026-11-30T00:00:00Z");
        for account in ["", "12345", "123456789012345678901", "12a456", "１２３４５６"] {
            assert_eq!(bills.open("hearth-gas", account, now), Err(NoBills::UnknownAccount), "{account}");
        }
        assert_eq!(bills.open("hearth", "123456", now), Err(NoBills::UnknownBiller));
        for id in ["hearth-gas.123456.202613", "hearth-gas.123456.2026011", "hearth-gas.1.202611", "hearth-gas", ".."] {
            assert_eq!(bills.find(id, now), None, "{id}");
        }
    }
}
