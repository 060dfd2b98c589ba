//! The harness of the end-to-end tests: it starts the real binary and talks to it from outside, as anybody would.
//!
//! # Layout
//! - [`binary`]: where the binary is, and running its commands to their end.
//! - [`server`]: one running server: start, `kill -9`, graceful stop, start again on the same data.
//! - [`cluster`]: several servers on one log.
//! - [`mod@sandbox`]: a bank or billers for the wallet.
//! - [`bucket`]: a store that speaks S3, for media.
//! - [`client`]: HTTP, with a token and idempotency keys; [`raw`]: bytes that no decent client would send.
//! - [`openapi`]: requests made up from the OpenAPI document.
//! - [`socket`]: a device's WebSocket.
//! - [`moments`]: posts, likes and comments; [`official`]: official accounts; [`bot`]: their programs;
//!   [`program`]: programs that stand on others' libraries.
//! - [`calls`]: placing calls and hearing of them; [`media`]: pictures and files.
//! - [`money`]: wallets with a bank behind them; [`shop`]: merchants.
//! - [`crashes`]: ending a server before and after every append.
//! - [`peer`] and [`mod@browser`]: ends of calls by others, and a TURN server.
//! - [`people`]: registering, befriending, founding groups, talking.
//! - [`patience`]: waiting for what happens a little later, up to a deadline; [`dice`]: chance that can be repeated.
//!
//! What fails in here fails the test that called it: the harness panics with a message that says what was answered.

pub mod binary;
pub mod bot;
pub mod browser;
pub mod bucket;
pub mod calls;
pub mod client;
pub mod cluster;
pub mod crashes;
pub mod dice;
pub mod media;
pub mod moments;
pub mod money;
pub mod official;
pub mod openapi;
pub mod patience;
pub mod peer;
pub mod people;
pub mod program;
pub mod raw;
pub mod sandbox;
pub mod server;
pub mod shop;
pub mod socket;

pub use bot::Bot;
pub use browser::Browser;
pub use bucket::BucketHost;
pub use client::{Client, Reply};
pub use cluster::{Cluster, LogHost};
pub use crashes::CrashFile;
pub use dice::Dice;
pub use official::Account;
pub use patience::{Together, until};
pub use people::{Person, befriend, group};
pub use program::Program;
pub use sandbox::{SANDBOX_SECRET, Sandbox};
pub use server::{OPERATOR_TOKEN, Server, Setup, Shared};
pub use shop::Shop;
pub use socket::Socket;
