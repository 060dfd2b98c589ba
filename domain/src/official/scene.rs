//! Scenes: what a code of an official account says of where it hangs.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::rejection::{Rejection, check_line};

/// What a code says of where it hangs, for the account's own statistics and bots: a number or a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum Scene {
    /// A number above zero; up to 100,000 in codes that do not end.
    Number(u32),
    /// A text of 1 to 64 characters.
    Text(String),
}

/// The largest number of a code that does not end.
const PERMANENT_NUMBER_MAX: u32 = 100_000;
/// Longest text, in characters.
const TEXT_CHARS: usize = 64;

impl Scene {
    /// Checks it, for a code that ends or does not.
    ///
    /// # Errors
    /// [`Rejection::InvalidField`], [`Rejection::TooLong`].
    pub fn check(&self, ends: bool) -> Result<(), Rejection> {
        match self {
            Self::Number(number) if *number > 0 && (ends || *number <= PERMANENT_NUMBER_MAX) => Ok(()),
            Self::Number(_) => Err(Rejection::InvalidField {
                field: "scene",
                rule: "is above zero, and at most 100000 in a code that does not end",
            }),
            Self::Text(text) if text.is_empty() => {
                Err(Rejection::InvalidField { field: "scene", rule: "must not be empty" })
            }
            Self::Text(text) => check_line("scene", text, TEXT_CHARS),
        }
    }
}

impl std::fmt::Display for Scene {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Text(text) => text.fmt(f),
        }
    }
}
