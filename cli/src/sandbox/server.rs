//! Starting and stopping a sandbox.

use std::fs;

use actix_web::{
    App, HttpResponse, HttpServer, ResponseError,
    dev::Service,
    http::StatusCode,
    web::{self, Data, ServiceConfig},
};
use api::problem::Problem;
use futures::future::{Either, ready};
use tokio::signal::unix::{SignalKind, signal};

use super::{
    House,
    counter::{Counter, Trade},
    desk::{self, Desk},
    faults::Faults,
};
use crate::error::{Ending, Error};

/// Largest body of a request, in bytes.
const BODY_BYTES: usize = 64 * 1024;
/// How long a stop waits for requests under way, in seconds.
const STOP_SECONDS: u64 = 1;

/// Runs a sandbox until it is told to stop.
///
/// # Errors
/// Whatever keeps it from starting, or ended it.
pub(super) fn run<T: Trade>(house: &House, name: &str, routes: fn(&mut ServiceConfig)) -> Result<Ending, Error> {
    let faults = match &house.faults {
        Some(path) => {
            let unusable = |error: &dyn std::fmt::Display| Error::Usage(format!("{}: {error}", path.display()));
            let text = fs::read_to_string(path).map_err(|error| unusable(&error))?;
            Faults::parse(&text).map_err(|error| unusable(&error))?
        }
        None => Faults::default(),
    };
    let counter = Counter::<T>::open(&house.data.join(format!("{name}.jsonl")))
        .map_err(|error| Error::unavailable(house.data.display(), error))?;
    let desk = Data::new(Desk::new(counter, faults, &house.secret()?));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(|error| Error::failed("the runtime", error))?;
    runtime.block_on(serve(house, name, &desk, routes)).map(|()| Ending::Well)
}

async fn serve<T: Trade>(
    house: &House,
    name: &str,
    desk: &Data<Desk<T>>,
    routes: fn(&mut ServiceConfig),
) -> Result<(), Error> {
    let mut terminate = signal(SignalKind::terminate()).map_err(|error| Error::failed("signals", error))?;
    let desk = desk.clone();
    let factory = move || {
        let doorman = desk.clone();
        App::new()
            .app_data(desk.clone())
            // Its own words would quote what was sent, and with it perhaps a card's number.
            .app_data(web::JsonConfig::default().limit(BODY_BYTES).error_handler(|_, _| invalid("body")))
            .app_data(web::QueryConfig::default().error_handler(|_, _| invalid("query")))
            .app_data(web::PathConfig::default().error_handler(|_, _| invalid("path")))
            .app_data(web::PayloadConfig::new(BODY_BYTES))
            .configure(desk::routes::<T>)
            .configure(routes)
            .default_service(web::to(nothing_there))
            .wrap_fn(move |request, service| {
                if request.path() == "/livez" || doorman.admits(request.request()) {
                    return Either::Left(service.call(request));
                }
                let refused = Problem::named(StatusCode::UNAUTHORIZED, "not-admitted", "show the shared secret");
                Either::Right(ready(Err(refused.into())))
            })
    };
    let server = HttpServer::new(factory).disable_signals().workers(2).shutdown_timeout(STOP_SECONDS);
    let server = server
        .bind(house.listen)
        .map_err(|error| Error::unavailable(format!("listening on {}", house.listen), error))?;
    let address = server.addrs().first().copied().unwrap_or(house.listen);
    let server = server.run();
    let handle = server.handle();
    let mut ended = tokio::spawn(server);
    tracing::info!(%address, sandbox = name, "ready");
    let ended = tokio::select! {
        _ = tokio::signal::ctrl_c() => None,
        _ = terminate.recv() => None,
        () = input_ended(house.until_input_ends) => None,
        ended = &mut ended => Some(ended),
    };
    match ended {
        None => {
            tracing::info!("stopping");
            handle.stop(true).await;
            Ok(())
        }
        Some(Ok(Ok(()))) => Ok(()),
        Some(Ok(Err(error))) => Err(Error::failed("the sandbox", error)),
        Some(Err(error)) => Err(Error::failed("the sandbox", error)),
    }
}

/// Waits for the end of standard input, where that is wanted; else for ever.
async fn input_ended(wanted: bool) {
    if !wanted {
        return std::future::pending().await;
    }
    let (tell, told) = tokio::sync::oneshot::channel();
    // A thread of its own: reading can't be given up, and the end of this process should not wait for it.
    std::thread::spawn(move || {
        // What is read does not matter, nor whether it could be; and if nobody waits any more, that is well too.
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        let _ = tell.send(());
    });
    let _ = told.await;
}

fn invalid(what: &str) -> actix_web::Error {
    Problem::named(
        StatusCode::BAD_REQUEST,
        &format!("invalid-{what}"),
        format!("the {what} of the request is not as it should be"),
    )
    .into()
}

async fn nothing_there() -> HttpResponse {
    Problem::named(StatusCode::NOT_FOUND, "no-such-endpoint", "there is no such endpoint").error_response()
}
