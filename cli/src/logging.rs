//! What the server writes about its doings: lines on standard error.

use std::io::{self, IsTerminal};

use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use crate::{
    error::Error,
    settings::{LogFormat, Logging},
};

/// Begins to write, as the settings say.
///
/// # Errors
/// [`Error::Usage`] where the filter is none.
pub(crate) fn start(settings: &Logging) -> Result<(), Error> {
    let filter = EnvFilter::try_new(&settings.filter)
        .map_err(|error| Error::Usage(format!("log.filter {:?}: {error}", settings.filter)))?;
    let lines = fmt::layer().with_writer(io::stderr);
    let registry = tracing_subscriber::registry().with(filter);
    let started = match settings.format {
        LogFormat::Text => registry.with(lines.with_ansi(io::stderr().is_terminal())).try_init(),
        LogFormat::Json => registry.with(lines.json().flatten_event(true)).try_init(),
    };
    started.map_err(|error| Error::failed("the server's own log", error))
}
