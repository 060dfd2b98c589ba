//! Where the other side is, its secret, limits of time and size.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};
use thiserror::Error;
use ureq::http::{Uri, uri::Scheme};

/// Shortest secret, in characters.
const SECRET_CHARS: usize = 16;

/// One gateway's settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GatewayOptions {
    /// Where the other side is: `https://bank.example/teahouse`. Nothing else is ever called. Plain `http` only on the
    /// same machine.
    pub base_url: String,
    /// What both sides know and nobody else. Never shown and never written.
    #[serde(skip_serializing)]
    pub secret: SharedSecret,
    /// Longest time until a connection stands, in milliseconds.
    pub connect_timeout_ms: u64,
    /// Longest time for a whole call, in milliseconds.
    pub timeout_ms: u64,
    /// Largest answer that is read, in bytes.
    pub answer_bytes_max: u64,
    /// Most calls at a time; more wait, at most as long as a call may take.
    pub calls_max: usize,
}

impl Default for GatewayOptions {
    fn default() -> Self {
        Self {
            base_url: String::new(),
            secret: SharedSecret::default(),
            connect_timeout_ms: 3_000,
            timeout_ms: 15_000,
            answer_bytes_max: 256 * 1024,
            calls_max: 32,
        }
    }
}

/// Why there can be no such gateway.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum OptionsError {
    /// The address is none, or has more to it than host, port and path.
    #[error("base_url {0:?} is not an address like https://bank.example/teahouse")]
    Address(String),
    /// Card numbers and the secret would cross the network for all to read.
    #[error("base_url {0:?} is on another machine: https is needed")]
    Plain(String),
    /// The secret is soon guessed, or was meant to be none.
    #[error("the secret has fewer than {SECRET_CHARS} characters, or one that no header can carry")]
    Secret,
    /// A limit of zero lets nothing through.
    #[error("{0} is zero")]
    Zero(&'static str),
}

impl GatewayOptions {
    /// The limit on connecting.
    pub(crate) fn connect_timeout(&self) -> Duration {
        Duration::from_millis(self.connect_timeout_ms)
    }

    /// The limit on a call.
    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_ms)
    }

    /// Checks them, and gives the address without a slash at its end.
    pub(crate) fn checked_base(&self) -> Result<String, OptionsError> {
        let base = self.base_url.trim_end_matches('/');
        let wrong = || OptionsError::Address(self.base_url.clone());
        let address: Uri = base.parse().map_err(|_| wrong())?;
        let authority = address.authority().ok_or_else(wrong)?;
        if authority.as_str().contains('@') || address.query().is_some() || base.contains('#') {
            return Err(wrong());
        }
        let here = matches!(authority.host(), "localhost" | "[::1]") || is_loopback(authority.host());
        match address.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => {}
            Some(scheme) if *scheme == Scheme::HTTP && here => {}
            Some(scheme) if *scheme == Scheme::HTTP => return Err(OptionsError::Plain(self.base_url.clone())),
            _ => return Err(wrong()),
        }
        let secret = self.secret.reveal();
        if secret.chars().count() < SECRET_CHARS || !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(OptionsError::Secret);
        }
        for (name, zero) in [
            ("connect_timeout_ms", self.connect_timeout_ms == 0),
            ("timeout_ms", self.timeout_ms == 0),
            ("answer_bytes_max", self.answer_bytes_max == 0),
            ("calls_max", self.calls_max == 0),
        ] {
            if zero {
                return Err(OptionsError::Zero(name));
            }
        }
        Ok(base.to_owned())
    }
}

fn is_loopback(host: &str) -> bool {
    host.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback())
}

/// A secret that two sides share; never shown.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct SharedSecret(String);

impl SharedSecret {
    /// The secret itself.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<String> for SharedSecret {
    fn from(secret: String) -> Self {
        Self(secret)
    }
}

impl fmt::Debug for SharedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(base_url: &str) -> GatewayOptions {
        let secret = "known to both sides".replace(' ', "-").into();
        GatewayOptions { base_url: base_url.to_owned(), secret, ..GatewayOptions::default() }
    }

    #[test]
    fn an_address_is_https_or_on_the_same_machine() {
        for good in
            ["https://bank.example", "https://bank.example:8443/teahouse/", "http://127.0.0.1:80", "http://[::1]:1"]
        {
            assert_eq!(options(good).checked_base().as_deref(), Ok(good.trim_end_matches('/')));
        }
        for plain in ["http://bank.example", "http://10.0.0.1", "http://localhost.example", "http://127.0.0.1.example"]
        {
            assert_eq!(options(plain).checked_base(), Err(OptionsError::Plain(plain.to_owned())));
        }
        for wrong in
            ["", "bank.example", "ftp://bank.example", "https://u@bank.example", "https://b.example?x", "/path"]
        {
            assert_eq!(options(wrong).checked_base(), Err(OptionsError::Address(wrong.to_owned())));
        }
    }

    #[test]
    fn a_secret_is_long_enough_and_never_shown_or_written() {
        let good = options("https://bank.example");
        for secret in ["", "short", "long enough but with spaces", "long-enough-with-a-\n-in-it"] {
            let bad = GatewayOptions { secret: secret.to_owned().into(), ..good.clone() };
            assert_eq!(bad.checked_base(), Err(OptionsError::Secret), "{secret:?}");
        }
        assert!(!format!("{good:?}").contains("known"));
        assert!(!serde_json::to_string(&good).unwrap().contains("known"));
    }

    #[test]
    fn a_limit_of_zero_is_refused() {
        let none = GatewayOptions { calls_max: 0, ..options("https://bank.example") };
        assert_eq!(none.checked_base(), Err(OptionsError::Zero("calls_max")));
    }
}
