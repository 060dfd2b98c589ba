//! One call: bounded in every way, and what each way to fail says about the outcome.

use std::{fmt, io, sync::Arc, time::Duration};

use commands::gateways::GatewayError;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio::{
    sync::Semaphore,
    task::spawn_blocking,
    time::{Instant, timeout_at},
};
use ureq::{Agent, Body, Timeout, http::Response};

use crate::options::{GatewayOptions, OptionsError};

/// Longest text of the other side that is passed on, in characters.
const PASSED_ON_CHARS: usize = 200;
/// How long a connection may be silent and be used again.
const IDLE_MAX: Duration = Duration::from_secs(3);
/// A card's number has at least this many digits (ISO/IEC 7812).
const CARD_DIGITS_MIN: usize = 12;

/// A connection to the other side; clones share it.
#[derive(Clone)]
pub(crate) struct Connection {
    agent: Agent,
    base: String,
    bearer: String,
    answer_bytes_max: u64,
    limit: Duration,
    /// The client blocks a thread; this many do at most.
    calls: Arc<Semaphore>,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("base", &self.base).finish_non_exhaustive()
    }
}

/// What the other side says where it says no.
#[derive(Deserialize)]
struct Refusal {
    code: String,
    detail: String,
}

impl Connection {
    /// Prepares; nothing is called yet.
    pub(crate) fn new(options: &GatewayOptions) -> Result<Self, OptionsError> {
        let base = options.checked_base()?;
        let config = Agent::config_builder()
            .http_status_as_error(false)
            // The operator named one host: no other is called, neither by redirect nor through a proxy of the environment.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .timeout_connect(Some(options.connect_timeout()))
            .timeout_resolve(Some(options.connect_timeout()))
            .timeout_global(Some(options.timeout()))
            .max_idle_connections_per_host(options.calls_max)
            // Many servers close what was silent for five seconds: a call must not cross that, lest its outcome be unknown.
            .max_idle_age(IDLE_MAX)
            .build();
        Ok(Self {
            agent: config.into(),
            base,
            bearer: format!("Bearer {}", options.secret.reveal()),
            answer_bytes_max: options.answer_bytes_max,
            limit: options.timeout(),
            calls: Arc::new(Semaphore::new(options.calls_max)),
        })
    }

    /// `POST`s a body; repeating it does no harm, since the other side knows a request by the id within.
    pub(crate) async fn post<A: DeserializeOwned + Send + 'static>(
        &self,
        path: &'static str,
        body: impl Serialize,
    ) -> Result<A, GatewayError> {
        let body = serde_json::to_vec(&body).map_err(|_| GatewayError::Unavailable("not to be written".to_owned()))?;
        self.call(path, move |connection| {
            let request = connection.agent.post(format!("{}{path}", connection.base));
            let request = request.header("authorization", &connection.bearer).content_type("application/json");
            request.send(&body)
        })
        .await
    }

    /// `GET`s what is at a path.
    pub(crate) async fn get<A: DeserializeOwned + Send + 'static>(
        &self,
        path: String,
        query: Vec<(&'static str, String)>,
    ) -> Result<A, GatewayError> {
        self.call(&path.clone(), move |connection| {
            let request = connection.agent.get(format!("{}{path}", connection.base));
            request.query_pairs(query).header("authorization", &connection.bearer).call()
        })
        .await
    }

    async fn call<A: DeserializeOwned + Send + 'static>(
        &self,
        path: &str,
        ask: impl FnOnce(&Self) -> Result<Response<Body>, ureq::Error> + Send + 'static,
    ) -> Result<A, GatewayError> {
        let turn = timeout_at(Instant::now() + self.limit, self.calls.clone().acquire_owned()).await;
        let Ok(Ok(turn)) = turn else {
            return Err(GatewayError::Unavailable("too many calls are under way".to_owned()));
        };
        let connection = self.clone();
        // Whoever asked may stop waiting; the call goes on to its end, and its turn with it.
        let answered = spawn_blocking(move || {
            let _turn = turn;
            connection.read(ask(&connection))
        });
        let outcome = answered.await.unwrap_or_else(|_| Err(GatewayError::Unknown("the call broke off".to_owned())));
        if let Err(error) = &outcome {
            tracing::warn!(host = self.base, path, %error, "a gateway call failed");
        }
        outcome
    }

    fn read<A: DeserializeOwned>(&self, answered: Result<Response<Body>, ureq::Error>) -> Result<A, GatewayError> {
        let mut response = answered.map_err(|error| failed(&error))?;
        let status = response.status().as_u16();
        let body = response.body_mut().with_config().limit(self.answer_bytes_max).read_to_vec();
        let body = body.map_err(|error| match failed(&error) {
            // It got there, or there would be no status.
            GatewayError::Unavailable(why) => GatewayError::Unknown(why),
            other => other,
        })?;
        match status {
            200 => serde_json::from_slice(&body).map_err(|error| {
                // The error's own text would quote the answer, and with it perhaps a card's number.
                let at = (error.line(), error.column());
                GatewayError::Unknown(format!("the answer is not what it should be, from line and column {at:?} on"))
            }),
            404 | 409 | 422 => match serde_json::from_slice::<Refusal>(&body) {
                Ok(Refusal { code, detail }) => {
                    Err(GatewayError::Refused { code: presentable(&code), reason: presentable(&detail) })
                }
                Err(_) => Err(GatewayError::Unknown(format!("status {status} without a reason"))),
            },
            _ => Err(GatewayError::Unknown(format!("status {status}"))),
        }
    }
}

/// What a failed call says about the outcome: only one that failed before anything could be sent was surely not carried
/// out.
fn failed(error: &ureq::Error) -> GatewayError {
    use ureq::Error as E;
    let never_sent = match error {
        E::HostNotFound | E::ConnectionFailed | E::BadUri(_) | E::Timeout(Timeout::Connect | Timeout::Resolve) => true,
        // Other kinds also befall connections that stand.
        E::Io(error) => error.kind() == io::ErrorKind::ConnectionRefused,
        _ => false,
    };
    if never_sent { GatewayError::Unavailable(error.to_string()) } else { GatewayError::Unknown(error.to_string()) }
}

/// A text of the other side as it may be logged and shown: of limited length, on one line.
pub(crate) fn presentable(text: &str) -> String {
    let text: String = text.chars().filter(|sign| !sign.is_control()).take(PASSED_ON_CHARS).collect();
    without_card_numbers(text)
}

/// Stars for the digits of whatever may be a card's number, also with spaces or dashes in it: a bank's words are kept for
/// ever, and one that quotes a number must not put it there.
fn without_card_numbers(text: String) -> String {
    let mut signs: Vec<char> = text.chars().collect();
    for run in signs.chunk_by_mut(|one, next| is_of_number(*one) && is_of_number(*next)) {
        if run.iter().filter(|sign| sign.is_ascii_digit()).count() >= CARD_DIGITS_MIN {
            run.iter_mut().filter(|sign| sign.is_ascii_digit()).for_each(|sign| *sign = '*');
        }
    }
    signs.into_iter().collect()
}

fn is_of_number(sign: char) -> bool {
    sign.is_ascii_digit() || matches!(sign, ' ' | '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_the_other_side_are_passed_on_without_card_numbers() {
        let passed_on = [
            ("card 6200000000001045 of E lost", "card **************** of E lost"),
            ("6200 0000-0000 1045!", "**** ****-**** ****!"),
            ("balance 12.30 at 2026-11-22", "balance 12.30 at 2026-11-22"),
            ("a\nb", "ab"),
        ];
        for (said, kept) in passed_on {
            assert_eq!(presentable(said), kept);
        }
    }
}
