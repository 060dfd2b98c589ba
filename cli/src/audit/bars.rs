//! How fast a log of payments is verified, the rules of money included. Run by hand, in a release build:
//! `cargo test --release -p teahouse verifying_payments -- --ignored --nocapture`

use bytes::Bytes;
use chrono::{TimeDelta, Utc};
use domain::{
    EventFamily, WalletEvent,
    accounts::{merchant, wallet},
    ids::{MerchantId, PaymentId, UserId},
    wallet::{Paid, ToppedUp},
};
use eventlog::{Append, EventLog, ExpectedVersion, NewEvent, PayloadEncoding, Position, StoreKind, StreamName};
use futures::{executor::block_on, future::join_all};
use ledger::{Account, Currency, Entry, Money};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use uuid::Uuid;

use super::{
    source,
    source::{SourceArgs, Which},
    verify::verify,
};
use crate::{error::Ending, layout::DataDir, settings::Settings};

const EVENTS: usize = 1_000_000;
const PEOPLE: usize = 1_000;
const MERCHANTS: usize = 100;
/// Appends that wait for one barrier together, of so many events each.
const APPENDS: usize = 64;
const BATCH: usize = 64;

fn event(event: &WalletEvent) -> NewEvent {
    NewEvent {
        event_id: Uuid::now_v7(),
        event_type: event.event_type(),
        schema: event.schema(),
        encoding: PayloadEncoding::Json,
        payload: Bytes::from(event.to_json().unwrap()),
    }
}

fn append(owner: UserId, events: Vec<NewEvent>) -> Append {
    let command_id = Uuid::now_v7();
    Append {
        stream: StreamName::new(format!("wallet-{owner}")).unwrap(),
        expected: ExpectedVersion::Any,
        time: Utc::now(),
        actor: Some(owner.0),
        command_id,
        fingerprint: Some([7; 16]),
        correlation_id: command_id,
        causation_id: None,
        events,
    }
}

fn topped_up(owner: UserId) -> WalletEvent {
    let amount = Money::parse("1000000", Currency::CNY).unwrap();
    let entry = Entry::transfer(Account::Settlement, wallet(owner), amount).unwrap();
    ToppedUp { top_up: PaymentId(Uuid::now_v7()), reference: "S000000000001".to_owned(), entry }.into()
}

fn paid(owner: UserId, shop: MerchantId, minor: i128) -> WalletEvent {
    let amount = Money::from_minor(minor, Currency::CNY).unwrap();
    let entry = Entry::transfer(wallet(owner), merchant(shop), amount).unwrap();
    let (payment, authorization) = (PaymentId(Uuid::now_v7()), Some(Uuid::now_v7()));
    let day = (Utc::now() + TimeDelta::hours(8)).date_naive();
    Paid { payment, merchant: shop, authorization, note: String::new(), day, entry }.into()
}

#[test]
#[ignore = "a measurement, for release builds"]
fn verifying_payments() {
    let home = tempfile::tempdir().unwrap();
    let data = DataDir::new(home.path().to_owned());
    let log = StoreKind::Fjall.open(data.log(), None).unwrap();
    let mut random = StdRng::seed_from_u64(1);
    let people: Vec<UserId> = (0..PEOPLE).map(|_| UserId(Uuid::now_v7())).collect();
    let merchants: Vec<MerchantId> = (0..MERCHANTS).map(|_| MerchantId(Uuid::now_v7())).collect();
    for person in &people {
        block_on(log.append(append(*person, vec![event(&topped_up(*person))]))).unwrap();
    }
    for _ in 0..EVENTS / (APPENDS * BATCH) {
        let appends = (0..APPENDS).map(|_| {
            let person = people[random.random_range(0..PEOPLE)];
            let events = (0..BATCH).map(|_| {
                let shop = merchants[random.random_range(0..MERCHANTS)];
                event(&paid(person, shop, random.random_range(1..10_000)))
            });
            log.append(append(person, events.collect()))
        });
        block_on(join_all(appends)).into_iter().for_each(|appended| {
            let _ = appended.unwrap();
        });
    }
    let last = log.last_position();
    assert!(last > Position(EVENTS as u64 * 9 / 10));
    drop(log);
    let which = Which { data: Some(home.path().to_owned()), ..Which::default() };
    // Twice: the second time the files are warm.
    for _ in 0..2 {
        let mut source =
            source::open(&SourceArgs { which: which.clone(), ..SourceArgs::default() }, &Settings::default()).unwrap();
        assert_eq!(verify(source.as_mut(), TimeDelta::hours(72), None).unwrap(), Ending::Well);
    }
}
