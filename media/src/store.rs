//! Blobs under their hash, in an object store.
//!
//! The bytes of a medium are an object `ab/abcd...`, after the BLAKE3 of the bytes in hex. It is written aside, synced and
//! then given its name, and the name is synced as well, so an object is there whole or not at all. What two people bring
//! alike is kept once.

use std::{
    fs, io,
    ops::Range,
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use commands::{
    CommandError,
    media::{Chunks, Claim, Incoming, MediaStore, Smaller, SmallerForm},
};
use futures::{StreamExt, TryStreamExt};
use object_store::{
    GetOptions, GetRange, GetResultPayload, ObjectStore, ObjectStoreExt, local::LocalFileSystem,
    path::Path as ObjectPath,
};
use tokio::sync::{RwLock, Semaphore};

use crate::{
    MediaOptions,
    incoming::{Arriving, Place},
    inspect,
    previews::Previews,
};

/// Bytes that are read from a file at a time.
const CHUNK_BYTES: u64 = 256 * 1024;

/// Why a store can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum MediaError {
    /// A directory can't be made or cleared.
    #[error("{path}: {error}")]
    Directory {
        /// Which.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// The object store can't be opened.
    #[error(transparent)]
    Store(#[from] object_store::Error),
}

/// Where blobs are kept.
pub struct BlobStore {
    objects: Arc<dyn ObjectStore>,
    /// What is on its way in.
    incoming: PathBuf,
    uploads: Arc<Semaphore>,
    previews: Previews,
    /// Held by whoever writes a blob, and alone by whoever deletes one after having looked how old it is.
    deleting: Arc<RwLock<()>>,
}

impl BlobStore {
    /// A store in a directory, made if it is not there: `blobs` and what can be made again, `incoming` and `previews`. What
    /// was on its way in when the last server ended is deleted.
    ///
    /// # Errors
    /// When a directory can't be made, or not cleared.
    pub fn open(dir: &Path, options: &MediaOptions) -> Result<Self, MediaError> {
        let make = |name: &str| {
            let path = dir.join(name);
            match fs::create_dir_all(&path) {
                Ok(()) => Ok(path),
                Err(error) => Err(MediaError::Directory { path, error }),
            }
        };
        let (blobs, incoming, previews) = (make("blobs")?, make("incoming")?, make("previews")?);
        clear(&incoming).map_err(|error| MediaError::Directory { path: incoming.clone(), error })?;
        Ok(Self {
            objects: Arc::new(LocalFileSystem::new_with_prefix(blobs)?.with_fsync(true)),
            incoming,
            uploads: Arc::new(Semaphore::new(options.uploads_max)),
            previews: Previews::new(previews, options),
            deleting: Arc::default(),
        })
    }

    async fn whole(&self, hash: &str) -> Result<Option<Bytes>, CommandError> {
        let object = match self.objects.get(&object_path(hash)).await {
            Ok(object) => object,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        object.bytes().await.map(Some).map_err(failed)
    }

    async fn size(&self, hash: &str) -> Result<u64, CommandError> {
        self.objects.head(&object_path(hash)).await.map(|found| found.size).map_err(failed)
    }
}

fn clear(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        fs::remove_file(entry?.path())?;
    }
    Ok(())
}

/// The object that has a hash.
pub(crate) fn object_path(hash: &str) -> ObjectPath {
    let folder: String = hash.chars().take(2).collect();
    ObjectPath::from_iter([folder.as_str(), hash])
}

/// What the command side is told where the store does not do what it should.
pub(crate) fn failed(error: impl std::fmt::Display) -> CommandError {
    CommandError::MediaStore(error.to_string())
}

#[async_trait]
impl MediaStore for BlobStore {
    async fn receive(&self, claim: Claim) -> Result<Box<dyn Incoming>, CommandError> {
        inspect::check_claim(&claim)?;
        let permit = self.uploads.clone().try_acquire_owned().map_err(|_| CommandError::Crowded)?;
        let place = Place {
            objects: self.objects.clone(),
            dir: self.incoming.clone(),
            memory: self.previews.memory(),
            deleting: self.deleting.clone(),
        };
        Ok(Box::new(Arriving::begin(claim, place, permit)?))
    }

    async fn read(&self, hash: &str, range: Range<u64>) -> Result<Option<Chunks>, CommandError> {
        if range.is_empty() {
            return Ok(Some(futures::stream::empty().boxed()));
        }
        let options = GetOptions { range: Some(GetRange::Bounded(range)), ..GetOptions::default() };
        let found = match self.objects.get_opts(&object_path(hash), options).await {
            Ok(found) => found,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        Ok(Some(match found.payload {
            GetResultPayload::File(file, _) => chunks(file, found.range),
            GetResultPayload::Stream(stream) => stream.map_err(failed).boxed(),
        }))
    }

    async fn blobs_before(&self, part: u8, time: DateTime<Utc>) -> Result<Vec<String>, CommandError> {
        let folder = ObjectPath::from(format!("{part:02x}"));
        let old = self.objects.list(Some(&folder)).try_filter_map(|object| async move {
            let named = object.location.filename().map(str::to_owned);
            Ok(named.filter(|_| object.last_modified < time))
        });
        old.try_collect().await.map_err(failed)
    }

    async fn delete_before(&self, hash: &str, time: DateTime<Utc>) -> Result<bool, CommandError> {
        let _alone = self.deleting.write().await;
        let path = object_path(hash);
        match self.objects.head(&path).await {
            Ok(object) if object.last_modified < time => {}
            Ok(_) | Err(object_store::Error::NotFound { .. }) => return Ok(false),
            Err(error) => return Err(failed(error)),
        }
        self.objects.delete(&path).await.map_err(failed)?;
        self.previews.delete(hash).await?;
        Ok(true)
    }

    async fn smaller(&self, hash: &str, form: SmallerForm) -> Result<Smaller, CommandError> {
        if let Some(made) = self.previews.made(hash, form).await? {
            return Ok(made);
        }
        self.make_previews(hash).await?;
        let made = self.previews.made(hash, form).await?;
        made.ok_or_else(|| failed("what was made smaller is not there"))
    }

    async fn blur_hash(&self, hash: &str) -> Result<String, CommandError> {
        if let Some(made) = self.previews.blur_hash(hash).await? {
            return Ok(made);
        }
        self.make_previews(hash).await?;
        let made = self.previews.blur_hash(hash).await?;
        made.ok_or_else(|| failed("the blur hash is not there"))
    }
}

impl BlobStore {
    /// Makes everything that is smaller than a picture. Whoever wants the same at the same time waits for the first.
    async fn make_previews(&self, hash: &str) -> Result<(), CommandError> {
        let _turn = self.previews.turn(hash).await?;
        // Somebody else may have made it meanwhile.
        if self.previews.blur_hash(hash).await?.is_some() {
            return Ok(());
        }
        let bytes = self.size(hash).await?;
        let memory = self.previews.reserve(bytes).await?;
        let whole = self.whole(hash).await?.ok_or_else(|| failed("the bytes of a medium are not there"))?;
        self.previews.make(hash, whole, memory).await
    }
}

/// A range of a file, read as it is wanted.
pub(crate) fn chunks(file: fs::File, range: Range<u64>) -> Chunks {
    let file = Arc::new(file);
    let read = move |range: Range<u64>| {
        let file = file.clone();
        async move {
            if range.is_empty() {
                return Ok(None);
            }
            let end = range.end.min(range.start + CHUNK_BYTES);
            let (start, count) = (range.start, usize::try_from(end - range.start).unwrap_or_default());
            let read = move || {
                let mut bytes = vec![0; count];
                std::os::unix::fs::FileExt::read_exact_at(&*file, &mut bytes, start)?;
                Ok::<_, io::Error>(Bytes::from(bytes))
            };
            let bytes = tokio::task::spawn_blocking(read).await.map_err(failed)?.map_err(failed)?;
            Ok(Some((bytes, end..range.end)))
        }
    };
    futures::stream::try_unfold(range, read).boxed()
}
