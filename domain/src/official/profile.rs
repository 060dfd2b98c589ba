//! What people see of an official account.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::rejection::{Rejection, check_line, check_name, check_text, check_web_address};

/// The two sorts of official accounts. Broadcasts of subscription accounts are folded into one row of a reader's inbox and
/// come daily at most; service accounts have a row each and broadcast rarely.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AccountSort {
    /// For those who publish.
    #[default]
    Subscription,
    /// For those who serve: shops, offices.
    Service,
}

/// What people see of an official account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccountProfile {
    /// Its name, 1 to 30 characters.
    pub name: String,
    /// What it is about, at most 120 characters.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub introduction: String,
    /// The brand it stands for, at most 60 characters.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub brand: String,
    /// Its picture: an `http` or `https` address of at most 1,000 characters.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub picture: String,
    /// Its own pages: an `http` or `https` address of at most 1,000 characters.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub website: String,
    /// How its people are reached (telephone, mail), at most 100 characters.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub contact: String,
}

/// Longest address, in characters.
const ADDRESS_CHARS: usize = 1_000;

impl AccountProfile {
    pub(super) fn check(&self) -> Result<(), Rejection> {
        check_name("name", &self.name, 30)?;
        check_text("introduction", &self.introduction, 120)?;
        check_line("brand", &self.brand, 60)?;
        check_line("contact", &self.contact, 100)?;
        for (field, address) in [("picture", &self.picture), ("website", &self.website)] {
            if !address.is_empty() {
                check_web_address(field, address, ADDRESS_CHARS)?;
            }
        }
        Ok(())
    }
}
