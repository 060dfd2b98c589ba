//! A log read from a running server, through its operators' endpoint.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use eventlog::{Breach, Position, RecordedEvent, verify::Rule};
use serde::Deserialize;
use ureq::{Agent, http::Uri};

use super::source::{Source, SourceError};
use crate::error::Error;

/// Records that are asked for at a time.
const PAGE: usize = 1_000;
/// Largest answer that is taken: a page of the largest records there are, in base64.
const ANSWER_BYTES: u64 = 128 * 1024 * 1024;
/// Patience for one page.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A running server.
pub(super) struct Remote {
    agent: Agent,
    /// Its address, without a slash at the end.
    base: String,
    authorization: String,
}

/// One line of the endpoint's answer.
#[derive(Deserialize)]
struct RemoteLine {
    position: u64,
    /// The record's canonical bytes in base64.
    record: String,
}

impl Remote {
    /// A server at an address, to whom the token is shown.
    ///
    /// # Errors
    /// [`Error::Usage`] where the address is none, or would send the token over a network in the clear.
    pub(super) fn new(url: &str, token: &str) -> Result<Self, Error> {
        let base = url.trim_end_matches('/').to_owned();
        let refused = |why: &str| Error::Usage(format!("--server {url}: {why}"));
        let uri: Uri = base.parse().map_err(|_| refused("this is no address"))?;
        match (uri.scheme_str(), uri.host()) {
            (Some("https"), Some(_)) => {}
            (Some("http"), Some(host)) if is_loopback(host) => {}
            (Some("http"), Some(_)) => {
                return Err(refused("the token would cross the network in the clear; use https"));
            }
            _ => return Err(refused("an address begins with http:// or https://")),
        }
        let config = Agent::config_builder().timeout_global(Some(TIMEOUT)).http_status_as_error(false).build();
        Ok(Self { agent: config.into(), base, authorization: format!("Bearer {token}") })
    }

    fn fetch(&self, after: Position) -> Result<String, SourceError> {
        let unavailable = |error: ureq::Error| SourceError::Unavailable(format!("{}: {error}", self.base));
        let url = format!("{}/v1/operator/records?after={after}&limit={PAGE}", self.base);
        let request = self.agent.get(&url).header("Authorization", &self.authorization);
        let mut response = request.call().map_err(unavailable)?;
        let status = response.status();
        let body = response.body_mut().with_config().limit(ANSWER_BYTES).read_to_string().map_err(unavailable)?;
        if status.is_success() {
            return Ok(body);
        }
        let detail = body.chars().take(500).collect::<String>();
        Err(SourceError::Unavailable(format!("{} answered {status}: {detail}", self.base)))
    }
}

impl Source for Remote {
    fn page(&mut self, after: Position) -> Result<Vec<RecordedEvent>, SourceError> {
        self.fetch(after)?.lines().filter(|line| !line.trim().is_empty()).map(record_of).collect()
    }

    fn last(&self) -> Option<Position> {
        None
    }
}

fn record_of(line: &str) -> Result<RecordedEvent, SourceError> {
    let unreadable = |error: &dyn std::fmt::Display| SourceError::Unavailable(format!("an unreadable line: {error}"));
    let line: RemoteLine = serde_json::from_str(line).map_err(|error| unreadable(&error))?;
    let bytes = BASE64_STANDARD.decode(&line.record).map_err(|error| unreadable(&error))?;
    let position = Position(line.position);
    RecordedEvent::from_canonical(position, Bytes::from(bytes))
        .map_err(|error| SourceError::Breach(Breach { position, stream: None, rule: Rule::Format(error) }))
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_does_not_cross_a_network_in_the_clear() {
        for fine in ["http://127.0.0.1:8080", "http://localhost:1/", "http://[::1]:80", "https://tea.example"] {
            assert!(Remote::new(fine, "t").is_ok(), "{fine}");
        }
        for wrong in ["http://tea.example", "http://10.0.0.1", "ftp://localhost", "localhost:8080", ""] {
            assert!(Remote::new(wrong, "t").is_err(), "{wrong}");
        }
    }

    #[test]
    fn bytes_that_are_no_record_are_a_breach_at_their_position() {
        let line = format!(r#"{{"position":9,"record":"{}"}}"#, BASE64_STANDARD.encode(b"\x01nonsense"));
        let Err(SourceError::Breach(breach)) = record_of(&line) else { panic!("nonsense was taken") };
        assert_eq!(breach.position, Position(9));
    }
}
