//! `teahouse listen`: one device's WebSocket on the terminal, each message a line of JSON.

use std::io::{self, Write};

use clap::Args;
use futures::StreamExt;
use tokio_tungstenite::{
    connect_async,
    tungstenite::{ClientRequestBuilder, Message, http::Uri},
};

use crate::error::{Ending, Error};

/// Which server, as whom.
#[derive(Debug, Args)]
pub(crate) struct Listen {
    /// The server
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    server: String,
    /// The device's token, from registering or logging in
    #[arg(long, env = "TEAHOUSE_TOKEN", hide_env_values = true)]
    token: String,
    /// The last position already seen: what was missed since comes first
    #[arg(long, value_name = "POSITION")]
    after: Option<u64>,
    /// End after that many messages from the server
    #[arg(long, value_name = "N")]
    messages: Option<usize>,
}

/// Prints what is pushed until the connection ends or enough has come.
///
/// # Errors
/// When the server can't be reached or refuses.
pub(crate) fn run(listen: &Listen) -> Result<Ending, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| Error::failed("the runtime", error))?.block_on(print(listen))
}

async fn print(listen: &Listen) -> Result<Ending, Error> {
    let refused = |error: &dyn std::fmt::Display| Error::unavailable(&listen.server, error);
    let host = listen.server.strip_prefix("http").ok_or_else(|| refused(&"not an http or https address"))?;
    let after = listen.after.map(|after| format!("?after={after}")).unwrap_or_default();
    let address = format!("ws{}/v1/ws{after}", host.trim_end_matches('/'));
    let address: Uri = address.parse().map_err(|error| refused(&error))?;
    let request = ClientRequestBuilder::new(address)
        .with_sub_protocol("teahouse")
        .with_header("Authorization", format!("Bearer {}", listen.token));
    let (mut socket, _) = connect_async(request).await.map_err(|error| refused(&error))?;
    let mut left = listen.messages.unwrap_or(usize::MAX);
    while left > 0 {
        match socket.next().await {
            Some(Ok(Message::Text(text))) => {
                // Whoever reads may have had enough.
                if writeln!(io::stdout(), "{text}").is_err() {
                    break;
                }
                left -= 1;
            }
            Some(Ok(Message::Close(reason))) => {
                let reason = reason.map(|frame| format!("{}: {}", u16::from(frame.code), frame.reason));
                return Err(Error::failed("the server ended the connection", reason.unwrap_or_default()));
            }
            Some(Ok(_)) => {}
            Some(Err(error)) => return Err(Error::failed("the connection", error)),
            None => break,
        }
    }
    Ok(Ending::Well)
}
