//! The ceiling: the same HTTP stack over the same log, answering after the same barrier, with no domain between.
//!
//! `teahouse bench` measures it in the same call as the real server, so that a figure can be read as a share of what this
//! machine could do at all.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use actix_web::{App as ActixApp, HttpResponse, HttpServer, dev::Server, web};
use eventlog::{Append, EventLog, ExpectedVersion, NewEvent, PayloadEncoding, StreamName};
use uuid::Uuid;

/// Over how many streams the appends are spread.
const STREAMS: u64 = 1_000;

struct Ceiling {
    log: Arc<dyn EventLog>,
    next: AtomicU64,
}

/// Starts the server of the ceiling: any POST appends its body as an event and answers with a body of the same size.
///
/// # Errors
/// When the address can't be listened on.
pub fn start(log: Arc<dyn EventLog>, listen: SocketAddr, workers: usize) -> io::Result<(SocketAddr, Server)> {
    let ceiling = web::Data::new(Ceiling { log, next: AtomicU64::new(0) });
    let server =
        HttpServer::new(move || ActixApp::new().app_data(ceiling.clone()).default_service(web::post().to(answer)));
    let server = if workers > 0 { server.workers(workers) } else { server };
    let server = server.disable_signals().backlog(4_096).bind(listen)?;
    let address = server.addrs().first().copied().unwrap_or(listen);
    Ok((address, server.run()))
}

async fn answer(ceiling: web::Data<Ceiling>, body: web::Bytes) -> Result<HttpResponse, crate::problem::Problem> {
    let number = ceiling.next.fetch_add(1, Ordering::Relaxed);
    let id = Uuid::now_v7();
    let appended = ceiling.log.append(Append {
        stream: StreamName::new(format!("ceiling-{}", number % STREAMS))?,
        expected: ExpectedVersion::Any,
        time: chrono::Utc::now(),
        actor: None,
        command_id: id,
        fingerprint: None,
        correlation_id: id,
        causation_id: None,
        events: vec![NewEvent {
            event_id: id,
            event_type: "ceiling.reached",
            schema: 1,
            encoding: PayloadEncoding::Json,
            payload: body.clone(),
        }],
    });
    appended.await?;
    Ok(HttpResponse::Ok().content_type("application/json").body(body))
}
