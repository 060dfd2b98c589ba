//! What ought to become of orders, codes, refunds and what merchants withdraw.

use crate::{
    command::{Answer, Command, Person, Spend, Step, refused, refused_with},
    held::{Held, What},
    model::{Model, Place},
};

const CODES_KEPT: usize = 8;

/// What a merchant wants to be paid.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) merchant: usize,
    pub(crate) cents: i128,
    pub(crate) code_until: i64,
    pub(crate) closes_at: i64,
    pub(crate) closed: bool,
    pub(crate) paid: bool,
}

/// What was paid to a merchant, by the order or the payment to the static code.
#[derive(Clone, Debug)]
pub(crate) struct Sale {
    pub(crate) merchant: usize,
    pub(crate) payer: Person,
    pub(crate) cents: i128,
    pub(crate) at: i64,
}

/// A code that was shown and not used.
#[derive(Clone, Debug)]
pub(crate) struct Code {
    pub(crate) step: Step,
    pub(crate) until: i64,
}

/// What was given back, for as long as that is known.
#[derive(Clone, Debug)]
struct Refunded {
    number: u8,
    sale: Step,
    cents: i128,
    until: i64,
}

/// A merchant's money.
#[derive(Clone, Debug, Default)]
pub(crate) struct Till {
    pub(crate) credited: i128,
    pub(crate) debited: i128,
    refunds: Vec<Refunded>,
}

impl Till {
    /// What was given back of a sale, and in how many parts.
    pub(crate) fn refunded(&self, sale: Step) -> (i128, usize) {
        let of_it = self.refunds.iter().filter(|refund| refund.sale == sale);
        of_it.fold((0, 0), |(sum, parts), refund| (sum + refund.cents, parts + 1))
    }
}

impl Model {
    pub(crate) fn answer_at_counter(&mut self, step: Step, command: &Command) -> Answer {
        match command {
            Command::CreateOrder { merchant, cents } => {
                self.check_amount(*cents)?;
                let closes_at = self.now + self.rules.order;
                let code_until = closes_at.min(self.now + self.rules.order_code);
                let (merchant, cents) = (*merchant, *cents);
                self.orders.insert(step, Order { merchant, cents, code_until, closes_at, closed: false, paid: false });
                Ok(())
            }
            Command::AskAgain { order, cents } => self.ask_again(*order, *cents),
            Command::CloseOrder { order } => match self.orders.get_mut(order) {
                None => refused("order-not-found"),
                Some(order) if order.paid => refused("order-paid"),
                Some(order) => {
                    order.closed = true;
                    Ok(())
                }
            },
            Command::PayOrder { spend, order, crash } => {
                let cents = self.payable(*order)?;
                let spend = Spend { cents, ..spend.clone() };
                self.place(step, &spend, What::Order { order: *order })?;
                self.settle_unless(*crash, step);
                Ok(())
            }
            Command::ShowCode { who } => self.show_code(step, *who),
            Command::ReadCode { code, order, stale, crash } => self.read_code(step, *code, *order, *stale, *crash),
            Command::Refund { sale, number, cents, stale } => self.refund(*sale, *number, *cents, *stale),
            Command::WithdrawTakings { merchant, cents, stale } => {
                self.withdraw_takings(step, *merchant, *cents, *stale)
            }
            other => panic!("{other:?} is not about shops"),
        }
    }

    fn ask_again(&mut self, order: Step, cents: i128) -> Answer {
        let (now, code) = (self.now, self.rules.order_code);
        let Some(order) = self.orders.get_mut(&order) else { return refused("order-not-found") };
        if order.cents != cents {
            return refused("order-differs");
        }
        if !order.paid && !order.closed && now < order.closes_at && now >= order.code_until {
            order.code_until = order.closes_at.min(now + code);
        }
        Ok(())
    }

    /// What is to be paid.
    fn payable(&self, order: Step) -> Result<i128, crate::command::Refusal> {
        match self.orders.get(&order) {
            None => refused("order-not-found"),
            Some(order) if order.paid => refused("order-paid"),
            Some(order) if order.closed || self.now >= order.closes_at => refused("order-closed"),
            Some(order) if self.now >= order.code_until => refused("order-code-expired"),
            Some(order) => Ok(order.cents),
        }
    }

    fn show_code(&mut self, step: Step, who: Person) -> Answer {
        self.check_open(who)?;
        let (now, until) = (self.now, self.now + self.rules.pay_code);
        let codes = &mut self.owners[who].codes;
        codes.retain(|code| now < code.until);
        if codes.len() == CODES_KEPT {
            codes.remove(0);
        }
        codes.push(Code { step, until });
        self.shown.insert(step, who);
        Ok(())
    }

    fn read_code(&mut self, step: Step, code: Step, order: Step, stale: usize, crash: bool) -> Answer {
        let cents = self.payable(order)?;
        let Some(who) = self.shown.get(&code).copied() else { return refused("pay-code-invalid") };
        if !self.owners[who].codes.iter().any(|known| known.step == code && self.now < known.until) {
            return refused("pay-code-invalid");
        }
        let today = self.today();
        let without_pin = self.owners[who].spent.iter().filter(|spent| spent.without_pin && today(spent)).count();
        let asks = cents > self.rules.without_pin || without_pin >= self.rules.without_pin_day;
        if !asks {
            let spend = Spend { who, cents, proof: None, device: 0, stale };
            self.place(step, &spend, What::Order { order })?;
            self.settle_unless(crash, step);
        }
        self.owners[who].codes.retain(|known| known.step != code);
        Ok(())
    }

    fn settle_unless(&mut self, crash: bool, hold: Step) {
        if !crash {
            self.settle_order(hold);
        }
    }

    /// The order takes the money, unless it was paid or closed meanwhile.
    pub(crate) fn settle_order(&mut self, hold: Step) {
        let Some(Held { what: What::Order { order: step }, payer: Place::Wallet(payer), open: true, .. }) =
            self.holds.get(&hold)
        else {
            return;
        };
        let (step, payer) = (*step, *payer);
        let order = self.orders.get_mut(&step).unwrap();
        if order.paid || order.closed {
            return self.end(hold, None);
        }
        order.paid = true;
        let (merchant, cents) = (order.merchant, order.cents);
        self.sales.insert(step, Sale { merchant, payer, cents, at: self.now });
        let held = self.holds.get_mut(&hold).unwrap();
        (held.open, held.left) = (false, 0);
        self.shift(Place::Hold(hold), Place::Merchant(merchant), cents);
    }

    /// Closes the orders whose time is over.
    pub(crate) fn close_orders(&mut self) {
        let now = self.now;
        self.orders.values_mut().filter(|order| !order.paid && order.closes_at <= now).for_each(|order| {
            order.closed = true;
        });
    }

    fn refund(&mut self, step: Step, number: u8, cents: i128, stale: usize) -> Answer {
        let Some(sale) = self.sales.get(&step).cloned() else {
            return if self.orders.contains_key(&step) {
                refused("order-not-paid")
            } else {
                refused("order-not-found")
            };
        };
        let till = &self.tills[sale.merchant];
        if let Some(known) = till.refunds.iter().find(|known| known.number == number) {
            return if (known.sale, known.cents) == (step, cents) { Ok(()) } else { refused("refund-differs") };
        }
        self.check_amount(cents)?;
        let until = sale.at + self.rules.refund;
        if self.now >= until {
            return refused("refund-too-late");
        }
        let (sum, parts) = till.refunded(step);
        if parts >= self.rules.refunds {
            return refused("too-many-refunds");
        }
        if cents > sale.cents - sum {
            return refused_with("refund-too-large", sale.cents - sum);
        }
        self.check_till(sale.merchant, cents, stale)?;
        let (now, till) = (self.now, &mut self.tills[sale.merchant]);
        till.refunds.retain(|known| now < known.until);
        till.refunds.push(Refunded { number, sale: step, cents, until });
        self.shift(Place::Merchant(sale.merchant), Place::Wallet(sale.payer), cents);
        Ok(())
    }

    fn check_till(&self, merchant: usize, cents: i128, stale: usize) -> Answer {
        let known = self.takings[self.takings.len().saturating_sub(1 + stale)][merchant];
        let there = known - self.tills[merchant].debited;
        if there < cents { refused_with("insufficient-funds", there) } else { Ok(()) }
    }

    fn withdraw_takings(&mut self, step: Step, merchant: usize, net: i128, stale: usize) -> Answer {
        self.check_amount(net)?;
        let fee = (net * self.rules.merchant_fee_per_mille + 500) / 1_000;
        self.check_till(merchant, net + fee, stale)?;
        let (from, what) = (Place::Merchant(merchant), What::Withdrawal { net, fee, noted: true });
        self.shift(from, Place::Hold(step), net + fee);
        self.holds.insert(step, Held::new(from, what, net + fee, self.now, None));
        Ok(())
    }
}
