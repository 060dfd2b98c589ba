//! The HTTP and WebSocket interface: who asks, what they ask for, and how the answer looks.
//!
//! # Layout
//! - [`app`]: what all handlers share; [`server`]: starting and stopping; [`options`]: settings.
//! - [`problem`]: every error as `application/problem+json` with a stable code; `code`: the codes of the interface itself.
//! - [`request`]: the extractors: who calls ([`request::Reader`], [`request::Command`], [`request::Operator`]), bodies,
//!   idempotency keys; [`query`]: what stands behind the question mark.
//! - `standstill`: clients that take nothing of what they are sent, or send nothing of what they announced.
//! - [`limits`]: rate limits; [`bringing`]: how many media one person brings at a time, and how slowly; [`metrics`]: what Prometheus scrapes.
//! - [`hub`]: which devices are connected, and what is pushed to them; [`socket`]: one device's WebSocket; `line`: what is said over it, in time;
//!   [`notices`]: pushing notices of Moments; [`broadcasting`]: pushing what official accounts say to many.
//! - `signals`: what the devices of a call tell each other; [`ice`]: servers that help them to find a way.
//! - `qr`: codes as pictures; `media_access`: who may fetch a medium.
//! - [`routes`]: the endpoints, one file per subject; [`openapi`]: the document made of them.
//! - [`ceiling`]: a server with the same HTTP stack and the same log but no domain, to measure against.

pub mod app;
pub mod bringing;
pub mod broadcasting;
pub mod ceiling;
mod code;
pub mod hub;
pub mod ice;
pub mod limits;
mod line;
mod media_access;
pub mod metrics;
pub mod notices;
pub mod openapi;
pub mod options;
pub mod problem;
mod qr;
pub mod query;
pub mod request;
pub mod routes;
pub mod server;
mod signals;
pub mod socket;
mod standstill;

pub use app::App;
pub use options::{ApiOptions, RateOptions};
pub use server::{Running, start};
