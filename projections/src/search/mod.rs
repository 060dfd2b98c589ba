//! Starts empty; filled by its own change.
