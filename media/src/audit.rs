//! Looking whether blobs are there, and are what was brought, without changing anything.

use std::{path::Path, sync::Arc};

use futures::TryStreamExt;
use object_store::{ObjectStore, ObjectStoreExt};

use crate::{
    MediaOptions, s3,
    store::{MediaError, folder, is_no_blob, object_path},
};

/// How a blob was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// There, with the bytes that its hash is of.
    Sound,
    /// Not there.
    Missing,
    /// There, with other bytes.
    Altered,
}

/// Blobs, for who looks at them and trusts nobody.
pub struct BlobAudit {
    objects: Arc<dyn ObjectStore>,
}

impl BlobAudit {
    /// The blobs of a store in a directory, or in the bucket of the settings.
    ///
    /// # Errors
    /// When there is no such directory, or the settings of the bucket can't be used.
    pub fn open(dir: &Path, options: &MediaOptions) -> Result<Self, MediaError> {
        let objects = match &options.s3 {
            Some(s3) => s3::bucket(s3)?,
            None => folder(&dir.join("blobs"))?,
        };
        Ok(Self { objects })
    }

    /// How the blob of a hash is found: all of it is read.
    ///
    /// # Errors
    /// When the store can't be read.
    pub async fn look(&self, hash: &str) -> Result<Found, MediaError> {
        let object = match self.objects.get(&object_path(hash)).await {
            Ok(object) => object,
            Err(error) if is_no_blob(&error) => return Ok(Found::Missing),
            Err(error) => return Err(error.into()),
        };
        let mut hasher = blake3::Hasher::new();
        let mut bytes = object.into_stream();
        while let Some(piece) = bytes.try_next().await? {
            hasher.update(&piece);
        }
        Ok(if hasher.finalize().to_hex().as_str() == hash { Found::Sound } else { Found::Altered })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blob_is_sound_missing_or_altered() {
        let dir = tempfile::tempdir().unwrap();
        let hash = blake3::hash(b"tea").to_hex().to_string();
        let file = dir.path().join("blobs").join(object_path(&hash).as_ref());
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        let audit = BlobAudit::open(dir.path(), &MediaOptions::default()).unwrap();
        let look = || futures::executor::block_on(audit.look(&hash)).unwrap();
        assert_eq!(look(), Found::Missing);
        std::fs::write(&file, b"tea").unwrap();
        assert_eq!(look(), Found::Sound);
        std::fs::write(&file, b"Tea").unwrap();
        assert_eq!(look(), Found::Altered);
    }
}
