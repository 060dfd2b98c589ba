//! Taking events in.

use std::{
    collections::{BTreeSet, HashMap, hash_map::Entry},
    sync::Arc,
};

use domain::{
    DomainEvent, OfficialAccountEvent, OfficialAccountId, SubscriptionsEvent, UserId, subscriptions::AccountFollowed,
};
use fjall::OwnedWriteBatch as WriteBatch;

use super::{AccountRow, FollowedRow, FollowerRow, OfficialView, rows::Tables};
use crate::{Fact, ProjectionError};

/// Whether events of that type can change anything here.
pub(super) fn matters(event_type: &str) -> bool {
    event_type.starts_with("official-account.") || event_type.starts_with("account.")
}

/// What a batch changes.
#[derive(Default)]
pub(super) struct Changes {
    accounts: HashMap<OfficialAccountId, AccountRow>,
    /// Who owns an account (true) or acts for it, or no longer does.
    parts: HashMap<(UserId, OfficialAccountId), Option<bool>>,
    followers: HashMap<(OfficialAccountId, String), Option<FollowerRow>>,
    followed: HashMap<(UserId, OfficialAccountId), Option<FollowedRow>>,
}

impl Changes {
    /// Takes an event in.
    pub(super) fn take(&mut self, view: &OfficialView, tables: &Tables, fact: &Fact) -> Result<(), ProjectionError> {
        match fact.decoded()? {
            DomainEvent::OfficialAccount(event) => self.take_account(view, fact, event),
            DomainEvent::Subscriptions(event) => self.take_subscription(view, tables, fact, event),
            _ => Ok(()),
        }
    }

    fn take_account(
        &mut self,
        view: &OfficialView,
        fact: &Fact,
        event: &OfficialAccountEvent,
    ) -> Result<(), ProjectionError> {
        use OfficialAccountEvent as E;
        let id = fact.stream_id("official-account").map(OfficialAccountId);
        let id = id.ok_or_else(|| fact.poison("the stream names no official account"))?;
        if let E::AccountRegistered(registered) = event {
            let row = AccountRow {
                sort: registered.sort,
                profile: registered.profile.clone(),
                owner: registered.owner,
                operators: BTreeSet::new(),
                verified: None,
                registered_at: fact.at(),
                followers: 0,
            };
            self.parts.insert((registered.owner, id), Some(true));
            self.accounts.insert(id, row);
            return Ok(());
        }
        match event {
            E::AccountOperatorAdded(added) => self.parts.insert((added.user, id), Some(false)),
            E::AccountOperatorRemoved(removed) => self.parts.insert((removed.user, id), None),
            _ => None,
        };
        self.change(view, fact, id, |row| match event {
            E::AccountRegistered(_) => {}
            E::AccountProfileChanged(changed) => row.profile.clone_from(&changed.profile),
            E::AccountOperatorAdded(added) => {
                row.operators.insert(added.user);
            }
            E::AccountOperatorRemoved(removed) => {
                row.operators.remove(&removed.user);
            }
            E::AccountVerified(verified) => row.verified = Some(verified.subject.clone()),
            E::AccountVerificationWithdrawn(_) => row.verified = None,
        })
    }

    fn take_subscription(
        &mut self,
        view: &OfficialView,
        tables: &Tables,
        fact: &Fact,
        event: &SubscriptionsEvent,
    ) -> Result<(), ProjectionError> {
        let user = fact.stream_id("subscriptions").map(UserId);
        let user = user.ok_or_else(|| fact.poison("the stream names nobody"))?;
        match event {
            SubscriptionsEvent::AccountFollowed(followed) => {
                let AccountFollowed { account, openid, source, scene } = followed.clone();
                let since = fact.at();
                let row = FollowerRow { openid: openid.clone(), user, since, source, scene };
                self.followers.insert((account, openid), Some(row));
                self.followed.insert((user, account), Some(FollowedRow { account, since, muted: false }));
                self.change(view, fact, account, |row| row.followers += 1)
            }
            SubscriptionsEvent::AccountUnfollowed(unfollowed) => {
                let account = unfollowed.account;
                self.followers.insert((account, unfollowed.openid.clone()), None);
                self.followed.insert((user, account), None);
                self.change(view, fact, account, |row| row.followers = row.followers.saturating_sub(1))
            }
            SubscriptionsEvent::AccountMuted(muted) => {
                let row = match self.followed.get(&(user, muted.account)) {
                    Some(row) => *row,
                    None => tables.followed(user, muted.account)?,
                };
                let row = row.ok_or_else(|| fact.poison("an account was muted that nobody follows"))?;
                self.followed.insert((user, muted.account), Some(FollowedRow { muted: muted.on, ..row }));
                Ok(())
            }
            SubscriptionsEvent::AccountCodeScanned(_) => Ok(()),
        }
    }

    fn change(
        &mut self,
        view: &OfficialView,
        fact: &Fact,
        id: OfficialAccountId,
        change: impl FnOnce(&mut AccountRow),
    ) -> Result<(), ProjectionError> {
        let row = match self.accounts.entry(id) {
            Entry::Occupied(touched) => touched.into_mut(),
            Entry::Vacant(untouched) => {
                let row = view.account(id).ok_or_else(|| fact.poison("an account that was not registered"))?;
                untouched.insert(AccountRow::clone(&row))
            }
        };
        change(row);
        Ok(())
    }

    /// Puts the changes into a batch of rows.
    pub(super) fn write(&self, tables: &Tables, rows: &mut WriteBatch) -> Result<(), ProjectionError> {
        for (id, row) in &self.accounts {
            tables.write_account(*id, row, rows)?;
        }
        for ((user, id), owns) in &self.parts {
            tables.write_part(*user, *id, *owns, rows);
        }
        for ((id, openid), row) in &self.followers {
            match row {
                Some(row) => tables.write_follower(*id, row, rows)?,
                None => tables.remove_follower(*id, openid, rows),
            }
        }
        for ((user, id), row) in &self.followed {
            match row {
                Some(row) => tables.write_followed(*user, row, rows)?,
                None => tables.remove_followed(*user, *id, rows),
            }
        }
        Ok(())
    }

    /// Shows the changes in what is held in memory.
    pub(super) fn show(self, view: &OfficialView) {
        if !self.accounts.is_empty() {
            view.accounts.write().extend(self.accounts.into_iter().map(|(id, row)| (id, Arc::new(row))));
        }
    }
}
