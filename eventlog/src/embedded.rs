//! Choosing the engine of a local log by name.

use std::{fmt, path::Path, str::FromStr, sync::Arc};

use crate::{
    directory::OpenError,
    disk::DiskLog,
    fjall_store::{FjallLog, FjallOptions},
    sled_store::{SledLog, SledOptions},
};

/// The engines that can keep a log on a local disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StoreKind {
    /// The default.
    #[default]
    Fjall,
    /// The alternative.
    Sled,
}

impl StoreKind {
    /// Opens the log in a directory, which is made if it is not there, with `cache_bytes` of memory for what
    /// was read; none for the engine's default.
    ///
    /// # Errors
    /// When another process has it open, when it can't be read, or when something acknowledged is gone.
    pub fn open(self, dir: impl AsRef<Path>, cache_bytes: Option<u64>) -> Result<Arc<DiskLog>, OpenError> {
        match self {
            Self::Fjall => {
                let default = FjallOptions::default();
                let cache_bytes = cache_bytes.unwrap_or(default.cache_bytes);
                FjallLog::open(dir, FjallOptions { cache_bytes })
            }
            Self::Sled => {
                let default = SledOptions::default();
                let cache_bytes = cache_bytes.unwrap_or(default.cache_bytes);
                SledLog::open(dir, SledOptions { cache_bytes })
            }
        }
    }
}

impl fmt::Display for StoreKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fjall => "fjall",
            Self::Sled => "sled",
        })
    }
}

/// A name that is no engine's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no event store called {0:?}; there are \"fjall\" and \"sled\"")]
pub struct UnknownStore(String);

impl FromStr for StoreKind {
    type Err = UnknownStore;

    fn from_str(name: &str) -> Result<Self, UnknownStore> {
        match name {
            "fjall" => Ok(Self::Fjall),
            "sled" => Ok(Self::Sled),
            other => Err(UnknownStore(other.to_owned())),
        }
    }
}
