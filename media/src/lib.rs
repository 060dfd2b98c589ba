//! Pictures, voice, video and files: what is made of the bytes that people bring, and where they are kept.
//!
//! # Layout
//! - [`store`]: [`BlobStore`], the adapter of the command side's port: blobs under their hash in an object store, a folder
//!   by default.
//! - [`s3`]: buckets of stores that speak S3, in place of the folder.
//! - [`parts`]: what has come of media that are brought in parts.
//! - `incoming`: bytes on their way in, in memory as long as they are few, in a file after that.
//! - `inspect`: what bytes are, by what they say.
//! - `previews`: smaller forms of pictures, and the few colours that stand in for them.
//! - `turns`: who works on the same blob does so one after the other.
//! - [`audit`]: looking whether blobs are there and are what was brought.
//! - [`options`]: what can be set.

pub mod audit;
mod incoming;
mod inspect;
pub mod options;
pub mod parts;
mod previews;
pub mod s3;
pub mod store;
mod turns;

pub use options::MediaOptions;
pub use parts::Parts;
pub use s3::{S3Options, S3OptionsError};
pub use store::{BlobStore, MediaError};
