//! People: registering, befriending, founding groups, talking.

use std::{
    ops::Deref,
    sync::atomic::{AtomicU32, Ordering},
};

use serde_json::{Value, json};

use crate::{Client, Reply, Server};

/// The password of everybody who is registered here.
pub const PASSWORD: &str = "a secret kept well";

/// A registered person, and the client that they are logged in with.
#[derive(Clone, Debug)]
pub struct Person {
    client: Client,
    /// Their id.
    pub id: String,
    /// Their handle.
    pub handle: String,
    /// The id of the device that they are logged in with.
    pub device: String,
}

impl Deref for Person {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

/// A handle that nobody has yet: the name, and a number.
#[must_use]
pub fn fresh_handle(name: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(1);
    format!("{name}_{}", COUNT.fetch_add(1, Ordering::Relaxed))
}

/// The text at a field.
///
/// # Panics
/// When there is none.
#[track_caller]
#[must_use]
pub fn text_at(value: &Value, field: &str) -> String {
    match value[field].as_str() {
        Some(text) => text.to_owned(),
        None => panic!("no text in {field} of {value}"),
    }
}

/// The number at a field.
///
/// # Panics
/// When there is none.
#[track_caller]
#[must_use]
pub fn number_at(value: &Value, field: &str) -> u64 {
    match value[field].as_u64() {
        Some(number) => number,
        None => panic!("no number in {field} of {value}"),
    }
}

/// The list at a field.
///
/// # Panics
/// When there is none.
#[track_caller]
#[must_use]
pub fn list_at(value: &Value, field: &str) -> Vec<Value> {
    match value[field].as_array() {
        Some(list) => list.clone(),
        None => panic!("no list in {field} of {value}"),
    }
}

/// The body of a registration.
#[must_use]
pub fn registration(handle: &str, display_name: &str) -> Value {
    json!({ "handle": handle, "display_name": display_name, "password": PASSWORD, "device_name": "test" })
}

impl Server {
    /// Registers a person with a handle that begins with that name, and the name as display name.
    #[track_caller]
    #[must_use]
    pub fn register(&self, name: &str) -> Person {
        let handle = fresh_handle(name);
        let registered = self.client().post("/v1/users", registration(&handle, name)).done();
        Person::of(&self.client(), &handle, &registered)
    }

    /// Registers several people.
    #[track_caller]
    #[must_use]
    pub fn people<const N: usize>(&self, names: [&str; N]) -> [Person; N] {
        names.map(|name| self.register(name))
    }

    /// Registers many people, several at a time.
    ///
    /// # Panics
    /// When one of them can't be registered.
    #[must_use]
    pub fn crowd(&self, name: &str, count: usize) -> Vec<Person> {
        in_parallel(count, |_| self.register(name))
    }
}

/// Does something `count` times, several at a time, and gives what came of it in order.
///
/// # Panics
/// When one of them panics.
pub fn in_parallel<T: Send>(count: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    const AT_ONCE: usize = 16;
    let work = &work;
    let strand = |strand: usize| (strand..count).step_by(AT_ONCE).map(|number| (number, work(number))).collect();
    let mut done: Vec<(usize, T)> = std::thread::scope(|scope| {
        let strands: Vec<_> = (0..AT_ONCE).map(|number| scope.spawn(move || -> Vec<_> { strand(number) })).collect();
        strands.into_iter().flat_map(|strand| strand.join().expect("no strand fails")).collect()
    });
    done.sort_by_key(|(number, _)| *number);
    done.into_iter().map(|(_, outcome)| outcome).collect()
}

impl Person {
    /// The person that a registration or a log-in answered with.
    #[track_caller]
    #[must_use]
    pub fn of(client: &Client, handle: &str, answer: &Value) -> Self {
        Self {
            client: client.with_token(&text_at(answer, "token")),
            id: text_at(answer, "user"),
            handle: handle.to_owned(),
            device: text_at(answer, "device"),
        }
    }

    /// The same person and device at another server of the same cluster, having seen a position.
    #[must_use]
    pub fn at(&self, server: &Server, seen: u64) -> Self {
        let token = self.token().unwrap_or_default();
        Self { client: server.client().with_token(token).having_seen(seen), ..self.clone() }
    }

    /// The same person, logged in once more, on another device.
    #[track_caller]
    #[must_use]
    pub fn log_in(&self) -> Self {
        let log_in = json!({ "handle": self.handle, "password": PASSWORD, "device_name": "another" });
        Self::of(&self.anonymous(), &self.handle, &self.anonymous().post("/v1/sessions", log_in).done())
    }

    /// Asks somebody to be friends.
    #[track_caller]
    pub fn ask(&self, other: &Person) -> Reply {
        self.post("/v1/friend-requests", json!({ "to": other.id, "greeting": "hello", "source": "search" }))
    }

    /// Accepts somebody's request to be friends.
    #[track_caller]
    pub fn accept(&self, other: &Person) -> Reply {
        self.post(&format!("/v1/friend-requests/{}/accept", other.id), json!({}))
    }

    /// The row of a contact; null where they are not among the contacts.
    #[track_caller]
    #[must_use]
    pub fn contact(&self, other: &Person) -> Value {
        let mut rows = self.all("/v1/contacts").into_iter();
        rows.find(|row| row["user"] == *other.id).unwrap_or(Value::Null)
    }

    /// Sends a text.
    #[track_caller]
    pub fn send(&self, conversation: &str, text: &str) -> Reply {
        self.post(
            &format!("/v1/conversations/{conversation}/messages"),
            json!({ "content": { "kind": "text", "text": text } }),
        )
    }

    /// Sends a text, which must be taken, and gives its number.
    #[track_caller]
    pub fn say(&self, conversation: &str, text: &str) -> u64 {
        number_at(&self.send(conversation, text).done(), "seq")
    }

    /// The last hundred entries of a conversation's history.
    #[track_caller]
    #[must_use]
    pub fn history(&self, conversation: &str) -> Vec<Value> {
        list_at(&self.get(&format!("/v1/conversations/{conversation}/messages?limit=100")).done(), "entries")
    }

    /// Texts in the last hundred entries of a conversation's history.
    #[track_caller]
    #[must_use]
    pub fn texts(&self, conversation: &str) -> Vec<String> {
        texts(&self.history(conversation))
    }

    /// The row of a conversation in the inbox; null where it is not on the list.
    #[track_caller]
    #[must_use]
    pub fn row(&self, conversation: &str) -> Value {
        let inbox = self.get("/v1/conversations").done();
        let mut rows = list_at(&inbox, "conversations").into_iter();
        rows.find(|row| row["id"] == *conversation).unwrap_or(Value::Null)
    }

    /// The total on the badge.
    #[track_caller]
    #[must_use]
    pub fn badge(&self) -> u64 {
        number_at(&self.get("/v1/conversations").done(), "badge")
    }

    /// The details of a conversation.
    #[track_caller]
    #[must_use]
    pub fn details(&self, conversation: &str) -> Value {
        self.get(&format!("/v1/conversations/{conversation}")).done()
    }

    /// Everything that happened behind a position, page by page.
    ///
    /// # Panics
    /// When the pages do not come to an end.
    #[track_caller]
    #[must_use]
    pub fn sync_from(&self, mut after: u64) -> Vec<Value> {
        let mut entries = vec![];
        loop {
            let page = self.get(&format!("/v1/sync?after={after}&limit=100")).done();
            entries.extend(list_at(&page, "entries"));
            let next = number_at(&page, "next");
            if page["more"] == false {
                return entries;
            }
            assert!(next > after, "a page that leads nowhere: {page}");
            after = next;
        }
    }

    /// All items of a list that comes in pages.
    ///
    /// # Panics
    /// When it does not come to an end.
    #[track_caller]
    #[must_use]
    pub fn all(&self, path: &str) -> Vec<Value> {
        let mut items = vec![];
        let mut cursor = String::new();
        let glue = if path.contains('?') { '&' } else { '?' };
        for _ in 0..10_000 {
            let page = self.get(&format!("{path}{glue}limit=50{cursor}")).done();
            let list = page.as_object().and_then(|page| page.values().find_map(Value::as_array));
            items.extend(list.unwrap_or_else(|| panic!("no list in {page}")).iter().cloned());
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return items,
            }
        }
        panic!("{path} does not come to an end")
    }
}

/// The texts among entries.
#[must_use]
pub fn texts(entries: &[Value]) -> Vec<String> {
    let texts = entries.iter().filter_map(|entry| entry["data"]["content"]["text"].as_str());
    texts.map(str::to_owned).collect()
}

/// Makes two people friends and gives the id of their conversation.
#[track_caller]
#[must_use]
pub fn befriend(one: &Person, other: &Person) -> String {
    one.ask(other).done();
    other.accept(one).done();
    text_at(&one.contact(other), "conversation")
}

/// Founds a group of the first with the others, whose friend the first becomes, and gives its id.
#[track_caller]
#[must_use]
pub fn group(owner: &Person, others: &[&Person]) -> String {
    for other in others {
        if owner.contact(other).is_null() {
            owner.ask(other).done();
            other.accept(owner).done();
        }
    }
    let members: Vec<&str> = others.iter().map(|other| other.id.as_str()).collect();
    text_at(&owner.post("/v1/groups", json!({ "name": "tea", "members": members })).done(), "conversation")
}
