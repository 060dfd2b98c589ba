//! A device's WebSocket, read only when a test asks for something: a device that is slow is one that is not asked.

use std::{
    collections::VecDeque,
    net::TcpStream,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{
    self, Error, HandshakeError, Message, WebSocket, client::IntoClientRequest, http::HeaderValue,
};

use crate::{Client, patience::DEADLINE};

const LOOK_EVERY: Duration = Duration::from_millis(200);

/// A connected device.
#[derive(Debug)]
pub struct Socket {
    stream: WebSocket<TcpStream>,
    /// Entries that came and were not asked for yet.
    entries: VecDeque<Value>,
    /// The position in the server's greeting.
    pub hello: u64,
}

/// What comes from the server.
#[derive(Clone, Debug, PartialEq)]
pub enum Came {
    /// A message.
    Message(Value),
    /// The server ended the connection, with this code; none where it was just gone.
    Closed(Option<u16>),
}

impl Socket {
    /// Connects with the client's token and waits for the greeting. `query` is what stands behind `/v1/ws`.
    ///
    /// # Panics
    /// When the server does not take the connection.
    #[track_caller]
    #[must_use]
    pub fn connect(client: &Client, query: &str) -> Self {
        match Self::try_connect(client, query) {
            Ok(socket) => socket,
            Err(status) => panic!("the WebSocket was refused with {status:?}"),
        }
    }

    /// As [`Self::connect`].
    ///
    /// # Errors
    /// The status that the server answers with instead of taking the connection; none where there was no answer.
    pub fn try_connect(client: &Client, query: &str) -> Result<Self, Option<u16>> {
        let address = client.address();
        let connection = TcpStream::connect(&address).map_err(|_| None)?;
        connection.set_read_timeout(Some(LOOK_EVERY)).map_err(|_| None)?;
        let mut request = format!("ws://{address}/v1/ws{query}").into_client_request().map_err(|_| None)?;
        if let Some(token) = client.token() {
            let value = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| None)?;
            request.headers_mut().insert("authorization", value);
        }
        let begun = Instant::now();
        let mut shaking = tungstenite::client(request, connection);
        let stream = loop {
            match shaking {
                Ok((stream, _)) => break stream,
                Err(HandshakeError::Interrupted(further)) if begun.elapsed() < DEADLINE => {
                    shaking = further.handshake();
                }
                Err(HandshakeError::Failure(Error::Http(response))) => return Err(Some(response.status().as_u16())),
                Err(_) => return Err(None),
            }
        };
        let mut socket = Self { stream, entries: VecDeque::new(), hello: 0 };
        match socket.receive() {
            Came::Message(hello) if hello["type"] == "hello" => {
                socket.hello = hello["position"].as_u64().ok_or(None)?;
                Ok(socket)
            }
            _ => Err(None),
        }
    }

    /// The next thing that the server sends, whatever it is.
    ///
    /// # Panics
    /// When nothing comes.
    #[track_caller]
    pub fn receive(&mut self) -> Came {
        let begun = Instant::now();
        loop {
            if let Some(came) = self.look() {
                return came;
            }
            assert!(begun.elapsed() < DEADLINE, "the server sends nothing");
        }
    }

    /// The next thing that the server sends, if anything comes within a moment.
    pub fn receive_soon(&mut self) -> Option<Came> {
        self.look()
    }

    /// What comes within a moment, if anything does.
    fn look(&mut self) -> Option<Came> {
        loop {
            return match self.stream.read() {
                Ok(Message::Text(text)) => {
                    Some(Came::Message(serde_json::from_str(&text).expect("the server sends JSON")))
                }
                Ok(Message::Close(frame)) => Some(Came::Closed(frame.map(|frame| frame.code.into()))),
                Ok(_) => continue,
                Err(Error::Io(error)) if would_block(&error) => None,
                Err(_) => Some(Came::Closed(None)),
            };
        }
    }

    /// The next entry.
    ///
    /// # Panics
    /// When none comes, or the connection ends.
    #[track_caller]
    pub fn entry(&mut self) -> Value {
        loop {
            if let Some(entry) = self.entries.pop_front() {
                return entry;
            }
            match self.receive() {
                Came::Message(message) if message["type"] == "entries" => self.keep(&message),
                Came::Message(message) => panic!("not an entry: {message}"),
                Came::Closed(code) => panic!("closed with {code:?} before an entry came"),
            }
        }
    }

    fn keep(&mut self, message: &Value) {
        let entries = message["entries"].as_array().expect("a list of entries");
        assert!(!entries.is_empty(), "a message without an entry");
        self.entries.extend(entries.iter().cloned());
    }

    /// All entries up to that position, which must come.
    ///
    /// # Panics
    /// When it does not come.
    #[track_caller]
    pub fn entries_until(&mut self, position: u64) -> Vec<Value> {
        let mut entries = vec![];
        loop {
            let entry = self.entry();
            let at = entry["position"].as_u64().expect("an entry has a position");
            assert!(at <= position, "{position} was passed over: {entry}");
            entries.push(entry);
            if at == position {
                return entries;
            }
        }
    }

    /// The next message that is not entries.
    ///
    /// # Panics
    /// When none comes, or the connection ends.
    #[track_caller]
    pub fn message(&mut self) -> Value {
        loop {
            match self.receive() {
                Came::Message(message) if message["type"] == "entries" => self.keep(&message),
                Came::Message(message) => return message,
                Came::Closed(code) => panic!("closed with {code:?} before a message came"),
            }
        }
    }

    /// Reads on until the server ends the connection, and gives its code.
    ///
    /// # Panics
    /// When it does not.
    #[track_caller]
    pub fn closed(&mut self) -> Option<u16> {
        loop {
            if let Came::Closed(code) = self.receive() {
                return code;
            }
        }
    }

    /// Says something.
    ///
    /// # Panics
    /// When the connection is gone.
    #[track_caller]
    pub fn say(&mut self, message: &Value) {
        self.stream.send(Message::text(message.to_string())).expect("the connection stands");
    }

    /// Says something that is not a JSON object of the protocol.
    ///
    /// # Panics
    /// When the connection is gone.
    #[track_caller]
    pub fn say_raw(&mut self, message: Message) {
        self.stream.send(message).expect("the connection stands");
    }

    /// Sends a ping and checks that the answer is a pong, with nothing but entries before it: whatever was to be pushed
    /// before has come by then.
    ///
    /// # Panics
    /// When something else comes.
    #[track_caller]
    pub fn ping(&mut self) {
        self.say(&json!({ "type": "ping" }));
        assert_eq!(self.message(), json!({ "type": "pong" }));
    }
}

fn would_block(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut)
}
