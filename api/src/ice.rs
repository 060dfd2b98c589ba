//! Servers that help devices to find a way to each other: STUN says who one is from outside, TURN passes on what finds no
//! other way. TURN servers take credentials that this server makes and that are good for a while.
//!
//! The credentials are those of coturn's `use-auth-secret` (draft-uberti-behave-turn-rest-00): the user name is the time of
//! their end and who they are for, the password its HMAC-SHA1 under a secret that both servers know.

use base64::{Engine, prelude::BASE64_STANDARD as BASE64};
use chrono::{DateTime, TimeDelta, Utc};
use domain::UserId;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Deserializer, Serialize};
use sha1::Sha1;
use utoipa::ToSchema;

/// Shortest secret, in characters.
const SECRET_CHARS: usize = 16;

/// Where such servers are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IceOptions {
    /// STUN servers: `stun:host:3478`. A list, or, in an environment variable, with commas in between.
    #[serde(deserialize_with = "list")]
    pub stun_urls: Vec<String>,
    /// TURN servers: `turn:host:3478?transport=udp`.
    #[serde(deserialize_with = "list")]
    pub turn_urls: Vec<String>,
    /// How long credentials for TURN are good, in seconds.
    pub turn_seconds: i64,
}

impl Default for IceOptions {
    fn default() -> Self {
        Self { stun_urls: vec![], turn_urls: vec![], turn_seconds: 12 * 3600 }
    }
}

/// A list, or a text with commas.
fn list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Given {
        List(Vec<String>),
        Text(String),
    }
    Ok(match Given::deserialize(deserializer)? {
        Given::List(list) => list,
        Given::Text(text) => text.split(',').map(str::trim).filter(|url| !url.is_empty()).map(str::to_owned).collect(),
    })
}

/// Why these settings can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IceError {
    /// Something that is no address of such a server.
    #[error("{0:?} is no address like stun:host:3478 or turn:host:3478?transport=udp")]
    Address(String),
    /// TURN servers, and no secret to make credentials with.
    #[error("turn_secret, which the servers in ice.turn_urls know, has fewer than {SECRET_CHARS} characters")]
    Secret,
}

/// A kind of servers, as browsers want it for `RTCPeerConnection`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct IceServer {
    /// Where.
    pub urls: Vec<String>,
    /// Who asks, where that must be proved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The proof.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
}

/// Where the servers are, and what their credentials are made with.
pub struct IceServers {
    options: IceOptions,
    secret: String,
}

impl IceServers {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`IceError`]
    pub fn new(options: IceOptions, secret: Option<&str>) -> Result<Self, IceError> {
        let wrong = |urls: &[String], schemes: [&str; 2]| {
            let fits = |url: &&String| schemes.iter().any(|scheme| url.strip_prefix(scheme).is_some_and(is_host));
            urls.iter().find(|url| !fits(url)).cloned()
        };
        let found = wrong(&options.stun_urls, ["stun:", "stuns:"]);
        if let Some(url) = found.or_else(|| wrong(&options.turn_urls, ["turn:", "turns:"])) {
            return Err(IceError::Address(url));
        }
        let secret = secret.unwrap_or_default().to_owned();
        if !options.turn_urls.is_empty() && secret.chars().count() < SECRET_CHARS {
            return Err(IceError::Secret);
        }
        Ok(Self { options, secret })
    }

    /// When credentials made now end.
    #[must_use]
    pub fn end(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        now + TimeDelta::seconds(self.options.turn_seconds)
    }

    /// The servers for a person, with credentials that end at a time.
    #[must_use]
    pub fn servers(&self, user: UserId, end: DateTime<Utc>) -> Vec<IceServer> {
        let IceOptions { stun_urls, turn_urls, .. } = self.options.clone();
        let stun = IceServer { urls: stun_urls, username: None, credential: None };
        let username = format!("{}:{user}", end.timestamp());
        let credential = credential(&self.secret, &username);
        let turn = IceServer { urls: turn_urls, username: Some(username), credential };
        [stun, turn].into_iter().filter(|server| !server.urls.is_empty()).collect()
    }
}

fn is_host(rest: &str) -> bool {
    !rest.is_empty() && !rest.starts_with('/') && rest.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The password that belongs to a user name.
fn credential(secret: &str, username: &str) -> Option<String> {
    // A key of any length will do for an HMAC.
    let mut mac = Hmac::<Sha1>::new_from_slice(secret.as_bytes()).ok()?;
    mac.update(username.as_bytes());
    Some(BASE64.encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(stun: &[&str], turn: &[&str]) -> IceOptions {
        let owned = |urls: &[&str]| urls.iter().map(|url| (*url).to_owned()).collect();
        IceOptions { stun_urls: owned(stun), turn_urls: owned(turn), ..IceOptions::default() }
    }

    #[test]
    fn a_credential_is_what_openssl_makes_of_the_same_name_and_secret() {
        // printf 1700000000:mei | openssl dgst -sha1 -hmac 'a shared secret!' -binary | base64
        assert_eq!(credential("a shared secret!", "1700000000:mei").as_deref(), Some("sjBt7+5pt94s1AaPMYRSGoGBRXg="));
    }

    #[test]
    fn only_turn_servers_come_with_credentials_and_what_is_not_there_is_left_out() {
        let user = UserId::new();
        let secret = Some("a shared secret!");
        let servers = IceServers::new(options(&["stun:a:1"], &["turn:b:2?transport=udp"]), secret).unwrap();
        let end = DateTime::UNIX_EPOCH + TimeDelta::seconds(77);
        let [stun, turn] = &servers.servers(user, end)[..] else { panic!("two kinds") };
        assert_eq!((stun.urls.len(), &stun.username, &stun.credential), (1, &None, &None));
        assert_eq!(turn.username, Some(format!("77:{user}")));
        assert!(turn.credential.is_some());
        assert_eq!(servers.end(DateTime::UNIX_EPOCH).timestamp(), 12 * 3600);
        assert_eq!(IceServers::new(IceOptions::default(), None).unwrap().servers(user, end), []);
    }

    #[test]
    fn what_is_no_address_or_has_no_secret_is_refused() {
        let refused = |stun: &[&str], turn: &[&str], secret| IceServers::new(options(stun, turn), secret).err();
        for wrong in ["turn:a", "http://a", "stun:", "stun://a", "stun:a b"] {
            assert_eq!(refused(&[wrong], &[], None), Some(IceError::Address(wrong.to_owned())));
        }
        assert_eq!(refused(&[], &["turn:a"], None), Some(IceError::Secret));
        assert_eq!(refused(&[], &["turn:a"], Some("short")), Some(IceError::Secret));
        assert_eq!(refused(&["stuns:a"], &["turns:a:5349?transport=tcp"], Some("a shared secret!")), None);
    }

    #[test]
    fn a_list_may_be_a_text_with_commas() {
        let read = |text: &str| serde_json::from_str::<IceOptions>(text).unwrap().stun_urls;
        assert_eq!(read(r#"{"stun_urls":"stun:a, stun:b"}"#), ["stun:a", "stun:b"]);
        assert_eq!(read(r#"{"stun_urls":["stun:a"]}"#), ["stun:a"]);
        assert_eq!(read(r#"{"stun_urls":""}"#), [""; 0]);
    }
}
