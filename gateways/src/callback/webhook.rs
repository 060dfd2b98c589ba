//! What a webhook is told: a CloudEvent (version 1.0) as JSON, signed as Standard Webhooks has it.

use base64::{Engine, prelude::BASE64_STANDARD};
use chrono::{DateTime, Utc};
use commands::callbacks::{Notice, Word};
use domain::MediumKind;
use hmac::{Hmac, KeyInit, Mac};
use serde::Serialize;
use serde_json::{Value, json};
use sha2::Sha256;
use uuid::Uuid;

/// The media type of a CloudEvent that is a document by itself.
pub(super) const CONTENT_TYPE: &str = "application/cloudevents+json; charset=utf-8";

/// A CloudEvent; of its attributes those that are used here.
#[derive(Serialize)]
struct CloudEvent<'a> {
    specversion: &'static str,
    id: Uuid,
    source: String,
    #[serde(rename = "type")]
    event_type: String,
    subject: &'a str,
    time: DateTime<Utc>,
    datacontenttype: &'static str,
    /// The extension of that name: in the order of its letters it is the order of the log.
    sequence: String,
    data: Value,
}

/// The document that a webhook gets. `public_url` is where it finds this server.
pub(super) fn document(notice: &Notice, public_url: &str) -> Result<Vec<u8>, serde_json::Error> {
    let (name, data) = said(&notice.told.word, public_url);
    serde_json::to_vec(&CloudEvent {
        specversion: "1.0",
        id: notice.id,
        source: format!("{public_url}/v1/official-accounts/{}", notice.account),
        event_type: format!("teahouse.{name}"),
        subject: &notice.told.openid,
        time: notice.told.at,
        datacontenttype: "application/json",
        sequence: format!("{:020}", notice.position),
        data,
    })
}

/// What happened: the last words of the type, and the data.
fn said(word: &Word, public_url: &str) -> (&'static str, Value) {
    match word {
        Word::Text { text } => ("follower.message", json!({ "kind": "text", "text": text })),
        Word::Location { latitude, longitude, label } => (
            "follower.message",
            json!({ "kind": "location", "latitude": latitude, "longitude": longitude, "title": label }),
        ),
        Word::Link { title, description, url } => {
            ("follower.message", json!({ "kind": "link", "title": title, "description": description, "url": url }))
        }
        Word::Medium { kind, media_id, format } => {
            let kind = match kind {
                MediumKind::Picture => "picture",
                MediumKind::Voice => "voice",
                MediumKind::Video => "video",
                MediumKind::File => "file",
            };
            (
                "follower.message",
                json!({ "kind": kind, "format": format, "url": format!("{public_url}/v1/blobs/{media_id}") }),
            )
        }
        Word::Subscribe { scene, .. } => ("follower.followed", json!({ "scene": scene })),
        Word::Unsubscribe => ("follower.unfollowed", json!({})),
        Word::Scan { scene, .. } => ("follower.scanned", json!({ "scene": scene })),
        Word::Broadcast { number, followers } => {
            ("broadcast.sent", json!({ "number": number, "followers": followers }))
        }
        Word::Menu { event, key } => ("follower.menu-chosen", json!({ "event": event, "key": key })),
    }
}

/// The signatures of a call, one for each key, with blanks between them.
pub(super) fn signatures(keys: &[[u8; 32]], id: Uuid, timestamp: &str, body: &[u8]) -> String {
    let sign = |key: &[u8; 32]| {
        // A key of any length will do for an HMAC.
        let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
        mac.update(format!("{id}.{timestamp}.").as_bytes());
        mac.update(body);
        Some(format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes())))
    };
    keys.iter().filter_map(sign).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_signed_with_every_key() {
        // printf '%s' '00000000-0000-0000-0000-000000000007.1700000000.{}' | openssl dgst -sha256 -mac HMAC \
        //   -macopt hexkey:0101(32 times) -binary | base64
        let signed = signatures(&[[1; 32], [2; 32]], Uuid::from_u128(7), "1700000000", b"{}");
        assert_eq!(
            signed,
            "v1,3lEIVH+42f0auGyhGv2bhCjvmE40VyHtRHKT7Mr6PX4= v1,kJD/25W0sg33hrK3PeH5IZZRzXUhp5JtRKDsox0iSGY="
        );
    }
}
