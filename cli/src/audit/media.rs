//! `teahouse audit verify --media`: are the bytes of all media there, and what was brought?

use std::{collections::BTreeMap, path::Path};

use domain::{DomainEvent, MediumEvent};
use eventlog::RecordedEvent;
use media::{
    MediaOptions,
    audit::{BlobAudit, Found},
};
use tokio::runtime::Runtime;

use crate::error::Error;

/// The media of a log: those that were brought and not discarded.
pub(super) struct Media {
    blobs: BlobAudit,
    runtime: Runtime,
    /// The stream of each, and the hash of its bytes.
    brought: BTreeMap<String, String>,
}

impl Media {
    /// Media whose bytes are in a store in that directory, or in the bucket of the settings.
    ///
    /// # Errors
    /// [`Error::Unavailable`] where there is no such store.
    pub(super) fn in_store(dir: &Path, options: &MediaOptions) -> Result<Self, Error> {
        let blobs = BlobAudit::open(dir, options).map_err(|error| Error::unavailable("the media", error))?;
        let runtime = Runtime::new().map_err(|error| Error::unavailable("a runtime", error))?;
        Ok(Self { blobs, runtime, brought: BTreeMap::new() })
    }

    /// Takes an event in.
    pub(super) fn take(&mut self, record: &RecordedEvent, event: &DomainEvent) {
        match event {
            DomainEvent::Medium(MediumEvent::MediaUploaded(uploaded)) => {
                self.brought.insert(record.stream().to_string(), uploaded.hash.clone());
            }
            DomainEvent::Medium(MediumEvent::MediaDiscarded(_)) => {
                self.brought.remove(record.stream());
            }
            _ => {}
        }
    }

    /// Looks at the bytes of each, and tells what is wrong with them; gives how many were looked at.
    ///
    /// # Errors
    /// [`Error::Unavailable`] where the store can't be read.
    pub(super) fn look(&self, mut tell: impl FnMut(String)) -> Result<usize, Error> {
        let mut seen: BTreeMap<&str, Found> = BTreeMap::new();
        for (stream, hash) in &self.brought {
            let found = match seen.get(hash.as_str()) {
                Some(found) => *found,
                None => {
                    self.runtime.block_on(self.blobs.look(hash)).map_err(|error| Error::unavailable(hash, error))?
                }
            };
            seen.insert(hash, found);
            match found {
                Found::Sound => {}
                Found::Missing => tell(format!("stream {stream}: its bytes, {hash}, must be there")),
                Found::Altered => tell(format!("stream {stream}: its bytes, {hash}, must be what was brought")),
            }
        }
        Ok(self.brought.len())
    }
}
