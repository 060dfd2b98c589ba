//! The model and the deciders side by side.

use std::collections::BTreeMap;

use chrono::DateTime;
use domain::{Aggregate, MoneyPolicy, accounts, hold::Purpose, order::OrderStage};
use ledger::{Account, AsOf, Book, Currency::CNY, Violation, invariants};
use rust_decimal::Decimal;

use crate::{
    command::{Answer, Command, Packet, Person, Step},
    counter::order_id,
    held::{Held, What},
    house::{House, Stream, hold_id, merchant, user, yuan},
    model::{Model, PEOPLE, Place},
    rules::Rules,
};

/// What differs, or what should never be.
pub(crate) type Failure = String;

pub(crate) struct Pair {
    pub(crate) model: Model,
    house: House,
}

macro_rules! same {
    ($model:expr, $house:expr, $($what:tt)+) => {
        match ($model, $house) {
            (model, house) if model == house => {}
            (model, house) => return Err(format!("{}: the model says {model:?}, the house {house:?}", format!($($what)+))),
        }
    };
}

impl Pair {
    /// Nobody has anything yet. The seed also tells the rules and the time, which is shortly before a new year.
    pub(crate) fn of(seed: u64) -> Self {
        let (rules, policy) = if seed.is_multiple_of(2) {
            (Rules::usual(), MoneyPolicy::default())
        } else {
            (Rules::tight(), Rules::tight().as_settings())
        };
        let now = 1_798_700_000_000 + i64::try_from(seed % 100_000_000).unwrap();
        Self { model: Model::new(rules, now), house: House::new(policy, DateTime::from_timestamp_millis(now).unwrap()) }
    }

    /// One step on both sides, and everything compared.
    pub(crate) fn step(&mut self, step: Step, command: &Command) -> Result<Answer, Failure> {
        let (balances, entries) = (self.house.book.balances().clone(), self.house.journal.len());
        let (ought, is) = (self.model.step(step, command), self.house.step(step, command));
        // Of a PIN that was changed meanwhile, how many tries are left is nobody's business.
        if matches!(command, Command::AuthorizeLate { .. }) {
            same!(ought.clone().map_err(|no| no.code), is.map_err(|no| no.code), "the answer");
        } else {
            same!(&ought, &is, "the answer");
        }
        if ought.is_err() {
            same!(entries, self.house.journal.len(), "entries after a refusal");
            same!(&balances, self.house.book.balances(), "balances after a refusal");
        }
        self.compare_balances()?;
        self.compare_holds()?;
        (0..PEOPLE).try_for_each(|who| self.compare_owner(who))?;
        self.compare_shops()?;
        self.check_invariants()?;
        Ok(ought)
    }

    fn compare_balances(&self) -> Result<(), Failure> {
        let ought: BTreeMap<Account, i128> = (self.model.balances.iter())
            .filter(|(_, cents)| **cents != 0)
            .map(|(place, cents)| (self.account(*place), *cents))
            .collect();
        let is: BTreeMap<Account, i128> = (self.house.book.balances().iter())
            .map(|(account, posted)| (account.clone(), -posted.of(CNY).minor()))
            .collect();
        same!(ought, is, "balances");
        Ok(())
    }

    fn account(&self, place: Place) -> Account {
        match place {
            Place::Bank => Account::Settlement,
            Place::Fees => accounts::withdrawal_fees(),
            Place::Biller => accounts::biller("power"),
            Place::Wallet(who) => accounts::wallet(user(who)),
            Place::Merchant(number) => accounts::merchant(merchant(number)),
            Place::Hold(step) => self.house.holds.get(&step).map_or(Account::Settlement, |(terms, _)| terms.account()),
        }
    }

    fn compare_holds(&self) -> Result<(), Failure> {
        let steps = |keys: Vec<&Step>| keys.into_iter().copied().collect::<Vec<_>>();
        same!(steps(self.model.holds.keys().collect()), steps(self.house.holds.keys().collect()), "holds");
        for ((step, ought), (terms, stream)) in self.model.holds.iter().zip(self.house.holds.values()) {
            let (hold, due) = (&stream.state, ought.due.filter(|_| ought.open));
            same!(ought.open, !self.house.is_over(*step), "whether hold {step} is open");
            same!(due, hold.due(terms).map(|due| due.timestamp_millis()), "when hold {step} is due");
            same!(self.model.deadline(ought), terms.deadline.timestamp_millis(), "deadline of hold {step}");
            same!(hold_id(*step), terms.hold, "id of hold {step}");
            let taken: Vec<_> = ought.taken.iter().map(|(who, cents)| (user(*who), yuan(*cents))).collect();
            let shares: Vec<_> = hold.shares().iter().map(|share| (share.user, share.amount)).collect();
            same!(taken, shares, "shares of hold {step}");
            check_kind(ought, &terms.purpose)?;
            check_packet(ought)?;
        }
        let open = self.model.holds.values().filter(|held| held.open).count();
        same!(open, self.house.book.holds().count(), "open holds in the book");
        Ok(())
    }

    fn compare_owner(&self, who: Person) -> Result<(), Failure> {
        let (owner, wallet) = (&self.model.owners[who], &self.house.wallets[who].state);
        same!(yuan(owner.debited), wallet.debited(CNY), "what left the wallet of {who}");
        let cards = owner.cards.iter().filter(|card| card.linked).count();
        same!(cards, wallet.linked().count(), "cards of {who}");
        let today = self.model.today();
        let day = DateTime::from_timestamp_millis(self.model.now + self.model.rules.zone_minutes * 60_000);
        let spent = wallet.spent().on(day.unwrap().date_naive());
        let cents = |counts: &dyn Fn(&crate::model::Spent) -> bool| decimal(self.model.spent(who, counts));
        same!(cents(&today), spent.today(), "spent today by {who}");
        same!(cents(&self.model.this_year()), spent.this_year(), "spent this year by {who}");
        same!(cents(&|_| true), spent.life(), "spent for life by {who}");
        same!(decimal(owner.withdrawn), spent.withdrawn(), "withdrawn by {who}");
        let without_pin = owner.spent.iter().filter(|spent| spent.without_pin && today(spent)).count();
        same!(without_pin, spent.without_pin_today() as usize, "without PIN today by {who}");
        Ok(())
    }

    fn compare_shops(&self) -> Result<(), Failure> {
        for (number, till) in self.model.tills.iter().enumerate() {
            same!(yuan(till.debited), self.house.merchants[number].state.debited(CNY), "what left merchant {number}");
        }
        let steps = |keys: Vec<&Step>| keys.into_iter().copied().collect::<Vec<_>>();
        same!(steps(self.model.orders.keys().collect()), steps(self.house.orders.keys().collect()), "orders");
        for ((step, ought), is) in self.model.orders.iter().zip(self.house.orders.values()) {
            let stage = is.state.stage();
            same!(ought.paid, matches!(stage, OrderStage::Paid { .. }), "whether order {step} is paid");
            same!(ought.closed, stage == OrderStage::Closed, "whether order {step} is closed");
            let terms = is.state.terms().map_err(|error| error.to_string())?;
            let until = [terms.code_until, terms.closes_at].map(|time| time.timestamp_millis());
            same!([ought.code_until, ought.closes_at], until, "the times of order {step}");
        }
        for (step, sale) in &self.model.sales {
            let (ought, is) =
                (self.model.tills[sale.merchant].refunded(*step), self.house.refunded(sale.merchant, *step));
            same!(ought, is, "what was given back of sale {step}");
            if ought.0 > sale.cents {
                return Err(format!("more than {} was given back of sale {step}", sale.cents));
            }
        }
        Ok(())
    }

    fn check_invariants(&self) -> Result<(), Failure> {
        let (book, now) = (&self.house.book, self.house.now());
        same!(&Vec::<Violation>::new(), &self.house.violations, "violations after an entry");
        // What the bank or a biller decides on may take longer; what the clock decides on is over once its time has come
        // and the clock's work is done.
        let waits = |account: &Account| {
            let outside = self.house.holds.iter().any(|(step, (terms, _))| {
                terms.account() == *account && terms.expires_at().is_none() && !self.house.is_over(*step)
            });
            outside || book.holds().any(|(known, hold, _)| known == account && hold.deadline >= self.house.swept)
        };
        let mut violations = invariants::of_book(book, now);
        violations.retain(|violation| !matches!(violation, Violation::HoldOverdue { account, .. } if waits(account)));
        same!(Vec::<Violation>::new(), violations, "violations of the book");
        Ok(())
    }

    /// Compares all states with those that the written events give, as after a restart.
    pub(crate) fn read_again(&self) -> Result<(), Failure> {
        let same_again = |stream: &Stream<_>| as_json(&stream.state) == as_json(&stream.read_again());
        same!(true, self.house.wallets.iter().all(same_again), "wallets read again");
        let same_again = |stream: &Stream<_>| as_json(&stream.state) == as_json(&stream.read_again());
        same!(true, self.house.holds.values().all(|(_, stream)| same_again(stream)), "holds read again");
        let same_again = |stream: &Stream<_>| as_json(&stream.state) == as_json(&stream.read_again());
        same!(true, self.house.merchants.iter().all(same_again), "merchants read again");
        let same_again = |stream: &Stream<_>| as_json(&stream.state) == as_json(&stream.read_again());
        same!(true, self.house.orders.values().all(same_again), "orders read again");
        let book = Book::as_of(&self.house.journal, AsOf::Position(u64::MAX)).map_err(|error| error.to_string())?;
        same!(&book, &self.house.book, "the book read again");
        Ok(())
    }
}

fn as_json<A: Aggregate>(state: &A) -> serde_json::Value {
    serde_json::to_value(state).unwrap()
}

fn decimal(cents: i128) -> Decimal {
    Decimal::from_i128_with_scale(cents, 2)
}

fn check_kind(ought: &Held, is: &Purpose) -> Result<(), Failure> {
    match (&ought.what, is) {
        (What::Withdrawal { net, fee, .. }, Purpose::Withdrawal { amount, fee: is, .. }) => {
            same!((yuan(*net), yuan(*fee)), (*amount, *is), "a withdrawal and its fee");
        }
        (What::Transfer { to, arrival }, Purpose::Transfer { to: payee, arrival_seconds, .. }) => {
            same!((user(*to), arrival / 1_000), (*payee, *arrival_seconds), "a transfer");
        }
        (What::Packet { shares, .. }, Purpose::RedPacket { shares: is, .. }) => same!(shares, is, "shares"),
        (What::Bill, Purpose::Bill { .. }) => {}
        (What::Order { order }, Purpose::Order { order: is, .. }) => same!(order_id(*order), *is, "an order"),
        (ought, is) => return Err(format!("the model holds {ought:?}, the house {is:?}")),
    }
    Ok(())
}

/// A packet's shares by its own rule: at least a cent each, equal where it says so, and nobody twice.
fn check_packet(held: &Held) -> Result<(), Failure> {
    let What::Packet { packet, .. } = held.what else { return Ok(()) };
    let unequal = held.taken.windows(2).any(|pair| pair[0].1 != pair[1].1);
    let people: std::collections::BTreeSet<_> = held.taken.iter().map(|(who, _)| who).collect();
    if people.len() != held.taken.len() || held.taken.iter().any(|(_, cents)| *cents < 1) {
        return Err(format!("shares {:?}", held.taken));
    }
    if packet == Packet::Equal && unequal { Err(format!("unequal shares {:?}", held.taken)) } else { Ok(()) }
}
