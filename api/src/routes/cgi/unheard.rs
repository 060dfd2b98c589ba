//! What is answered where a request gets to no call: with status 200 and an `errcode`, as everywhere under `/cgi-bin`.

use actix_web::{
    Error, HttpRequest, HttpResponse,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{Method, StatusCode},
    middleware::Next,
};

use super::answer::{Refusal, answer, refused};

/// There is no such call, or not by that method.
#[allow(clippy::unused_async, reason = "handlers are async")]
pub(super) async fn unknown(request: HttpRequest) -> HttpResponse {
    let refusal = match request.match_pattern() {
        None => refused(40066, "invalid url"),
        Some(_) => wrong_method(request.method()),
    };
    answer(Err(refusal))
}

fn wrong_method(method: &Method) -> Refusal {
    match *method {
        Method::POST => refused(43001, "require GET method"),
        _ => refused(43002, "require POST method"),
    }
}

/// Says in the protocol's words why a query was not read, or that a call with limits of its own takes another method.
pub(super) async fn in_its_words(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let answered = next.call(request).await?.map_into_boxed_body();
    let refusal = match answered.status() {
        StatusCode::METHOD_NOT_ALLOWED => wrong_method(answered.request().method()),
        StatusCode::BAD_REQUEST => {
            let error = answered.response().error();
            refused(47001, &error.map_or_else(|| "data format error".to_owned(), ToString::to_string))
        }
        _ => return Ok(answered),
    };
    Ok(answered.into_response(answer(Err(refusal))))
}
