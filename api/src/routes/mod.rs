//! The endpoints, one file per subject.
//!
//! Every handler reads as a checklist: who asks, limits, the command or query, the answer. Who may call what stands in
//! `security(...)` of its annotation and is enforced by its extractor.

pub mod messages;

use actix_web::{HttpRequest, HttpResponse};
use commands::Committed;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::{problem::Problem, socket};

/// A command was carried out.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Done {
    /// Position of its last event in the log; everything asked of this server later is at or after it.
    pub position: u64,
}

impl<E> From<&Committed<E>> for Done {
    fn from(committed: &Committed<E>) -> Self {
        Self { position: committed.position.0 }
    }
}

/// All endpoints.
pub fn configure(config: &mut ServiceConfig) {
    messages::configure(config);
    config.service(socket::connect);
}

/// What is answered where there is no endpoint.
pub async fn unknown(request: HttpRequest) -> Result<HttpResponse, Problem> {
    Err(Problem::not_found("no-such-endpoint", format!("there is no {} {}", request.method(), request.path())))
}

/// How many items a page may have.
///
/// # Errors
/// 400 for a number outside 1 to `max`.
pub(crate) fn page_limit(asked: Option<usize>, usual: usize, max: usize) -> Result<usize, Problem> {
    match asked.unwrap_or(usual) {
        limit if (1..=max).contains(&limit) => Ok(limit),
        _ => Err(Problem::bad_request("invalid-query", format!("limit: 1 to {max}"))),
    }
}

/// What a stranger to a conversation is told.
pub(crate) fn conversation_not_found() -> Problem {
    domain::Rejection::ConversationNotFound.into()
}
