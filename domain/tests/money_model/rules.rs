//! The numbers of the rules, in cents and milliseconds.

use domain::{MoneyPolicy, wallet::Tier};
use rust_decimal::Decimal;

const SECOND: i64 = 1_000;
const HOUR: i64 = 3_600 * SECOND;

/// What somebody with so many cards may spend.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    pub(crate) cards: usize,
    pub(crate) day: Option<i128>,
    pub(crate) year: Option<i128>,
    pub(crate) life: Option<i128>,
}

#[derive(Clone, Debug)]
pub(crate) struct Rules {
    pub(crate) zone_minutes: i64,
    pub(crate) pin_tries: i128,
    pub(crate) pin_lock: i64,
    pub(crate) authorization: i64,
    pub(crate) payment: i128,
    pub(crate) cards: usize,
    pub(crate) top_ups: usize,
    /// By rising number of cards.
    pub(crate) tiers: Vec<Limits>,
    pub(crate) static_code_day: i128,
    pub(crate) withdrawal_free: i128,
    pub(crate) fee_per_mille: i128,
    pub(crate) fee_min: i128,
    pub(crate) hold: i64,
    pub(crate) settlement: i64,
    pub(crate) arrivals: Vec<i64>,
    pub(crate) packet_share: i128,
    pub(crate) packet_shares: u32,
    /// How long the code of an order is good, and the order.
    pub(crate) order_code: i64,
    pub(crate) order: i64,
    /// Most refunds of a sale, and for how long.
    pub(crate) refunds: usize,
    pub(crate) refund: i64,
    pub(crate) pay_code: i64,
    /// Most that a shown code pays without a PIN, and how often in a day.
    pub(crate) without_pin: i128,
    pub(crate) without_pin_day: usize,
    pub(crate) merchant_fee_per_mille: i128,
}

impl Rules {
    /// The numbers that hold where nothing is set, written down here once more: a change of a default shows.
    pub(crate) fn usual() -> Self {
        let tier = |cards, day, year, life| Limits { cards, day: Some(day), year, life };
        Self {
            zone_minutes: 480,
            pin_tries: 5,
            pin_lock: 3 * HOUR,
            authorization: 300 * SECOND,
            payment: 20_000_000,
            cards: 10,
            top_ups: 10,
            tiers: vec![
                tier(0, 100_000, None, Some(100_000)),
                tier(1, 500_000, Some(10_000_000), None),
                tier(3, 1_000_000, Some(20_000_000), None),
            ],
            static_code_day: 50_000,
            withdrawal_free: 100_000,
            fee_per_mille: 1,
            fee_min: 10,
            hold: 24 * HOUR,
            settlement: 72 * HOUR,
            arrivals: vec![0, 7_200, 86_400],
            packet_share: 20_000,
            packet_shares: 100,
            order_code: 2 * HOUR,
            order: 7 * 24 * HOUR,
            refunds: 50,
            refund: 365 * 24 * HOUR,
            pay_code: 60 * SECOND,
            without_pin: 100_000,
            without_pin_day: 10,
            merchant_fee_per_mille: 0,
        }
    }

    /// Numbers that a short sequence runs into.
    pub(crate) fn tight() -> Self {
        let tier = |cards, day, year, life| Limits { cards, day, year, life };
        Self {
            zone_minutes: -210,
            pin_tries: 2,
            pin_lock: 90 * SECOND,
            authorization: 40 * SECOND,
            payment: 60_000,
            cards: 2,
            top_ups: 2,
            tiers: vec![
                tier(0, Some(3_000), Some(4_000), Some(5_000)),
                tier(1, Some(6_000), Some(9_000), None),
                tier(2, None, Some(12_000), Some(20_000)),
            ],
            static_code_day: 9_999,
            withdrawal_free: 7_001,
            fee_per_mille: 15,
            fee_min: 33,
            hold: HOUR,
            settlement: 2 * HOUR,
            arrivals: vec![0, 60, 3_600],
            packet_share: 3_000,
            packet_shares: 4,
            order_code: 45 * SECOND,
            order: HOUR,
            refunds: 2,
            refund: 2 * HOUR,
            pay_code: 40 * SECOND,
            without_pin: 2_000,
            without_pin_day: 2,
            merchant_fee_per_mille: 6,
        }
    }

    /// The tight rules as settings; the usual ones are what the settings are by themselves.
    pub(crate) fn as_settings(&self) -> MoneyPolicy {
        let yuan = |cents: i128| Decimal::from_i128_with_scale(cents, 2);
        let tier = |limits: &Limits| Tier {
            cards: limits.cards,
            day: limits.day.map(yuan),
            year: limits.year.map(yuan),
            life: limits.life.map(yuan),
        };
        MoneyPolicy {
            day_offset_minutes: self.zone_minutes,
            pin_tries: u32::try_from(self.pin_tries).unwrap(),
            pin_lock_seconds: self.pin_lock / SECOND,
            authorization_seconds: self.authorization / SECOND,
            payment: yuan(self.payment),
            cards_max: self.cards,
            top_ups_max: self.top_ups,
            tiers: self.tiers.iter().map(tier).collect(),
            static_code_day: yuan(self.static_code_day),
            withdrawal_free: yuan(self.withdrawal_free),
            withdrawal_rate: Decimal::from_i128_with_scale(self.fee_per_mille, 3),
            withdrawal_fee_min: yuan(self.fee_min),
            hold_seconds: self.hold / SECOND,
            settlement_seconds: self.settlement / SECOND,
            arrival_seconds: self.arrivals.clone(),
            packet_share: yuan(self.packet_share),
            packet_shares_max: self.packet_shares,
            order_code_seconds: self.order_code / SECOND,
            order_seconds: self.order / SECOND,
            refunds_max: self.refunds,
            refund_seconds: self.refund / SECOND,
            pay_code_seconds: self.pay_code / SECOND,
            without_pin: yuan(self.without_pin),
            without_pin_day_max: u32::try_from(self.without_pin_day).unwrap(),
            merchant_withdrawal_rate: Decimal::from_i128_with_scale(self.merchant_fee_per_mille, 3),
            ..MoneyPolicy::default()
        }
    }
}
