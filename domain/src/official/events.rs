//! Events of an official account.

use serde::{Deserialize, Serialize};

use super::{AccountProfile, AccountSort};
use crate::{OfficialAccountId, UserId, event::event_family};

/// Somebody opened an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountRegistered {
    /// Its id.
    pub account: OfficialAccountId,
    /// Subscription or service account; for good.
    pub sort: AccountSort,
    /// What people see of it.
    pub profile: AccountProfile,
    /// Whose it is.
    pub owner: UserId,
}

/// What people see of it was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountProfileChanged {
    /// The whole new profile.
    pub profile: AccountProfile,
}

/// Somebody may act for the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountOperatorAdded {
    /// Who.
    pub user: UserId,
}

/// Somebody may no longer act for the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountOperatorRemoved {
    /// Who.
    pub user: UserId,
}

/// The server's administrator vouches for who stands behind the account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountVerified {
    /// Who stands behind it: a company, an office, a person.
    pub subject: String,
}

/// The administrator vouches no longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountVerificationWithdrawn {}

event_family! {
    /// Events of an `official-account-` stream.
    OfficialAccountEvent {
        "official-account.registered" => AccountRegistered,
        "official-account.profile-changed" => AccountProfileChanged,
        "official-account.operator-added" => AccountOperatorAdded,
        "official-account.operator-removed" => AccountOperatorRemoved,
        "official-account.verified" => AccountVerified,
        "official-account.verification-withdrawn" => AccountVerificationWithdrawn,
    }
}
