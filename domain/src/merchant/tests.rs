use chrono::{DateTime, TimeDelta, Utc};
use ledger::{Currency::CNY, Money};
use uuid::Uuid;

use super::*;
use crate::{CardId, HoldId, cards::CardLinked, hold::Payer, testing::given};

fn yuan(text: &str) -> Money {
    Money::parse(text, CNY).unwrap()
}

fn now() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH
}

struct Shop {
    id: MerchantId,
    owner: UserId,
    sale: Sale,
    events: Vec<MerchantEvent>,
}

impl Shop {
    fn new(paid: &str) -> Self {
        let owner = UserId::new();
        let sale = Sale { paid: Uuid::now_v7(), payer: UserId::new(), amount: yuan(paid), at: now() };
        let id = MerchantId::new();
        let registered = MerchantRegistered { merchant: id, name: "Tea Stall".into(), owner };
        Self { id, owner, sale, events: vec![registered.into()] }
    }

    fn state(&self) -> Merchant {
        given(self.events.clone())
    }

    fn ask(&self, number: &str, amount: &str, policy: &MoneyPolicy) -> Result<Vec<MerchantEvent>, Rejection> {
        let refund = Refund {
            merchant: self.id,
            out_refund_no: number,
            sale: self.sale,
            amount: yuan(amount),
            reason: "",
            credited: yuan("100.00"),
            now: now(),
            policy,
        };
        self.state().refund(self.owner, &refund)
    }

    fn refund(&mut self, number: &str, amount: &str) -> Result<usize, Rejection> {
        let events = self.ask(number, amount, &MoneyPolicy::default())?;
        self.events.extend(events.clone());
        Ok(events.len())
    }
}

#[test]
fn refunds_never_exceed_what_was_paid() {
    let mut shop = Shop::new("10.00");
    assert_eq!(shop.refund("a", "4.00"), Ok(1));
    assert_eq!(shop.refund("b", "6.01"), Err(Rejection::RefundTooLarge { left: yuan("6.00").to_string() }));
    assert_eq!(shop.refund("b", "6.00"), Ok(1));
    assert_eq!(shop.refund("c", "0.01"), Err(Rejection::RefundTooLarge { left: yuan("0.00").to_string() }));
    assert_eq!(shop.state().debited(CNY), yuan("10.00"));
}

#[test]
fn a_refund_number_stands_for_one_refund() {
    let mut shop = Shop::new("10.00");
    assert_eq!(shop.refund("a", "4.00"), Ok(1));
    assert_eq!(shop.refund("a", "4.00"), Ok(0));
    assert_eq!(shop.refund("a", "5.00"), Err(Rejection::RefundDiffers));
}

#[test]
fn a_sale_is_given_back_in_fifty_parts_at_most() {
    let mut shop = Shop::new("10.00");
    for part in 0..50 {
        assert_eq!(shop.refund(&part.to_string(), "0.01"), Ok(1));
    }
    assert_eq!(shop.refund("one-more", "0.01"), Err(Rejection::TooManyRefunds { max: 50 }));
}

#[test]
fn after_a_year_nothing_is_given_back() {
    let mut shop = Shop::new("10.00");
    shop.sale.at = now() - TimeDelta::days(365);
    assert_eq!(shop.refund("a", "1.00"), Err(Rejection::RefundTooLate { days: 365 }));
    shop.sale.at += TimeDelta::seconds(1);
    assert_eq!(shop.refund("a", "1.00"), Ok(1));
}

#[test]
fn what_is_not_there_is_not_given_back() {
    let mut shop = Shop::new("500.00");
    assert_eq!(shop.refund("a", "60.00"), Ok(1));
    let refused = shop.refund("b", "40.01");
    assert_eq!(refused, Err(Rejection::InsufficientFunds { available: yuan("40.00").to_string() }));
}

#[test]
fn only_the_owner_names_operators_and_only_they_act() {
    let (mut shop, policy) = (Shop::new("1.00"), MoneyPolicy::default());
    let (clerk, stranger) = (UserId::new(), UserId::new());
    assert_eq!(shop.state().check_acting(clerk), Err(Rejection::NotAnOperator));
    assert_eq!(shop.state().add_operator(clerk, clerk, &policy), Err(Rejection::MerchantOwnerOnly));
    shop.events.extend(shop.state().add_operator(shop.owner, clerk, &policy).unwrap());
    assert_eq!(shop.state().check_acting(clerk), Ok(()));
    assert_eq!(shop.state().add_operator(clerk, stranger, &policy), Err(Rejection::MerchantOwnerOnly));
    assert_eq!(shop.state().remove_operator(stranger, clerk), Err(Rejection::MerchantOwnerOnly));
    assert_eq!(shop.state().close(clerk), Err(Rejection::MerchantOwnerOnly));
    shop.events.extend(shop.state().remove_operator(clerk, clerk).unwrap());
    assert_eq!(shop.state().check_acting(clerk), Err(Rejection::NotAnOperator));
}

impl Shop {
    fn card(&self, token: &str) -> CardLinked {
        let (last_four, bank, holder) = ("0005".into(), "Harbour Bank".into(), "Lin".into());
        CardLinked { card: CardId::new(), token: token.into(), last_four, bank, holder, resets_pin_from: None }
    }

    /// With a card; gives its id.
    fn with_card(&mut self) -> CardId {
        let card = self.card("token");
        let linked = self.state().link_card(self.owner, card.clone(), &MoneyPolicy::default());
        self.events.extend(linked.unwrap());
        card.card
    }

    fn withdraw(&mut self, by: UserId, card: CardId, amount: &str, policy: &MoneyPolicy) -> Result<Money, Rejection> {
        let (merchant, hold, credited) = (self.id, HoldId::new(), yuan("100.00"));
        let asked = Withdrawal { merchant, hold, card, amount: yuan(amount), credited, now: now(), policy };
        let events = self.state().withdraw(by, &asked)?;
        let [MerchantEvent::WithdrawalPlaced(placed)] = events.as_slice() else { panic!("{events:?}") };
        let terms = placed.terms(merchant, now()).unwrap();
        assert_eq!((terms.payer, terms.hold), (Payer::Merchant(merchant), hold));
        assert_eq!(terms.deadline, now() + TimeDelta::seconds(policy.settlement_seconds));
        self.events.extend(events);
        Ok(terms.amount)
    }
}

#[test]
fn what_is_there_is_withdrawn_to_a_card_and_no_more() {
    let (mut shop, policy) = (Shop::new("1.00"), MoneyPolicy::default());
    let (owner, card) = (shop.owner, shop.with_card());
    assert_eq!(shop.refund("a", "1.00"), Ok(1));
    assert_eq!(shop.withdraw(owner, card, "60.00", &policy), Ok(yuan("60.00")));
    let short = Err(Rejection::InsufficientFunds { available: yuan("39.00").to_string() });
    assert_eq!(shop.withdraw(owner, card, "39.01", &policy), short);
    shop.events.extend(shop.state().close(owner).unwrap());
    assert_eq!(shop.withdraw(owner, card, "39.00", &policy), Ok(yuan("39.00")));
    assert_eq!(shop.state().debited(CNY), yuan("100.00"));
}

#[test]
fn a_fee_of_withdrawals_comes_on_top_and_must_be_there_too() {
    let mut shop = Shop::new("1.00");
    let (owner, card) = (shop.owner, shop.with_card());
    let policy = MoneyPolicy { merchant_withdrawal_rate: "0.006".parse().unwrap(), ..MoneyPolicy::default() };
    assert_eq!(shop.withdraw(owner, card, "50.00", &policy), Ok(yuan("50.30")));
    let short = Err(Rejection::InsufficientFunds { available: yuan("49.70").to_string() });
    assert_eq!(shop.withdraw(owner, card, "49.41", &policy), short);
    assert_eq!(shop.withdraw(owner, card, "49.40", &policy), Ok(yuan("49.70")));
}

#[test]
fn operators_withdraw_to_where_the_owner_has_said_and_nowhere_else() {
    let (mut shop, policy) = (Shop::new("1.00"), MoneyPolicy::default());
    let (owner, clerk) = (shop.owner, UserId::new());
    shop.events.extend(shop.state().add_operator(owner, clerk, &policy).unwrap());
    let card = shop.card("theirs");
    assert_eq!(shop.state().link_card(clerk, card, &policy), Err(Rejection::MerchantOwnerOnly));
    assert_eq!(shop.withdraw(clerk, CardId::new(), "1.00", &policy), Err(Rejection::CardNotFound));
    let card = shop.with_card();
    assert_eq!(shop.withdraw(clerk, card, "1.00", &policy), Ok(yuan("1.00")));
    assert_eq!(shop.withdraw(UserId::new(), card, "1.00", &policy), Err(Rejection::NotAnOperator));
    assert_eq!(shop.state().unlink_card(clerk, card), Err(Rejection::MerchantOwnerOnly));
    shop.events.extend(shop.state().unlink_card(owner, card).unwrap());
    assert_eq!(shop.withdraw(clerk, card, "1.00", &policy), Err(Rejection::CardNotFound));
    assert_eq!(shop.state().card_token(card), Some("token"));
    shop.with_card();
    assert_eq!(shop.withdraw(clerk, card, "1.00", &policy), Ok(yuan("1.00")));
}

#[test]
fn a_closed_shop_takes_no_payments() {
    let mut shop = Shop::new("1.00");
    assert_eq!(shop.state().check_open(), Ok(()));
    shop.events.extend(shop.state().close(shop.owner).unwrap());
    assert_eq!(shop.state().check_open(), Err(Rejection::MerchantClosed));
    assert_eq!(Merchant::default().check_open(), Err(Rejection::MerchantNotFound));
    assert_eq!(shop.state().close(shop.owner), Ok(vec![]));
}
