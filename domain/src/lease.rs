//! Leases: which of several servers does what only one is to do, and until when.
//!
//! A lease saves work, it protects nothing: whoever loses it in the middle of something does no harm, since everything
//! done under it is a command that does its work once. So it is enough that each server goes by its own clock.

use std::{fmt, str::FromStr};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::event::{Aggregate, EventMeta, event_family};

/// What only one server is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Duty {
    /// What is done later: ending what waited too long, moving money on, asking banks and billers.
    Timers,
}

impl fmt::Display for Duty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Timers => "timers",
        })
    }
}

/// A name that is no duty's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownDuty;

impl FromStr for Duty {
    type Err = UnknownDuty;

    fn from_str(name: &str) -> Result<Self, UnknownDuty> {
        match name {
            "timers" => Ok(Self::Timers),
            _ => Err(UnknownDuty),
        }
    }
}

/// A server took or renewed a lease.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseTaken {
    /// The server's run: drawn at its start.
    pub holder: Uuid,
    /// When others may take it.
    pub until: DateTime<Utc>,
}

event_family! {
    /// Events of a `lease-` stream.
    LeaseEvent {
        "lease.taken" => LeaseTaken,
    }
}

/// Who has a lease.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Lease {
    held: Option<LeaseTaken>,
}

impl Lease {
    /// Takes the lease for a time, or renews it; nothing while another server has it.
    #[must_use]
    pub fn take(&self, holder: Uuid, now: DateTime<Utc>, time: TimeDelta) -> Vec<LeaseEvent> {
        match &self.held {
            Some(held) if held.holder != holder && held.until > now => vec![],
            _ => vec![LeaseTaken { holder, until: now + time }.into()],
        }
    }
}

impl Aggregate for Lease {
    type Id = Duty;
    type Event = LeaseEvent;
    const CATEGORY: &'static str = "lease";

    fn evolve(&mut self, event: &LeaseEvent, _: &EventMeta) {
        match event {
            LeaseEvent::LeaseTaken(taken) => self.held = Some(taken.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_is_its_holders_until_it_is_over_and_then_anybodys() {
        let [one, other] = [1, 2].map(Uuid::from_u128);
        let now = DateTime::UNIX_EPOCH;
        let time = TimeDelta::seconds(10);
        let meta = EventMeta { actor: None, at: now, version: 1 };
        let mut lease = Lease::default();
        let taken = lease.take(one, now, time);
        assert_eq!(taken, [LeaseTaken { holder: one, until: now + time }.into()]);
        lease.evolve(&taken[0], &meta);
        assert_eq!(lease.take(other, now + time - TimeDelta::microseconds(1), time), []);
        assert_eq!(
            lease.take(one, now + time / 2, time),
            [LeaseTaken { holder: one, until: now + time * 3 / 2 }.into()]
        );
        assert_eq!(lease.take(other, now + time, time), [LeaseTaken { holder: other, until: now + time * 2 }.into()]);
    }

    #[test]
    fn a_duty_is_read_from_how_it_is_written() {
        assert_eq!(Duty::Timers.to_string().parse(), Ok(Duty::Timers));
        assert_eq!("tea".parse::<Duty>(), Err(UnknownDuty));
    }
}
