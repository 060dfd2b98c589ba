//! Starting and stopping the server.

use std::{
    io,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use actix_web::{
    App as ActixApp, HttpServer,
    dev::{ServerHandle, Service},
    http::Method,
    web,
};

use tokio::time::MissedTickBehavior;
use utoipa_actix_web::AppExt;
use utoipa_swagger_ui::SwaggerUi;

use crate::{
    App, openapi,
    problem::{Code, Problem},
    routes,
    standstill::{self, Chunked},
};

/// How often limits forget those who have gone quiet.
const FORGET_EVERY: Duration = Duration::from_secs(60);

/// A server that runs.
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    app: Arc<App>,
    handle: ServerHandle,
    /// Ends when the server has stopped.
    pub ended: tokio::task::JoinHandle<io::Result<()>>,
}

impl Running {
    /// Stops: takes no more connections, finishes what is under way within the time set for it, ends the WebSockets.
    pub async fn stop(&self) {
        self.app.hub.stop();
        self.handle.stop(true).await;
    }
}

/// Starts the server; it listens when this returns.
///
/// # Errors
/// When the address can't be listened on.
pub fn start(app: Arc<App>) -> io::Result<Running> {
    let options = app.options.clone();
    let data = web::Data::from(app.clone());
    let body_max = options.body_bytes_max;
    let factory = move || {
        let counted = data.clone();
        let (app, document) = ActixApp::new()
            .into_utoipa_app()
            .openapi(openapi::preamble())
            .app_data(data.clone())
            .app_data(web::PayloadConfig::new(body_max))
            .app_data(
                web::PathConfig::default()
                    .error_handler(|error, _| Problem::new(Code::InvalidPath, error.to_string()).into()),
            )
            .configure(routes::configure)
            .split_for_parts();
        app.configure(routes::cgi::configure)
            .service(web::redirect("/docs", "/docs/").permanent())
            .service(SwaggerUi::new("/docs/{_:.*}").url("/openapi.json", openapi::with_headers(document)))
            .default_service(web::to(routes::unknown))
            .wrap_fn(move |mut request, service| {
                if let Some(meant) = routes::meant(request.head()) {
                    request.head_mut().method = meant;
                }
                let (began, method, app) = (Instant::now(), request.method().clone(), counted.clone());
                let chunked = Chunked::hold(&mut request);
                // A HEAD is answered as the GET that it stands for; the connection, which has seen it, leaves the body out.
                if method == Method::HEAD {
                    request.head_mut().method = Method::GET;
                }
                let answered = service.call(request);
                async move {
                    let answer = answered.await?;
                    app.metrics.answered(&method, answer.status(), began.elapsed());
                    tracing::debug!(%method, path = answer.request().path(), status = answer.status().as_u16());
                    Ok(match chunked {
                        Some(chunked) => chunked.until_sent(answer),
                        None => answer,
                    })
                }
            })
    };
    let untaken = Duration::from_secs(options.socket_idle_seconds);
    let mut server = HttpServer::new(factory)
        .on_connect(move |connection, _| standstill::end_when_nothing_is_taken(connection, untaken))
        .disable_signals()
        .shutdown_timeout(options.stop_seconds)
        .max_connections(options.connections_max)
        .backlog(4_096);
    if options.workers > 0 {
        server = server.workers(options.workers);
    }
    let server = server.bind(options.listen)?;
    let address = server.addrs().first().copied().unwrap_or(options.listen);
    let server = server.run();
    let handle = server.handle();
    tokio::spawn(forget_idle(Arc::downgrade(&app)));
    Ok(Running { address, app, handle, ended: tokio::spawn(server) })
}

async fn forget_idle(app: std::sync::Weak<App>) {
    let mut beat = tokio::time::interval(FORGET_EVERY);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        beat.tick().await;
        let Some(app) = app.upgrade() else { return };
        app.limits.forget_idle();
    }
}
