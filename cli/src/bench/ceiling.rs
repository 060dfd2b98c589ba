//! The server of the ceiling: the same HTTP stack over the same log, with no domain between.

use std::net::SocketAddr;

use eventlog::StoreKind;
use tokio::signal::unix::{SignalKind, signal};

use super::{
    Bench, CONNECTIONS, Place, client,
    figure::Figure,
    load::{Repeated, closed_loop},
    server::Server,
};
use crate::{
    audit::source::opened,
    error::{Ending, Error},
    layout::DataDir,
    logging,
    settings::Settings,
};

/// What this machine does with the same HTTP stack and the same barrier, and no domain between, for bodies like that one.
///
/// # Errors
/// When the server does not come up or a connection can't be made.
pub(super) async fn measure(bench: &Bench, name: &'static str, body: &str) -> Result<Figure, Error> {
    let place = Place::make(bench)?;
    let server = Server::ceiling(&place.data(), bench.store)?;
    let request = client::post("/", "none", body);
    let traffic = (0..CONNECTIONS).map(|_| Repeated(request.clone())).collect();
    let answered = closed_loop(server.address, server.process(), traffic, bench.seconds).await?;
    server.stop()?;
    Ok(answered.figure(name, "ceiling: same HTTP, same barrier, no domain", bench.seconds))
}

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
