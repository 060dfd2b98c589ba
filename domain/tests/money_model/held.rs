//! What ought to become of money on its way.

use crate::{
    command::{Answer, Command, Packet, Person, Spend, Step, refused},
    model::{Model, Place},
};

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum What {
    Transfer { to: Person, arrival: i64 },
    Packet { packet: Packet, shares: u32 },
    Withdrawal { net: i128, fee: i128, noted: bool },
    Bill,
    Order { order: Step },
}

impl What {
    /// Whether the bank, a biller or an order decides, and not people and the clock.
    pub(crate) const fn is_outside(&self) -> bool {
        matches!(self, Self::Withdrawal { .. } | Self::Bill | Self::Order { .. })
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Held {
    /// Where it came from, and goes back to.
    pub(crate) payer: Place,
    pub(crate) what: What,
    pub(crate) left: i128,
    pub(crate) placed_at: i64,
    /// When the clock ends it: what nobody took goes back, what was accepted arrives.
    pub(crate) due: Option<i64>,
    pub(crate) accepted: bool,
    pub(crate) open: bool,
    /// Who got how much of a packet.
    pub(crate) taken: Vec<(Person, i128)>,
}

impl Held {
    pub(crate) const fn new(payer: Place, what: What, cents: i128, placed_at: i64, due: Option<i64>) -> Self {
        Self { payer, what, left: cents, placed_at, due, accepted: false, open: true, taken: vec![] }
    }
}

impl Model {
    pub(crate) fn answer_on_hold(&mut self, step: Step, command: &Command) -> Answer {
        match command {
            Command::Transfer { spend, to } => {
                let arrival = self.owners[spend.who].arrival * 1_000;
                self.place(step, spend, What::Transfer { to: *to, arrival })
            }
            Command::RedPacket { spend, packet, shares } => {
                self.check_packet(*packet, *shares, spend.cents)?;
                self.place(step, spend, What::Packet { packet: *packet, shares: *shares })
            }
            Command::Bill { spend } => self.place(step, spend, What::Bill),
            Command::Withdraw { spend, card } => self.withdraw(step, spend, *card),
            Command::Accept { hold, by } => self.accept(*hold, *by),
            Command::Return { hold, by } => {
                self.check_payee(*hold, *by)?;
                self.check_waiting(*hold)?;
                self.end(*hold, None);
                Ok(())
            }
            Command::Cancel { hold, by } => self.cancel(*hold, *by),
            Command::OpenShare { hold, by, luck } => self.open_share(*hold, *by, *luck),
            Command::Outside { hold, done, crash } => {
                self.hear_from_outside(*hold, *done, *crash);
                Ok(())
            }
            Command::Sweep => {
                self.sweep();
                Ok(())
            }
            at_counter => self.answer_at_counter(step, at_counter),
        }
    }

    pub(crate) fn place(&mut self, step: Step, spend: &Spend, what: What) -> Answer {
        self.check_spend(spend, spend.cents)?;
        self.check_limits(spend, false)?;
        self.count(spend, false);
        self.hold(step, spend, spend.cents, what);
        Ok(())
    }

    fn hold(&mut self, step: Step, spend: &Spend, cents: i128, what: What) {
        self.spend(spend, cents, Place::Hold(step));
        let due = (!what.is_outside()).then_some(self.now + self.rules.hold);
        self.holds.insert(step, Held::new(Place::Wallet(spend.who), what, cents, self.now, due));
    }

    /// By when a hold must be over at the latest.
    pub(crate) fn deadline(&self, held: &Held) -> i64 {
        held.placed_at
            + match held.what {
                What::Transfer { arrival, .. } => self.rules.hold + arrival,
                What::Packet { .. } => self.rules.hold,
                What::Withdrawal { .. } | What::Bill | What::Order { .. } => self.rules.settlement,
            }
    }

    fn check_packet(&self, packet: Packet, shares: u32, cents: i128) -> Answer {
        let count = i128::from(shares);
        let fits = (1..=self.rules.packet_shares).contains(&shares)
            && (count == 1 || !matches!(packet, Packet::Exclusive(_)))
            && cents >= count
            && cents <= count * self.rules.packet_share
            && (packet != Packet::Equal || cents % count == 0);
        if fits { Ok(()) } else { refused("invalid-field") }
    }

    /// What withdrawing costs: nothing up to the free amount, then a share, rounded half up, or the least fee.
    pub(crate) fn fee(&self, who: Person, cents: i128) -> i128 {
        let free = (self.rules.withdrawal_free - self.owners[who].withdrawn).max(0);
        match cents - free {
            ..=0 => 0,
            charged => ((charged * self.rules.fee_per_mille + 500) / 1_000).max(self.rules.fee_min),
        }
    }

    fn withdraw(&mut self, step: Step, spend: &Spend, card: Step) -> Answer {
        self.check_amount(spend.cents)?;
        self.check_card(spend.who, card)?;
        let fee = self.fee(spend.who, spend.cents);
        self.check_spend(spend, spend.cents + fee)?;
        self.owners[spend.who].withdrawn += spend.cents;
        self.hold(step, spend, spend.cents + fee, What::Withdrawal { net: spend.cents, fee, noted: false });
        Ok(())
    }

    /// The payee of a transfer, and how long it is to wait.
    fn transfer(&self, hold: Step) -> Option<(Person, i64)> {
        match self.holds.get(&hold)?.what {
            What::Transfer { to, arrival } => Some((to, arrival)),
            _ => None,
        }
    }

    fn check_payee(&self, hold: Step, by: Person) -> Answer {
        match self.transfer(hold) {
            Some((to, _)) if to == by => Ok(()),
            Some(_) if self.holds[&hold].payer == Place::Wallet(by) => refused("not-for-you"),
            _ => refused("hold-not-found"),
        }
    }

    fn check_waiting(&self, hold: Step) -> Answer {
        let held = &self.holds[&hold];
        let waits = held.open && !held.accepted && held.due.is_some_and(|due| self.now < due);
        if waits { Ok(()) } else { refused("hold-over") }
    }

    fn accept(&mut self, hold: Step, by: Person) -> Answer {
        self.check_payee(hold, by)?;
        self.check_waiting(hold)?;
        let arrival = self.transfer(hold).map_or(0, |(_, arrival)| arrival);
        if arrival == 0 {
            self.end(hold, Some(by));
        } else if let Some(held) = self.holds.get_mut(&hold) {
            (held.accepted, held.due) = (true, Some(self.now + arrival));
        }
        Ok(())
    }

    fn cancel(&mut self, hold: Step, by: Person) -> Answer {
        let (Some((to, arrival)), Some(held)) = (self.transfer(hold), self.holds.get(&hold)) else {
            return refused("hold-not-found");
        };
        if held.payer != Place::Wallet(by) {
            return refused(if to == by { "not-the-payer" } else { "hold-not-found" });
        }
        if !held.open || held.accepted && held.due.is_some_and(|due| due <= self.now) {
            return refused("hold-over");
        }
        if arrival == 0 {
            return refused("not-arriving");
        }
        self.end(hold, None);
        Ok(())
    }

    fn open_share(&mut self, hold: Step, by: Person, luck: u64) -> Answer {
        let Some(held) = self.holds.get(&hold) else { return refused("hold-not-found") };
        let What::Packet { packet, shares } = held.what else { return refused("hold-not-found") };
        if matches!(packet, Packet::Exclusive(to) if to != by) {
            return refused("not-for-you");
        }
        if held.taken.iter().any(|(who, _)| *who == by) {
            return refused("opened-already");
        }
        let remaining = i128::from(shares) - i128::try_from(held.taken.len()).unwrap();
        if remaining == 0 {
            return refused("all-gone");
        }
        self.check_waiting(hold)?;
        let cents = match packet {
            _ if remaining == 1 => held.left,
            Packet::Equal => held.left / remaining,
            _ => self.lucky(held.left, remaining, i128::from(luck)),
        };
        self.shift(Place::Hold(hold), Place::Wallet(by), cents);
        if let Some(held) = self.holds.get_mut(&hold) {
            held.taken.push((by, cents));
            held.left -= cents;
            held.open = remaining > 1;
        }
        Ok(())
    }

    /// From one cent to twice the mean, but no more than a share may be; leaving everybody else a cent at least and no
    /// more than their shares may be.
    fn lucky(&self, left: i128, people: i128, luck: i128) -> i128 {
        let (others, cap) = (people - 1, self.rules.packet_share);
        let from = 1.max(left - others * cap);
        let to = [left * 2 / people, left - others, cap].into_iter().min().unwrap_or(cap);
        from + luck % (to - from + 1)
    }

    fn hear_from_outside(&mut self, hold: Step, done: bool, crash: bool) {
        let Some(held) = self.holds.get_mut(&hold).filter(|held| held.open && held.what.is_outside()) else { return };
        let payer = held.payer;
        if matches!(held.what, What::Order { .. }) {
            return self.settle_order(hold);
        }
        if done {
            held.open = false;
            let what = std::mem::replace(&mut held.what, What::Bill);
            let moves = match what {
                What::Withdrawal { net, fee, .. } => vec![(Place::Bank, net), (Place::Fees, fee)],
                _ => vec![(Place::Biller, held.left)],
            };
            (held.what, held.left) = (what, 0);
            moves.into_iter().for_each(|(to, cents)| self.shift(Place::Hold(hold), to, cents));
            return;
        }
        if let (What::Withdrawal { net, noted, .. }, Place::Wallet(payer)) = (&mut held.what, payer)
            && !std::mem::replace(noted, true)
        {
            let withdrawn = &mut self.owners[payer].withdrawn;
            *withdrawn = (*withdrawn - *net).max(0);
        }
        if !crash {
            self.end(hold, None);
        }
    }

    fn sweep(&mut self) {
        let due = |held: &Held| held.open && held.due.is_some_and(|due| due <= self.now);
        let over: Vec<Step> = self.holds.iter().filter(|(_, held)| due(held)).map(|(step, _)| *step).collect();
        for hold in over {
            let to = self.transfer(hold).map(|(to, _)| to).filter(|_| self.holds[&hold].accepted);
            self.end(hold, to);
        }
        self.close_orders();
    }

    /// All that is left goes to somebody, or back to the payer.
    pub(crate) fn end(&mut self, hold: Step, to: Option<Person>) {
        let Some(held) = self.holds.get_mut(&hold) else { return };
        held.open = false;
        let (cents, to) = (std::mem::take(&mut held.left), to.map_or(held.payer, Place::Wallet));
        self.shift(Place::Hold(hold), to, cents);
    }
}
