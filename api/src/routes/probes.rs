//! What watches the server: is it alive, is it ready, how is it doing.
//!
//! These ask for no token, and belong behind the proxy that faces the world.

use actix_web::{HttpResponse, get, web};
use projections::runtime::{ProjectionStatus, State};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::App;

/// A read model that is further behind than this, in positions, makes the server not ready.
const LAG_MAX: u64 = 10_000;
/// About what an event takes in a log whose positions count bytes.
const EVENT_BYTES: u64 = 1_000;

pub(super) fn configure(config: &mut ServiceConfig) {
    config.service(livez).service(readyz).service(metrics);
}

/// Whether the server answers at all.
#[utoipa::path(tag = "probes", security(()),
    responses((status = 200, description = "It does.", body = String, content_type = "text/plain")))]
#[get("/livez")]
#[allow(clippy::unused_async, reason = "handlers are async")]
async fn livez() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("alive\n")
}

/// Whether the server can do its work.
#[derive(Debug, Serialize, ToSchema)]
pub struct Readiness {
    /// Whether it can.
    pub ready: bool,
    /// Position of the last durable event.
    pub position: u64,
    /// Why the log takes no writes, if it takes none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusing_writes: Option<String>,
    /// How the read models are.
    pub read_models: Vec<ProjectionStatus>,
}

/// Whether the server can do its work: the log takes writes, and every read model keeps up with it.
#[utoipa::path(tag = "probes", security(()),
    responses(
        (status = 200, description = "It can.", body = Readiness),
        (status = 503, description = "It can't; the answer tells why.", body = Readiness)))]
#[get("/readyz")]
#[allow(clippy::unused_async, reason = "handlers are async")]
async fn readyz(app: web::Data<App>) -> HttpResponse {
    let refusing_writes = app.log.refusing_writes().map(|reason| reason.to_string());
    let read_models = app.read_models.status();
    // Positions of a shared log count bytes.
    let most = if app.log.is_shared() { LAG_MAX * EVENT_BYTES } else { LAG_MAX };
    let ready = refusing_writes.is_none() && read_models.iter().all(|status| keeps_up(status, most));
    let position = app.log.last_position().0;
    let mut response = if ready { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() };
    response.json(Readiness { ready, position, refusing_writes, read_models })
}

fn keeps_up(status: &ProjectionStatus, most: u64) -> bool {
    status.state == State::Live && status.lag <= most
}

/// Figures for Prometheus.
#[utoipa::path(tag = "probes", security(()),
    responses((status = 200, description = "The figures, as OpenMetrics text.", body = String,
        content_type = "application/openmetrics-text")))]
#[get("/metrics")]
#[allow(clippy::unused_async, reason = "handlers are async")]
async fn metrics(app: web::Data<App>) -> HttpResponse {
    let text = app.metrics.render(&app);
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    HttpResponse::Ok().content_type(content_type).body(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(state: State, lag: u64) -> ProjectionStatus {
        ProjectionStatus { name: "chat", version: 1, position: 0, lag, state, rebuilding: None }
    }

    #[test]
    fn a_read_model_that_stopped_or_is_far_behind_does_not_keep_up() {
        assert!(keeps_up(&status(State::Live, LAG_MAX), LAG_MAX));
        assert!(!keeps_up(&status(State::Live, LAG_MAX + 1), LAG_MAX));
        assert!(!keeps_up(&status(State::CatchingUp, 0), LAG_MAX));
        assert!(!keeps_up(&status(State::Poisoned { at: 1, reason: "odd".into() }, 0), LAG_MAX));
    }
}
