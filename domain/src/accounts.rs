//! The ledger accounts of people, merchants and holds: their ids in upper case, as the names of accounts want them.

use ledger::{Account, Posting, Segment};
use uuid::Uuid;

use crate::{HoldId, MerchantId, UserId};

/// A person's wallet.
#[must_use]
pub fn wallet(owner: UserId) -> Account {
    Account::Wallet(segment(owner.0))
}

/// A merchant's balance.
#[must_use]
pub fn merchant(merchant: MerchantId) -> Account {
    Account::Merchant(segment(merchant.0))
}

/// A hold of a kind.
#[must_use]
pub fn hold(kind: Segment, hold: HoldId) -> Account {
    Account::Hold { kind, id: segment(hold.0) }
}

/// What withdrawals earn the house.
#[must_use]
pub fn withdrawal_fees() -> Account {
    Account::Fees { kind: Segment::of_static("Withdrawal") }
}

/// What the house owes a biller. Billers name themselves; the account's name is made of the hash of that.
#[must_use]
pub fn biller(name: &str) -> Account {
    merchant(MerchantId::of_biller(name))
}

/// Whose wallet a segment names.
#[must_use]
pub fn owner(segment: &Segment) -> Option<UserId> {
    Uuid::try_parse(segment.as_str()).ok().map(UserId)
}

/// The person into whose wallet a posting puts money.
#[must_use]
pub fn paid_person(posting: &Posting) -> Option<UserId> {
    match posting.account() {
        Account::Wallet(id) if posting.amount().is_negative() => owner(id),
        _ => None,
    }
}

/// The person out of whose wallet a posting takes money.
#[must_use]
pub fn paying_person(posting: &Posting) -> Option<UserId> {
    match posting.account() {
        Account::Wallet(id) if posting.amount().is_positive() => owner(id),
        _ => None,
    }
}

fn segment(id: Uuid) -> Segment {
    Segment::from(id)
}
