//! A person takes another PIN.

use domain::{Rejection, UserId, WalletEvent};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Changes the PIN, the old one being proved. Authorizations given before end.
    ///
    /// # Errors
    /// [`Rejection::WrongPin`], [`Rejection::PinLocked`], a new PIN that breaks its rule, [`CommandError::Busy`].
    pub async fn change_pin(
        &self,
        caller: &Caller,
        old: String,
        new: String,
    ) -> Result<Committed<WalletEvent>, CommandError> {
        let user = caller.user()?;
        let begun = begin!(self, caller);
        check_pin(&new)?;
        let proved = self.prove_pin(user, &old).await?;
        let verifier = self.pin_verifier(user, &new).await?;
        self.run(&self.streams.wallets, user, begun, |wallet, now| {
            // Locked or changed since it was proved: the proof is worth nothing.
            if wallet.pin_to_try(now)? != proved {
                return Err(wallet.wrong_pin(&self.policy.money));
            }
            wallet.change_pin(verifier.clone())
        })
        .await
    }

    /// A verifier for a new PIN.
    pub(super) async fn pin_verifier(&self, user: UserId, pin: &str) -> Result<String, CommandError> {
        check_pin(pin)?;
        self.passwords.hash(self.secrets.peppered_pin(user, pin)).await
    }

    /// Checks a PIN and gives the verifier that it fits. A wrong one is counted before it is answered.
    ///
    /// # Errors
    /// [`Rejection::WalletNotOpen`], [`Rejection::WrongPin`], [`Rejection::PinLocked`], [`CommandError::Busy`].
    pub(super) async fn prove_pin(&self, user: UserId, pin: &str) -> Result<String, CommandError> {
        let verifier = self.streams.wallets.look(user, |wallet| wallet.pin_to_try(self.now())).await??;
        let peppered = self.secrets.peppered_pin(user, pin);
        if self.passwords.verify(peppered, Some(verifier.clone())).await? {
            return Ok(verifier);
        }
        let counting = crate::engine::Begun::unkeyed(&Caller::person(user));
        let policy = &self.policy.money;
        self.run(&self.streams.wallets, user, counting, |wallet, now| Ok(wallet.fail_pin(&verifier, now, policy)))
            .await?;
        let answer = self
            .streams
            .wallets
            .look(user, |wallet| wallet.pin_to_try(self.now()).map(|_| wallet.wrong_pin(policy)))
            .await?;
        Err(match answer {
            Ok(wrong) => wrong.into(),
            Err(locked) => locked.into(),
        })
    }
}

fn check_pin(pin: &str) -> Result<(), Rejection> {
    if pin.len() == 6 && pin.bytes().all(|byte| byte.is_ascii_digit()) {
        Ok(())
    } else {
        Err(Rejection::InvalidField { field: "pin", rule: "has six digits" })
    }
}
