//! The OpenAPI document, made of the endpoints' own annotations.

use utoipa::{
    Modify, OpenApi,
    openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
};

use crate::problem::Problem;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Teahouse",
        description = "Instant messaging on an event log. Errors are `application/problem+json` with a stable `code`. \
            Every command takes an `Idempotency-Key` header: the same key gives the first answer again for at least a \
            day; with another request it is refused with 422. Every reply to a command carries the `position` of its \
            last event; a query on the same server is answered at or after everything acknowledged before."
    ),
    components(schemas(Problem)),
    modifiers(&Tokens)
)]
struct Document;

struct Tokens;

impl Modify for Tokens {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        let bearer = |description: &str| {
            let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(description));
            SecurityScheme::Http(scheme.build())
        };
        components.add_security_scheme("token", bearer("A device's token, from registering or logging in."));
        components.add_security_scheme("operator", bearer("The operator's token, from the server's settings."));
    }
}

/// What the document says before it comes to the endpoints.
#[must_use]
pub fn preamble() -> utoipa::openapi::OpenApi {
    Document::openapi()
}
