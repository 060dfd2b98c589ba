//! Programs of official accounts over HTTP, in the protocol that WeChat's official accounts speak: signed XML, in the clear or
//! encrypted; and webhooks for those who would rather have JSON.
//!
//! # Layout
//! - `guard`: which addresses may be called.
//! - `signature`: what shows a program that a call is genuine.
//! - `message`: what a program is told, as XML. `reply`: what it answers.
//! - `envelope`: encryption.
//! - `webhook`: what a webhook is told, and what shows that it is genuine.

mod envelope;
mod guard;
mod message;
mod reply;
mod signature;
mod webhook;

use std::{net::IpAddr, sync::Arc, time::Duration};

use async_trait::async_trait;
use commands::callbacks::{
    Answer, Callback, CallbackError, CallbackGateway, CallbackMode, Notice, Told, WebhookTarget,
};
use serde::{Deserialize, Serialize};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::spawn_blocking,
    time::{Instant, timeout},
};
use ureq::{
    Agent,
    http::{
        Uri,
        uri::{Authority, Scheme},
    },
    unversioned::transport::DefaultConnector,
};

use self::{envelope::Envelope, guard::Guard};

/// Settings of the calls to programs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CallbackOptions {
    /// Addresses on the inside that may be called all the same, with commas between them: for development.
    pub allow_inside: String,
    /// Longest time for a call, in milliseconds.
    pub timeout_ms: u64,
    /// Largest answer that is read, in bytes.
    pub answer_bytes_max: u64,
    /// Most calls at a time. A quarter is kept for programs that are known to answer.
    pub calls_max: usize,
    /// Where programs find this server, such as `https://tea.example`: it stands before the addresses of pictures.
    pub public_url: String,
}

impl Default for CallbackOptions {
    fn default() -> Self {
        Self {
            allow_inside: String::new(),
            timeout_ms: 5_000,
            answer_bytes_max: 64 * 1024,
            calls_max: 400,
            public_url: "http://127.0.0.1:8080".to_owned(),
        }
    }
}

/// Calls programs.
#[derive(Clone, Debug)]
pub struct HttpCallbacks {
    agent: Agent,
    limit: Duration,
    answer_bytes_max: u64,
    calls: Arc<Semaphore>,
    /// Those of them for programs that are not known to answer.
    doubtful: Arc<Semaphore>,
    public_url: String,
}

impl HttpCallbacks {
    /// Prepares; nothing is called yet.
    ///
    /// # Errors
    /// The part of `allow_inside` that is no address.
    pub fn new(options: &CallbackOptions) -> Result<Self, String> {
        let parts = options.allow_inside.split(',').map(str::trim).filter(|part| !part.is_empty());
        let allowed: Vec<IpAddr> =
            parts.map(|part| part.parse().map_err(|_| part.to_owned())).collect::<Result<_, _>>()?;
        let limit = Duration::from_millis(options.timeout_ms);
        let config = Agent::config_builder()
            .http_status_as_error(false)
            // A redirect could lead to the inside, and a proxy of the environment past the guard.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            // A program that is told much at a time keeps its connections.
            .max_idle_connections(options.calls_max)
            .max_idle_connections_per_host(options.calls_max)
            .timeout_global(Some(limit))
            .build();
        let agent = Agent::with_parts(config, DefaultConnector::default(), Guard::new(allowed));
        Ok(Self {
            agent,
            limit,
            answer_bytes_max: options.answer_bytes_max,
            calls: Arc::new(Semaphore::new(options.calls_max)),
            doubtful: Arc::new(Semaphore::new((options.calls_max - options.calls_max / 4).max(1))),
            public_url: options.public_url.trim_end_matches('/').to_owned(),
        })
    }

    /// Waits until there may be one more call. That is no part of the call's time: who has to wait did not fail.
    async fn turn(&self, proven: bool) -> Result<Turn, CallbackError> {
        let closed = |_| CallbackError::Failed("no calls are made any more".to_owned());
        let doubtful = match proven {
            true => None,
            false => Some(self.doubtful.clone().acquire_owned().await.map_err(closed)?),
        };
        Ok(Turn { _call: self.calls.clone().acquire_owned().await.map_err(closed)?, _doubtful: doubtful })
    }

    /// Calls, and gives the status and the body of an answer.
    async fn call(
        &self,
        turn: Turn,
        ask: impl FnOnce(&Agent) -> Result<ureq::http::Response<ureq::Body>, ureq::Error> + Send + 'static,
    ) -> Result<(u16, Vec<u8>), CallbackError> {
        let (agent, max) = (self.agent.clone(), self.answer_bytes_max);
        let answered = spawn_blocking(move || {
            let _turn = turn;
            let mut response = ask(&agent)?;
            let body = response.body_mut().with_config().limit(max).read_to_vec()?;
            Ok::<_, ureq::Error>((response.status().as_u16(), body))
        });
        match answered.await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(ureq::Error::HostNotFound)) => Err(CallbackError::Failed(guard::NOT_CALLED.to_owned())),
            Ok(Err(error)) => Err(CallbackError::Failed(error.to_string())),
            Err(_) => Err(CallbackError::Failed("the call broke off".to_owned())),
        }
    }
}

/// Leave for one call, until this is dropped.
struct Turn {
    _call: OwnedSemaphorePermit,
    _doubtful: Option<OwnedSemaphorePermit>,
}

/// The body of a callback's answer: only status 200 counts.
fn answered((status, body): (u16, Vec<u8>)) -> Result<Vec<u8>, CallbackError> {
    if status == 200 { Ok(body) } else { Err(CallbackError::Failed(format!("status {status}"))) }
}

/// The address with further parameters.
fn with_query(url: &str, parameters: &[(&str, &str)]) -> String {
    let glue = if url.contains('?') { '&' } else { '?' };
    let parameters: Vec<String> = parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
    format!("{url}{glue}{}", parameters.join("&"))
}

fn check_address(url: &str) -> Result<(), CallbackError> {
    let address: Option<Uri> = url.parse().ok().filter(|_| url.is_ascii() && !url.contains('#'));
    let fits = address.is_some_and(|address| {
        let web = matches!(address.scheme(), Some(scheme) if *scheme == Scheme::HTTP || *scheme == Scheme::HTTPS);
        web && address.authority().is_some_and(is_host_and_port)
    });
    if fits { Ok(()) } else { Err(CallbackError::Failed("not an address that can be called".to_owned())) }
}

/// Whether that is a host, with or without a port that there can be, and nobody's name before it.
fn is_host_and_port(authority: &Authority) -> bool {
    let port = authority.as_str().strip_prefix(authority.host());
    let fits = port.is_some_and(|port| port.is_empty() || authority.port_u16().is_some_and(|port| port > 0));
    fits && !authority.host().is_empty()
}

#[async_trait]
impl CallbackGateway for HttpCallbacks {
    async fn greet(&self, callback: &Callback, timestamp: i64) -> Result<(), CallbackError> {
        check_address(&callback.url)?;
        let (timestamp, nonce, echo) = (timestamp.to_string(), nonce(), nonce());
        let signature = signature::sign(&[&callback.keys.token, &timestamp, &nonce]);
        // Without `encrypt_type`: programs would try to decrypt what they are to echo.
        let parameters =
            [("signature", &*signature), ("timestamp", &*timestamp), ("nonce", &*nonce), ("echostr", &*echo)];
        let url = with_query(&callback.url, &parameters);
        // Somebody waits for this one.
        let turn = timeout(self.limit, self.turn(false)).await;
        let turn = turn.map_err(|_| CallbackError::Failed("too many calls are under way".to_owned()))??;
        let answer = answered(self.call(turn, move |agent| agent.get(url).call()).await?)?;
        let echoed = String::from_utf8_lossy(&answer).trim() == echo;
        if echoed { Ok(()) } else { Err(CallbackError::Failed("the program did not echo `echostr`".to_owned())) }
    }

    async fn tell(&self, callback: &Callback, told: &Told, timestamp: i64) -> Result<Answer, CallbackError> {
        check_address(&callback.url)?;
        let xml = message::xml_of(callback, told, &self.public_url);
        let (timestamp, nonce) = (timestamp.to_string(), nonce());
        let signature = signature::sign(&[&callback.keys.token, &timestamp, &nonce]);
        let mut parameters = vec![
            ("signature", signature),
            ("timestamp", timestamp.clone()),
            ("nonce", nonce.clone()),
            ("openid", told.openid.clone()),
        ];
        let envelope = Envelope::of(&callback.keys, &callback.app_id);
        let body = if callback.mode == CallbackMode::Plain {
            xml
        } else {
            let encrypted = envelope.seal(xml.as_bytes());
            let signature = signature::sign(&[&callback.keys.token, &timestamp, &nonce, &encrypted]);
            parameters.extend([("encrypt_type", "aes".to_owned()), ("msg_signature", signature)]);
            message::envelope_xml(callback, &encrypted, (callback.mode == CallbackMode::Compatible).then_some(&*xml))
        };
        let parameters: Vec<(&str, &str)> = parameters.iter().map(|(name, value)| (*name, &**value)).collect();
        let url = with_query(&callback.url, &parameters);
        let turn = self.turn(callback.proven).await?;
        let begun = Instant::now();
        let call = self.call(turn, move |agent| agent.post(url).content_type("text/xml").send(body.as_bytes()));
        let answer = answered(call.await?)?;
        let took = begun.elapsed();
        let other = callback.other_keys.as_ref().map(|keys| Envelope::of(keys, &callback.app_id));
        let said = reply::contents(&answer, |sealed| envelope.open(sealed).or_else(|| other?.open(sealed)))?;
        Ok(Answer { said, took })
    }

    async fn notify(&self, target: &WebhookTarget, notice: &Notice, timestamp: i64) -> Result<(), CallbackError> {
        check_address(&target.url)?;
        let unwritable = |error: serde_json::Error| CallbackError::Failed(error.to_string());
        let body = webhook::document(notice, &self.public_url).map_err(unwritable)?;
        let (id, timestamp) = (notice.id, timestamp.to_string());
        let signatures = webhook::signatures(&target.keys, id, &timestamp, &body);
        let url = target.url.clone();
        // One that fails is called ever less often, and paused.
        let turn = self.turn(true).await?;
        let call = self.call(turn, move |agent| {
            let request = agent.post(url).content_type(webhook::CONTENT_TYPE).header("webhook-id", id.to_string());
            request.header("webhook-timestamp", timestamp).header("webhook-signature", signatures).send(&body)
        });
        match call.await? {
            (200..300, _) => Ok(()),
            (410, _) => Err(CallbackError::Gone),
            (status, _) => Err(CallbackError::Failed(format!("status {status}"))),
        }
    }
}

/// Letters that nobody guesses.
fn nonce() -> String {
    format!("{:016x}", rand::random::<u64>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_host_and_a_port_that_there_can_be_and_nobodys_name() {
        for good in ["http://bot.example", "https://bot.example:8443/wx?a=b", "http://[::1]:80/", "HTTP://127.0.0.1/x"]
        {
            assert_eq!(check_address(good), Ok(()), "{good}");
        }
        for bad in [
            "bot.example/wx",
            "ftp://bot.example/",
            "http://:80/",
            "http://bot.example:0/",
            "http://bot.example:99999/",
            "http://bot.example:x/",
            "http://me@bot.example/",
            "http://bot.example/#part",
            "http://bot.example/茶",
            "",
        ] {
            assert!(check_address(bad).is_err(), "{bad}");
        }
    }
}
