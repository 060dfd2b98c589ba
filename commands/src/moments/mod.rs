//! Use cases of Moments: posts, what is done below them, and one's own settings and marks.

mod add_comment;
mod change_moments_settings;
mod delete_comment;
mod delete_post;
mod like_post;
mod publish_post;
mod read_notices;
mod standing;
mod take_like_back;
mod view_timeline;

use uuid::Uuid;

use crate::Caller;

/// The id of something that a command makes. It follows from the idempotency key, so that a repeated request names the same
/// thing, and from the request, so that a key used again for something else, long after it was forgotten, makes something
/// else.
fn id_of_made(caller: &Caller) -> Uuid {
    let of_key = |key: crate::CommandKey| key.id.derive(&Uuid::from_bytes(key.fingerprint).to_string());
    caller.key.map_or_else(Uuid::now_v7, of_key)
}
