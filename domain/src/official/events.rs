//! Events of an official account.

use serde::{Deserialize, Serialize};

use super::{AccountProfile, AccountSort, AutoReplies, CallbackSettings, Menu};
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

/// The account has another menu.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountMenuSet {
    /// The menu; none where there is none any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub menu: Option<Menu>,
}

/// The account answers something else by itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AutoRepliesSet {
    /// All that it answers from now on.
    pub auto_replies: AutoReplies,
}

/// The secret of the account's application was made anew: it follows from the number and the server's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppSecretRenewed {
    /// How often it was by then.
    pub secret: u64,
}

/// The account's program is called elsewhere, or otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallbackSet {
    /// Where and how; none where it is called no longer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub callback: Option<CallbackSettings>,
    /// How often token and key were made anew by then: they follow from the number and the server's key.
    pub keys: u64,
}

/// Token and key of the account's callback were made anew, and the ones before stay good for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallbackKeysRenewed {
    /// How often they were by then: they follow from the number and the server's key.
    pub keys: u64,
}

event_family! {
    /// Events of an `official-account-` stream.
    OfficialAccountEvent {
        "official-account.registered" => AccountRegistered,
        "official-account.profile-changed" => AccountProfileChanged,
        "official-account.operator-added" => AccountOperatorAdded,
        "official-account.operator-removed" => AccountOperatorRemoved,
        "official-account.verified" => AccountVerified,
        "official-account.verification-withdrawn" => AccountVerificationWithdrawn,
        "official-account.menu-set" => AccountMenuSet,
        "official-account.auto-replies-set" => AutoRepliesSet,
        "official-account.app-secret-renewed" => AppSecretRenewed,
        "official-account.callback-set" => CallbackSet,
        "official-account.callback-keys-renewed" => CallbackKeysRenewed,
    }
}
