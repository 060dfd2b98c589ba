//! The wallet: everything that takes money out of one person's account, guarded by one stream.
//!
//! The owner rule: money leaves a wallet only by events of its own stream, so what was ever taken out is known exactly
//! here. Money comes in from any stream; a read model adds it up. What may be spent is therefore what the read model has
//! seen come in, less what this state has seen go out: an income not yet seen only makes a decision more cautious.

mod authorization;
mod cards;
mod events;
mod limits;
mod pay_code;
mod pin;
mod spending;
mod top_up;
mod withdrawal;

use chrono::{DateTime, Utc};
use ledger::{Account, Amounts, Currency, Entry, Money};
use serde::{Deserialize, Serialize};

pub use authorization::Authorization;
pub use events::{
    ArrivalChosen, HoldPlaced, Paid, PayCodeIssued, PayCodePresented, PinChanged, PinFailed, SpendingAuthorized,
    TopUpDeclined, TopUpRequested, ToppedUp, WalletEvent, WalletOpened, WithdrawalFailed,
};
pub use limits::{Limit, LimitsLeft, Spent, Tier};
pub use pay_code::PayCode;
pub use pin::PinState;
pub use spending::{Payment, Placement};
pub use withdrawal::WithdrawalQuote;

use crate::{
    Rejection, UserId,
    cards::Cards,
    event::{Aggregate, EventMeta},
    policy::MoneyPolicy,
};

/// One person's wallet.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Wallet {
    pin: Option<PinState>,
    authorizations: Vec<Authorization>,
    #[serde(default)]
    pay_codes: Vec<PayCode>,
    cards: Cards,
    /// The real name, once a card has given it.
    holder: Option<String>,
    /// From when cards can reset the PIN, where there was money before the first one.
    #[serde(default)]
    resets_pin_from: Option<DateTime<Utc>>,
    /// Money being fetched from a card.
    top_ups: Vec<TopUpRequested>,
    /// All that ever left the account.
    debited: Amounts,
    spent: Spent,
    /// How long transfers wait after they were accepted, in seconds.
    pub arrival_seconds: i64,
}

impl Wallet {
    /// Whether it was opened.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.pin.is_some()
    }

    /// All that ever left the account in a currency.
    #[must_use]
    pub fn debited(&self, currency: Currency) -> Money {
        self.debited.of(currency)
    }

    /// The real name, once a card has given it.
    #[must_use]
    pub fn holder(&self) -> Option<&str> {
        self.holder.as_deref()
    }

    /// What was spent towards the limits.
    #[must_use]
    pub fn spent(&self) -> &Spent {
        &self.spent
    }

    /// The tier of verification that the linked cards give.
    #[must_use]
    pub fn tier<'a>(&self, policy: &'a MoneyPolicy) -> &'a Tier {
        Tier::of(&policy.tiers, self.cards.linked().count())
    }

    fn check_open(&self) -> Result<(), Rejection> {
        if self.is_open() { Ok(()) } else { Err(Rejection::WalletNotOpen) }
    }

    /// Adds to what left the account whatever an entry takes from it.
    fn count(&mut self, owner: UserId, entry: &Entry) {
        let account = account_of(owner);
        for posting in entry.postings().iter().filter(|posting| posting.account() == &account) {
            if posting.amount().is_positive() {
                // A sum that no longer fits leaves the wallet unable to pay, which is the safe side.
                let _ = self.debited.add(posting.amount());
            }
        }
    }
}

/// The account of a person's wallet in the ledger.
#[must_use]
pub fn account_of(owner: UserId) -> Account {
    crate::accounts::wallet(owner)
}

impl Aggregate for Wallet {
    type Id = UserId;
    type Event = WalletEvent;
    const CATEGORY: &'static str = "wallet";

    fn evolve(&mut self, event: &WalletEvent, meta: &EventMeta) {
        match event {
            WalletEvent::WalletOpened(opened) => self.pin = Some(PinState::new(opened.pin.clone())),
            WalletEvent::PinChanged(changed) => {
                self.pin = Some(PinState::new(changed.pin.clone()));
                self.authorizations.clear();
            }
            WalletEvent::PinFailed(failed) => self.evolve_failed(failed),
            WalletEvent::SpendingAuthorized(authorized) => self.evolve_authorized(authorized, meta.at),
            WalletEvent::CardLinked(linked) => self.evolve_linked(linked),
            WalletEvent::CardUnlinked(unlinked) => self.cards.evolve_unlinked(unlinked),
            WalletEvent::TopUpRequested(requested) => self.top_ups.push(requested.clone()),
            WalletEvent::ToppedUp(done) => self.top_ups.retain(|open| open.top_up != done.top_up),
            WalletEvent::TopUpDeclined(declined) => self.top_ups.retain(|open| open.top_up != declined.top_up),
            WalletEvent::Paid(paid) => self.evolve_paid(paid),
            WalletEvent::HoldPlaced(placed) => self.evolve_placed(placed),
            WalletEvent::WithdrawalFailed(failed) => self.spent.withdrawal_failed(failed.amount),
            WalletEvent::PayCodeIssued(issued) => self.evolve_code_issued(issued, meta.at),
            WalletEvent::PayCodePresented(presented) => self.use_pay_code(&presented.code),
            WalletEvent::ArrivalChosen(chosen) => self.arrival_seconds = chosen.seconds,
        }
    }
}

/// The day that a moment lies in, where the limits are counted.
pub(crate) fn local_date(now: DateTime<Utc>, policy: &MoneyPolicy) -> chrono::NaiveDate {
    (now + chrono::TimeDelta::minutes(policy.day_offset_minutes)).date_naive()
}
