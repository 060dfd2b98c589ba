//! A red packet: shares drawn when it is opened, one for each who opens it.

use chrono::{DateTime, Utc};
use ledger::{Currency, Entry, Money};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Hold, HoldEvent, Purpose, ShareOpened, Stage, Terms};
use crate::{Rejection, UserId, accounts, policy::MoneyPolicy};

/// How a red packet is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PacketKind {
    /// Everybody gets the same.
    Equal,
    /// Everybody gets what luck gives.
    Lucky,
    /// One person gets all of it.
    Exclusive {
        /// Who.
        to: UserId,
    },
}

/// What somebody got out of a red packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// Who.
    pub user: UserId,
    /// How much.
    pub amount: Money,
}

/// A source of luck: a number from 0 up to, and not including, the one given, which is above zero.
pub trait Draw {
    /// Draws one; all are equally likely.
    fn below(&mut self, bound: u64) -> u64;
}

impl<F: FnMut(u64) -> u64> Draw for F {
    fn below(&mut self, bound: u64) -> u64 {
        self(bound)
    }
}

/// Checks what a red packet is to be before any money moves.
///
/// # Errors
/// [`Rejection::InvalidField`] with the rule that is broken.
pub(crate) fn check(packet: PacketKind, shares: u32, amount: Money, policy: &MoneyPolicy) -> Result<(), Rejection> {
    let broken = |field, rule| Err(Rejection::InvalidField { field, rule });
    if shares == 0 || shares > policy.packet_shares_max {
        return broken("shares", "is out of range");
    }
    if matches!(packet, PacketKind::Exclusive { .. }) && shares != 1 {
        return broken("shares", "an exclusive packet has one share");
    }
    let (minor, count) = (amount.minor(), i128::from(shares));
    if minor < count {
        return broken("amount", "must leave the smallest coin for every share");
    }
    if packet == PacketKind::Equal && minor % count != 0 {
        return broken("amount", "can't be divided into equal shares");
    }
    if minor > share_max(policy, amount.currency())?.saturating_mul(count) {
        return broken("amount", "is more than the shares may hold");
    }
    Ok(())
}

/// The most that one share may be, in the smallest coins.
fn share_max(policy: &MoneyPolicy, currency: Currency) -> Result<i128, Rejection> {
    Ok(Money::new(policy.packet_share, currency).map_err(Rejection::from_money)?.minor())
}

impl Hold {
    /// Somebody opens a red packet. What was not drawn yet is divided by the double-mean rule: evenly between the smallest
    /// coin and twice the mean of what is left, but never more than a share may be, nor so little that the others would
    /// have to get more than that. The last one takes the rest.
    ///
    /// Whether they are a member of the conversation is checked before.
    ///
    /// # Errors
    /// [`Rejection::HoldNotFound`], [`Rejection::NotForYou`], [`Rejection::OpenedAlready`], [`Rejection::AllGone`],
    /// [`Rejection::HoldOver`] once the time is over.
    pub fn open_share(
        &self,
        terms: &Terms,
        by: UserId,
        draw: &mut impl Draw,
        now: DateTime<Utc>,
        policy: &MoneyPolicy,
    ) -> Result<Vec<HoldEvent>, Rejection> {
        let Purpose::RedPacket { packet, shares, .. } = terms.purpose else { return Err(Rejection::HoldNotFound) };
        if matches!(packet, PacketKind::Exclusive { to } if to != by) {
            return Err(Rejection::NotForYou);
        }
        if self.shares.iter().any(|share| share.user == by) {
            return Err(Rejection::OpenedAlready);
        }
        if self.stage == Stage::Released {
            return Err(Rejection::AllGone);
        }
        self.check_waiting(terms, now)?;
        let remaining = u64::from(shares).saturating_sub(self.shares.len() as u64);
        let most = share_max(policy, terms.amount.currency())?;
        let minor = share_of(packet, self.left(terms.amount), remaining, most, draw);
        let amount = Money::from_minor(minor, terms.amount.currency()).map_err(Rejection::from_money)?;
        let entry = Entry::transfer(terms.account(), accounts::wallet(by), amount).map_err(Rejection::from_entry)?;
        Ok(vec![ShareOpened { payer: terms.payer, user: by, amount, last: remaining == 1, entry }.into()])
    }
}

/// Who had the best luck once all shares are taken: the earliest of those with the largest.
#[must_use]
pub fn best_luck(shares: &[Share]) -> Option<UserId> {
    let most = shares.iter().map(|share| share.amount.minor()).max()?;
    shares.iter().find(|share| share.amount.minor() == most).map(|share| share.user)
}

/// One share of what is left, in the smallest coins, as is the most that a share may be.
fn share_of(packet: PacketKind, left: Money, remaining: u64, most: i128, draw: &mut impl Draw) -> i128 {
    let left = left.minor();
    let count = i128::from(remaining.max(1));
    if count == 1 {
        return left;
    }
    if packet == PacketKind::Equal {
        return left / count;
    }
    // A packet that was sent before the rule was made tighter can't keep to it: then the mean, rounded up, is the most.
    let most = most.max((left + count - 1) / count);
    // Between 1 and twice the mean, and so that the others get at least one coin and at most `most` each.
    let low = (left - (count - 1) * most).max(1);
    let high = (2 * left / count).min(left - (count - 1)).min(most).max(low);
    low + i128::from(draw.below(u64::try_from(high - low + 1).unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use ledger::Currency::CNY;
    use proptest::prelude::*;

    use super::*;
    use crate::{ConversationId, HoldId, event::Aggregate, event::EventMeta, hold::Payer};

    fn packet(kind: PacketKind, shares: u32, amount: &str) -> Terms {
        let placed_at = DateTime::UNIX_EPOCH;
        Terms {
            hold: HoldId::new(),
            payer: Payer::Person(UserId::new()),
            purpose: Purpose::RedPacket {
                conversation: ConversationId::new(),
                packet: kind,
                shares,
                greeting: String::new(),
            },
            amount: Money::parse(amount, CNY).unwrap(),
            placed_at,
            deadline: placed_at + TimeDelta::days(2),
        }
    }

    fn open(hold: &mut Hold, terms: &Terms, by: UserId, mut draw: impl FnMut(u64) -> u64) -> Result<i128, Rejection> {
        let events = hold.open_share(terms, by, &mut draw, terms.placed_at, &MoneyPolicy::default())?;
        let meta = EventMeta { actor: Some(by), at: terms.placed_at, version: 1 };
        events.iter().for_each(|event| hold.evolve(event, &meta));
        Ok(hold.shares().last().unwrap().amount.minor())
    }

    proptest! {
        #[test]
        fn shares_add_up_to_the_packet_whatever_luck_gives(shares in 1_u32..=100, extra in 0_i128..20_000, seed: u64) {
            let amount = Money::from_minor(i128::from(shares) + extra.min(i128::from(shares) * 19_999), CNY).unwrap();
            let terms = packet(PacketKind::Lucky, shares, &amount.amount().to_string());
            let (mut hold, mut state) = (Hold::default(), seed);
            let mut sum = 0;
            for _ in 0..shares {
                sum += open(&mut hold, &terms, UserId::new(), |bound| {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    (state >> 33) % bound
                }).unwrap();
            }
            prop_assert_eq!(sum, amount.minor());
            prop_assert!(hold.shares().iter().all(|share| (1..=20_000).contains(&share.amount.minor())));
            prop_assert_eq!(open(&mut hold, &terms, UserId::new(), |_| 0), Err(Rejection::AllGone));
        }
    }

    #[test]
    fn nobody_opens_twice_and_an_exclusive_packet_is_for_one() {
        let (one, other) = (UserId::new(), UserId::new());
        let terms = packet(PacketKind::Equal, 2, "3.00");
        let mut hold = Hold::default();
        assert_eq!(open(&mut hold, &terms, one, |_| 0), Ok(150));
        assert_eq!(open(&mut hold, &terms, one, |_| 0), Err(Rejection::OpenedAlready));
        let terms = packet(PacketKind::Exclusive { to: one }, 1, "3.00");
        let mut hold = Hold::default();
        assert_eq!(open(&mut hold, &terms, other, |_| 0), Err(Rejection::NotForYou));
        assert_eq!(open(&mut hold, &terms, one, |_| 0), Ok(300));
    }

    #[test]
    fn the_earlier_of_two_equal_best_shares_is_the_luckiest() {
        let (one, other) = (UserId::new(), UserId::new());
        let terms = packet(PacketKind::Lucky, 3, "3.00");
        let mut hold = Hold::default();
        for (user, drawn, got) in [(UserId::new(), 49, 50), (one, 124, 125), (other, 0, 125)] {
            assert_eq!(open(&mut hold, &terms, user, |_| drawn), Ok(got));
        }
        assert_eq!(best_luck(hold.shares()), Some(one));
    }

    #[test]
    fn no_share_is_above_its_limit_however_lucky_and_none_leaves_more_than_the_others_may_get() {
        let (least, most) = (|_: u64| 0, |bound: u64| bound - 1);
        let terms = packet(PacketKind::Lucky, 3, "599.00");
        let mut hold = Hold::default();
        assert_eq!(open(&mut hold, &terms, UserId::new(), most), Ok(20_000), "twice the mean would be 399.33");
        assert_eq!(open(&mut hold, &terms, UserId::new(), least), Ok(19_900), "the last one may get 200.00");
        assert_eq!(open(&mut hold, &terms, UserId::new(), most), Ok(20_000));
        let full = packet(PacketKind::Lucky, 4, "800.00");
        let mut hold = Hold::default();
        for luck in [0, 1, 2, 3] {
            assert_eq!(open(&mut hold, &full, UserId::new(), |bound| luck % bound), Ok(20_000));
        }
    }

    #[test]
    fn a_packet_sent_under_a_wider_limit_is_divided_all_the_same() {
        let terms = packet(PacketKind::Lucky, 3, "1000.00");
        let mut hold = Hold::default();
        let drawn: Vec<_> = (0..3).map(|_| open(&mut hold, &terms, UserId::new(), |bound| bound - 1)).collect();
        assert_eq!(drawn, [Ok(33_334), Ok(33_333), Ok(33_333)]);
    }

    #[test]
    fn a_packet_must_fit_its_shares() {
        let policy = MoneyPolicy::default();
        let yuan = |text| Money::parse(text, CNY).unwrap();
        for (kind, shares, amount, holds) in [
            (PacketKind::Lucky, 100, "1.00", true),
            (PacketKind::Lucky, 100, "0.99", false),
            (PacketKind::Lucky, 101, "10.00", false),
            (PacketKind::Lucky, 0, "10.00", false),
            (PacketKind::Lucky, 2, "400.00", true),
            (PacketKind::Lucky, 2, "400.01", false),
            (PacketKind::Equal, 3, "1.00", false),
            (PacketKind::Equal, 3, "0.99", true),
            (PacketKind::Exclusive { to: UserId::new() }, 2, "1.00", false),
        ] {
            assert_eq!(check(kind, shares, yuan(amount), &policy).is_ok(), holds, "{kind:?} {shares} {amount}");
        }
    }
}
