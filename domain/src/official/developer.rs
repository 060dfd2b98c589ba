//! The program that an official account is run by: where it is called, and which generation of secrets holds. The secrets
//! themselves are not here: they follow from the account, the generation and the server's key.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::rejection::{Rejection, check_web_address};

/// For how long the token and key before are good as well, in hours.
const OVERLAP_HOURS: i64 = 24;

/// Whether what a program is told is encrypted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CallbackMode {
    /// In the clear.
    #[default]
    Plain,
    /// Both in the clear and encrypted.
    Compatible,
    /// Encrypted only.
    Safe,
}

/// Where a program is called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallbackSettings {
    /// An `http` or `https` address of at most 500 characters.
    pub url: String,
    /// Whether what it is told is encrypted.
    pub mode: CallbackMode,
}

impl CallbackSettings {
    /// Checks it.
    ///
    /// # Errors
    /// [`Rejection::InvalidField`], [`Rejection::TooLong`].
    pub fn check(&self) -> Result<(), Rejection> {
        check_web_address("url", &self.url, 500)
    }
}

/// What an account's developers set up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Developer {
    /// How often the application's secret was made anew; zero where there is none yet.
    pub secret: u64,
    /// How often the callback's token and key were made anew.
    pub keys: u64,
    /// When they took the place of others that were in use.
    #[serde(default)]
    pub keys_renewed_at: Option<DateTime<Utc>>,
    /// Where the program is called; none where it is not.
    pub callback: Option<CallbackSettings>,
}

impl Developer {
    /// Until when the callback's token and key before are good as well.
    #[must_use]
    pub fn old_keys_until(&self) -> Option<DateTime<Utc>> {
        self.keys_renewed_at.map(|renewed| renewed + TimeDelta::hours(OVERLAP_HOURS))
    }

    /// The number of the token and key before, where they are good as well at a time.
    #[must_use]
    pub fn old_keys(&self, now: DateTime<Utc>) -> Option<u64> {
        self.old_keys_until().filter(|until| *until > now).and_then(|_| self.keys.checked_sub(1))
    }
}
