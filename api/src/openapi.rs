//! The OpenAPI document, made of the endpoints' own annotations.

use utoipa::{
    Modify, OpenApi,
    openapi::{
        ObjectBuilder, PathItem, Required, Type,
        path::{Operation, Parameter, ParameterBuilder, ParameterIn},
        schema::{KnownFormat, SchemaFormat},
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
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

/// The document with the headers that hold everywhere: a key with every command, a position with every query.
#[must_use]
pub fn with_headers(mut document: utoipa::openapi::OpenApi) -> utoipa::openapi::OpenApi {
    let versioned = document.paths.paths.iter_mut().filter(|(path, _)| path.starts_with("/v1/"));
    for (path, item) in versioned {
        for command in commands(item) {
            command.parameters.get_or_insert_default().push(idempotency_key().into());
        }
        // A WebSocket goes on from a position by a parameter of its own, operators read the log itself, and what a link
        // leads to never changes.
        let apart = ["/v1/operator/", "/v1/ws", "/v1/blobs/"].iter().any(|apart| path.starts_with(apart));
        // Articles are read by people who know of no positions.
        let asks = !apart && (!path.starts_with("/v1/articles/") || path.ends_with("/reading"));
        if let Some(query) = item.get.as_mut().filter(|_| asks) {
            query.parameters.get_or_insert_default().push(at_least().into());
        }
    }
    document
}

fn commands(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.post, &mut item.put, &mut item.patch, &mut item.delete].into_iter().flatten()
}

fn idempotency_key() -> Parameter {
    let key = ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(255));
    header(
        "Idempotency-Key",
        "A key of the client's choice, 1 to 255 printable ASCII characters. Sent again with the same key the same \
         request takes effect once and gets its first answer; another request with it is refused.",
        key.pattern(Some("^[!-~]([ -~]*[!-~])?$")),
    )
}

fn at_least() -> Parameter {
    let position = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
        .minimum(Some(0));
    header(
        "Teahouse-At-Least",
        "A position that the client has seen, on another server of a cluster perhaps: the answer is at or after it.",
        position,
    )
}

fn header(name: &str, description: &str, schema: ObjectBuilder) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(description))
        .schema(Some(schema))
        .build()
}
