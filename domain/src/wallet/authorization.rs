//! An authorization: the PIN proved once, for one payment or for several up to a sum.

use chrono::{DateTime, TimeDelta, Utc};
use ledger::Money;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{SpendingAuthorized, Wallet, WalletEvent};
use crate::{DeviceId, Rejection, policy::MoneyPolicy};

/// Most authorizations kept at a time; further ones push out the oldest.
const KEPT: usize = 16;

/// An authorization that is not used up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authorization {
    id: Uuid,
    device: DeviceId,
    /// What may still be spent; none for one payment of any permitted amount.
    left: Option<Money>,
    expires_at: DateTime<Utc>,
}

impl Wallet {
    /// The PIN, compared with that verifier, was right: payments of that device may use the authorization.
    ///
    /// # Errors
    /// As [`Wallet::pin_to_try`]; a sum that is not above zero.
    pub fn authorize(
        &self,
        authorization: Uuid,
        device: DeviceId,
        up_to: Option<Money>,
        verifier: &str,
        now: DateTime<Utc>,
        policy: &MoneyPolicy,
    ) -> Result<Vec<WalletEvent>, Rejection> {
        self.check_tried(verifier, now, policy)?;
        if let Some(up_to) = up_to {
            policy.check_amount(up_to)?;
        }
        let expires_at = now + TimeDelta::seconds(policy.authorization_seconds);
        Ok(vec![SpendingAuthorized { authorization, device, up_to, expires_at }.into()])
    }

    /// Checks that an authorization covers an amount on a device.
    ///
    /// # Errors
    /// [`Rejection::NotAuthorized`].
    pub fn check_authorized(
        &self,
        authorization: Uuid,
        device: DeviceId,
        amount: Money,
        now: DateTime<Utc>,
    ) -> Result<(), Rejection> {
        let covers = |kept: &&Authorization| {
            kept.id == authorization
                && kept.device == device
                && kept.expires_at > now
                && kept.left.is_none_or(|left| left.compare(amount).is_ok_and(std::cmp::Ordering::is_ge))
        };
        self.authorizations.iter().find(covers).map(|_| ()).ok_or(Rejection::NotAuthorized)
    }

    pub(super) fn evolve_authorized(&mut self, authorized: &SpendingAuthorized, at: DateTime<Utc>) {
        if let Some(pin) = &mut self.pin {
            pin.succeeded();
        }
        self.authorizations.retain(|kept| kept.expires_at > at);
        if self.authorizations.len() >= KEPT {
            self.authorizations.remove(0);
        }
        let SpendingAuthorized { authorization: id, device, up_to: left, expires_at } = authorized.clone();
        self.authorizations.push(Authorization { id, device, left, expires_at });
    }

    /// Takes a payment off the authorization that it used.
    pub(super) fn use_authorization(&mut self, authorization: Option<Uuid>, amount: Money) {
        self.authorizations.retain_mut(|kept| {
            if Some(kept.id) != authorization {
                return true;
            }
            kept.left = kept.left.and_then(|left| left.checked_sub(amount).ok());
            kept.left.is_some_and(Money::is_positive)
        });
    }
}
