//! Settings.

use serde::{Deserialize, Serialize};

use crate::s3::S3Options;

/// Settings of where media are kept, and of the work on them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MediaOptions {
    /// Most media on their way in at a time; each takes up to a megabyte of memory while it comes.
    pub uploads_max: usize,
    /// Memory for pictures that are looked at or made smaller, and for five megabytes of each large file that is written into
    /// the store, in bytes: more of them wait for one another.
    pub picture_memory_bytes: u64,
    /// Most pictures that wait to be made smaller.
    pub waiting_max: usize,
    /// The bucket in which media are kept; none for the data directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub s3: Option<S3Options>,
}

impl Default for MediaOptions {
    fn default() -> Self {
        Self { uploads_max: 64, picture_memory_bytes: 256 * 1024 * 1024, waiting_max: 64, s3: None }
    }
}
