//! The server of the ceiling: the same HTTP stack over the same log, with no domain between.

use std::net::SocketAddr;

use eventlog::StoreKind;
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    audit::source::opened,
    error::{Ending, Error},
    layout::DataDir,
    logging,
    settings::Settings,
};

/// Serves until told to stop.
///
/// # Errors
/// When it can't be started, or failed.
pub(super) fn serve(settings: &Settings) -> Result<Ending, Error> {
    logging::start(&settings.log)?;
    let failed = |error: std::io::Error| Error::failed("the ceiling", error);
    let log = opened(StoreKind::from(settings.store).open(DataDir::new(settings.data.clone()).log(), None))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(failed)?;
    let listen: SocketAddr = settings.api.listen;
    runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
        let (address, server) = api::ceiling::start(log.clone(), listen, settings.api.workers).map_err(failed)?;
        let handle = server.handle();
        let running = tokio::spawn(server);
        tracing::info!(%address, "ready");
        terminate.recv().await;
        handle.stop(true).await;
        match running.await {
            Ok(Ok(())) => Ok(Ending::Well),
            Ok(Err(error)) => Err(failed(error)),
            Err(error) => Err(Error::failed("the ceiling", error)),
        }
    })
}
