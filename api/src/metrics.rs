//! What Prometheus scrapes.

use std::time::Duration;

use actix_web::http::StatusCode;
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::Registry,
};

use projections::runtime::State;

use crate::App;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answer {
    method: &'static str,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReadModel {
    name: String,
}

/// Everything that is counted.
pub struct Metrics {
    registry: Registry,
    answers: Family<Answer, Counter>,
    seconds: Histogram,
    sockets: Gauge,
    forwarded: Gauge,
    position: Gauge,
    writable: Gauge,
    lag: Family<ReadModel, Gauge>,
    running: Family<ReadModel, Gauge>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("teahouse");
        let metrics = (
            Family::<Answer, Counter>::default(),
            Histogram::new(exponential_buckets(0.000_25, 2.0, 16)),
            Gauge::default(),
            Gauge::default(),
            Gauge::default(),
            Gauge::default(),
            Family::<ReadModel, Gauge>::default(),
            Family::<ReadModel, Gauge>::default(),
        );
        let (answers, seconds, sockets, forwarded, position, writable, lag, running) = metrics;
        registry.register("http_requests", "Requests answered", answers.clone());
        registry.register("http_request_seconds", "Time from request to answer", seconds.clone());
        registry.register("websockets", "Connected devices", sockets.clone());
        registry.register("forwarded_devices", "Devices that calls are forwarded to", forwarded.clone());
        registry.register("log_position", "Position of the last durable event", position.clone());
        registry.register("log_writable", "1 while the log takes writes", writable.clone());
        registry.register("read_model_lag_events", "Positions a read model is behind the log", lag.clone());
        registry.register("read_model_running", "1 while a read model follows the log", running.clone());
        Self { registry, answers, seconds, sockets, forwarded, position, writable, lag, running }
    }
}

impl Metrics {
    /// Counts an answer.
    pub fn answered(&self, method: &actix_web::http::Method, status: StatusCode, took: Duration) {
        // Methods outside this list would let anybody grow the number of series without end.
        let method = match method.as_str() {
            "GET" => "GET",
            "POST" => "POST",
            "PUT" => "PUT",
            "PATCH" => "PATCH",
            "DELETE" => "DELETE",
            _ => "OTHER",
        };
        self.answers.get_or_create(&Answer { method, status: status.as_u16() }).inc();
        self.seconds.observe(took.as_secs_f64());
    }

    /// The metrics in Prometheus' text format.
    #[must_use]
    pub fn render(&self, app: &App) -> String {
        self.sockets.set(gauge(app.hub.connected()));
        self.forwarded.set(gauge(app.commands.forwarded_devices() as u64));
        self.position.set(gauge(app.log.last_position().0));
        self.writable.set(i64::from(app.log.refusing_writes().is_none()));
        for status in app.read_models.status() {
            let label = ReadModel { name: status.name.to_string() };
            self.lag.get_or_create(&label).set(gauge(status.lag));
            self.running.get_or_create(&label).set(i64::from(status.state == State::Live));
        }
        let mut text = String::new();
        // Writing to a string can't fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

fn gauge(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
