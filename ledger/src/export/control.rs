//! Control accounts: each stands for all accounts of a class, so that a year's book stays small.

use std::{borrow::Cow, collections::BTreeMap};

use crate::{
    account::Account,
    currency::Currency,
    entry::Entry,
    export::dialect::{Dialect, Note},
    money::{Money, MoneyError},
};

use chrono::NaiveDate;

/// The control account of an account: the wallets are one, so are the merchants, so are the holds of a kind.
#[must_use]
pub fn control_account(account: &Account) -> Cow<'static, str> {
    match account {
        Account::Settlement => "Assets:Bank:Settlement".into(),
        Account::Opening => "Equity:Opening".into(),
        Account::Fees { .. } => account.to_string().into(),
        Account::Hold { kind, .. } => format!("Liabilities:Hold:{kind}").into(),
        Account::Merchant(_) => "Liabilities:Merchant".into(),
        Account::Wallet(_) => "Liabilities:Wallet".into(),
    }
}

/// A control account in one currency.
pub(crate) type Key = (Cow<'static, str>, Currency);

/// What entries of one kind did in a day.
#[derive(Clone, Debug)]
struct Turnover {
    entries: u64,
    first: u64,
    last: u64,
    /// Both sides apart: what moves between two wallets shows, though their sum stays.
    sides: BTreeMap<Key, (Money, Money)>,
}

/// One day of the control-account book.
#[derive(Clone, Debug, Default)]
pub(crate) struct ControlDay {
    by_kind: BTreeMap<String, Turnover>,
}

impl ControlDay {
    /// Takes one more entry in.
    pub(crate) fn post(&mut self, position: u64, kind: &str, entry: &Entry) -> Result<(), MoneyError> {
        let fresh = || Turnover { entries: 0, first: position, last: position, sides: BTreeMap::new() };
        if !self.by_kind.contains_key(kind) {
            self.by_kind.insert(kind.to_owned(), fresh());
        }
        let Some(turnover) = self.by_kind.get_mut(kind) else { return Ok(()) };
        turnover.entries += 1;
        turnover.last = position;
        for posting in entry.postings() {
            let zero = Money::zero(posting.currency());
            let key = (control_account(posting.account()), posting.currency());
            let (debit, credit) = turnover.sides.entry(key).or_insert((zero, zero));
            let side = if posting.amount().is_positive() { debit } else { credit };
            *side = side.checked_add(posting.amount())?;
        }
        Ok(())
    }

    /// Ends the day: writes its transactions and brings `balances` to what stands at its end, which it asserts.
    pub(crate) fn end(
        self,
        dialect: Dialect,
        date: NaiveDate,
        balances: &mut BTreeMap<Key, Money>,
    ) -> Result<String, MoneyError> {
        let mut out = String::new();
        let mut touched = BTreeMap::new();
        for (kind, turnover) in &self.by_kind {
            for (key, (debit, credit)) in &turnover.sides {
                let balance = balances.entry(key.clone()).or_insert(Money::zero(key.1));
                *balance = balance.checked_add(debit.checked_add(*credit)?)?;
                touched.insert(key.clone(), *balance);
            }
            let notes: [Note; 3] = [
                ("entries", turnover.entries.to_string()),
                ("first", turnover.first.to_string()),
                ("last", turnover.last.to_string()),
            ];
            let sides = turnover.sides.iter().flat_map(|((account, _), (debit, credit))| {
                [*debit, *credit].into_iter().filter(|side| !side.is_zero()).map(move |side| (account.as_ref(), side))
            });
            dialect.transaction(&mut out, date, kind, &notes, sides);
        }
        dialect.closing(&mut out, date, touched.iter().map(|((account, _), balance)| (account.as_ref(), *balance)));
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::currency::Currency::CNY;

    #[test]
    fn what_moves_between_wallets_shows_on_both_sides_and_leaves_the_control_balance() {
        let yuan = |text| Money::parse(text, CNY).unwrap();
        let (a, b) = (Account::wallet("A").unwrap(), Account::wallet("B").unwrap());
        let mut day = ControlDay::default();
        day.post(3, "wallet.topped-up", &Entry::transfer(Account::Settlement, a.clone(), yuan("9")).unwrap()).unwrap();
        day.post(5, "wallet.paid", &Entry::transfer(a.clone(), b.clone(), yuan("2")).unwrap()).unwrap();
        day.post(8, "wallet.paid", &Entry::transfer(b, a, yuan("0.50")).unwrap()).unwrap();
        let date = NaiveDate::from_ymd_opt(2026, 11, 22).unwrap();
        let mut balances = BTreeMap::new();
        let text = day.end(Dialect::Ledger, date, &mut balances).unwrap();
        let expected = "\
2026-11-22 * wallet.paid
    ; entries: 2
    ; first: 5
    ; last: 8
    Liabilities:Wallet  2.50 CNY
    Liabilities:Wallet  -2.50 CNY

2026-11-22 * wallet.topped-up
    ; entries: 1
    ; first: 3
    ; last: 3
    Assets:Bank:Settlement  9.00 CNY
    Liabilities:Wallet  -9.00 CNY

2026-11-22 * closing-balances
    Assets:Bank:Settlement  0.00 CNY = 9.00 CNY
    Liabilities:Wallet  0.00 CNY = -9.00 CNY

";
        assert_eq!(text, expected);
        assert_eq!(balances.get(&("Liabilities:Wallet".into(), CNY)), Some(&yuan("-9")));
    }
}
