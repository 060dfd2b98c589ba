//! What can be set.

use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

/// Settings of the forwarding unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SfuOptions {
    /// The UDP address that it listens on; nothing is forwarded where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listen: Option<SocketAddr>,
    /// The address by which devices reach it, where that is another one than it listens on. Needed where it listens on all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// Most devices at a time, in all calls.
    pub devices_max: usize,
    /// Most that a device may send, in kilobits per second; what is more is dropped.
    pub kilobits_max: u32,
    /// How long a device may send nothing at all, not even that it is there, in seconds. After that it has to come anew.
    pub silent_seconds: u64,
}

impl Default for SfuOptions {
    fn default() -> Self {
        Self { listen: None, address: None, devices_max: 90, kilobits_max: 4_000, silent_seconds: 30 }
    }
}
