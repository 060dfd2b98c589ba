//! Search in messages, Chinese included.
//!
//! # Layout
//! - [`query`]: what a search asks for and what it gives.
//! - `view`: [`SearchView`], what queries call.
//! - `plan`: a query made ready for the index; `walk`: going through the index, newest first.
//! - `tokens`: how messages and queries are cut into words.
//! - `document`: what the index keeps of an event.
//! - `index`: the tantivy index on disk, its writer and its commits; `merging`: which segments are merged; `rows`: its content for comparisons.
//! - `projection`: the fold of events into it.
//!
//! # Why it is like this
//! A message is in the index for good: a recall is a document of its own that hides it. Writing is therefore appending,
//! and a rebuilt index holds the same documents. What is taken in becomes visible with a commit, which costs some
//! milliseconds; it is made when a search asks for it, once enough waits, and when nothing else is to do.

#[cfg(test)]
pub(crate) mod bars;
mod document;
mod index;
mod merging;
mod plan;
mod projection;
pub mod query;
mod rows;
#[cfg(test)]
mod tests;
mod tokens;
mod view;
mod walk;

pub use projection::SearchProjection;
pub use query::{Hit, Hits, Query, SearchError};
pub use view::SearchView;
