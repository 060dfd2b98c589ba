//! Pictures, voice, video and files: what is made of the bytes that people bring, and where they are kept.
//!
//! # Layout
//! - [`store`]: [`BlobStore`], the adapter of the command side's port: blobs under their hash in an object store, a folder
//!   by default.
//! - [`parts`]: what has come of media that are brought in parts.
//! - `incoming`: bytes on their way in, in memory as long as they are few, in a file after that.
//! - `inspect`: what bytes are, by what they say.
//! - `previews`: smaller forms of pictures, and the few colours that stand in for them.
//! - [`audit`]: looking whether blobs are there and are what was brought.
//! - [`options`]: what can be set.

pub mod audit;
mod incoming;
mod inspect;
pub mod options;
pub mod parts;
mod previews;
pub mod store;

pub use options::MediaOptions;
pub use parts::Parts;
pub use store::{BlobStore, MediaError};
