use chrono::{DateTime, TimeDelta, Utc};
use ledger::{Currency::CNY, Money};

use super::*;
use crate::{hold::Purpose, testing::given};

fn start() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH
}

fn draft(amount: &str) -> OrderDraft {
    OrderDraft {
        merchant: MerchantId(uuid::Uuid::from_u128(5)),
        out_trade_no: "T1".into(),
        amount: Money::parse(amount, CNY).unwrap(),
        description: "tea".into(),
        expires_at: None,
    }
}

fn created() -> Vec<OrderEvent> {
    Order::default().create(&draft("8.00"), start(), &MoneyPolicy::default()).unwrap()
}

fn payment(amount: &str) -> Terms {
    let purpose = Purpose::Order { order: OrderId::new(), merchant: draft(amount).merchant };
    let (hold, payer) = (HoldId::new(), Payer::Person(UserId::new()));
    let (amount, deadline) = (Money::parse(amount, CNY).unwrap(), start());
    Terms { hold, payer, purpose, amount, placed_at: start(), deadline }
}

fn state(events: &[OrderEvent]) -> Order {
    given(events.to_vec())
}

#[test]
fn of_two_who_pay_one_pays_and_the_other_has_the_money_back() {
    let (mut events, first, second) = (created(), payment("8.00"), payment("8.00"));
    events.extend(state(&events).settle(&first).unwrap());
    assert!(matches!(&events[1], OrderEvent::OrderPaid(paid) if paid.hold == first.hold));
    events.extend(state(&events).settle(&second).unwrap());
    assert!(matches!(&events[2], OrderEvent::PaymentReturned(back) if back.code == "order-paid"));
    assert_eq!(events[2].entry().unwrap().postings()[1].account(), &second.payer.account());
    for terms in [&first, &second] {
        assert_eq!(state(&events).settle(terms), Ok(vec![]));
    }
}

#[test]
fn a_closed_order_or_another_sum_gives_the_money_back() {
    let mut events = created();
    let short = state(&events).settle(&payment("7.99")).unwrap();
    assert!(matches!(&short[0], OrderEvent::PaymentReturned(_)));
    events.extend(state(&events).close().unwrap());
    let late = state(&events).settle(&payment("8.00")).unwrap();
    assert!(matches!(&late[0], OrderEvent::PaymentReturned(back) if back.code == "order-closed"));
    let never = Order::default().settle(&payment("8.00")).unwrap();
    assert!(matches!(&never[0], OrderEvent::PaymentReturned(_)));
}

#[test]
fn the_same_order_asked_for_again_is_the_same_and_another_is_refused() {
    let (events, policy) = (created(), MoneyPolicy::default());
    assert_eq!(state(&events).create(&draft("8.00"), start(), &policy), Ok(vec![]));
    assert_eq!(state(&events).create(&draft("9.00"), start(), &policy), Err(Rejection::OrderDiffers));
    let later = start() + TimeDelta::hours(3);
    assert_eq!(state(&events).payable(later).err(), Some(Rejection::OrderCodeExpired));
    let renewed = state(&events).create(&draft("8.00"), later, &policy).unwrap();
    assert!(state(&[events, renewed].concat()).payable(later).is_ok());
}

#[test]
fn an_order_that_nobody_pays_is_closed_after_seven_days() {
    let events = created();
    let end = start() + TimeDelta::days(7);
    assert_eq!(state(&events).expire(end - TimeDelta::seconds(1)), vec![]);
    assert_eq!(state(&events).expire(end), vec![OrderClosed { expired: true }.into()]);
    assert_eq!(state(&events).payable(end).err(), Some(Rejection::OrderClosed));
    let paid = [events.clone(), state(&events).settle(&payment("8.00")).unwrap()].concat();
    assert_eq!(state(&paid).expire(end), vec![]);
    assert_eq!(state(&paid).close(), Err(Rejection::OrderPaid));
}
