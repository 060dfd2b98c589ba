//! The real deciders of shops, driven as the use cases drive them.

use domain::{
    MerchantEvent, MerchantId, MoneyPolicy, OrderEvent, OrderId, Rejection, UserId,
    cards::CardLinked,
    hold::Purpose,
    merchant::{MerchantRegistered, Refund, Sale, Withdrawal},
    order::OrderDraft,
    wallet::Placement,
};
use uuid::Uuid;

use crate::{
    command::{Command, Person, Spend, Step},
    house::{House, Stream, card_id, hold_id, id, merchant, payment_id, user, yuan},
    model::MERCHANTS,
};

pub(crate) fn order_id(step: Step) -> OrderId {
    OrderId(id(10, step))
}

fn owner() -> UserId {
    UserId(id(11, 0))
}

fn hash(code: Step) -> String {
    format!("code {code}")
}

/// The card to which merchants withdraw.
const CARD: Step = usize::MAX;

impl House {
    /// Opens the shops.
    pub(crate) fn open_shops(&mut self) {
        for number in 0..MERCHANTS {
            let (name, owner) = (format!("Shop {number}"), owner());
            let registered = MerchantRegistered { merchant: merchant(number), name, owner };
            let [token, last_four, bank, holder] = ["token", "0005", "Bank", "Lin"].map(str::to_owned);
            let card = CardLinked { card: card_id(CARD), token, last_four, bank, holder, resets_pin_from: None };
            let mut stream = Stream::default();
            for event in [MerchantEvent::from(registered), card.into()] {
                stream.take(&event, self.now);
            }
            self.merchants.push(stream);
        }
    }

    pub(crate) fn at_counter(&mut self, step: Step, command: &Command) -> Result<(), Rejection> {
        let policy = self.policy.clone();
        match command {
            Command::CreateOrder { merchant, cents } => self.create_order(step, *merchant, *cents, &policy),
            Command::AskAgain { order, cents } => {
                let asked = self.orders.get(order).ok_or(Rejection::OrderNotFound)?.state.terms()?;
                let merchant = (0..MERCHANTS).find(|number| merchant(*number) == asked.merchant).unwrap();
                self.create_order(*order, merchant, *cents, &policy)
            }
            Command::CloseOrder { order } => self.decide_order(*order, |order| order.close()),
            Command::PayOrder { spend, order, crash } => {
                let spend = Spend { cents: self.payable(*order)?, ..spend.clone() };
                self.place(step, &spend, self.order_purpose(*order)?)?;
                self.settle_unless(*crash, step)
            }
            Command::ShowCode { who } => {
                let now = self.now;
                self.decide(*who, |wallet| wallet.issue_pay_code(hash(step), now, &policy))?;
                self.codes.insert(step, *who);
                Ok(())
            }
            Command::ReadCode { code, order, stale, crash } => {
                let cents = self.payable(*order)?;
                let who = self.codes.get(code).copied().ok_or(Rejection::PayCodeInvalid)?;
                let spend = Spend { who, cents, proof: None, device: 0, stale: *stale };
                let payment = self.payment(&spend, &policy);
                let purpose = self.order_purpose(*order)?;
                let placement = Placement { hold: hold_id(step), purpose, amount: yuan(cents) };
                self.decide(who, |wallet| wallet.pay_with_code(&payment, &placement, &hash(*code)))?;
                self.settle_unless(*crash || !self.holds.contains_key(&step), step)
            }
            Command::Refund { sale, number, cents, stale } => self.refund(*sale, *number, *cents, *stale, &policy),
            Command::WithdrawTakings { merchant: number, cents, stale } => {
                let withdrawal = Withdrawal {
                    merchant: merchant(*number),
                    hold: hold_id(step),
                    card: card_id(CARD),
                    amount: yuan(*cents),
                    credited: self.taken(*number, *stale),
                    now: self.now,
                    policy: &policy,
                };
                let events = self.merchants[*number].state.withdraw(owner(), &withdrawal)?;
                self.take_merchant(*number, events);
                Ok(())
            }
            other => panic!("{other:?} is not about shops"),
        }
    }

    fn create_order(&mut self, step: Step, number: usize, cents: i128, policy: &MoneyPolicy) -> Result<(), Rejection> {
        let draft = OrderDraft {
            merchant: merchant(number),
            out_trade_no: step.to_string(),
            amount: yuan(cents),
            description: "tea".to_owned(),
            expires_at: None,
        };
        let now = self.now;
        let fresh = Stream::default();
        let events = self.orders.get(&step).unwrap_or(&fresh).state.create(&draft, now, policy)?;
        self.take_order(step, &events);
        Ok(())
    }

    fn payable(&self, order: Step) -> Result<i128, Rejection> {
        let order = self.orders.get(&order).ok_or(Rejection::OrderNotFound)?;
        order.state.payable(self.now).map(|terms| terms.amount.minor())
    }

    fn order_purpose(&self, order: Step) -> Result<Purpose, Rejection> {
        let merchant = self.orders.get(&order).ok_or(Rejection::OrderNotFound)?.state.terms()?.merchant;
        Ok(Purpose::Order { order: order_id(order), merchant })
    }

    fn settle_unless(&mut self, crash: bool, hold: Step) -> Result<(), Rejection> {
        if crash { Ok(()) } else { self.settle_order(hold) }
    }

    /// Has the order decide on a hold.
    pub(crate) fn settle_order(&mut self, hold: Step) -> Result<(), Rejection> {
        let Some(terms) = self.holds.get(&hold).map(|(terms, _)| terms.clone()) else { return Ok(()) };
        let Purpose::Order { order, .. } = terms.purpose else { return Ok(()) };
        self.decide_order(step_of(order.0), |order| order.settle(&terms))
    }

    /// Closes the orders whose time is over.
    pub(crate) fn close_orders(&mut self) -> Result<(), Rejection> {
        let (orders, now): (Vec<Step>, _) = (self.orders.keys().copied().collect(), self.now);
        orders.into_iter().try_for_each(|order| self.decide_order(order, |order| Ok(order.expire(now))))
    }

    fn decide_order(
        &mut self,
        order: Step,
        decide: impl FnOnce(&domain::Order) -> Result<Vec<OrderEvent>, Rejection>,
    ) -> Result<(), Rejection> {
        let events = decide(&self.orders.get(&order).ok_or(Rejection::OrderNotFound)?.state)?;
        self.take_order(order, &events);
        Ok(())
    }

    fn take_order(&mut self, order: Step, events: &[OrderEvent]) {
        for event in events {
            self.orders.entry(order).or_default().take(event, self.now);
            if let OrderEvent::OrderPaid(domain::order::OrderPaid { hold, .. })
            | OrderEvent::PaymentReturned(domain::order::PaymentReturned { hold, .. }) = event
            {
                assert!(self.settled.insert(step_of(hold.0)), "settled twice: {event:?}");
            }
            event.entry().into_iter().for_each(|entry| self.post(entry));
        }
    }

    fn refund(
        &mut self,
        step: Step,
        number: u8,
        cents: i128,
        stale: usize,
        policy: &MoneyPolicy,
    ) -> Result<(), Rejection> {
        let (shop, sale) = match self.static_sales.get(&step) {
            Some(sale) => *sale,
            None => {
                let order = &self.orders.get(&step).ok_or(Rejection::OrderNotFound)?.state;
                (order.terms()?.merchant, order.sale(order_id(step))?)
            }
        };
        let at = (0..MERCHANTS).find(|number| merchant(*number) == shop).unwrap();
        let refund = Refund {
            merchant: shop,
            out_refund_no: &number.to_string(),
            sale,
            amount: yuan(cents),
            reason: "",
            credited: self.taken(at, stale),
            now: self.now,
            policy,
        };
        let events = self.merchants[at].state.refund(owner(), &refund)?;
        self.take_merchant(at, events);
        Ok(())
    }

    fn take_merchant(&mut self, number: usize, events: Vec<MerchantEvent>) {
        for event in events {
            self.merchants[number].take(&event, self.now);
            event.entry().into_iter().for_each(|entry| self.post(entry));
            if let MerchantEvent::WithdrawalPlaced(placed) = event {
                let terms = placed.terms(merchant(number), self.now).unwrap();
                self.holds.insert(step_of(terms.hold.0), (terms, Stream::default()));
            }
        }
    }

    fn taken(&self, merchant: usize, stale: usize) -> ledger::Money {
        self.takings[self.takings.len().saturating_sub(1 + stale)][merchant]
    }

    /// Keeps what was paid to a static code, for refunds.
    pub(crate) fn keep_sale(&mut self, step: Step, spend: &Spend, merchant: MerchantId) {
        let (paid, payer): (Uuid, Person) = (payment_id(step).0, spend.who);
        let sale = Sale { paid, payer: user(payer), amount: yuan(spend.cents), at: self.now };
        self.static_sales.insert(step, (merchant, sale));
    }

    /// What was given back of a sale, and in how many parts, as the merchant's stream has it.
    pub(crate) fn refunded(&self, merchant: usize, sale: Step) -> (i128, usize) {
        let paid = if self.static_sales.contains_key(&sale) { payment_id(sale).0 } else { order_id(sale).0 };
        let refunded = self.merchants[merchant].state.refunded(paid);
        refunded.map_or((0, 0), |refunded| (refunded.sum.minor(), refunded.parts))
    }

    /// Whether everything about a hold is decided.
    pub(crate) fn is_over(&self, hold: Step) -> bool {
        self.settled.contains(&hold) || self.holds[&hold].1.state.is_over()
    }
}

/// The step that an id was made of.
pub(crate) fn step_of(id: Uuid) -> Step {
    usize::try_from(id.as_u128() & u128::from(u64::MAX)).unwrap()
}
