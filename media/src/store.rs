//! Blobs under their hash, in an object store: a folder, or a bucket of a store that speaks S3.
//!
//! The bytes of a medium are an object `ab/abcd...`, after the BLAKE3 of the bytes in hex. In a folder it is written aside,
//! synced and then given its name, and the name is synced as well; a bucket does the like and says when it has. So an object
//! is there whole or not at all. What two people bring alike is kept once.

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
use tokio::sync::Semaphore;

use crate::{
    MediaOptions,
    incoming::{Arriving, Place},
    inspect,
    previews::Previews,
    s3::{self, S3OptionsError},
    turns::Turns,
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
    /// The settings of the bucket can't be used.
    #[error(transparent)]
    Bucket(#[from] S3OptionsError),
    /// The object store can't be opened or read.
    #[error("{0}")]
    Store(String),
}

impl From<object_store::Error> for MediaError {
    fn from(error: object_store::Error) -> Self {
        Self::Store(told(&error))
    }
}

/// Where blobs are kept.
pub struct BlobStore {
    objects: Arc<dyn ObjectStore>,
    /// What is on its way in.
    incoming: PathBuf,
    uploads: Arc<Semaphore>,
    previews: Previews,
    /// Taken by whoever writes a blob, and by whoever deletes one after having looked how old it is.
    turns: Arc<Turns>,
}

impl BlobStore {
    /// A store in a directory, made if it is not there: `blobs`, unless they are in a bucket, and what can be made again,
    /// `incoming` and `previews`. What was on its way in when the last server ended is deleted.
    ///
    /// # Errors
    /// When a directory can't be made, or not cleared; when there can be no such bucket as the settings name.
    pub fn open(dir: &Path, options: &MediaOptions) -> Result<Self, MediaError> {
        let make = |name: &str| {
            let path = dir.join(name);
            match fs::create_dir_all(&path) {
                Ok(()) => Ok(path),
                Err(error) => Err(MediaError::Directory { path, error }),
            }
        };
        let (incoming, previews) = (make("incoming")?, make("previews")?);
        let objects = match &options.s3 {
            Some(s3) => s3::bucket(s3)?,
            None => folder(&make("blobs")?)?,
        };
        clear(&incoming).map_err(|error| MediaError::Directory { path: incoming.clone(), error })?;
        Ok(Self {
            objects,
            incoming,
            uploads: Arc::new(Semaphore::new(options.uploads_max)),
            previews: Previews::new(previews, options),
            turns: Arc::default(),
        })
    }

    async fn whole(&self, hash: &str) -> Result<Option<Bytes>, CommandError> {
        let object = match self.objects.get(&object_path(hash)).await {
            Ok(object) => object,
            Err(error) if is_no_blob(&error) => return Ok(None),
            Err(error) => return Err(out_of_reach(error)),
        };
        object.bytes().await.map(Some).map_err(out_of_reach)
    }

    async fn size(&self, hash: &str) -> Result<u64, CommandError> {
        self.objects.head(&object_path(hash)).await.map(|found| found.size).map_err(out_of_reach)
    }
}

/// Blobs in a folder.
pub(crate) fn folder(dir: &Path) -> Result<Arc<dyn ObjectStore>, MediaError> {
    Ok(Arc::new(LocalFileSystem::new_with_prefix(dir)?.with_fsync(true)))
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

/// The same, where it was the object store.
pub(crate) fn out_of_reach(error: object_store::Error) -> CommandError {
    failed(told(&error))
}

/// An error of the object store in words. Of what a bucket answers, which may repeat parts of the request and of its
/// signature, only the code is told.
fn told(error: &object_store::Error) -> String {
    let text = error.to_string();
    let Some((before, answer)) = text.split_once('<') else { return text };
    let code = answer.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>"));
    format!("{before}{}", code.map_or("(an answer that is not understood)", |(code, _)| code))
}

/// Whether an error says that there is no such blob. A bucket that is not there is another matter.
pub(crate) fn is_no_blob(error: &object_store::Error) -> bool {
    matches!(error, object_store::Error::NotFound { .. }) && !told(error).contains("NoSuchBucket")
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
            turns: self.turns.clone(),
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
            Err(error) if is_no_blob(&error) => return Ok(None),
            Err(error) => return Err(out_of_reach(error)),
        };
        Ok(Some(match found.payload {
            GetResultPayload::File(file, _) => chunks(file, found.range),
            GetResultPayload::Stream(stream) => stream.map_err(out_of_reach).boxed(),
        }))
    }

    async fn blobs_before(&self, part: u8, time: DateTime<Utc>) -> Result<Vec<String>, CommandError> {
        let folder = ObjectPath::from(format!("{part:02x}"));
        let old = self.objects.list(Some(&folder)).try_filter_map(|object| async move {
            let named = object.location.filename().map(str::to_owned);
            Ok(named.filter(|_| object.last_modified < time))
        });
        old.try_collect().await.map_err(out_of_reach)
    }

    async fn delete_before(&self, hash: &str, time: DateTime<Utc>) -> Result<bool, CommandError> {
        let _turn = self.turns.take(hash).await;
        let path = object_path(hash);
        match self.objects.head(&path).await {
            Ok(object) if object.last_modified < time => {}
            Ok(_) => return Ok(false),
            Err(error) if is_no_blob(&error) => return Ok(false),
            Err(error) => return Err(out_of_reach(error)),
        }
        self.objects.delete(&path).await.map_err(out_of_reach)?;
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
        let _turn = self.previews.turn(hash).await;
        // Somebody else may have made it meanwhile.
        if self.previews.all_made(hash).await? {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_what_a_bucket_answers_only_the_code_is_told() {
        let error =
            |answer: &str| object_store::Error::Generic { store: "S3", source: format!("403: {answer}").into() };
        let answer = "<?xml version=\"1.0\"?><Error><Code>SignatureDoesNotMatch</Code><AWSAccessKeyId>mei</AWSAccessKeyId></Error>";
        assert_eq!(told(&error(answer)), "Generic S3 error: 403: SignatureDoesNotMatch");
        assert!(!told(&error("<html>mei</html>")).contains("mei"));
        assert_eq!(told(&error("refused")), "Generic S3 error: 403: refused");
    }
}
