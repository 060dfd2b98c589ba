//! Passwords: Argon2id on a bounded pool, so that a storm of log-ins is shed instead of slowing everybody down.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version, password_hash::phc::PasswordHash};
use domain::Rejection;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

use crate::CommandError;

/// What one hash costs. The defaults are OWASP's minimum for Argon2id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PasswordCost {
    /// Memory, in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub passes: u32,
    /// How many passwords are checked at the same time.
    pub at_once: usize,
    /// How many may wait for their turn; more are refused.
    pub waiting_max: usize,
}

impl Default for PasswordCost {
    fn default() -> Self {
        Self { memory_kib: 19 * 1024, passes: 2, at_once: 1, waiting_max: 32 }
    }
}

/// Makes and checks verifiers.
#[derive(Debug)]
pub(crate) struct Passwords {
    argon: Argon2<'static>,
    turns: Arc<Semaphore>,
    waiting: AtomicUsize,
    waiting_max: usize,
    /// A verifier that nothing matches: checked where there is no such handle, so that the time taken does not tell.
    decoy: String,
}

/// Shortest and longest password, in characters.
const LENGTH: std::ops::RangeInclusive<usize> = 8..=128;

impl Passwords {
    pub(crate) fn new(cost: PasswordCost) -> Result<Self, CommandError> {
        let params = Params::new(cost.memory_kib, cost.passes, 1, None).map_err(internal)?;
        let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let decoy = argon.hash_password(uuid::Uuid::now_v7().as_bytes()).map_err(internal)?.to_string();
        let turns = Arc::new(Semaphore::new(cost.at_once.max(1)));
        Ok(Self { argon, turns, waiting: AtomicUsize::new(0), waiting_max: cost.waiting_max, decoy })
    }

    /// Refuses a new password that is too short or too long.
    pub(crate) fn check(password: &str) -> Result<(), Rejection> {
        if LENGTH.contains(&password.chars().count()) {
            return Ok(());
        }
        Err(Rejection::InvalidField { field: "password", rule: "has 8 to 128 characters" })
    }

    /// A verifier for a new password.
    pub(crate) async fn hash(&self, password: String) -> Result<String, CommandError> {
        Self::check(&password)?;
        let argon = self.argon.clone();
        self.in_turn(move || argon.hash_password(password.as_bytes()).map(|hash| hash.to_string()))
            .await?
            .map_err(internal)
    }

    /// Whether the password fits the verifier; none stands for a person who does not exist.
    pub(crate) async fn verify(&self, password: String, verifier: Option<String>) -> Result<bool, CommandError> {
        // A longer password was never accepted, so there is no need to hash megabytes of it.
        let plausible = verifier.is_some() && password.chars().count() <= *LENGTH.end();
        let argon = self.argon.clone();
        let verifier = verifier.unwrap_or_else(|| self.decoy.clone());
        let fits = self
            .in_turn(move || {
                let short: String = password.chars().take(*LENGTH.end()).collect();
                PasswordHash::new(&verifier).is_ok_and(|hash| argon.verify_password(short.as_bytes(), &hash).is_ok())
            })
            .await?;
        Ok(fits && plausible)
    }

    async fn in_turn<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, CommandError> {
        let _waiting = Waiting::enter(&self.waiting, self.waiting_max)?;
        let turn = self.turns.clone().acquire_owned().await.map_err(internal)?;
        let worked = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work()
        });
        worked.await.map_err(internal)
    }
}

/// Counts one who waits, until dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn enter(count: &'a AtomicUsize, max: usize) -> Result<Self, CommandError> {
        if count.fetch_add(1, Ordering::Relaxed) > max {
            count.fetch_sub(1, Ordering::Relaxed);
            return Err(CommandError::Busy);
        }
        Ok(Self(count))
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn internal(error: impl std::fmt::Display) -> CommandError {
    CommandError::Internal(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cheap() -> PasswordCost {
        PasswordCost { memory_kib: 8, passes: 1, at_once: 1, waiting_max: 0 }
    }

    #[tokio::test]
    async fn a_verifier_fits_its_password_only() {
        let passwords = Passwords::new(PasswordCost { waiting_max: 8, ..cheap() }).unwrap();
        let verifier = passwords.hash("correct horse".into()).await.unwrap();
        assert!(verifier.starts_with("$argon2id$"));
        assert!(passwords.verify("correct horse".into(), Some(verifier.clone())).await.unwrap());
        assert!(!passwords.verify("wrong horse".into(), Some(verifier)).await.unwrap());
        assert!(!passwords.verify("correct horse".into(), None).await.unwrap());
    }

    #[tokio::test]
    async fn a_password_too_short_is_refused() {
        let passwords = Passwords::new(cheap()).unwrap();
        assert!(matches!(passwords.hash("1234567".into()).await, Err(CommandError::Rejected(_))));
    }

    #[tokio::test]
    async fn more_than_may_wait_are_shed() {
        let passwords = Passwords::new(cheap()).unwrap();
        let _turn = passwords.turns.acquire().await.unwrap();
        let (first, second) = (passwords.verify("a".into(), None), passwords.verify("b".into(), None));
        tokio::pin!(first);
        assert!(futures::poll!(&mut first).is_pending());
        assert!(matches!(second.await, Err(CommandError::Busy)));
    }
}
