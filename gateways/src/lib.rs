//! The outside over HTTP. Banks and billers: the adapters of the ports in [`commands::gateways`]; the protocol is the one
//! that the sandbox speaks, and `docs/gateways.md` has it. Programs of official accounts: the adapter of the port in
//! [`commands::callbacks`].
//!
//! # Layout
//! - [`options`]: where the other side is, its secret, limits of time and size.
//! - `http`: one call: bounded in every way, and what each way to fail says about the outcome.
//! - `wire`: what travels, and checking that an answer belongs to its request.
//! - [`bank`], [`biller`]: the adapters.
//! - [`callback`]: programs of official accounts.

pub mod bank;
pub mod biller;
pub mod callback;
mod http;
pub mod options;
mod wire;

pub use bank::HttpBank;
pub use biller::HttpBiller;
pub use callback::{CallbackOptions, HttpCallbacks};
pub use options::{GatewayOptions, OptionsError, SharedSecret};
