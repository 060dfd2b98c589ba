//! An order: what a merchant wants to be paid for, and who paid it.
//!
//! Leg one of a payment stands in the payer's wallet stream. This stream decides whose money goes on to the merchant and
//! whose goes back, so that of two who pay at once exactly one has paid.

mod events;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use ledger::{Entry, Money};
use serde::{Deserialize, Serialize};

pub use events::{CodeRenewed, OrderClosed, OrderCreated, OrderEvent, OrderPaid, PaymentReturned};

use crate::{
    HoldId, MerchantId, MoneyPolicy, OrderId, Rejection, UserId, accounts,
    event::{Aggregate, EventMeta},
    hold::{Payer, Terms},
    merchant::{Sale, check_number},
    rejection::check_name,
};

/// Longest description, in characters.
const DESCRIPTION_CHARS: usize = 127;

/// What a merchant asks for.
#[derive(Clone, Debug)]
pub struct OrderDraft {
    /// Who asks.
    pub merchant: MerchantId,
    /// The merchant's number of it.
    pub out_trade_no: String,
    /// How much.
    pub amount: Money,
    /// What for.
    pub description: String,
    /// When it is to end; none for the longest there may be.
    pub expires_at: Option<DateTime<Utc>>,
}

/// How an order stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderStage {
    /// Nobody has paid.
    #[default]
    Unpaid,
    /// Somebody has.
    Paid {
        /// Where their money was held.
        hold: HoldId,
        /// Who.
        payer: UserId,
        /// When.
        at: DateTime<Utc>,
    },
    /// It can't be paid any more.
    Closed,
}

/// An order.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Order {
    terms: Option<OrderCreated>,
    stage: OrderStage,
    /// Payments that went back.
    returned: BTreeSet<HoldId>,
}

impl Order {
    /// Creates it. The same asked for again changes nothing, but that a code whose time was over is good again.
    ///
    /// # Errors
    /// Fields that break their rules; [`Rejection::OrderDiffers`].
    pub fn create(
        &self,
        draft: &OrderDraft,
        now: DateTime<Utc>,
        policy: &MoneyPolicy,
    ) -> Result<Vec<OrderEvent>, Rejection> {
        let OrderDraft { merchant, out_trade_no, amount, description, expires_at } = draft.clone();
        if let Some(known) = &self.terms {
            let same = (known.amount, &known.description, known.expires_at) == (amount, &description, expires_at);
            return if same { Ok(self.renew(known, now, policy)) } else { Err(Rejection::OrderDiffers) };
        }
        check_number("out_trade_no", &out_trade_no)?;
        check_name("description", &description, DESCRIPTION_CHARS)?;
        policy.check_amount(amount)?;
        let latest = now + TimeDelta::seconds(policy.order_seconds);
        let closes_at = expires_at.map_or(latest, |asked| asked.min(latest));
        if closes_at <= now {
            return Err(Rejection::InvalidField { field: "expires_at", rule: "must lie ahead" });
        }
        let code_until = closes_at.min(now + TimeDelta::seconds(policy.order_code_seconds));
        let created = OrderCreated { merchant, out_trade_no, amount, description, expires_at, code_until, closes_at };
        Ok(vec![created.into()])
    }

    fn renew(&self, terms: &OrderCreated, now: DateTime<Utc>, policy: &MoneyPolicy) -> Vec<OrderEvent> {
        let open = self.stage == OrderStage::Unpaid && terms.closes_at > now;
        if !open || terms.code_until > now {
            return vec![];
        }
        let code_until = terms.closes_at.min(now + TimeDelta::seconds(policy.order_code_seconds));
        vec![CodeRenewed { code_until }.into()]
    }

    /// What is to be paid, if it can be paid now.
    ///
    /// # Errors
    /// [`Rejection::OrderNotFound`], [`Rejection::OrderPaid`], [`Rejection::OrderClosed`],
    /// [`Rejection::OrderCodeExpired`].
    pub fn payable(&self, now: DateTime<Utc>) -> Result<&OrderCreated, Rejection> {
        let terms = self.terms()?;
        match self.stage {
            OrderStage::Paid { .. } => Err(Rejection::OrderPaid),
            OrderStage::Closed => Err(Rejection::OrderClosed),
            OrderStage::Unpaid if terms.closes_at <= now => Err(Rejection::OrderClosed),
            OrderStage::Unpaid if terms.code_until <= now => Err(Rejection::OrderCodeExpired),
            OrderStage::Unpaid => Ok(terms),
        }
    }

    /// Decides on a payment whose money is held. Heard twice, it counts once.
    ///
    /// # Errors
    /// An entry that the ledger does not take; a merchant's money.
    pub fn settle(&self, hold: &Terms) -> Result<Vec<OrderEvent>, Rejection> {
        let Payer::Person(payer) = hold.payer else { return Err(Rejection::HoldNotFound) };
        let refusal = match (&self.terms, self.stage) {
            (_, OrderStage::Paid { hold: paid, .. }) if paid == hold.hold => return Ok(vec![]),
            _ if self.returned.contains(&hold.hold) => return Ok(vec![]),
            (_, OrderStage::Paid { .. }) => Some(Rejection::OrderPaid),
            (Some(terms), OrderStage::Unpaid) if terms.amount == hold.amount => None,
            _ => Some(Rejection::OrderClosed),
        };
        let to = match (&self.terms, &refusal) {
            (Some(terms), None) => accounts::merchant(terms.merchant),
            _ => hold.payer.account(),
        };
        let entry = Entry::transfer(hold.account(), to, hold.amount).map_err(Rejection::from_entry)?;
        Ok(match (&self.terms, refusal) {
            (Some(terms), None) => vec![OrderPaid { hold: hold.hold, payer, merchant: terms.merchant, entry }.into()],
            (_, refusal) => {
                let code = refusal.unwrap_or(Rejection::OrderClosed).code().to_owned();
                vec![PaymentReturned { hold: hold.hold, payer, code, entry }.into()]
            }
        })
    }

    /// Closes it: the merchant does not want it any more.
    ///
    /// # Errors
    /// [`Rejection::OrderNotFound`], [`Rejection::OrderPaid`].
    pub fn close(&self) -> Result<Vec<OrderEvent>, Rejection> {
        self.terms()?;
        match self.stage {
            OrderStage::Paid { .. } => Err(Rejection::OrderPaid),
            OrderStage::Closed => Ok(vec![]),
            OrderStage::Unpaid => Ok(vec![OrderClosed { expired: false }.into()]),
        }
    }

    /// Closes it where its time is over.
    #[must_use]
    pub fn expire(&self, now: DateTime<Utc>) -> Vec<OrderEvent> {
        let over = self.terms.as_ref().is_some_and(|terms| terms.closes_at <= now);
        if over && self.stage == OrderStage::Unpaid { vec![OrderClosed { expired: true }.into()] } else { vec![] }
    }

    /// What it is.
    ///
    /// # Errors
    /// [`Rejection::OrderNotFound`].
    pub fn terms(&self) -> Result<&OrderCreated, Rejection> {
        self.terms.as_ref().ok_or(Rejection::OrderNotFound)
    }

    /// How it stands.
    #[must_use]
    pub fn stage(&self) -> OrderStage {
        self.stage
    }

    /// Checks that it was paid with the money of that hold.
    ///
    /// # Errors
    /// [`Rejection::OrderPaid`] where it was with another, [`Rejection::OrderClosed`].
    pub fn check_paid_with(&self, hold: HoldId) -> Result<(), Rejection> {
        match self.stage {
            OrderStage::Paid { hold: paid, .. } if paid == hold => Ok(()),
            OrderStage::Paid { .. } => Err(Rejection::OrderPaid),
            OrderStage::Unpaid | OrderStage::Closed => Err(Rejection::OrderClosed),
        }
    }

    /// What was paid.
    ///
    /// # Errors
    /// [`Rejection::OrderNotFound`], [`Rejection::OrderNotPaid`].
    pub fn sale(&self, id: OrderId) -> Result<Sale, Rejection> {
        let terms = self.terms()?;
        match self.stage {
            OrderStage::Paid { payer, at, .. } => Ok(Sale { paid: id.0, payer, amount: terms.amount, at }),
            OrderStage::Unpaid | OrderStage::Closed => Err(Rejection::OrderNotPaid),
        }
    }
}

impl Aggregate for Order {
    type Id = OrderId;
    type Event = OrderEvent;
    const CATEGORY: &'static str = "order";

    fn evolve(&mut self, event: &OrderEvent, meta: &EventMeta) {
        match event {
            OrderEvent::OrderCreated(created) => self.terms = Some(created.clone()),
            OrderEvent::CodeRenewed(renewed) => {
                if let Some(terms) = &mut self.terms {
                    terms.code_until = renewed.code_until;
                }
            }
            OrderEvent::OrderPaid(paid) => {
                self.stage = OrderStage::Paid { hold: paid.hold, payer: paid.payer, at: meta.at };
            }
            OrderEvent::PaymentReturned(returned) => {
                self.returned.insert(returned.hold);
            }
            OrderEvent::OrderClosed(_) => self.stage = OrderStage::Closed,
        }
    }
}
