//! The payment PIN: six digits, five wrong tries, then a pause.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::{PinChanged, PinFailed, Wallet, WalletEvent, WalletOpened};
use crate::{Rejection, policy::MoneyPolicy};

/// The PIN's verifier and what became of the last tries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PinState {
    verifier: String,
    failed: u32,
    locked_until: Option<DateTime<Utc>>,
}

impl PinState {
    pub(super) fn new(verifier: String) -> Self {
        Self { verifier, failed: 0, locked_until: None }
    }

    pub(super) fn succeeded(&mut self) {
        self.failed = 0;
        self.locked_until = None;
    }
}

impl Wallet {
    /// Opens the wallet with the verifier of a PIN.
    ///
    /// # Errors
    /// [`Rejection::WalletOpenAlready`].
    pub fn open(&self, pin: String) -> Result<Vec<WalletEvent>, Rejection> {
        if self.is_open() { Err(Rejection::WalletOpenAlready) } else { Ok(vec![WalletOpened { pin }.into()]) }
    }

    /// The PIN's verifier, if a PIN may be tried now.
    ///
    /// # Errors
    /// [`Rejection::WalletNotOpen`], [`Rejection::PinLocked`].
    pub fn pin_to_try(&self, now: DateTime<Utc>) -> Result<String, Rejection> {
        let pin = self.pin.as_ref().ok_or(Rejection::WalletNotOpen)?;
        match pin.locked_until.map(|until| until - now) {
            // The last second counts in full: a try in it would be one of a PIN that is still locked.
            Some(left) if left > TimeDelta::zero() => {
                let begun = i64::from(left.subsec_nanos() > 0);
                Err(Rejection::PinLocked { seconds: left.num_seconds() + begun })
            }
            _ => Ok(pin.verifier.clone()),
        }
    }

    /// Checks that the verifier that a PIN was compared with is still the one in force, and may be used.
    ///
    /// # Errors
    /// [`Rejection::WalletNotOpen`], [`Rejection::PinLocked`], [`Rejection::WrongPin`] where it was changed meanwhile.
    pub(super) fn check_tried(
        &self,
        verifier: &str,
        now: DateTime<Utc>,
        policy: &MoneyPolicy,
    ) -> Result<(), Rejection> {
        if self.pin_to_try(now)? == verifier { Ok(()) } else { Err(self.wrong_pin(policy)) }
    }

    /// A wrong PIN was given, compared with that verifier: counts it. Nothing is counted once the PIN is locked.
    #[must_use]
    pub fn fail_pin(&self, verifier: &str, now: DateTime<Utc>, policy: &MoneyPolicy) -> Vec<WalletEvent> {
        let Ok(current) = self.pin_to_try(now) else { return vec![] };
        if current != verifier {
            return vec![];
        }
        let last = self.tries_left(now, policy) <= 1;
        let locked_until = last.then(|| now + TimeDelta::seconds(policy.pin_lock_seconds));
        vec![PinFailed { locked_until }.into()]
    }

    /// What a wrong PIN is answered with after it was counted.
    #[must_use]
    pub fn wrong_pin(&self, policy: &MoneyPolicy) -> Rejection {
        let failed = self.pin.as_ref().map_or(0, |pin| pin.failed);
        Rejection::WrongPin { left: policy.pin_tries.saturating_sub(failed) }
    }

    /// Takes another PIN, the old one or a card having been proved.
    ///
    /// # Errors
    /// [`Rejection::WalletNotOpen`].
    pub fn change_pin(&self, pin: String) -> Result<Vec<WalletEvent>, Rejection> {
        self.check_open()?;
        Ok(vec![PinChanged { pin }.into()])
    }

    fn tries_left(&self, now: DateTime<Utc>, policy: &MoneyPolicy) -> u32 {
        let Some(pin) = &self.pin else { return 0 };
        // A lock that is over leaves a full set of tries.
        let failed = if pin.locked_until.is_some_and(|until| until <= now) { 0 } else { pin.failed };
        policy.pin_tries.saturating_sub(failed)
    }

    pub(super) fn evolve_failed(&mut self, failed: &PinFailed) {
        if let Some(pin) = &mut self.pin {
            if pin.locked_until.take().is_some() {
                pin.failed = 0;
            }
            pin.failed += 1;
            pin.locked_until = failed.locked_until;
        }
    }
}
