//! Given-when-then: the state that a list of past events gives.

use chrono::{DateTime, Utc};

use crate::{Aggregate, EventMeta, UserId};

/// The state after events that nobody in particular did.
pub(crate) fn given<A: Aggregate>(events: Vec<A::Event>) -> A {
    fold(events.into_iter().map(|event| (None, event)))
}

/// The state after events, each with who did it.
pub(crate) fn given_by<A: Aggregate>(events: Vec<(UserId, A::Event)>) -> A {
    fold(events.into_iter().map(|(actor, event)| (Some(actor), event)))
}

fn fold<A: Aggregate>(events: impl Iterator<Item = (Option<UserId>, A::Event)>) -> A {
    let mut state = A::default();
    for ((actor, event), version) in events.zip(1..) {
        state.evolve(&event, &EventMeta { actor, at: DateTime::<Utc>::UNIX_EPOCH, version });
    }
    state
}
