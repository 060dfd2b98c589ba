//! Handles: the unique names that people log in with. The stream of a handle decides whose it is.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    UserId,
    event::{Aggregate, EventMeta, event_family},
    rejection::Rejection,
};

/// A unique name: 3 to 20 letters, digits, `_`, starting with a letter; always lower case.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Handle {
    bytes: [u8; Self::MAX],
    length: u8,
}

impl Handle {
    const MIN: usize = 3;
    const MAX: usize = 20;

    /// Checks a name and folds its case.
    ///
    /// # Errors
    /// [`Rejection::InvalidField`] where it breaks the rule above.
    pub fn parse(text: &str) -> Result<Self, Rejection> {
        let rule =
            Rejection::InvalidField { field: "handle", rule: "has 3 to 20 of a-z, 0-9 and _, starting with a letter" };
        let fits = (Self::MIN..=Self::MAX).contains(&text.len());
        let clean = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        let starts = text.bytes().next().is_some_and(|b| b.is_ascii_alphabetic());
        if !(fits && clean && starts) {
            return Err(rule);
        }
        let mut bytes = [0; Self::MAX];
        for (to, from) in bytes.iter_mut().zip(text.bytes()) {
            *to = from.to_ascii_lowercase();
        }
        Ok(Self { bytes, length: u8::try_from(text.len()).map_err(|_| rule)? })
    }

    /// The name, lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let used = self.bytes.get(..usize::from(self.length)).unwrap_or_default();
        std::str::from_utf8(used).unwrap_or_default()
    }
}

impl fmt::Display for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Handle {
    type Err = Rejection;

    fn from_str(text: &str) -> Result<Self, Rejection> {
        Self::parse(text)
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Handle({self})")
    }
}

/// Somebody wants this handle and registers next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandleClaimed {
    /// Who.
    pub user: UserId,
}

event_family! {
    /// Events of a `handle-` stream.
    HandleEvent {
        "handle.claimed" => HandleClaimed,
    }
}

/// Whose a handle is.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct HandleClaim {
    /// The last claim: who and when.
    pub holder: Option<(UserId, DateTime<Utc>)>,
}

impl HandleClaim {
    /// A claim whose registration did not follow lapses after this time, so that a crash between the two steps of a
    /// registration does not lock the handle for ever.
    const LAPSES_AFTER: TimeDelta = TimeDelta::seconds(60);

    /// Claims the handle. `holder_registered` tells whether the present holder, if any, did register.
    ///
    /// # Errors
    /// [`Rejection::HandleTaken`].
    pub fn claim(
        &self,
        user: UserId,
        holder_registered: bool,
        now: DateTime<Utc>,
    ) -> Result<Vec<HandleEvent>, Rejection> {
        match self.holder {
            Some((holder, _)) if holder == user => Ok(vec![]),
            Some((_, at)) if holder_registered || now - at < Self::LAPSES_AFTER => Err(Rejection::HandleTaken),
            _ => Ok(vec![HandleClaimed { user }.into()]),
        }
    }
}

impl Aggregate for HandleClaim {
    type Id = Handle;
    type Event = HandleEvent;
    const CATEGORY: &'static str = "handle";

    fn evolve(&mut self, event: &HandleEvent, meta: &EventMeta) {
        let HandleEvent::HandleClaimed(claimed) = event;
        self.holder = Some((claimed.user, meta.at));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_is_folded_to_lower_case_and_checked() {
        assert_eq!(Handle::parse("Ann_1").unwrap().as_str(), "ann_1");
        for bad in ["", "ab", "1ann", "ann-1", "änn", "a23456789012345678901"] {
            assert!(Handle::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_claimed_handle_is_free_again_only_when_its_holder_never_registered() {
        let (ann, bob, now) = (UserId::new(), UserId::new(), Utc::now());
        let claim = HandleClaim { holder: Some((ann, now)) };
        let later = now + TimeDelta::seconds(61);
        assert_eq!(claim.claim(bob, false, now), Err(Rejection::HandleTaken));
        assert_eq!(claim.claim(bob, true, later), Err(Rejection::HandleTaken));
        assert_eq!(claim.claim(bob, false, later).unwrap().len(), 1);
        assert_eq!(claim.claim(ann, false, now), Ok(vec![]));
    }
}
