//! Messages to send.

use super::{
    client,
    load::Traffic,
    numbered::{DIGITS, Numbered, PLACE},
    world::{Circle, Pair, Person},
};

/// What stands before the number in a message's text. With the number the text has 20 characters.
pub(super) const TEXT: &str = "message ";

/// A request that sends a message.
fn request(conversation: impl std::fmt::Display, token: &str) -> Numbered {
    let path = format!("/v1/conversations/{conversation}/messages");
    Numbered::new(client::post(&path, token, &body(PLACE)))
}

/// The body of a request: what a client sends, with its own id for the message.
fn body(number: &str) -> String {
    format!(r#"{{"client_id":"{number}","content":{{"kind":"text","text":"{TEXT}{number}"}}}}"#)
}

/// A body as long as those of messages, for the ceiling.
pub(super) fn sample_body() -> String {
    body(&"0".repeat(DIGITS))
}

/// The numbers of the messages that a text as JSON tells of, in order.
pub(super) fn numbers_in(json: &str) -> impl Iterator<Item = u64> {
    json.split("\"text\":\"message ").skip(1).filter_map(|rest| rest.get(..DIGITS)?.parse().ok())
}

/// The number of the message that a text tells of, whatever stands around it.
pub(super) fn number_behind(text: &str) -> Option<u64> {
    text.split_once(TEXT)?.1.get(..DIGITS)?.parse().ok()
}

/// One connection's share of the talk: conversations in turn, each message with a number of its own.
pub(super) struct Talk {
    requests: Vec<Numbered>,
    turn: usize,
    next: u64,
    step: u64,
}

impl Talk {
    /// Shares pairs out among connections. The members of a pair take turns.
    pub(super) fn of_pairs(pairs: &[Pair], connections: usize) -> Vec<Self> {
        let requests = |pair: &Pair| [&pair.one, &pair.other].map(|person| request(pair.conversation, &person.token));
        Self::shared_out(pairs.iter().map(requests), connections)
    }

    /// Shares pairs out; only the first of each pair talks.
    pub(super) fn of_first_halves(pairs: &[Pair], connections: usize) -> Vec<Self> {
        Self::shared_out(pairs.iter().map(|pair| [request(pair.conversation, &pair.one.token)]), connections)
    }

    /// Members of one group, each with a connection.
    pub(super) fn of_circle(circle: &Circle, senders: usize) -> Vec<Self> {
        let requests = circle.members.iter().map(|person| [request(circle.conversation, &person.token)]);
        Self::shared_out(requests.take(senders), senders)
    }

    /// Followers of official accounts, each in a conversation of that id.
    pub(super) fn with_accounts(talkers: &[(String, Person)], connections: usize) -> Vec<Self> {
        let requests = talkers.iter().map(|(conversation, person)| [request(conversation, &person.token)]);
        Self::shared_out(requests, connections)
    }

    fn shared_out<const N: usize>(requests: impl Iterator<Item = [Numbered; N]>, connections: usize) -> Vec<Self> {
        let step = connections as u64;
        let mut talks: Vec<Self> =
            (0..step).map(|first| Self { requests: vec![], turn: 0, next: first, step }).collect();
        for (requests, number) in requests.zip(0..) {
            let place: usize = number % connections.max(1);
            if let Some(talk) = talks.get_mut(place) {
                talk.requests.extend(requests);
            }
        }
        talks
    }

    /// The same talk with other numbers, from `first` on.
    pub(super) fn starting_at(mut self, first: u64) -> Self {
        self.next += first;
        self
    }

    /// The number of the next message.
    pub(super) fn next_number(&self) -> u64 {
        self.next
    }
}

impl Traffic for Talk {
    fn next(&mut self) -> &[u8] {
        let (turn, number) = (self.turn, self.next);
        self.turn = (turn + 1) % self.requests.len().max(1);
        self.next += self.step;
        match self.requests.get_mut(turn) {
            Some(request) => request.with(number),
            None => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_carries_its_number_in_id_and_text() {
        let mut request = request("c", "t");
        let text = String::from_utf8(request.with(1234).to_vec()).unwrap();
        assert!(text.ends_with(&body("000000001234")), "{text}");
        assert_eq!(numbers_in(&text).collect::<Vec<_>>(), [1234]);
        assert_eq!(number_behind(&text), Some(1234));
        assert_eq!(TEXT.len() + DIGITS, 20);
    }
}
