//! Properties of the accounting core, checked on random input against plain-integer models.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::collections::BTreeMap;

use ledger::{
    Account, AsOf, Book, Booked, Currency, Entry, EntryError, Money, Posting, Statement, Timestamp, TrialBalance,
    invariants,
};
use proptest::{collection::vec, prelude::*, sample::select};

const CURRENCIES: [Currency; 3] = [Currency::CNY, Currency::JPY, Currency::BHD];

fn currency() -> impl Strategy<Value = Currency> {
    select(Currency::LISTED)
}

/// Minor units of every size that money can have.
fn minor() -> impl Strategy<Value = i128> {
    (0_u32..96, any::<i128>()).prop_map(|(bits, value)| value % (1 << bits))
}

fn money(minor: i128, currency: Currency) -> Money {
    Money::from_minor(minor, currency).unwrap()
}

/// Few accounts, so that random entries meet.
fn accounts() -> Vec<Account> {
    let names = [
        "Assets:Bank:Settlement",
        "Equity:Opening",
        "Income:Fees:Withdrawal",
        "Liabilities:Hold:Transfer:1",
        "Liabilities:Hold:Order:2",
        "Liabilities:Merchant:M1",
        "Liabilities:Wallet:U1",
        "Liabilities:Wallet:U2",
    ];
    names.map(|name| name.parse().unwrap()).to_vec()
}

/// A wish to move money: from the account to be debited to the one to be credited.
type Wish = (Account, Account, i128, Currency);

fn wish() -> impl Strategy<Value = Wish> {
    (select(accounts()), select(accounts()), 1_i128..1_000, select(&CURRENCIES[..]))
}

fn entry((debit, credit, amount, currency): &Wish, deadline: Timestamp) -> Result<Entry, EntryError> {
    let amount = money(*amount, *currency);
    let postings = vec![Posting::debit(debit.clone(), amount)?, Posting::credit(credit.clone(), amount)?];
    if credit.is_hold() { Entry::holding_until(deadline, postings) } else { Entry::new(postings) }
}

/// A journal of all the wishes that overdraw nobody, judged by a model: a map of minor units, signed from the debit side.
fn journal(wishes: &[Wish]) -> (Vec<Booked>, BTreeMap<(Account, Currency), i128>) {
    let (mut journal, mut model) = (Vec::new(), BTreeMap::new());
    for (step, wish) in wishes.iter().enumerate() {
        let (debit, credit, amount, currency) = wish;
        let stands = model.get(&(debit.clone(), *currency)).copied().unwrap_or(0);
        if debit == credit || (debit.is_owned() && stands + amount > 0) {
            continue;
        }
        *model.entry((debit.clone(), *currency)).or_default() += amount;
        *model.entry((credit.clone(), *currency)).or_default() -= amount;
        // Positions with gaps, and times that now and then run backwards.
        let (position, at) = (step as u64 * 3, Timestamp(step as i64 * 10 - (step as i64 % 3) * 15));
        journal.push(Booked { position, at, entry: entry(wish, Timestamp(i64::MAX)).unwrap() });
    }
    (journal, model)
}

proptest! {
    #[test]
    fn money_reads_back_from_its_text_and_its_json(minor in minor(), currency in currency()) {
        let money = money(minor, currency);
        prop_assert_eq!(money.minor(), minor);
        let text = money.amount().to_string();
        let decimals = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
        prop_assert_eq!(decimals, currency.decimals() as usize);
        prop_assert_eq!(Money::parse(&text, currency), Ok(money));
        prop_assert_eq!(Money::new(money.amount().normalize(), currency), Ok(money));
        prop_assert_eq!(serde_json::from_str::<Money>(&serde_json::to_string(&money).unwrap()).unwrap(), money);
    }

    #[test]
    fn sums_and_differences_are_those_of_integers_or_refused(a in minor(), b in minor(), currency in currency()) {
        let (left, right) = (money(a, currency), money(b, currency));
        let fits = |minor: i128| minor.unsigned_abs() < 1 << 96;
        prop_assert_eq!(left.checked_add(right).ok().map(Money::minor), Some(a + b).filter(|sum| fits(*sum)));
        prop_assert_eq!(left.checked_sub(right).ok().map(Money::minor), Some(a - b).filter(|sum| fits(*sum)));
        prop_assert_eq!(left.compare(right), Ok(a.cmp(&b)));
    }

    #[test]
    fn no_text_makes_the_parser_panic_and_what_it_accepts_is_the_same_number(text in "-?[0-9]{0,40}(\\.[0-9]{0,40})?|.{0,20}") {
        if let Ok(money) = Money::parse(&text, Currency::CNY) {
            let plain = |text: &str| {
                let (sign, unsigned) = text.strip_prefix('-').map_or(("", text), |unsigned| ("-", unsigned));
                let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
                let plain = format!("{}.{}", whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
                if plain == "." { plain } else { format!("{sign}{plain}") }
            };
            prop_assert_eq!(plain(&text), plain(&money.amount().to_string()));
        }
    }

    #[test]
    fn an_account_name_that_is_accepted_suits_every_tool_and_reads_back(id in "[A-Za-z0-9_ :;.-]{0,12}|\\PC{0,6}") {
        // beancount's rule for a part of a name, the strictest of the four tools.
        let suits = id.starts_with(|first: char| first.is_ascii_uppercase() || first.is_ascii_digit())
            && id.chars().all(|char| char.is_ascii_alphanumeric() || char == '-');
        prop_assert_eq!(Account::wallet(&id).is_ok(), suits);
        if let Ok(account) = Account::hold("Kind", &id) {
            prop_assert_eq!(account.to_string().parse::<Account>(), Ok(account));
        }
    }

    #[test]
    fn an_entry_can_be_built_exactly_when_its_postings_balance(
        amounts in vec((select(&CURRENCIES[..]), prop_oneof![-3_i128..0, 1_i128..4]), 2..6),
    ) {
        let mut sums = BTreeMap::<_, i128>::new();
        let postings: Vec<Posting> = amounts.iter().enumerate().map(|(at, (currency, minor))| {
            *sums.entry(*currency).or_default() += minor;
            let account = Account::wallet(&format!("U{at}")).unwrap();
            let amount = money(minor.abs(), *currency);
            if *minor > 0 { Posting::debit(account, amount) } else { Posting::credit(account, amount) }.unwrap()
        }).collect();
        let balanced = sums.values().all(|sum| *sum == 0);
        prop_assert_eq!(invariants::entry_sums_to_zero(&postings).is_empty(), balanced);
        let json = format!(r#"{{"postings":{}}}"#, serde_json::to_string(&postings).unwrap());
        prop_assert_eq!(serde_json::from_str::<Entry>(&json).is_ok(), balanced);
        prop_assert_eq!(Entry::new(postings).is_ok(), balanced);
    }

    #[test]
    fn a_book_agrees_with_the_model_and_keeps_every_invariant_at_every_position(wishes in vec(wish(), 0..120)) {
        let (journal, model) = journal(&wishes);
        let mut book = Book::default();
        for booked in &journal {
            book.post(booked).unwrap();
            prop_assert_eq!(invariants::entry_sums_to_zero(booked.entry.postings()), vec![]);
            prop_assert_eq!(invariants::touched_accounts_not_negative(book.balances(), &booked.entry), vec![]);
            prop_assert_eq!(invariants::of_book(&book, Timestamp(i64::MAX)), vec![]);
        }
        for account in accounts() {
            for currency in CURRENCIES {
                let expected = model.get(&(account.clone(), currency)).copied().unwrap_or(0);
                prop_assert_eq!(book.balances().posted(&account, currency).minor(), expected);
            }
            let open = book.holds().any(|(hold, ..)| *hold == account);
            prop_assert_eq!(open, account.is_hold() && !book.balances().all_of(&account).is_zero());
        }
    }

    #[test]
    fn an_entry_that_would_overdraw_somebody_is_found(wishes in vec(wish(), 0..40), id in "[A-Z]{2}", amount in 1_i128..100) {
        let mut book = Book::as_of(&journal(&wishes).0, AsOf::Position(u64::MAX)).unwrap();
        let account = Account::wallet(&id).unwrap();
        prop_assume!(book.balances().all_of(&account).is_zero());
        let overdraft = entry(&(account.clone(), Account::Settlement, amount, Currency::CNY), Timestamp(0)).unwrap();
        book.post(&Booked { position: u64::MAX, at: Timestamp(0), entry: overdraft.clone() }).unwrap();
        let balance = money(-amount, Currency::CNY);
        let expected = vec![ledger::Violation::Negative { account, balance }];
        prop_assert_eq!(invariants::touched_accounts_not_negative(book.balances(), &overdraft), expected.clone());
        prop_assert_eq!(invariants::of_book(&book, Timestamp(0)), expected);
    }

    #[test]
    fn a_statement_opens_where_the_book_stood_and_closes_where_it_stands(wishes in vec(wish(), 0..80), cut in 0_u64..240) {
        let (journal, _) = journal(&wishes);
        let (before, after) = (Book::as_of(&journal, AsOf::Position(cut)).unwrap(), Book::as_of(&journal, AsOf::Position(u64::MAX)).unwrap());
        for account in accounts() {
            let mut statement = Statement::opening(account.clone(), before.balances());
            for booked in journal.iter().filter(|booked| booked.position > cut) {
                for line in statement.post(booked).unwrap() {
                    let then = Book::as_of(&journal, AsOf::Position(line.position)).unwrap();
                    prop_assert_eq!(line.balance, then.balances().balance(&account, line.change.currency()));
                }
            }
            prop_assert_eq!(statement.balance(), &after.balances().all_of(&account));
        }
    }

    #[test]
    fn a_trial_balance_has_equal_sides_and_the_balances_of_the_book(wishes in vec(wish(), 0..80)) {
        let (journal, _) = journal(&wishes);
        let book = Book::as_of(&journal, AsOf::Position(u64::MAX)).unwrap();
        let trial = TrialBalance::of(book.balances()).unwrap();
        prop_assert!(trial.is_balanced());
        for row in &trial.rows {
            let posted = row.debit.checked_sub(row.credit).unwrap();
            prop_assert_eq!(posted, book.balances().posted(&row.account, posted.currency()));
        }
        prop_assert_eq!(trial.rows.len(), book.balances().iter().map(|(_, sums)| sums.iter().count()).sum::<usize>());
    }

    #[test]
    fn a_book_as_of_a_time_holds_exactly_what_had_happened_by_then(wishes in vec(wish(), 0..80), micros in -50_i64..900) {
        let (journal, _) = journal(&wishes);
        let then = Timestamp(micros);
        let mut expected = Book::default();
        for booked in journal.iter().filter(|booked| booked.at <= then) {
            expected.post(booked).unwrap();
        }
        prop_assert_eq!(Book::as_of(&journal, AsOf::Time(then)).unwrap(), expected);
    }
}
