//! Official accounts in tests: what their owners and followers do.

use serde_json::{Value, json};

use crate::{
    Person, Reply,
    people::{list_at, text_at},
};

/// An official account and its owner.
#[derive(Clone, Debug)]
pub struct Account {
    /// Whose it is.
    pub owner: Person,
    /// Its id.
    pub id: String,
}

impl Account {
    /// Has somebody open a service account.
    #[track_caller]
    #[must_use]
    pub fn service(owner: Person, name: &str) -> Self {
        Self::of("service", owner, name)
    }

    /// Has somebody open a subscription account.
    #[track_caller]
    #[must_use]
    pub fn subscription(owner: Person, name: &str) -> Self {
        Self::of("subscription", owner, name)
    }

    #[track_caller]
    fn of(sort: &str, owner: Person, name: &str) -> Self {
        let registered = owner.post("/v1/official-accounts", json!({ "sort": sort, "name": name })).done();
        Self { owner, id: text_at(&registered, "account") }
    }

    /// The path of something of it.
    #[must_use]
    pub fn path(&self, rest: &str) -> String {
        format!("/v1/official-accounts/{}{rest}", self.id)
    }

    /// Somebody follows it.
    #[track_caller]
    pub fn followed_by(&self, person: &Person) {
        person.put(&self.path("/follow"), json!({})).done();
    }

    /// What it knows its only follower by, which that person must be.
    ///
    /// # Panics
    /// When nobody follows it, or others do as well.
    #[track_caller]
    #[must_use]
    pub fn openid_of(&self, person: &Person) -> String {
        assert!(
            person.get(&self.path("")).done()["followed_since"].is_string(),
            "{} does not follow it",
            person.handle
        );
        let followers = list_at(&self.owner.get(&self.path("/followers?limit=100")).done(), "followers");
        assert_eq!(followers.len(), 1, "{followers:?}");
        text_at(followers.first().expect("a follower"), "openid")
    }

    /// Opens the conversation of somebody with it, and gives its id.
    #[track_caller]
    #[must_use]
    pub fn talk_with(&self, person: &Person) -> String {
        text_at(&person.call("PUT", &self.path("/conversation"), None, None).done(), "conversation")
    }

    /// Has it answer that by itself.
    #[track_caller]
    pub fn answers(&self, replies: Value) {
        self.owner.put(&self.path("/auto-replies"), replies).done();
    }

    /// Writes a draft of an article, which must be taken, and gives its id.
    #[track_caller]
    #[must_use]
    pub fn draft(&self, title: &str, body: &str) -> String {
        let draft = json!({ "title": title, "body": body });
        text_at(&self.owner.post(&self.path("/drafts"), draft).done(), "article")
    }

    /// Publishes a draft.
    #[track_caller]
    pub fn publish(&self, article: &str) {
        self.owner.call("POST", &self.path(&format!("/drafts/{article}/publish")), None, None).done();
    }

    /// Writes an article and publishes it, and gives its id.
    #[track_caller]
    #[must_use]
    pub fn article(&self, title: &str, body: &str) -> String {
        let article = self.draft(title, body);
        self.publish(&article);
        article
    }

    /// Writes to a follower in its name.
    #[track_caller]
    pub fn write_to(&self, openid: &str, text: &str) -> Reply {
        let body = json!({ "content": { "kind": "text", "text": text } });
        self.owner.post(&self.path(&format!("/followers/{openid}/messages")), body)
    }
}
