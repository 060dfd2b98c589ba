//! Signalling: what the devices of a call tell each other to find a way from one to the other.
//!
//! Offers, answers and candidates go from the WebSocket of one device to that of another, both of which must be in the call.
//! They are bounded in size and in how often they come, their numbers rise, and they are neither kept nor logged.

use std::num::NonZeroUsize;

use commands::people::Session;
use domain::{CallId, DeviceId};
use lru::LruCache;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    App,
    problem::{Code, Problem},
};

/// Longest signal, with everything around it, in bytes.
pub(crate) const SIGNAL_BYTES: usize = 32 * 1024;
/// Of how many pairs of devices it is remembered how far their numbers are.
const PAIRS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(100_000 - 1);

/// What one device tells another.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Signal {
    /// Within which call.
    call: CallId,
    /// Which device is told.
    to: DeviceId,
    /// Higher than that of the last signal to that device in that call.
    seq: u64,
    /// What.
    signal: Content,
}

/// What is told.
#[derive(Debug, Deserialize, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
enum Content {
    /// How the one would talk.
    Offer {
        /// The session description.
        sdp: String,
    },
    /// How the other will.
    Answer {
        /// The session description.
        sdp: String,
    },
    /// A way there might be; none says that there are no more.
    Candidate {
        /// The way.
        candidate: Option<Candidate>,
    },
}

/// A way, as browsers write it.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Candidate {
    candidate: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    sdp_mid: Option<String>,
    #[serde(rename = "sdpMLineIndex", skip_serializing_if = "Option::is_none")]
    sdp_m_line_index: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    username_fragment: Option<String>,
}

/// How far the numbers of devices are that tell each other something.
#[derive(Debug)]
pub(crate) struct Numbers(Mutex<LruCache<(CallId, DeviceId, DeviceId), u64>>);

impl Default for Numbers {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(PAIRS)))
    }
}

impl Numbers {
    /// Notes a number; false where it is no higher than the last one.
    fn rises(&self, call: CallId, from: DeviceId, to: DeviceId, seq: u64) -> bool {
        let mut numbers = self.0.lock();
        if numbers.get(&(call, from, to)).is_some_and(|last| seq <= *last) {
            return false;
        }
        numbers.put((call, from, to), seq);
        true
    }
}

impl Signal {
    /// Passes it on; else gives what its sender is told.
    pub(crate) async fn relay(self, app: &App, from: &Session) -> Option<String> {
        let (call, to, seq) = (self.call, self.to, self.seq);
        let problem = self.try_relay(app, from).await.err()?;
        let refused = json!({
            "type": "error", "code": problem.code, "detail": problem.detail, "call": call, "to": to, "seq": seq,
        });
        Some(refused.to_string())
    }

    async fn try_relay(self, app: &App, from: &Session) -> Result<(), Problem> {
        let Self { call, to, seq, signal } = self;
        app.limits.signal(&from.device)?;
        let peer = app.commands.signalled(from, call, to).await?;
        if !app.signals.rises(call, from.device, to, seq) {
            let rule = "the number is not higher than that of the last signal to this device";
            return Err(Problem::new(Code::StaleSignal, rule));
        }
        let told = json!({
            "type": "signal", "call": call, "from": from.device, "user": from.user, "seq": seq, "signal": signal,
        });
        if app.hub.tell_device(peer, to, &told) {
            return Ok(());
        }
        Err(Problem::new(Code::PeerUnreachable, "the other device is not connected, or does not keep up"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Signal, serde_json::Error> {
        let id = "01930000-0000-7000-8000-000000000000";
        serde_json::from_str(&format!(r#"{{"call":"{id}","to":"{id}","seq":1,"signal":{text}}}"#))
    }

    #[test]
    fn a_candidate_goes_on_as_browsers_write_it() {
        let ways = [
            r#"{"kind":"candidate","candidate":null}"#,
            r#"{"kind":"candidate","candidate":{"candidate":"candidate:1 1 udp 1 127.0.0.1 9 typ host","sdpMid":"0","sdpMLineIndex":0,"usernameFragment":"x"}}"#,
            r#"{"kind":"offer","sdp":"v=0"}"#,
        ];
        for way in ways {
            assert_eq!(serde_json::to_string(&read(way).unwrap().signal).unwrap(), way);
        }
        for wrong in [r#"{"kind":"other"}"#, r#"{"kind":"offer"}"#, r#"{"kind":"offer","sdp":"x","more":1}"#, "1"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn numbers_rise_for_each_pair_of_devices_in_each_call() {
        let (numbers, call, one, other) = (Numbers::default(), CallId::new(), DeviceId::new(), DeviceId::new());
        assert!(numbers.rises(call, one, other, 5));
        assert!(!numbers.rises(call, one, other, 5) && !numbers.rises(call, one, other, 4));
        assert!(numbers.rises(call, one, other, 6));
        assert!(numbers.rises(call, other, one, 1) && numbers.rises(CallId::new(), one, other, 1));
    }
}
