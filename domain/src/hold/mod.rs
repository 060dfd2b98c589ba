//! A hold: money on its way, whose stream decides exactly once what becomes of it.
//!
//! The first leg stands in the payer's wallet stream; its terms never change, so they are given to every decider here.
//! This stream holds the second legs only: released, shared out, or given back.

mod events;
mod outcome;
mod red_packet;
mod terms;
mod transfer;

use chrono::{DateTime, Utc};
use ledger::Money;
use serde::{Deserialize, Serialize};

pub use events::{HoldEvent, HoldReleased, HoldReturned, ReturnReason, ShareOpened, TransferAccepted};
pub(crate) use red_packet::check as check_packet;
pub use red_packet::{Draw, PacketKind, Share, best_luck};
pub use terms::{HoldKind, Payer, Purpose, Settler, Terms};

use crate::{
    HoldId,
    event::{Aggregate, EventMeta},
};

/// How a hold stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Nothing has been decided.
    #[default]
    Waiting,
    /// Accepted; the money arrives at that time, and until then the payer can cancel.
    Arriving(DateTime<Utc>),
    /// All of it went where it was to go.
    Released,
    /// What was left of it went back.
    Returned,
}

/// What has become of a hold.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Hold {
    stage: Stage,
    shares: Vec<Share>,
}

impl Hold {
    /// How it stands.
    #[must_use]
    pub fn stage(&self) -> Stage {
        self.stage
    }

    /// The shares taken out of a red packet, in their order.
    #[must_use]
    pub fn shares(&self) -> &[Share] {
        &self.shares
    }

    /// Whether everything is decided.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Released | Stage::Returned)
    }

    /// What is still held of an amount.
    fn left(&self, amount: Money) -> Money {
        self.shares.iter().fold(amount, |left, share| left.checked_sub(share.amount).unwrap_or(left))
    }
}

impl Aggregate for Hold {
    type Id = HoldId;
    type Event = HoldEvent;
    const CATEGORY: &'static str = "hold";

    fn evolve(&mut self, event: &HoldEvent, _: &EventMeta) {
        match event {
            HoldEvent::TransferAccepted(accepted) => self.stage = Stage::Arriving(accepted.arrives_at),
            HoldEvent::HoldReleased(_) => self.stage = Stage::Released,
            HoldEvent::HoldReturned(_) => self.stage = Stage::Returned,
            HoldEvent::ShareOpened(opened) => {
                self.shares.push(Share { user: opened.user, amount: opened.amount });
                if opened.last {
                    self.stage = Stage::Released;
                }
            }
        }
    }
}
