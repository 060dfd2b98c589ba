//! An HTTP client that holds a token.

use std::{sync::Arc, time::Duration};

use serde_json::Value;
use ureq::{
    Agent,
    http::{HeaderMap, Request},
};

use crate::server::Address;

/// Nothing that a test asks for takes that long.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Largest answer that is read, in bytes.
const ANSWER_BYTES: u64 = 256 * 1024 * 1024;

/// Somebody who asks the server for something. Clones share their connections.
#[derive(Clone, Debug)]
pub struct Client {
    address: Arc<Address>,
    agent: Agent,
    token: Option<String>,
    /// What it tells servers to have seen.
    seen: Option<u64>,
}

/// What the server answered.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
    /// What was asked, for messages.
    asked: String,
}

impl Client {
    /// A client without a token.
    #[must_use]
    pub fn new(address: Arc<Address>) -> Self {
        let config = Agent::config_builder()
            .timeout_global(Some(TIMEOUT))
            .http_status_as_error(false)
            .max_idle_connections_per_host(64)
            // The server closes what was silent for five seconds, and a request may cross that.
            .max_idle_age(Duration::from_secs(3))
            .allow_non_standard_methods(true)
            .build();
        Self { address, agent: config.into(), token: None, seen: None }
    }

    /// A client of something that listens at `HOST:PORT`.
    #[must_use]
    pub fn at(host_and_port: &str) -> Self {
        let address = Arc::<Address>::default();
        address.set(host_and_port.to_owned());
        Self::new(address)
    }

    /// The same client with another token.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// The same client, having seen a position, of another node perhaps.
    #[must_use]
    pub fn having_seen(&self, position: u64) -> Self {
        Self { seen: Some(position), ..self.clone() }
    }

    /// The same client without a token.
    #[must_use]
    pub fn anonymous(&self) -> Self {
        Self { token: None, ..self.clone() }
    }

    /// The token.
    #[must_use]
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// Where the server is at present.
    #[must_use]
    pub fn address(&self) -> String {
        self.address.now()
    }

    /// `GET`
    #[track_caller]
    #[must_use]
    pub fn get(&self, path: &str) -> Reply {
        self.call("GET", path, None, None)
    }

    /// `POST` with a JSON body.
    #[track_caller]
    pub fn post(&self, path: &str, body: Value) -> Reply {
        self.call("POST", path, Some(&body), None)
    }

    /// `PUT` with a JSON body.
    #[track_caller]
    pub fn put(&self, path: &str, body: Value) -> Reply {
        self.call("PUT", path, Some(&body), None)
    }

    /// `PATCH` with a JSON body.
    #[track_caller]
    pub fn patch(&self, path: &str, body: Value) -> Reply {
        self.call("PATCH", path, Some(&body), None)
    }

    /// `DELETE`
    #[track_caller]
    pub fn delete(&self, path: &str) -> Reply {
        self.call("DELETE", path, None, None)
    }

    /// Any request, with an idempotency key or without.
    ///
    /// # Panics
    /// When there is no answer.
    #[track_caller]
    pub fn call(&self, method: &str, path: &str, body: Option<&Value>, key: Option<&str>) -> Reply {
        match self.try_call(method, path, body, key) {
            Ok(reply) => reply,
            Err(error) => panic!("{method} {path} was not answered: {error}"),
        }
    }

    /// Any request; while a server is being killed there may be no answer.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn try_call(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
        key: Option<&str>,
    ) -> Result<Reply, ureq::Error> {
        let request = self.request(method, path, key);
        let response = match body {
            Some(body) => {
                let json = body.to_string().into_bytes();
                self.agent.run(request.header("content-type", "application/json").body(json)?)
            }
            None if matches!(method, "POST" | "PUT" | "PATCH") => self.agent.run(request.body(vec![])?),
            None => self.agent.run(request.body(())?),
        };
        answered(response?, method, path)
    }

    /// A request whose body is bytes of some type.
    ///
    /// # Panics
    /// When there is no answer.
    #[track_caller]
    pub fn send_bytes(&self, method: &str, path: &str, content_type: &str, bytes: &[u8], key: Option<&str>) -> Reply {
        let request = self.request(method, path, key).header("content-type", content_type);
        let sent = request.body(bytes.to_vec()).map_err(ureq::Error::from).and_then(|request| self.agent.run(request));
        match sent.and_then(|response| answered(response, method, path)) {
            Ok(reply) => reply,
            Err(error) => panic!("{method} {path} was not answered: {error}"),
        }
    }

    /// `GET` with a header.
    ///
    /// # Panics
    /// When there is no answer.
    #[track_caller]
    #[must_use]
    pub fn get_with(&self, path: &str, header: (&str, &str)) -> Reply {
        let request = self.request("GET", path, None).header(header.0, header.1);
        let sent = request.body(()).map_err(ureq::Error::from).and_then(|request| self.agent.run(request));
        match sent.and_then(|response| answered(response, "GET", path)) {
            Ok(reply) => reply,
            Err(error) => panic!("GET {path} was not answered: {error}"),
        }
    }

    /// Any request with headers of one's own.
    ///
    /// # Panics
    /// When there is no answer.
    #[track_caller]
    #[must_use]
    pub fn send_with(&self, method: &str, path: &str, headers: &[(&str, &str)], bytes: &[u8]) -> Reply {
        let request = self.request(method, path, None);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let sent = match bytes {
            [] if !matches!(method, "POST" | "PUT" | "PATCH") => {
                request.body(()).map_err(ureq::Error::from).and_then(|request| self.agent.run(request))
            }
            _ => request.body(bytes.to_vec()).map_err(ureq::Error::from).and_then(|request| self.agent.run(request)),
        };
        match sent.and_then(|response| answered(response, method, path)) {
            Ok(reply) => reply,
            Err(error) => panic!("{method} {path} was not answered: {error}"),
        }
    }

    fn request(&self, method: &str, path: &str, key: Option<&str>) -> ureq::http::request::Builder {
        let mut request = Request::builder().method(method).uri(format!("http://{}{path}", self.address.now()));
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if let Some(seen) = self.seen {
            request = request.header("teahouse-at-least", seen);
        }
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        request
    }
}

fn answered(mut response: ureq::http::Response<ureq::Body>, method: &str, path: &str) -> Result<Reply, ureq::Error> {
    let body = response.body_mut().with_config().limit(ANSWER_BYTES).read_to_vec()?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Ok(Reply { status, headers, body, asked: format!("{method} {path}") })
}

impl Reply {
    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// When it is none.
    #[track_caller]
    #[must_use]
    pub fn json(&self) -> Value {
        match serde_json::from_slice(&self.body) {
            Ok(value) => value,
            Err(error) => panic!("{}: not JSON ({error}): {}", self.asked, self.text()),
        }
    }

    /// The body of an answer that says that it was done.
    ///
    /// # Panics
    /// When the status is not 2xx.
    #[track_caller]
    pub fn done(&self) -> Value {
        assert!((200..300).contains(&self.status), "{}: {} {}", self.asked, self.status, self.text());
        self.json()
    }

    /// A header as text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Checks that it was refused, with that status and code, as `application/problem+json`.
    ///
    /// # Panics
    /// When it was answered otherwise.
    #[track_caller]
    pub fn refused(&self, status: u16, code: &str) -> Value {
        let problem = self.problem(status);
        assert_eq!(problem["code"], code, "{}: {}", self.asked, self.text());
        problem
    }

    /// Checks that it is a problem of that status, whole and in its form.
    ///
    /// # Panics
    /// When it is something else.
    #[track_caller]
    pub fn problem(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}: {}", self.asked, self.text());
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{}: {}", self.asked, self.text());
        let problem = self.json();
        assert_eq!(problem["status"], status, "{}: {}", self.asked, self.text());
        for field in ["type", "title", "code", "detail"] {
            assert!(problem[field].as_str().is_some_and(|text| !text.is_empty()), "{}: {problem}", self.asked);
        }
        problem
    }
}
