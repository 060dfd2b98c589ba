//! Errors as clients get them: RFC 9457 problem details with a stable code.

use actix_web::{
    HttpResponse, ResponseError,
    http::{StatusCode, header},
};
use commands::CommandError;
use domain::{Rejection, RejectionKind};
use eventlog::{AppendError, ReadError};
use projections::{ProjectionError, runtime::Lagging};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use crate::code::Code;

/// What went wrong, as `application/problem+json`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// Always `about:blank`: the code says what it is.
    #[serde(rename = "type")]
    pub kind: String,
    /// The status in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// The stable name of what went wrong, such as `not-friends`.
    pub code: String,
    /// More about it, for people.
    pub detail: String,
    /// After how many seconds trying again makes sense; also in the `Retry-After` header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
}

impl Problem {
    /// A problem that the interface itself found.
    #[must_use]
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self::named(code.status(), code.name(), detail)
    }

    /// A problem with a code of somebody else: of the rules, or of another server that answers in this manner. With status
    /// 503 it is worth another try after a second, unless [`Problem::retry_after`] says otherwise.
    #[must_use]
    pub fn named(status: StatusCode, code: &str, detail: impl Into<String>) -> Self {
        Self {
            kind: "about:blank".to_owned(),
            title: status.canonical_reason().unwrap_or("Error").to_owned(),
            status: status.as_u16(),
            code: code.to_owned(),
            detail: detail.into(),
            retry_after: (status == StatusCode::SERVICE_UNAVAILABLE).then_some(1),
        }
    }

    /// The same, worth another try after that many seconds.
    #[must_use]
    pub fn retry_after(self, seconds: u64) -> Self {
        Self { retry_after: Some(seconds.max(1)), ..self }
    }

    /// A fault of the server, of which clients learn no more.
    #[must_use]
    pub fn internal() -> Self {
        Self::new(Code::Internal, "the server failed; its log says why")
    }

    /// A command did not give the event that it always gives: the server's fault.
    #[must_use]
    pub fn no_event() -> Self {
        Self::internal()
    }

    /// Who asks did it too often.
    #[must_use]
    pub fn too_many(seconds: u64) -> Self {
        Self::new(Code::RateLimited, "too many requests; try again later").retry_after(seconds)
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}: {}", self.status, self.code, self.detail)
    }
}

impl std::error::Error for Problem {}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        response.insert_header((header::CONTENT_TYPE, "application/problem+json"));
        if let Some(seconds) = self.retry_after {
            response.insert_header((header::RETRY_AFTER, seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED.as_u16() {
            response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
        }
        response.body(serde_json::to_vec(self).unwrap_or_default())
    }
}

impl From<Rejection> for Problem {
    fn from(rejection: Rejection) -> Self {
        let status = match rejection {
            Rejection::MediumTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            _ => status_of(rejection.kind()),
        };
        Self::named(status, rejection.code(), rejection.to_string())
    }
}

/// The status that a refusal of that sort is answered with.
pub(crate) fn status_of(kind: RejectionKind) -> StatusCode {
    match kind {
        RejectionKind::Invalid => StatusCode::BAD_REQUEST,
        RejectionKind::Unauthenticated => StatusCode::UNAUTHORIZED,
        RejectionKind::Forbidden => StatusCode::FORBIDDEN,
        RejectionKind::NotFound => StatusCode::NOT_FOUND,
        RejectionKind::Conflict | RejectionKind::Limit => StatusCode::CONFLICT,
    }
}

impl From<AppendError> for Problem {
    fn from(error: AppendError) -> Self {
        let detail = error.to_string();
        match error {
            AppendError::Conflict { .. } => Self::new(Code::Contended, detail),
            AppendError::Invalid(_) => Self::new(Code::TooLarge, detail),
            AppendError::Overloaded => Self::new(Code::Overloaded, detail),
            AppendError::Poisoned(_) => Self::new(Code::ReadOnly, detail).retry_after(60),
            AppendError::Unavailable(_) => Self::new(Code::LogUnavailable, detail),
        }
    }
}

impl From<CommandError> for Problem {
    fn from(error: CommandError) -> Self {
        let detail = error.to_string();
        match error {
            CommandError::Rejected(rejection) => rejection.into(),
            CommandError::NotLoggedIn => Self::new(Code::NotLoggedIn, detail),
            CommandError::KeyReused => Self::new(Code::KeyReused, detail),
            CommandError::KeyInFlight => Self::new(Code::KeyInFlight, detail).retry_after(1),
            CommandError::Contended => Self::new(Code::Contended, detail),
            CommandError::Busy => Self::new(Code::Busy, detail).retry_after(2),
            CommandError::Crowded => Self::new(Code::Crowded, detail).retry_after(2),
            CommandError::MediaStore(_) => {
                tracing::error!(error = %detail, "the store of media failed");
                Self::new(Code::MediaUnavailable, "the bytes of media can't be read or written at present")
            }
            CommandError::NotConnected(_) => Self::new(Code::NotConnected, detail).retry_after(3_600),
            CommandError::ForwardingFull => Self::new(Code::ForwardingFull, detail).retry_after(10),
            CommandError::GatewaySilent(_) => Self::new(Code::GatewaySilent, detail).retry_after(5),
            CommandError::Append(error) => error.into(),
            CommandError::ReadModel(_) => Self::new(Code::ReadModelBehind, detail),
            CommandError::Read(ReadError::Unavailable(_)) => Self::new(Code::LogUnavailable, detail),
            CommandError::Read(_) | CommandError::Undecodable { .. } | CommandError::Internal(_) => {
                // The cause is for the operator's log; clients learn only that it was not their fault.
                tracing::error!(error = %detail, "a command failed");
                Self::internal()
            }
        }
    }
}

impl From<Lagging> for Problem {
    fn from(lagging: Lagging) -> Self {
        Self::new(Code::ReadModelBehind, lagging.to_string())
    }
}

impl From<ProjectionError> for Problem {
    fn from(error: ProjectionError) -> Self {
        tracing::error!(%error, "a read model can't be read");
        Self::internal()
    }
}

/// Every refusal that any endpoint may answer with: the statuses that the OpenAPI document lists for all of them.
pub struct Refusals;

impl utoipa::IntoResponses for Refusals {
    fn responses() -> std::collections::BTreeMap<String, utoipa::openapi::RefOr<utoipa::openapi::response::Response>> {
        use utoipa::openapi::{ContentBuilder, Ref, RefOr, ResponseBuilder};
        let described = [
            ("400", "The request can't be understood or breaks a rule of its fields."),
            ("401", "Log in first."),
            ("403", "Not allowed."),
            ("404", "No such thing, or not for who asks."),
            ("409", "The present state does not allow it."),
            ("408", "The body did not arrive in time."),
            ("413", "The body is too large."),
            ("422", "The idempotency key was used with another request."),
            ("429", "Too many requests; see `Retry-After`."),
            ("503", "Not now; see `Retry-After`."),
        ];
        let response = |description: &str| {
            let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
            let response = ResponseBuilder::new().description(description);
            RefOr::T(response.content("application/problem+json", content).build())
        };
        described.into_iter().map(|(status, text)| (status.to_owned(), response(text))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_rejections_are_unique_and_in_kebab_case() {
        let mut codes: Vec<_> = Rejection::CODES.iter().map(|(code, ..)| *code).collect();
        assert!(codes.iter().all(|code| code.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')));
        codes.sort_unstable();
        let count = codes.len();
        codes.dedup();
        assert_eq!(codes.len(), count);
    }

    #[test]
    fn an_internal_error_does_not_tell_its_cause() {
        let problem = Problem::from(CommandError::Internal("secret path".into()));
        assert_eq!(problem.status, 500);
        assert!(!problem.detail.contains("secret"));
    }

    #[test]
    fn a_problem_worth_another_try_says_when() {
        let response = Problem::from(CommandError::Busy).error_response();
        assert_eq!(response.status(), 429);
        assert_eq!(response.headers().get("retry-after").unwrap(), "2");
        assert_eq!(response.headers().get("content-type").unwrap(), "application/problem+json");
    }
}
