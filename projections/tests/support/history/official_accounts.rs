//! Official accounts: opened and run, followed, read and written to.

use domain::{
    Article, ArticleId, ConversationId, OfficialAccount, OfficialAccountId, ReadingId, UserId,
    article::ArticleText,
    broadcasts::{Addressees, NewBroadcast},
    conversation::{Automatic, Content, Voice, messages::Draft},
    follower_notes::NotesChange,
    official::{AccountProfile, AccountSort, AutoReplies, Scene},
    subscriptions::FollowSource,
    webhook::Undelivered,
};
use rand::{RngExt, seq::IndexedRandom};

use super::History;

impl History {
    /// Accounts are opened and run, followed, muted and left.
    pub(super) fn follow(&mut self, me: UserId, other: UserId) {
        let name = self.word();
        let Some((id, owner)) = self.registered.choose(&mut self.rng).copied().filter(|_| self.rng.random_bool(0.95))
        else {
            let id = OfficialAccountId(self.id());
            let profile = AccountProfile { name, ..AccountProfile::default() };
            let events = OfficialAccount::default().register(id, AccountSort::Service, profile, me).unwrap();
            self.accounts.put(&self.writer, &mut self.rng, id, Some(me), &events);
            self.registered.push((id, me));
            return;
        };
        let (account, mine) = (self.accounts.state(id), self.subscriptions.state(me));
        let openid = format!("o{:027}", me.0.as_u128() % 10_u128.pow(27));
        match self.rng.random_range(0..14) {
            0 => {
                let profile = AccountProfile { introduction: name, ..account.profile.clone() };
                let events = account.change_profile(owner, profile).unwrap_or_default();
                self.accounts.put(&self.writer, &mut self.rng, id, Some(owner), &events);
            }
            1 => {
                let added = account.add_operator(owner, other, &self.policy.official);
                let events = if self.rng.random() { added } else { account.remove_operator(owner, other) };
                self.accounts.put(&self.writer, &mut self.rng, id, Some(owner), &events.unwrap_or_default());
            }
            2 => {
                let events =
                    if self.rng.random() { account.verify("Tea Ltd") } else { account.withdraw_verification() };
                self.accounts.put(&self.writer, &mut self.rng, id, None, &events.unwrap_or_default());
            }
            3 => self.talk_with_account(me, id),
            12..14 => self.notify(id, owner),
            step => {
                let scene = self.rng.random::<bool>().then_some(Scene::Number(7));
                let events = match step {
                    4..8 => mine.follow(id, &openid, FollowSource::Search, scene, &self.policy.official),
                    8 => Ok(mine.unfollow(id)),
                    9 => Ok(mine.scan(id, &Scene::Number(7))),
                    _ => mine.mute(id, self.rng.random()),
                };
                self.subscriptions.put(&self.writer, &mut self.rng, me, Some(me), &events.unwrap_or_default());
            }
        }
    }

    /// A webhook is set, told, gone back with and removed.
    fn notify(&mut self, id: OfficialAccountId, owner: UserId) {
        let (state, last) = (self.webhooks.state(id), self.rng.random_range(1..200));
        let told = |undelivered: Option<&Undelivered>| {
            let due = state.due(self.writer.now);
            due.map(|due| state.note(&due, state.through.max(last), undelivered, (id, owner), self.writer.now))
        };
        let failure = |gone| Undelivered { position: last + 1, reason: "status 500".into(), gone };
        let events = match self.rng.random_range(0..8) {
            0..3 => state.set("https://tea.example/hook", last).unwrap(),
            3 => state.rewind(Some(last), last).unwrap_or_default(),
            4 => told(None).unwrap_or_default(),
            5..7 => told(Some(&failure(last % 4 == 0))).unwrap_or_default(),
            _ => state.remove(),
        };
        self.webhooks.put(&self.writer, &mut self.rng, id, Some(owner), &events);
    }

    /// Articles are written, published and withdrawn, read and liked.
    pub(super) fn publish(&mut self, me: UserId) {
        let Some((account, owner)) = self.registered.choose(&mut self.rng).copied() else { return };
        let (title, cover) = (self.word(), self.brought.choose(&mut self.rng).map(|(_, medium)| *medium));
        let body = format!("<p>{title}</p>");
        let text = ArticleText { title, body, cover, ..ArticleText::default() };
        let known = self.written.choose(&mut self.rng).copied().filter(|_| self.rng.random_bool(0.8));
        let Some((article, account)) = known else {
            let article = ArticleId(self.id());
            let events = Article::default().write(account, text, &self.policy.official).unwrap();
            self.articles.put(&self.writer, &mut self.rng, article, Some(owner), &events);
            self.written.push((article, account));
            return;
        };
        let state = self.articles.state(article);
        let events = match self.rng.random_range(0..12) {
            0 => state.write(account, text, &self.policy.official),
            1..4 => state.publish(account),
            4 => state.withdraw(account),
            step => {
                let id = ReadingId { article, reader: me };
                let mine = self.readings.state(id);
                let events = match step {
                    5..9 => mine.read(article, account),
                    _ => mine.like(article, account, self.rng.random_bool(0.7)),
                };
                if state.published().is_ok() {
                    self.readings.put(&self.writer, &mut self.rng, id, Some(me), &events);
                }
                return;
            }
        };
        self.articles.put(&self.writer, &mut self.rng, article, Some(owner), &events.unwrap_or_default());
    }

    /// Broadcasts are sent and taken back; tags are made, put on followers, taken off and deleted.
    pub(super) fn broadcast(&mut self, me: UserId) {
        let Some((account, owner)) = self.registered.choose(&mut self.rng).copied() else { return };
        let (word, tag, by) = (self.word(), self.rng.random_range(100..103), Some(owner));
        let (sent, tags) = (self.broadcasts.state(account), self.follower_tags.state(account));
        let rules = &self.policy.official;
        match self.rng.random_range(0..8) {
            0..2 => {
                let tagged = tags.has(tag) && self.rng.random();
                let openid = |user: &UserId| format!("o{:027}", user.0.as_u128() % 10_u128.pow(27));
                let to = match self.rng.random_range(0..4) {
                    0 => Addressees::Named(self.people.iter().take(3).map(openid).collect()),
                    1 => Addressees::Preview(openid(&me)),
                    _ if tagged => Addressees::Tag(tag),
                    _ => Addressees::All,
                };
                let new = NewBroadcast { contents: vec![Content::Text { text: word }], to };
                let events = sent.send((account, AccountSort::Service), new, &self.policy, self.writer.now);
                self.broadcasts.put(&self.writer, &mut self.rng, account, by, &events.unwrap_or_default());
            }
            2 => {
                let events = sent.withdraw(account, self.rng.random_range(1..5));
                self.broadcasts.put(&self.writer, &mut self.rng, account, by, &events.unwrap_or_default());
            }
            3 => {
                let events = match self.rng.random_range(0..4) {
                    0 => tags.delete(tag),
                    1 => tags.rename(tag, &word),
                    _ => tags.make(&format!("{word} {tag}"), rules),
                };
                self.follower_tags.put(&self.writer, &mut self.rng, account, by, &events.unwrap_or_default());
            }
            _ => {
                let openid = format!("o{:027}", me.0.as_u128() % 10_u128.pow(27));
                let id = ConversationId::with_account(account, me);
                let (add, remove) = ([tag].into(), [self.rng.random_range(100..103)].into());
                let change = NotesChange { remark: Some(word), add, remove };
                let notes = self.follower_notes.state(id);
                let events = notes.change((account, &openid), &change, |tag| tags.has(tag), rules);
                self.follower_notes.put(&self.writer, &mut self.rng, id, by, &events.unwrap_or_default());
            }
        }
    }

    /// A follower says something, and the account answers; or it is set up otherwise.
    fn talk_with_account(&mut self, me: UserId, id: OfficialAccountId) {
        let (word, now) = (self.word(), self.writer.now);
        let owner = self.registered.iter().find(|(known, _)| *known == id).map(|(_, owner)| *owner);
        let content = Content::Text { text: word };
        if self.rng.random_bool(0.3) {
            let replies =
                AutoReplies { welcome: Some(content.clone()), default: Some(content), ..AutoReplies::default() };
            let replies = if self.rng.random() { replies } else { AutoReplies::default() };
            let account = self.accounts.state(id);
            let events = account.set_auto_replies(owner.unwrap(), replies, &self.policy).unwrap();
            self.accounts.put(&self.writer, &mut self.rng, id, owner, &events);
            return;
        }
        if self.subscriptions.state(me).followed(id).is_none() {
            return;
        }
        let talk = ConversationId::with_account(id, me);
        let opened = self.conversations.state(talk).open_with_account(id, me, AccountSort::Service);
        self.conversations.put(&self.writer, &mut self.rng, talk, Some(me), &opened);
        let state = self.conversations.state(talk);
        let draft = Draft::of(content);
        let asked = state.send(me, draft.clone(), &self.policy, now).unwrap();
        self.conversations.put(&self.writer, &mut self.rng, talk, Some(me), &asked);
        let state = self.conversations.state(talk);
        let voice = Voice::Automatic(Automatic::Default);
        let answered = state.say_as_account(&[draft], voice, None, &self.policy, now).unwrap();
        self.conversations.put(&self.writer, &mut self.rng, talk, Some(id.party()), &answered);
    }
}
