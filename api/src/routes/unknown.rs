//! What is answered where there is no endpoint.

use std::{collections::HashMap, sync::OnceLock};

use actix_web::{
    HttpRequest, HttpResponse, ResponseError,
    http::header::{ALLOW, HeaderValue},
};
use utoipa::openapi::{PathItem, Paths};
use utoipa_actix_web::AppExt;

use crate::problem::{Code, Problem};

/// The methods that each path takes, as the `Allow` header names them.
static ALLOWED: OnceLock<HashMap<String, String>> = OnceLock::new();

/// What is answered where there is no endpoint: 405 where the path takes other methods, else 404.
#[allow(clippy::unused_async, reason = "handlers are async")]
pub async fn unknown(request: HttpRequest) -> HttpResponse {
    let (method, path) = (request.method(), request.path());
    let Some(pattern) = request.match_pattern() else {
        return Problem::new(Code::NoSuchEndpoint, format!("there is no {method} {path}")).error_response();
    };
    // What the document does not know are its own pages.
    let allowed = ALLOWED.get_or_init(allowed_methods).get(&pattern).map_or("GET, HEAD", String::as_str);
    let detail = format!("{path} takes {allowed}");
    let mut response = Problem::new(Code::WrongMethod, detail).error_response();
    if let Ok(value) = HeaderValue::from_str(allowed) {
        response.headers_mut().insert(ALLOW, value);
    }
    response
}

fn allowed_methods() -> HashMap<String, String> {
    let app = actix_web::App::new().into_utoipa_app().configure(super::configure);
    let Paths { paths, .. } = app.split_for_parts().1.paths;
    paths.into_iter().map(|(path, item)| (path, methods(&item))).collect()
}

fn methods(item: &PathItem) -> String {
    let operations = [
        ("GET", &item.get),
        // Answered as the GET, without the body.
        ("HEAD", &item.get),
        ("POST", &item.post),
        ("PUT", &item.put),
        ("PATCH", &item.patch),
        ("DELETE", &item.delete),
        ("OPTIONS", &item.options),
    ];
    let present = operations.iter().filter(|(_, operation)| operation.is_some()).map(|(name, _)| *name);
    present.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_the_methods_that_it_takes() {
        let allowed = allowed_methods();
        assert_eq!(allowed.get("/v1/me").map(String::as_str), Some("GET, HEAD, PATCH"));
        assert_eq!(allowed.get("/v1/ws").map(String::as_str), Some("GET, HEAD"));
    }
}
