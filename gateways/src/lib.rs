//! Banks and billers over HTTP: the adapters of the ports in [`commands::gateways`]. The protocol is the one that the
//! sandbox speaks; `docs/gateways.md` has it.
//!
//! # Layout
//! - [`options`]: where the other side is, its secret, limits of time and size.
//! - `http`: one call: bounded in every way, and what each way to fail says about the outcome.
//! - `wire`: what travels, and checking that an answer belongs to its request.
//! - [`bank`], [`biller`]: the adapters.

pub mod bank;
pub mod biller;
mod http;
pub mod options;
mod wire;

pub use bank::HttpBank;
pub use biller::HttpBiller;
pub use options::{GatewayOptions, OptionsError, SharedSecret};
