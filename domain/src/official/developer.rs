//! The program that an official account is run by: where it is called, and which generation of secrets holds. The secrets
//! themselves are not here: they follow from the account, the generation and the server's key.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::rejection::{Rejection, check_web_address};

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
    /// Where the program is called; none where it is not.
    pub callback: Option<CallbackSettings>,
}
