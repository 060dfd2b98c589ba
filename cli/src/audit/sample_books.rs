//! For tests: a log in which money moved, as an export.

use std::path::Path;

use bytes::Bytes;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use domain::{
    EventFamily, HoldEvent, WalletEvent,
    hold::{HoldReleased, Payer, Purpose},
    ids::{CardId, HoldId, MerchantId, PaymentId, UserId},
    wallet::{HoldPlaced, Paid, ToppedUp},
};
use eventlog::{Append, EventLog, ExpectedVersion, MemoryLog, NewEvent, PayloadEncoding, StreamName};
use futures::executor::block_on;
use ledger::{Account, Currency, Entry, Money, Posting, Timestamp};
use uuid::Uuid;

use super::{
    export::export,
    source::MemorySource,
    source::{SourceArgs, Which},
};
use crate::error::Ending;

/// When the log begins: shortly before the midnight that begins 22 November 2026.
pub(super) fn begin() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_305_600 - 3_600, 0).unwrap()
}

pub(super) fn yuan(text: &str) -> Money {
    Money::parse(text, Currency::CNY).unwrap()
}

/// The one person.
pub(super) fn person() -> Account {
    Account::wallet(&user().to_string().to_uppercase()).unwrap()
}

fn user() -> Uuid {
    Uuid::from_u128(0x0193_0000_0000_7000_8000_0000_0000_0001)
}

/// The request of the top-up and that of the withdrawal.
pub(super) const TOP_UP: Uuid = Uuid::from_u128(0x0193_0000_0000_7000_8000_0000_0000_0011);
pub(super) const WITHDRAWAL: Uuid = Uuid::from_u128(0x0193_0000_0000_7000_8000_0000_0000_0012);

/// Which version of the sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sample {
    /// A top-up of 100, a payment of 30, a withdrawal of 50 with a fee of 0.10.
    Whole,
    /// The withdrawal was never settled, and its deadline has passed.
    Stuck,
    /// The payment was of 130.
    Overdrawn,
}

fn hold() -> Account {
    Account::hold("Withdrawal", &WITHDRAWAL.to_string().to_uppercase()).unwrap()
}

fn topped_up() -> WalletEvent {
    let entry = Entry::transfer(Account::Settlement, person(), yuan("100")).unwrap();
    ToppedUp { top_up: PaymentId(TOP_UP), reference: "S1".to_owned(), entry }.into()
}

fn paid(amount: &str) -> WalletEvent {
    let shop = Account::merchant("M1").unwrap();
    let entry = Entry::transfer(person(), shop, yuan(amount)).unwrap();
    let day = NaiveDate::from_ymd_opt(2026, 11, 22).unwrap();
    let (payment, merchant) = (PaymentId(Uuid::from_u128(5)), MerchantId(Uuid::from_u128(6)));
    Paid { payment, merchant, authorization: None, note: String::new(), day, entry }.into()
}

fn withdrawal(deadline: DateTime<Utc>) -> WalletEvent {
    let postings =
        vec![Posting::debit(person(), yuan("50.10")).unwrap(), Posting::credit(hold(), yuan("50.10")).unwrap()];
    let entry = Entry::holding_until(Timestamp(deadline.timestamp_micros()), postings).unwrap();
    let day = NaiveDate::from_ymd_opt(2026, 11, 22).unwrap();
    let purpose = Purpose::Withdrawal { card: CardId(Uuid::from_u128(7)), amount: yuan("50"), fee: yuan("0.10") };
    HoldPlaced { hold: HoldId(WITHDRAWAL), purpose, authorization: None, pay_code: None, day, entry }.into()
}

fn settled() -> HoldEvent {
    let postings = vec![
        Posting::debit(hold(), yuan("50.10")).unwrap(),
        Posting::credit(Account::Settlement, yuan("50")).unwrap(),
        Posting::credit(Account::fees("Withdrawal").unwrap(), yuan("0.10")).unwrap(),
    ];
    let payer = Payer::Person(UserId(user()));
    HoldReleased { payer, reference: None, entry: Entry::new(postings).unwrap() }.into()
}

fn append<E: EventFamily>(log: &MemoryLog, stream: &str, time: DateTime<Utc>, event: &E) {
    let command_id = Uuid::now_v7();
    let append = Append {
        stream: StreamName::new(stream).unwrap(),
        expected: ExpectedVersion::Any,
        time,
        actor: None,
        command_id,
        fingerprint: None,
        correlation_id: command_id,
        causation_id: None,
        events: vec![NewEvent {
            event_id: Uuid::now_v7(),
            event_type: event.event_type(),
            schema: event.schema(),
            encoding: PayloadEncoding::Json,
            payload: Bytes::from(event.to_json().unwrap()),
        }],
    };
    block_on(log.append(append)).unwrap();
}

/// The log: positions 1 to 4, the last two of the next day.
pub(super) fn log(sample: Sample) -> MemoryLog {
    let log = MemoryLog::new();
    let hours = |hours| begin() + TimeDelta::hours(hours);
    let (wallet, hold) = (format!("wallet-{}", user()), format!("hold-{WITHDRAWAL}"));
    append(&log, &wallet, hours(0), &topped_up());
    match sample {
        Sample::Overdrawn => append(&log, &wallet, hours(0), &paid("130")),
        Sample::Whole | Sample::Stuck => append(&log, &wallet, hours(0), &paid("30")),
    }
    append(&log, &wallet, hours(2), &withdrawal(hours(26)));
    match sample {
        Sample::Stuck => append(&log, "wallet-b", hours(27), &paid("1")),
        Sample::Whole | Sample::Overdrawn => append(&log, &hold, hours(3), &settled()),
    }
    log
}

/// Puts the sample into an export, and names it as a source.
pub(super) fn exported(sample: Sample, home: &Path) -> SourceArgs {
    let file = home.join(format!("{sample:?}.export"));
    assert_eq!(export(&mut MemorySource(log(sample)), &file).unwrap(), Ending::Well);
    SourceArgs { which: Which { file: Some(file), ..Which::default() }, ..SourceArgs::default() }
}
