//! The real deciders, driven as the use cases drive them, with a book of all entries.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use domain::{
    Aggregate, CardId, ConversationId, DeviceId, EventFamily, EventMeta, Hold, HoldEvent, HoldId, Merchant, MerchantId,
    MoneyPolicy, Order, PaymentId, Rejection, UserId, Wallet, WalletEvent, accounts,
    cards::CardLinked,
    hold::{PacketKind, Payer, Purpose, Terms},
    merchant::Sale,
    wallet::{HoldPlaced, Payment, Placement, WithdrawalFailed},
};
use ledger::{Account, Book, Booked, Currency::CNY, Entry, Money, Timestamp, Violation, invariants};
use rust_decimal::{Decimal, prelude::ToPrimitive};
use uuid::Uuid;

use crate::{
    command::{Answer, Command, Packet, Person, Refusal, Spend, Step},
    counter::step_of,
    model::{MERCHANTS, PEOPLE},
};

/// A stream: its state and the JSON of its events, with what their records say.
#[derive(Debug, Default)]
pub(crate) struct Stream<A> {
    pub(crate) state: A,
    events: Vec<(&'static str, Vec<u8>, EventMeta)>,
}

impl<A: Aggregate> Stream<A> {
    pub(crate) fn take(&mut self, event: &A::Event, at: DateTime<Utc>) {
        let meta = EventMeta { actor: None, at, version: self.events.len() as u64 + 1 };
        self.events.push((event.event_type(), event.to_json().unwrap(), meta));
        self.state.evolve(event, &meta);
    }

    /// The state as it is after a restart: folded from what was written.
    pub(crate) fn read_again(&self) -> A {
        self.events.iter().fold(A::default(), |mut state, (event_type, json, meta)| {
            state.evolve(&A::Event::from_json(event_type, 1, json).unwrap().unwrap(), meta);
            state
        })
    }
}

pub(crate) struct House {
    pub(crate) policy: MoneyPolicy,
    pub(crate) now: DateTime<Utc>,
    pub(crate) wallets: Vec<Stream<Wallet>>,
    pub(crate) holds: BTreeMap<Step, (Terms, Stream<Hold>)>,
    top_ups: BTreeMap<Step, Person>,
    /// The withdrawals whose failure was noted in the wallet.
    noted: Vec<Step>,
    pub(crate) book: Book,
    pub(crate) journal: Vec<Booked>,
    /// What should never be and was seen after an entry.
    pub(crate) violations: Vec<Violation>,
    credited: [Money; PEOPLE],
    history: Vec<[Money; PEOPLE]>,
    pub(crate) merchants: Vec<Stream<Merchant>>,
    pub(crate) orders: BTreeMap<Step, Stream<Order>>,
    /// Holds that their order has decided on.
    pub(crate) settled: BTreeSet<Step>,
    /// What was paid to static codes, and to whom.
    pub(crate) static_sales: BTreeMap<Step, (MerchantId, Sale)>,
    /// Whose code was shown.
    pub(crate) codes: BTreeMap<Step, Person>,
    taken: [Money; MERCHANTS],
    pub(crate) takings: Vec<[Money; MERCHANTS]>,
    /// Up to when the clock's work is done.
    pub(crate) swept: Timestamp,
}

pub(crate) fn yuan(cents: i128) -> Money {
    Money::from_minor(cents, CNY).unwrap()
}

pub(crate) fn id(kind: u16, step: usize) -> Uuid {
    Uuid::from_u128(u128::from(kind) << 64 | step as u128)
}

pub(crate) fn user(who: Person) -> UserId {
    UserId(id(1, who))
}

pub(crate) fn merchant(number: usize) -> MerchantId {
    MerchantId(id(2, number))
}

fn device(number: u8) -> DeviceId {
    DeviceId(id(3, number.into()))
}

pub(crate) fn card_id(step: Step) -> CardId {
    CardId(id(4, step))
}

pub(crate) fn hold_id(step: Step) -> HoldId {
    HoldId(id(5, step))
}

fn top_up_id(step: Step) -> PaymentId {
    PaymentId(id(6, step))
}

pub(crate) fn payment_id(step: Step) -> PaymentId {
    PaymentId(id(8, step))
}

fn authorization(step: Step) -> Uuid {
    id(7, step)
}

/// Stands for a hash: it tells whether a PIN is right, and no two settings of a PIN give the same.
fn verifier(pin: u8, step: Step) -> String {
    format!("{pin} salted with {step}")
}

fn fits(verifier: &str, pin: u8) -> bool {
    verifier.starts_with(&format!("{pin} "))
}

impl House {
    pub(crate) fn new(policy: MoneyPolicy, now: DateTime<Utc>) -> Self {
        let mut house = Self {
            policy,
            now,
            wallets: (0..PEOPLE).map(|_| Stream::default()).collect(),
            holds: BTreeMap::new(),
            top_ups: BTreeMap::new(),
            noted: vec![],
            book: Book::default(),
            journal: vec![],
            violations: vec![],
            credited: [Money::zero(CNY); PEOPLE],
            history: vec![[Money::zero(CNY); PEOPLE]],
            swept: Timestamp(0),
            merchants: vec![],
            orders: BTreeMap::new(),
            settled: BTreeSet::new(),
            static_sales: BTreeMap::new(),
            codes: BTreeMap::new(),
            taken: [Money::zero(CNY); MERCHANTS],
            takings: vec![[Money::zero(CNY); MERCHANTS]],
        };
        house.open_shops();
        house
    }

    pub(crate) fn now(&self) -> Timestamp {
        Timestamp(self.now.timestamp_micros())
    }

    /// Carries a command out.
    pub(crate) fn step(&mut self, step: Step, command: &Command) -> Answer {
        let answer = self.carry_out(step, command).map_err(refusal);
        self.history.push(self.credited);
        self.takings.push(self.taken);
        answer
    }

    fn carry_out(&mut self, step: Step, command: &Command) -> Result<(), Rejection> {
        let policy = self.policy.clone();
        match command {
            Command::Wait { millis } => {
                self.now += chrono::TimeDelta::milliseconds(*millis);
                Ok(())
            }
            Command::OpenWallet { who, pin } => self.decide(*who, |wallet| wallet.open(verifier(*pin, step))),
            Command::ChangePin { who, old, new } => {
                self.prove_pin(*who, *old)?;
                self.decide(*who, |wallet| wallet.change_pin(verifier(*new, step)))
            }
            Command::Authorize { who, pin, device: number, up_to } => {
                let up_to = up_to.map(yuan);
                up_to.map_or(Ok(()), |up_to| policy.check_amount(up_to))?;
                let proved = self.prove_pin(*who, *pin)?;
                let (now, step) = (self.now, authorization(step));
                self.decide(*who, |wallet| wallet.authorize(step, device(*number), up_to, &proved, now, &policy))
            }
            Command::AuthorizeLate { who, device: number } => {
                let (now, step) = (self.now, authorization(step));
                self.decide(*who, |wallet| wallet.authorize(step, device(*number), None, "former", now, &policy))
            }
            Command::LinkCard { who, number, holder } => {
                let (token, last_four) = (format!("{who}-{number}"), format!("{number:04}"));
                let (card, bank, now) = (card_id(step), "Bank".to_owned(), self.now);
                let linked =
                    CardLinked { card, token, last_four, bank, holder: (*holder).to_owned(), resets_pin_from: None };
                self.decide(*who, |wallet| wallet.link_card(linked, yuan(0), now, &policy))
            }
            Command::UnlinkCard { who, card } => self.decide(*who, |wallet| wallet.unlink_card(card_id(*card))),
            Command::TopUp { who, card, cents } => {
                let top_up = top_up_id(step);
                self.decide(*who, |wallet| wallet.request_top_up(top_up, card_id(*card), yuan(*cents), &policy))?;
                self.top_ups.insert(step, *who);
                Ok(())
            }
            Command::BankOnTopUp { top_up, done } => self.settle_top_up(*top_up, *done),
            Command::ChooseArrival { who, seconds } => {
                self.decide(*who, |wallet| wallet.choose_arrival(*seconds, &policy))
            }
            Command::Pay { spend, merchant: number } => {
                let (amount, to) = (yuan(spend.cents), merchant(*number));
                let payment = self.payment(spend, &policy);
                self.decide(spend.who, |wallet| wallet.pay(&payment, payment_id(step), to, amount, ""))?;
                self.keep_sale(step, spend, to);
                Ok(())
            }
            Command::Withdraw { spend, card } => self.withdraw(step, spend, card_id(*card), &policy),
            Command::Transfer { spend, to } => {
                let arrival_seconds = self.wallets[spend.who].state.arrival_seconds;
                let conversation = ConversationId::direct(user(spend.who), user(*to));
                self.place(
                    step,
                    spend,
                    Purpose::Transfer { to: user(*to), conversation, note: String::new(), arrival_seconds },
                )
            }
            Command::RedPacket { spend, packet, shares } => {
                let packet = match packet {
                    Packet::Equal => PacketKind::Equal,
                    Packet::Lucky => PacketKind::Lucky,
                    Packet::Exclusive(to) => PacketKind::Exclusive { to: user(*to) },
                };
                let (conversation, greeting) = (ConversationId(id(9, 0)), String::new());
                self.place(step, spend, Purpose::RedPacket { conversation, packet, shares: *shares, greeting })
            }
            Command::Bill { spend } => {
                let (biller, bill, account) = ("power".to_owned(), step.to_string(), "42".to_owned());
                self.place(step, spend, Purpose::Bill { biller, bill, account, due: self.now.date_naive() })
            }
            Command::Accept { hold, by } => {
                self.decide_hold(*hold, |hold, terms, now| hold.accept_transfer(terms, user(*by), now))
            }
            Command::Return { hold, by } => {
                self.decide_hold(*hold, |hold, terms, now| hold.return_transfer(terms, user(*by), now))
            }
            Command::Cancel { hold, by } => {
                self.decide_hold(*hold, |hold, terms, now| hold.cancel_transfer(terms, user(*by), now))
            }
            Command::OpenShare { hold, by, luck } => {
                let policy = self.policy.clone();
                self.decide_hold(*hold, |hold, terms, now| {
                    hold.open_share(terms, user(*by), &mut |bound| luck % bound, now, &policy)
                })
            }
            Command::Outside { hold, done, crash } => self.settle_hold(*hold, *done, *crash),
            Command::Sweep => {
                let holds: Vec<Step> = self.holds.keys().copied().collect();
                for hold in holds {
                    self.decide_hold(hold, Hold::fall_due)?;
                }
                self.swept = self.now();
                self.close_orders()
            }
            at_counter => self.at_counter(step, at_counter),
        }
    }

    /// Runs a decider on a wallet and takes in what it gives. A hold that is placed begins.
    pub(crate) fn decide(
        &mut self,
        who: Person,
        decide: impl FnOnce(&Wallet) -> Result<Vec<WalletEvent>, Rejection>,
    ) -> Result<(), Rejection> {
        for event in decide(&self.wallets[who].state)? {
            self.wallets[who].take(&event, self.now);
            event.entry().into_iter().for_each(|entry| self.post(entry));
            if let WalletEvent::HoldPlaced(placed) = event {
                let terms = terms(placed, Payer::Person(user(who)), self.now);
                let step = step_of(terms.hold.0);
                self.holds.insert(step, (terms, Stream::default()));
            }
        }
        Ok(())
    }

    fn decide_hold(
        &mut self,
        hold: Step,
        decide: impl FnOnce(&Hold, &Terms, DateTime<Utc>) -> Result<Vec<HoldEvent>, Rejection>,
    ) -> Result<(), Rejection> {
        let (terms, stream) = self.holds.get_mut(&hold).ok_or(Rejection::HoldNotFound)?;
        let events = decide(&stream.state, terms, self.now)?;
        events.iter().for_each(|event| stream.take(event, self.now));
        events.iter().filter_map(HoldEvent::entry).for_each(|entry| self.post(entry));
        Ok(())
    }

    pub(crate) fn post(&mut self, entry: &Entry) {
        self.violations.extend(invariants::entry_sums_to_zero(entry.postings()));
        let booked = Booked { position: self.journal.len() as u64 + 1, at: self.now(), entry: entry.clone() };
        self.book.post(&booked).unwrap();
        self.violations.extend(invariants::touched_accounts_not_negative(self.book.balances(), entry));
        self.journal.push(booked);
        for posting in entry.postings().iter().filter(|posting| posting.amount().is_negative()) {
            if let Some(who) = (0..PEOPLE).find(|who| *posting.account() == accounts::wallet(user(*who))) {
                self.credited[who] = self.credited[who].checked_sub(posting.amount()).unwrap();
            }
            if let Some(at) = (0..MERCHANTS).find(|at| *posting.account() == accounts::merchant(merchant(*at))) {
                self.taken[at] = self.taken[at].checked_sub(posting.amount()).unwrap();
            }
        }
    }

    pub(crate) fn payment<'a>(&self, spend: &Spend, policy: &'a MoneyPolicy) -> Payment<'a> {
        let known = self.history[self.history.len().saturating_sub(1 + spend.stale)];
        Payment {
            owner: user(spend.who),
            credited: known[spend.who],
            authorization: spend.proof.map(|proof| (authorization(proof), device(spend.device))),
            now: self.now,
            policy,
        }
    }

    pub(crate) fn place(&mut self, step: Step, spend: &Spend, purpose: Purpose) -> Result<(), Rejection> {
        let policy = self.policy.clone();
        let payment = self.payment(spend, &policy);
        let placement = Placement { hold: hold_id(step), purpose, amount: yuan(spend.cents) };
        self.decide(spend.who, |wallet| wallet.place(&payment, &placement))
    }

    fn withdraw(&mut self, step: Step, spend: &Spend, card: CardId, policy: &MoneyPolicy) -> Result<(), Rejection> {
        let amount = yuan(spend.cents);
        policy.check_amount(amount)?;
        let payment = self.payment(spend, policy);
        self.decide(spend.who, |wallet| {
            wallet.card(card)?;
            let fee = wallet.withdrawal_fee(amount, policy).unwrap();
            let purpose = Purpose::Withdrawal { card, amount, fee };
            let amount = amount.checked_add(fee).unwrap();
            wallet.place(&payment, &Placement { hold: hold_id(step), purpose, amount })
        })
    }

    fn prove_pin(&mut self, who: Person, pin: u8) -> Result<String, Rejection> {
        let (now, policy) = (self.now, self.policy.clone());
        let verifier = self.wallets[who].state.pin_to_try(now)?;
        if fits(&verifier, pin) {
            return Ok(verifier);
        }
        self.decide(who, |wallet| Ok(wallet.fail_pin(&verifier, now, &policy)))?;
        let wallet = &self.wallets[who].state;
        Err(wallet.pin_to_try(now).map(|_| wallet.wrong_pin(&policy)).unwrap_or_else(|locked| locked))
    }

    fn settle_top_up(&mut self, top_up: Step, done: bool) -> Result<(), Rejection> {
        let Some(who) = self.top_ups.get(&top_up).copied() else { return Ok(()) };
        let wallet = &self.wallets[who].state;
        if wallet.open_top_up(top_up_id(top_up)).is_some_and(|open| wallet.card_token(open.card).is_none()) {
            return Ok(()); // Nobody can be asked.
        }
        let top_up = top_up_id(top_up);
        self.decide(who, |wallet| {
            if done {
                wallet.complete_top_up(user(who), top_up, "reference")
            } else {
                Ok(wallet.decline_top_up(top_up, "no", "words"))
            }
        })
    }

    fn settle_hold(&mut self, hold: Step, done: bool, crash: bool) -> Result<(), Rejection> {
        let Some((terms, stream)) = self.holds.get(&hold) else { return Ok(()) };
        if matches!(terms.purpose, Purpose::Order { .. }) {
            return self.settle_order(hold);
        }
        let Payer::Person(payer) = terms.payer else { return self.settle_takings(hold, done, crash) };
        let who = step_of(payer.0);
        let failed = match &terms.purpose {
            Purpose::Withdrawal { card, .. } if self.wallets[who].state.card_token(*card).is_none() => return Ok(()),
            Purpose::Withdrawal { amount, .. } => Some(*amount),
            Purpose::Bill { .. } => None,
            _ => return Ok(()),
        };
        if done {
            return self.decide_hold(hold, |hold, terms, _| hold.complete(terms, "reference"));
        }
        if let Some(amount) = failed.filter(|_| !stream.state.is_over() && !self.noted.contains(&hold)) {
            self.noted.push(hold);
            let failed = WithdrawalFailed { hold: hold_id(hold), amount };
            self.decide(who, |_| Ok(vec![failed.into()]))?;
        }
        if crash {
            return Ok(());
        }
        self.decide_hold(hold, |hold, terms, _| hold.refuse(terms, "no", "words"))
    }
}

impl House {
    /// The bank's answer to what a merchant withdraws.
    fn settle_takings(&mut self, hold: Step, done: bool, crash: bool) -> Result<(), Rejection> {
        match (done, crash) {
            (true, _) => self.decide_hold(hold, |hold, terms, _| hold.complete(terms, "reference")),
            (false, true) => Ok(()),
            (false, false) => self.decide_hold(hold, |hold, terms, _| hold.refuse(terms, "no", "words")),
        }
    }
}

/// The terms that the first leg gives a hold.
fn terms(placed: HoldPlaced, payer: Payer, placed_at: DateTime<Utc>) -> Terms {
    let held =
        placed.entry.postings().iter().find(|posting| matches!(posting.account(), Account::Hold { .. })).unwrap();
    let deadline = DateTime::from_timestamp_micros(placed.entry.deadline().unwrap().0).unwrap();
    Terms { hold: placed.hold, payer, amount: held.amount().negated(), purpose: placed.purpose, placed_at, deadline }
}

#[allow(clippy::needless_pass_by_value, reason = "the shape that map_err wants")]
fn refusal(rejection: Rejection) -> Refusal {
    let cents = |text: &str| {
        let amount: Decimal = text.split(' ').next().unwrap().parse().unwrap();
        (amount * Decimal::ONE_HUNDRED).to_i128().unwrap()
    };
    let left = match &rejection {
        Rejection::WrongPin { left } => Some(i128::from(*left)),
        Rejection::InsufficientFunds { available } => Some(cents(available)),
        Rejection::LimitReached { left, .. } | Rejection::RefundTooLarge { left } => Some(cents(left)),
        _ => None,
    };
    Refusal { code: rejection.code(), left }
}
