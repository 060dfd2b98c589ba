//! A store that keeps nothing: what the tests here name was brought by appending its event.

use std::ops::Range;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use commands::{
    CommandError,
    media::{
        Announced, Chunks, Claim, Incoming, MediaStore, MediaUse, Part, Smaller, SmallerForm, Upload, UploadStore,
    },
};
use domain::{MediumId, Rejection, UserId, policy::MediaPolicy};

use super::Scan;

/// Nothing is in it, and every picture has the same few colours.
pub(crate) struct NoBytes;

fn nothing<T>() -> Result<T, CommandError> {
    Err(CommandError::MediaStore("this store keeps nothing".into()))
}

#[async_trait]
impl MediaStore for NoBytes {
    async fn receive(&self, _: Claim) -> Result<Box<dyn Incoming>, CommandError> {
        nothing()
    }
    async fn read(&self, _: &str, _: Range<u64>) -> Result<Option<Chunks>, CommandError> {
        Ok(None)
    }
    async fn smaller(&self, _: &str, _: SmallerForm) -> Result<Smaller, CommandError> {
        nothing()
    }
    async fn blobs_before(&self, _: u8, _: DateTime<Utc>) -> Result<Vec<String>, CommandError> {
        Ok(vec![])
    }
    async fn delete_before(&self, _: &str, _: DateTime<Utc>) -> Result<bool, CommandError> {
        Ok(false)
    }
    async fn blur_hash(&self, _: &str) -> Result<String, CommandError> {
        Ok("LEHV6nWB2yk8pyo0adR*.7kCMdnj".into())
    }
}

#[async_trait]
impl UploadStore for NoBytes {
    async fn begin(&self, _: MediumId, _: Announced, _: &MediaPolicy) -> Result<Upload, CommandError> {
        nothing()
    }
    fn upload(&self, _: MediumId) -> Option<Upload> {
        None
    }
    fn uploads_of(&self, _: UserId) -> Vec<Upload> {
        vec![]
    }
    async fn part(&self, _: MediumId, _: u64, _: bool) -> Result<Box<dyn Part>, CommandError> {
        nothing()
    }
    async fn is_as_told(&self, _: MediumId) -> Result<bool, CommandError> {
        Ok(false)
    }
    async fn read(&self, _: MediumId) -> Result<Chunks, CommandError> {
        nothing()
    }
    fn hold(&self, _: MediumId) -> Result<Box<dyn Send>, Rejection> {
        Err(Rejection::UploadNotFound)
    }
    async fn delete(&self, _: MediumId) -> Result<(), CommandError> {
        Ok(())
    }
    async fn delete_expired(&self, _: DateTime<Utc>) -> Result<usize, CommandError> {
        Ok(0)
    }
}

#[async_trait]
impl MediaUse for Scan {
    async fn bytes_of(&self, _: UserId) -> Result<u64, CommandError> {
        Ok(0)
    }
    async fn unnamed_before(&self, _: DateTime<Utc>, _: usize) -> Result<Vec<MediumId>, CommandError> {
        Ok(vec![])
    }
    async fn picture_of(&self, _: UserId, _: &str) -> Result<Option<MediumId>, CommandError> {
        Ok(None)
    }
    async fn is_needed(&self, _: &str) -> Result<bool, CommandError> {
        Ok(true)
    }
}
