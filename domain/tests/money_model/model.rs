//! What ought to happen, in plain maps of cents: it knows nothing of events, entries or deciders.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, NaiveDate};

use crate::{
    command::{Answer, Command, Person, Spend, Step, refused, refused_with},
    held::Held,
    rules::{Limits, Rules},
    shops::{Code, Order, Sale, Till},
};

pub(crate) const PEOPLE: usize = 5;
pub(crate) const MERCHANTS: usize = 2;
const AUTHORIZATIONS_KEPT: usize = 16;

/// Where money is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    /// Below zero once more was fetched than brought back: the rest of the books is worth what the bank holds for us.
    Bank,
    Fees,
    Biller,
    Wallet(Person),
    Merchant(usize),
    Hold(Step),
}

#[derive(Clone, Debug)]
pub(crate) struct Authorization {
    pub(crate) step: Step,
    device: u8,
    left: Option<i128>,
    pub(crate) until: i64,
}

#[derive(Clone, Debug)]
pub(crate) struct Card {
    pub(crate) step: Step,
    pub(crate) number: u8,
    pub(crate) linked: bool,
}

/// What was spent: each payment, with its local day.
#[derive(Clone, Debug)]
pub(crate) struct Spent {
    pub(crate) day: NaiveDate,
    pub(crate) cents: i128,
    pub(crate) to_static_code: bool,
    pub(crate) without_pin: bool,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Owner {
    pub(crate) pin: Option<u8>,
    failed: i128,
    pub(crate) locked_until: i64,
    pub(crate) authorizations: Vec<Authorization>,
    pub(crate) cards: Vec<Card>,
    holder: Option<&'static str>,
    pub(crate) spent: Vec<Spent>,
    /// What withdrawals have used of the free amount.
    pub(crate) withdrawn: i128,
    pub(crate) arrival: i64,
    pub(crate) credited: i128,
    pub(crate) debited: i128,
    pub(crate) codes: Vec<Code>,
}

#[derive(Clone, Debug)]
pub(crate) struct TopUp {
    pub(crate) who: Person,
    pub(crate) cents: i128,
    pub(crate) open: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Model {
    pub(crate) rules: Rules,
    /// Milliseconds since 1970.
    pub(crate) now: i64,
    pub(crate) owners: Vec<Owner>,
    pub(crate) balances: BTreeMap<Place, i128>,
    pub(crate) holds: BTreeMap<Step, Held>,
    pub(crate) top_ups: BTreeMap<Step, TopUp>,
    /// What had come in for everybody, after each step.
    pub(crate) history: Vec<[i128; PEOPLE]>,
    pub(crate) tills: [Till; MERCHANTS],
    /// What had come in for every merchant, after each step.
    pub(crate) takings: Vec<[i128; MERCHANTS]>,
    pub(crate) orders: BTreeMap<Step, Order>,
    /// What was paid, by the order or the payment to a static code.
    pub(crate) sales: BTreeMap<Step, Sale>,
    /// Whose code was shown.
    pub(crate) shown: BTreeMap<Step, Person>,
}

impl Model {
    pub(crate) fn new(rules: Rules, now: i64) -> Self {
        Self {
            rules,
            now,
            owners: vec![Owner::default(); PEOPLE],
            balances: BTreeMap::new(),
            holds: BTreeMap::new(),
            top_ups: BTreeMap::new(),
            history: vec![[0; PEOPLE]],
            tills: Default::default(),
            takings: vec![[0; MERCHANTS]],
            orders: BTreeMap::new(),
            sales: BTreeMap::new(),
            shown: BTreeMap::new(),
        }
    }

    pub(crate) fn at(&self, place: Place) -> i128 {
        self.balances.get(&place).copied().unwrap_or(0)
    }

    /// Does a command, or refuses it.
    pub(crate) fn step(&mut self, step: Step, command: &Command) -> Answer {
        let answer = self.answer(step, command);
        self.history.push(std::array::from_fn(|who| self.owners[who].credited));
        self.takings.push(std::array::from_fn(|merchant| self.tills[merchant].credited));
        answer
    }

    fn answer(&mut self, step: Step, command: &Command) -> Answer {
        match command {
            Command::Wait { millis } => {
                self.now += millis;
                Ok(())
            }
            Command::OpenWallet { who, pin } => self.open(*who, *pin),
            Command::ChangePin { who, old, new } => {
                self.prove_pin(*who, *old)?;
                let owner = &mut self.owners[*who];
                (owner.pin, owner.failed, owner.locked_until) = (Some(*new), 0, 0);
                owner.authorizations.clear();
                Ok(())
            }
            Command::Authorize { who, pin, device, up_to } => self.authorize(step, *who, *pin, *device, *up_to),
            Command::AuthorizeLate { who, .. } => self.tries(*who).and_then(|()| refused("wrong-pin")),
            Command::LinkCard { who, number, holder } => self.link(step, *who, *number, holder),
            Command::UnlinkCard { who, card } => {
                self.check_card(*who, *card)?;
                self.owners[*who].cards.iter_mut().filter(|known| known.step == *card).for_each(|c| c.linked = false);
                Ok(())
            }
            Command::TopUp { who, card, cents } => self.top_up(step, *who, *card, *cents),
            Command::BankOnTopUp { top_up, done } => {
                self.settle_top_up(*top_up, *done);
                Ok(())
            }
            Command::ChooseArrival { who, seconds } => {
                self.check_open(*who)?;
                if !self.rules.arrivals.contains(seconds) {
                    return refused("invalid-field");
                }
                self.owners[*who].arrival = *seconds;
                Ok(())
            }
            Command::Pay { spend, merchant } => {
                self.check_spend(spend, spend.cents)?;
                self.check_limits(spend, true)?;
                self.spend(spend, spend.cents, Place::Merchant(*merchant));
                self.count(spend, true);
                let (payer, cents, at) = (spend.who, spend.cents, self.now);
                self.sales.insert(step, Sale { merchant: *merchant, payer, cents, at });
                Ok(())
            }
            on_hold => self.answer_on_hold(step, on_hold),
        }
    }

    pub(crate) fn shift(&mut self, from: Place, to: Place, cents: i128) {
        *self.balances.entry(from).or_default() -= cents;
        *self.balances.entry(to).or_default() += cents;
        match from {
            Place::Wallet(who) => self.owners[who].debited += cents,
            Place::Merchant(merchant) => self.tills[merchant].debited += cents,
            _ => {}
        }
        match to {
            Place::Wallet(who) => self.owners[who].credited += cents,
            Place::Merchant(merchant) => self.tills[merchant].credited += cents,
            _ => {}
        }
    }

    fn open(&mut self, who: Person, pin: u8) -> Answer {
        if self.owners[who].pin.is_some() {
            return refused("wallet-open-already");
        }
        self.owners[who].pin = Some(pin);
        Ok(())
    }

    pub(crate) fn check_open(&self, who: Person) -> Answer {
        if self.owners[who].pin.is_none() { refused("wallet-not-open") } else { Ok(()) }
    }

    /// Whether a PIN may be tried.
    fn tries(&self, who: Person) -> Answer {
        self.check_open(who)?;
        if self.now < self.owners[who].locked_until { refused("pin-locked") } else { Ok(()) }
    }

    fn prove_pin(&mut self, who: Person, pin: u8) -> Answer {
        self.tries(who)?;
        let (now, lock, tries) = (self.now, self.rules.pin_lock, self.rules.pin_tries);
        let owner = &mut self.owners[who];
        if owner.pin == Some(pin) {
            return Ok(());
        }
        if owner.locked_until > 0 {
            (owner.failed, owner.locked_until) = (0, 0);
        }
        owner.failed += 1;
        if owner.failed >= tries {
            owner.locked_until = now + lock;
            return refused("pin-locked");
        }
        refused_with("wrong-pin", tries - owner.failed)
    }

    fn authorize(&mut self, step: Step, who: Person, pin: u8, device: u8, up_to: Option<i128>) -> Answer {
        up_to.map_or(Ok(()), |cents| self.check_amount(cents))?;
        self.prove_pin(who, pin)?;
        let (now, until) = (self.now, self.now + self.rules.authorization);
        let owner = &mut self.owners[who];
        (owner.failed, owner.locked_until) = (0, 0);
        owner.authorizations.retain(|known| now < known.until);
        if owner.authorizations.len() == AUTHORIZATIONS_KEPT {
            owner.authorizations.remove(0);
        }
        owner.authorizations.push(Authorization { step, device, left: up_to, until });
        Ok(())
    }

    fn link(&mut self, step: Step, who: Person, number: u8, holder: &'static str) -> Answer {
        self.check_open(who)?;
        let most = self.rules.cards;
        let owner = &mut self.owners[who];
        if owner.cards.iter().filter(|card| card.linked).count() >= most {
            return refused("too-many-cards");
        }
        let name = |text: &str| text.to_lowercase().replace(' ', "");
        if owner.holder.is_some_and(|known| name(known) != name(holder)) {
            return refused("other-holder");
        }
        let linked = match owner.cards.iter_mut().find(|card| card.number == number) {
            Some(card) if card.linked => return refused("card-linked-already"),
            // The same card is the same card, whatever was on its way to it meanwhile.
            Some(card) => card,
            None => owner.cards.push_mut(Card { step, number, linked: false }),
        };
        linked.linked = true;
        owner.holder.get_or_insert(holder);
        Ok(())
    }

    pub(crate) fn check_card(&self, who: Person, card: Step) -> Answer {
        let linked = self.owners[who].cards.iter().any(|known| known.step == card && known.linked);
        if linked { Ok(()) } else { refused("card-not-found") }
    }

    fn top_up(&mut self, step: Step, who: Person, card: Step, cents: i128) -> Answer {
        self.check_open(who)?;
        self.check_amount(cents)?;
        self.check_card(who, card)?;
        if self.top_ups.values().filter(|top_up| top_up.open && top_up.who == who).count() >= self.rules.top_ups {
            return refused("too-many-top-ups");
        }
        self.top_ups.insert(step, TopUp { who, cents, open: true });
        Ok(())
    }

    fn settle_top_up(&mut self, step: Step, done: bool) {
        let Some(top_up) = self.top_ups.get_mut(&step).filter(|top_up| top_up.open) else { return };
        top_up.open = false;
        let (who, cents) = (top_up.who, top_up.cents);
        if done {
            self.shift(Place::Bank, Place::Wallet(who), cents);
        }
    }

    pub(crate) fn check_amount(&self, cents: i128) -> Answer {
        match cents {
            ..=0 => refused("invalid-field"),
            _ if cents > self.rules.payment => refused("amount-too-large"),
            _ => Ok(()),
        }
    }

    /// Checks all but the limits; `cents` with the fee, if any.
    pub(crate) fn check_spend(&self, spend: &Spend, cents: i128) -> Answer {
        self.check_open(spend.who)?;
        self.check_amount(cents)?;
        let owner = &self.owners[spend.who];
        let covers = |proof: Step| {
            owner.authorizations.iter().any(|known| {
                let enough = known.left.is_none_or(|left| left >= cents);
                known.step == proof && known.device == spend.device && self.now < known.until && enough
            })
        };
        if spend.proof.is_some_and(|proof| !covers(proof)) {
            return refused("not-authorized");
        }
        let known = self.history[self.history.len().saturating_sub(1 + spend.stale)][spend.who];
        let available = known - owner.debited;
        if available < cents { refused_with("insufficient-funds", available) } else { Ok(()) }
    }

    fn local_day(&self) -> NaiveDate {
        DateTime::from_timestamp_millis(self.now + self.rules.zone_minutes * 60_000).unwrap().date_naive()
    }

    pub(crate) fn limits(&self, who: Person) -> &Limits {
        let cards = self.owners[who].cards.iter().filter(|card| card.linked).count();
        self.rules.tiers.iter().rev().find(|tier| tier.cards <= cards).unwrap()
    }

    /// The sum of all payments that count.
    pub(crate) fn spent(&self, who: Person, counts: impl Fn(&Spent) -> bool) -> i128 {
        self.owners[who].spent.iter().filter(|spent| counts(spent)).map(|spent| spent.cents).sum()
    }

    pub(crate) fn today(&self) -> impl Fn(&Spent) -> bool + use<> {
        let day = self.local_day();
        move |spent| spent.day == day
    }

    pub(crate) fn this_year(&self) -> impl Fn(&Spent) -> bool + use<> {
        let day = self.local_day();
        move |spent| spent.day.year() == day.year()
    }

    pub(crate) fn check_limits(&self, spend: &Spend, static_code: bool) -> Answer {
        let (who, today, limits) = (spend.who, self.today(), self.limits(spend.who));
        let within = [
            (Some(self.rules.static_code_day).filter(|_| static_code), {
                self.spent(who, |spent| spent.to_static_code && today(spent))
            }),
            (limits.day, self.spent(who, &today)),
            (limits.year, self.spent(who, self.this_year())),
            (limits.life, self.spent(who, |_| true)),
        ];
        for (most, used) in within {
            if let Some(most) = most.filter(|most| used + spend.cents > *most) {
                return refused_with("limit-reached", (most - used).max(0));
            }
        }
        Ok(())
    }

    /// Takes money from a wallet, and off the authorization.
    pub(crate) fn spend(&mut self, spend: &Spend, cents: i128, to: Place) {
        self.shift(Place::Wallet(spend.who), to, cents);
        self.owners[spend.who].authorizations.retain_mut(|known| {
            if spend.proof != Some(known.step) {
                return true;
            }
            known.left = known.left.map(|left| left - cents);
            known.left.is_some_and(|left| left > 0)
        });
    }

    /// Counts a payment towards the limits.
    pub(crate) fn count(&mut self, spend: &Spend, to_static_code: bool) {
        let (day, without_pin) = (self.local_day(), spend.proof.is_none());
        self.owners[spend.who].spent.push(Spent { day, cents: spend.cents, to_static_code, without_pin });
    }
}
