//! Calls: placing them and hearing of them.

use serde_json::{Value, json};

use crate::{Person, Reply, Socket, people::text_at};

impl Person {
    /// Places a voice call.
    #[track_caller]
    pub fn place_call(&self, conversation: &str) -> Reply {
        self.post("/v1/calls", json!({ "conversation": conversation, "media": "voice" }))
    }

    /// Places a voice call, which must be taken, and gives its id.
    #[track_caller]
    #[must_use]
    pub fn call_up(&self, conversation: &str) -> String {
        text_at(&self.place_call(conversation).done(), "call")
    }

    /// Does something about a call: `accept`, `hangup` and so on.
    #[track_caller]
    pub fn about_call(&self, call: &str, what: &str) -> Reply {
        self.post(&format!("/v1/calls/{call}/{what}"), json!({}))
    }

    /// How a call stands.
    #[track_caller]
    #[must_use]
    pub fn shown_call(&self, call: &str) -> Value {
        self.get(&format!("/v1/calls/{call}")).done()
    }

    /// Starts a voice call of a group.
    #[track_caller]
    pub fn start_group_call(&self, group: &str) -> Reply {
        self.post("/v1/group-calls", json!({ "conversation": group, "media": "voice" }))
    }

    /// Starts a voice call of a group, which must be taken, and gives its id.
    #[track_caller]
    #[must_use]
    pub fn call_group(&self, group: &str) -> String {
        text_at(&self.start_group_call(group).done(), "call")
    }

    /// Does something about the call of a group: `join`, `decline` or `leave`.
    #[track_caller]
    pub fn about_group_call(&self, call: &str, what: &str) -> Reply {
        self.post(&format!("/v1/group-calls/{call}/{what}"), json!({}))
    }

    /// How the call of a group stands.
    #[track_caller]
    #[must_use]
    pub fn shown_group_call(&self, call: &str) -> Value {
        self.get(&format!("/v1/group-calls/{call}")).done()
    }

    /// The cards of calls in a conversation: how each ended, and its seconds.
    #[track_caller]
    #[must_use]
    pub fn call_cards(&self, conversation: &str) -> Vec<(String, u64)> {
        let contents = self.history(conversation).into_iter().map(|entry| entry["data"]["content"].clone());
        let cards = contents.filter(|content| content["kind"] == "call");
        cards.map(|card| (text_at(&card, "outcome"), card["seconds"].as_u64().unwrap_or_default())).collect()
    }
}

impl Socket {
    /// The next entry about a call: what happened, and what is said of it. Entries about anything else are passed over.
    #[track_caller]
    #[must_use]
    pub fn heard_of_call(&mut self) -> (String, Value) {
        loop {
            let entry = self.entry();
            let what = text_at(&entry, "type");
            if what.starts_with("call.") || what.starts_with("group-call.") {
                return (what, entry["data"].clone());
            }
        }
    }
}
