//! Taking events in.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, hash_map::Entry},
    sync::Arc,
};

use domain::{
    AnsweringEvent, BroadcastsEvent, ConversationEvent, DomainEvent, OfficialAccountEvent, OfficialAccountId,
    SubscriptionsEvent, UserId, WebhookEvent,
    broadcasts::BroadcastAudience,
    conversation::{Content, MenuChosen, MessageSent, OfficialPart},
    official::Happening,
    subscriptions::{AccountCodeScanned, AccountFollowed},
};
use fjall::OwnedWriteBatch as WriteBatch;
use uuid::Uuid;

use super::{
    AccountRow, FollowedRow, FollowerRow, HeardRow, OfficialView, OpenRow, SettingsRow, days::Days, hooks::Hooks,
    rows::Tables,
};
use crate::{Fact, ProjectionError};

/// Whether events of that type can change anything here.
pub(super) fn matters(event_type: &str) -> bool {
    event_type.starts_with("official-account.")
        || event_type.starts_with("account.")
        || event_type.starts_with("webhook.")
        || matches!(
            event_type,
            "message.sent"
                | "conversation.menu-chosen"
                | "answer.given"
                | "broadcast.sent"
                | "article.read"
                | "article.liked"
        )
}

impl OpenRow {
    fn of(fact: &Fact, user: UserId, openid: String, what: Happening) -> Self {
        Self { trigger: fact.record.event_id(), openid, user, at: fact.at(), what }
    }
}

/// What a batch changes.
#[derive(Default)]
pub(super) struct Changes {
    accounts: HashMap<OfficialAccountId, AccountRow>,
    /// Who owns an account (true) or acts for it, or no longer does.
    parts: HashMap<(UserId, OfficialAccountId), Option<bool>>,
    followers: HashMap<(OfficialAccountId, String), Option<FollowerRow>>,
    followed: HashMap<(UserId, OfficialAccountId), Option<FollowedRow>>,
    settings: HashMap<OfficialAccountId, SettingsRow>,
    heard: Vec<(OfficialAccountId, HeardRow)>,
    /// What has to be answered, or no longer.
    open: BTreeMap<(OfficialAccountId, u64), Option<OpenRow>>,
    /// Where events of this batch stand that have to be answered.
    places: HashMap<Uuid, (OfficialAccountId, u64)>,
    days: Days,
    hooks: Hooks,
}

impl Changes {
    /// Takes an event in.
    pub(super) fn take(&mut self, view: &OfficialView, tables: &Tables, fact: &Fact) -> Result<(), ProjectionError> {
        let event = fact.decoded()?;
        self.days.take(fact, event);
        match event {
            DomainEvent::OfficialAccount(event) => self.take_account(view, fact, event),
            DomainEvent::Subscriptions(event) => self.take_subscription(view, tables, fact, event),
            DomainEvent::Conversation(ConversationEvent::MessageSent(MessageSent {
                seq,
                content,
                official: Some(OfficialPart { account, .. }),
                ..
            })) => self.take_message(view, tables, fact, *account, (*seq, content)),
            DomainEvent::Conversation(ConversationEvent::MenuChosen(chosen)) => {
                let MenuChosen { account, button, key, url } = chosen.clone();
                let Some((user, openid)) = self.sender(tables, fact, account)? else { return Ok(()) };
                self.wait(view, fact, account, user, openid, Happening::Chose { button, key, url });
                Ok(())
            }
            DomainEvent::Webhook(event) => {
                let id = fact.stream_id("webhook").map(OfficialAccountId);
                let id = id.ok_or_else(|| fact.poison("the stream names no official account"))?;
                match event {
                    WebhookEvent::WebhookSet(_) => self.settings_of(view, id).has_webhook = true,
                    WebhookEvent::WebhookRemoved(_) => self.settings_of(view, id).has_webhook = false,
                    _ => {}
                }
                self.hooks.take(view, id, event);
                Ok(())
            }
            DomainEvent::Broadcasts(BroadcastsEvent::BroadcastSent(sent))
                if sent.audience != BroadcastAudience::Preview =>
            {
                let (account, number, audience) = (sent.account, sent.number, sent.audience);
                let what = Happening::Broadcast { number, audience };
                self.wait(view, fact, account, account.party(), String::new(), what);
                Ok(())
            }
            DomainEvent::Answering(AnsweringEvent::AnswerGiven(given)) => {
                let place = self.places.get(&given.trigger).copied();
                let place = place.or_else(|| view.open.read().places.get(&given.trigger).copied());
                place.map(|place| self.open.insert(place, None));
                Ok(())
            }
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
            E::AccountMenuSet(set) => {
                self.settings_of(view, id).menu.clone_from(&set.menu);
                return Ok(());
            }
            E::AutoRepliesSet(set) => {
                self.settings_of(view, id).auto_replies.clone_from(&set.auto_replies);
                return Ok(());
            }
            E::CallbackSet(set) => {
                self.settings_of(view, id).has_program = set.callback.is_some();
                return Ok(());
            }
            E::AppSecretRenewed(_) | E::CallbackKeysRenewed(_) => return Ok(()),
            _ => {}
        }
        match event {
            E::AccountOperatorAdded(added) => self.parts.insert((added.user, id), Some(false)),
            E::AccountOperatorRemoved(removed) => self.parts.insert((removed.user, id), None),
            _ => None,
        };
        self.change(view, fact, id, |row| match event {
            E::AccountRegistered(_)
            | E::AccountMenuSet(_)
            | E::AutoRepliesSet(_)
            | E::AppSecretRenewed(_)
            | E::CallbackKeysRenewed(_)
            | E::CallbackSet(_) => {}
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
                let row = FollowerRow { openid: openid.clone(), user, since, source, scene: scene.clone() };
                self.followers.insert((account, openid.clone()), Some(row));
                let row = FollowedRow { account, openid: openid.clone(), since, muted: false };
                self.followed.insert((user, account), Some(row));
                self.wait(view, fact, account, user, openid, Happening::Followed { scene });
                self.change(view, fact, account, |row| row.followers += 1)
            }
            SubscriptionsEvent::AccountUnfollowed(unfollowed) => {
                let account = unfollowed.account;
                self.followers.insert((account, unfollowed.openid.clone()), None);
                self.followed.insert((user, account), None);
                self.wait(view, fact, account, user, unfollowed.openid.clone(), Happening::Unfollowed);
                self.change(view, fact, account, |row| row.followers = row.followers.saturating_sub(1))
            }
            SubscriptionsEvent::AccountMuted(muted) => {
                let row = self.followed_row(tables, user, muted.account)?;
                let row = row.ok_or_else(|| fact.poison("an account was muted that nobody follows"))?;
                self.followed.insert((user, muted.account), Some(FollowedRow { muted: muted.on, ..row }));
                Ok(())
            }
            SubscriptionsEvent::AccountCodeScanned(scanned) => {
                let AccountCodeScanned { account, openid, scene } = scanned.clone();
                self.wait(view, fact, account, user, openid, Happening::Scanned { scene });
                Ok(())
            }
        }
    }

    fn take_message(
        &mut self,
        view: &OfficialView,
        tables: &Tables,
        fact: &Fact,
        account: OfficialAccountId,
        (seq, content): (u64, &Content),
    ) -> Result<(), ProjectionError> {
        let Some((user, openid)) = self.sender(tables, fact, account)? else { return Ok(()) };
        let row = HeardRow { position: fact.position().0, openid: openid.clone(), user, seq };
        self.heard.push((account, row));
        let settings = self.settings.get(&account).cloned().map_or_else(|| view.settings(account), Arc::new);
        let rules = &settings.auto_replies;
        let fits = matches!(content, Content::Text { text } if rules.rule_for(text).is_some());
        if settings.has_program || fits || rules.default.is_some() {
            self.put_open(fact, account, OpenRow::of(fact, user, openid.clone(), Happening::Said { seq }));
        }
        if settings.has_webhook {
            self.hooks.add(
                view,
                (account, fact.position().0),
                OpenRow::of(fact, user, openid, Happening::Said { seq }),
            );
        }
        Ok(())
    }

    /// Who of an account's followers did it, and what the account knows them by; none for the account itself.
    fn sender(
        &self,
        tables: &Tables,
        fact: &Fact,
        account: OfficialAccountId,
    ) -> Result<Option<(UserId, String)>, ProjectionError> {
        let Some(user) = fact.actor().filter(|actor| *actor != account.party()) else { return Ok(None) };
        Ok(self.followed_row(tables, user, account)?.map(|row| (user, row.openid)))
    }

    /// Notes that something has to be answered, where the account is set up to.
    fn wait(
        &mut self,
        view: &OfficialView,
        fact: &Fact,
        account: OfficialAccountId,
        user: UserId,
        openid: String,
        what: Happening,
    ) {
        let settings = self.settings.get(&account).cloned().map_or_else(|| view.settings(account), Arc::new);
        let welcomes = matches!(what, Happening::Followed { .. }) && settings.auto_replies.welcome.is_some();
        let row = OpenRow::of(fact, user, openid, what);
        if settings.has_webhook {
            self.hooks.add(view, (account, fact.position().0), row.clone());
        }
        if settings.has_program || welcomes {
            self.put_open(fact, account, row);
        }
    }

    fn put_open(&mut self, fact: &Fact, account: OfficialAccountId, row: OpenRow) {
        let place = (account, fact.position().0);
        self.places.insert(row.trigger, place);
        self.open.insert(place, Some(row));
    }

    fn followed_row(
        &self,
        tables: &Tables,
        user: UserId,
        account: OfficialAccountId,
    ) -> Result<Option<FollowedRow>, ProjectionError> {
        match self.followed.get(&(user, account)) {
            Some(row) => Ok(row.clone()),
            None => tables.followed(user, account),
        }
    }

    fn settings_of(&mut self, view: &OfficialView, id: OfficialAccountId) -> &mut SettingsRow {
        self.settings.entry(id).or_insert_with(|| SettingsRow::clone(&view.settings(id)))
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
        for (id, row) in &self.settings {
            tables.write_settings(*id, row, rows)?;
        }
        for (id, row) in &self.heard {
            tables.write_heard(*id, row, rows)?;
        }
        self.days.write(&tables.days, rows)?;
        self.hooks.write(tables, rows)?;
        for (place, row) in &self.open {
            tables.write_open(*place, row.as_ref(), rows)?;
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
            view.apps.write().extend(self.accounts.keys().map(|id| (id.app_id(), *id)));
            view.accounts.write().extend(self.accounts.into_iter().map(|(id, row)| (id, Arc::new(row))));
        }
        if !self.settings.is_empty() {
            view.settings.write().extend(self.settings.into_iter().map(|(id, row)| (id, Arc::new(row))));
        }
        self.hooks.show(view);
        if !self.open.is_empty() {
            let mut open = view.open.write();
            for (place, row) in self.open {
                match row {
                    Some(row) => open.put(place, row),
                    None => open.remove(place),
                }
            }
        }
    }
}
