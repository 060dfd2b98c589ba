//! Moments: a feed of what friends post, like and say, each seen by those who may see it.
//!
//! # Layout
//! - [`post`]: one post with its likes and comments, in its stream.
//! - [`circle`]: one person's settings, cover and marks, in their stream.
//! - [`visibility`]: who sees what, as pure functions.
//!
//! Whom a person keeps own Moments from, or whose they skip, is among the notes on their contacts
//! ([`crate::contacts::Notes`]).

pub mod circle;
pub mod post;
pub mod visibility;

pub use circle::{Circle, CircleEvent};
pub use post::{Post, PostEvent};
