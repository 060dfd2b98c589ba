//! Media brought in parts, over as many connections as it takes: by the protocol tus 1.0 (<https://tus.io>), with its
//! extensions `creation`, `expiration`, `checksum` and `termination`, so that clients written for it work. What makes a
//! medium of the parts is an endpoint of our own.

use actix_web::{
    HttpRequest, HttpResponse, HttpResponseBuilder, ResponseError, delete,
    dev::RequestHead,
    get,
    http::{Method, StatusCode, header},
    options, patch, post, rt, web,
};
use base64::{Engine, prelude::BASE64_STANDARD as BASE64};
use chrono::{DateTime, Utc};
use commands::{
    CommandError,
    media::{BeginUpload, BegunUpload, Part, Upload},
};
use domain::{MediumEvent, MediumId, MediumKind, Rejection};
use serde::Serialize;
use sha1::{Digest, Sha1};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::{
    media::{MediumMade, numbers},
    paths::MediumPath,
};
use crate::{
    App,
    bringing::Place,
    problem::{Code, Problem, Refusals},
    request::{Bringer, Command, NoBody, Reader},
};

/// The version of the protocol.
const TUS: &str = "1.0.0";
/// What bodies of parts are: by the protocol, and as those write it who know nothing of it.
const PART_TYPES: [&str; 2] = ["application/offset+octet-stream", "application/octet-stream"];
/// What the protocol answers a part with whose checksum is not what was told.
const CHECKSUM_MISMATCH: u16 = 460;

pub(super) fn configure(config: &mut ServiceConfig) {
    config.service(upload_options).service(begin_upload).service(my_uploads).service(my_upload);
    config.service(upload_part).service(finish_upload).service(cancel_upload);
}

/// An answer as the protocol wants it: with its version, also where it is a refusal.
fn tus(answer: Result<HttpResponse, Problem>) -> HttpResponse {
    let mut answer = answer.unwrap_or_else(|problem| problem.error_response());
    answer
        .headers_mut()
        .insert(header::HeaderName::from_static("tus-resumable"), header::HeaderValue::from_static(TUS));
    answer
}

fn invalid(detail: &str) -> Problem {
    Problem::new(Code::InvalidUpload, detail)
}

/// A header of the request as text.
fn text<'a>(request: &'a HttpRequest, name: &str) -> Result<Option<&'a str>, Problem> {
    let value = request.headers().get(name).map(|value| value.to_str());
    value.transpose().map_err(|_| invalid(&format!("{name} is no text")))
}

/// A header of the request that is a number and has to be there.
fn number(request: &HttpRequest, name: &str) -> Result<u64, Problem> {
    let value = text(request, name)?.and_then(|value| value.parse().ok());
    value.filter(|value| i64::try_from(*value).is_ok()).ok_or_else(|| invalid(&format!("{name}: a number of bytes")))
}

/// The method that a request means which could only be sent as `POST`, as the protocol has it for clients behind something
/// that knows no other.
pub(crate) fn meant(request: &RequestHead) -> Option<Method> {
    let named = request.headers().get("x-http-method-override").filter(|_| request.method == Method::POST)?;
    let method = [Method::PATCH, Method::DELETE].into_iter().find(|method| named == method.as_str())?;
    request.uri.path().starts_with("/v1/uploads/").then_some(method)
}

/// Refuses a client that speaks another version of the protocol.
fn check_version(request: &HttpRequest) -> Result<(), Problem> {
    match text(request, "tus-resumable")? {
        None | Some(TUS) => Ok(()),
        Some(other) => {
            let detail = format!("this server speaks tus {TUS}, not {other}");
            Err(Problem::new(Code::TusVersion, detail))
        }
    }
}

/// What the server knows of the protocol.
#[utoipa::path(tag = "media", security(()),
    responses((status = 204, description = "In headers: version, extensions, algorithms of checksums."), Refusals))]
#[options("/v1/uploads")]
#[allow(clippy::unused_async, reason = "handlers are async")]
async fn upload_options() -> HttpResponse {
    tus(Ok(HttpResponse::NoContent()
        .insert_header(("Tus-Version", TUS))
        .insert_header(("Tus-Extension", "creation,expiration,checksum,termination"))
        .insert_header(("Tus-Checksum-Algorithm", "sha1"))
        .finish()))
}

/// Begin to bring a medium in parts. `Upload-Metadata` is as tus has it: names, each with a value in base64, with commas
/// between. It must have `kind` and, for a file, `name` (or `filename`); it may have `sha256`, the checksum of all bytes in
/// hex, and the `waveform` of a voice message. Others are passed over. `Location` leads to where the parts go.
#[utoipa::path(tag = "media", security(("token" = [])),
    params(
        ("Upload-Length" = u64, Header, minimum = 1, maximum = 9223372036854775807_u64,
            description = "How many bytes there will be."),
        ("Upload-Metadata" = String, Header, description = "Such as `kind ZmlsZQ==,name cGxhbi5wZGY=`."),
        ("Tus-Resumable" = Option<String>, Header, description = "1.0.0.")),
    responses((status = 201, description = "It has begun."),
        (status = 412, description = "Another version of tus.", body = Problem, content_type = "application/problem+json"), Refusals))]
#[post("/v1/uploads")]
async fn begin_upload(request: HttpRequest, bringer: Bringer, app: web::Data<App>) -> HttpResponse {
    tus(begin(&request, &bringer, &app).await)
}

async fn begin(request: &HttpRequest, bringer: &Bringer, app: &App) -> Result<HttpResponse, Problem> {
    check_version(request)?;
    app.limits.upload(&bringer.user)?;
    if text(request, "upload-concat")?.is_some() {
        return Err(invalid("Upload-Concat: uploads are not put together of others"));
    }
    let bytes = number(request, "upload-length")?;
    let metadata = text(request, "upload-metadata")?.unwrap_or_default();
    let told = |names: &[&str]| told(metadata, names);
    let kind = told(&["kind"])?.ok_or_else(|| invalid("the metadata has no kind"))?;
    let kind: MediumKind = serde_json::from_value(kind.into()).map_err(|_| invalid("no such kind of medium"))?;
    let waveform = told(&["waveform"])?.map_or(Ok(vec![]), |waveform| numbers(&waveform));
    let command = BeginUpload {
        kind,
        name: told(&["name", "filename"])?.filter(|_| kind == MediumKind::File).unwrap_or_default(),
        waveform: waveform.map_err(|()| invalid("waveform: numbers and commas"))?,
        bytes,
        sha256: told(&["sha256"])?,
    };
    let caller = bringer.caller(app, request, format!("{bytes} {metadata}").as_bytes())?;
    let upload = app.commands.begin_upload(&caller, command).await?;
    let mut answer = HttpResponse::Created();
    answer.insert_header((header::LOCATION, format!("/v1/uploads/{}", upload.medium)));
    Ok(standing(&mut answer, upload).finish())
}

/// What the metadata has under the first of some names that is there.
fn told(metadata: &str, names: &[&str]) -> Result<Option<String>, Problem> {
    for name in names {
        for pair in metadata.split(',').map(str::trim) {
            let (key, value) = pair.split_once(' ').unwrap_or((pair, ""));
            if key == *name {
                let value = BASE64.decode(value.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
                return value.map(Some).ok_or_else(|| invalid(&format!("{name}: text in base64")));
            }
        }
    }
    Ok(None)
}

/// Says how far an upload is, in headers.
fn standing(answer: &mut HttpResponseBuilder, upload: BegunUpload) -> &mut HttpResponseBuilder {
    if let Some(end) = upload.expires_at {
        answer.insert_header(("Upload-Expires", end.format("%a, %d %b %Y %H:%M:%S GMT").to_string()));
    }
    answer.insert_header(("Upload-Offset", upload.offset.to_string()))
}

/// A medium that one brings in parts.
#[derive(Debug, Serialize, ToSchema)]
pub struct UploadShown {
    /// The medium that it is to be.
    pub medium: MediumId,
    /// What sort of thing it is.
    pub kind: MediumKind,
    /// Its name, where it is a file.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// How many bytes there will be.
    pub bytes: u64,
    /// How many have come.
    pub offset: u64,
    /// Until when it has to be finished.
    pub expires_at: DateTime<Utc>,
}

impl From<Upload> for UploadShown {
    fn from(upload: Upload) -> Self {
        let Upload { medium, announced, offset } = upload;
        let (kind, name, bytes) = (announced.kind, announced.name, announced.bytes);
        Self { medium, kind, name, bytes, offset, expires_at: announced.expires_at }
    }
}

/// What one brings in parts at present.
#[derive(Debug, Serialize, ToSchema)]
pub struct Uploads {
    /// They.
    pub uploads: Vec<UploadShown>,
}

/// What one brings in parts at present.
#[utoipa::path(tag = "media", security(("token" = [])),
    responses((status = 200, description = "They.", body = Uploads), Refusals))]
#[get("/v1/uploads")]
async fn my_uploads(reader: Reader, app: web::Data<App>) -> Result<web::Json<Uploads>, Problem> {
    let uploads = app.commands.uploads_of(reader.user);
    Ok(web::Json(Uploads { uploads: uploads.into_iter().map(UploadShown::from).collect() }))
}

/// How far something that one brings in parts has come; also in headers (offset, length, end), for clients of tus, who ask
/// with `HEAD`. What counts is on disk.
#[utoipa::path(tag = "media", params(MediumPath), security(("token" = [])),
    responses((status = 200, description = "The upload.", body = UploadShown),
        (status = 412, description = "Another version of tus.", body = Problem, content_type = "application/problem+json"), Refusals))]
#[get("/v1/uploads/{medium}")]
#[allow(clippy::unused_async, reason = "handlers are async")]
async fn my_upload(
    request: HttpRequest,
    reader: Reader,
    path: web::Path<MediumPath>,
    app: web::Data<App>,
) -> HttpResponse {
    let upload = check_version(&request).and_then(|()| Ok(app.commands.upload_of(reader.user, path.medium)?));
    tus(upload.map(|upload| {
        let mut answer = HttpResponse::Ok();
        answer.insert_header(("Upload-Length", upload.announced.bytes.to_string()));
        standing(&mut answer, upload.clone().into())
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .json(UploadShown::from(upload))
    }))
}

/// Bring a part: the bytes from `Upload-Offset` on, which is where the last part ended. When the answer comes they are on
/// disk. Of a part that breaks off, what has come is kept, unless it came with an `Upload-Checksum`: then it is taken as a
/// whole or not at all. tus calls the body's type `application/offset+octet-stream`, which is taken as well.
#[utoipa::path(tag = "media",
    params(MediumPath,
        ("Upload-Offset" = u64, Header, minimum = 0, maximum = 9223372036854775807_u64,
            description = "How many bytes have come."),
        ("Upload-Checksum" = Option<String>, Header, description = "Of the part: `sha1` and the hash in base64."),
        ("Tus-Resumable" = Option<String>, Header, description = "1.0.0.")),
    security(("token" = [])),
    request_body(content((Vec<u8> = "application/octet-stream"))),
    responses((status = 204, description = "The part has come. In headers: offset, end."),
        (status = 412, description = "Another version of tus.", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "The body is of another type.", body = Problem,
            content_type = "application/problem+json"),
        (status = 460, description = "The part has another checksum.", body = Problem,
            content_type = "application/problem+json"), Refusals))]
#[patch("/v1/uploads/{medium}")]
async fn upload_part(
    request: HttpRequest,
    bringer: Bringer,
    path: web::Path<MediumPath>,
    body: web::Payload,
    app: web::Data<App>,
) -> HttpResponse {
    tus(take_part(&request, &bringer, path.medium, body, &app).await)
}

async fn take_part(
    request: &HttpRequest,
    bringer: &Bringer,
    medium: MediumId,
    body: web::Payload,
    app: &App,
) -> Result<HttpResponse, Problem> {
    check_version(request)?;
    app.limits.command(&bringer.user)?;
    app.commands.upload_of(bringer.user, medium)?;
    let content_type = text(request, "content-type")?.unwrap_or_default();
    let content_type = content_type.split(';').next().unwrap_or_default().trim();
    if !PART_TYPES.iter().any(|known| content_type.eq_ignore_ascii_case(known)) {
        let detail = format!("the body of a part is {}", PART_TYPES.join(" or "));
        return Err(Problem::new(Code::WrongContentType, detail));
    }
    let offset = number(request, "upload-offset")?;
    let checksum = text(request, "upload-checksum")?.map(sha1_told).transpose()?;
    let place = app.bringing.begin(bringer.user)?;
    let mut part = app.commands.part_of_upload(bringer.user, medium, offset, checksum.is_some()).await?;
    let (came, hash) = receive(place, &mut *part, body).await;
    match (&came, checksum) {
        (Ok(()), Some(checksum)) if checksum != hash => {
            let status = StatusCode::from_u16(CHECKSUM_MISMATCH).unwrap_or(StatusCode::BAD_REQUEST);
            let mismatch = Rejection::ChecksumMismatch;
            return Err(Problem::named(status, mismatch.code(), mismatch.to_string()));
        }
        // Nothing of it is taken.
        (Err(_), Some(_)) => {}
        _ => {
            part.keep().await?;
        }
    }
    came?;
    let upload = app.commands.upload_of(bringer.user, medium)?;
    Ok(standing(&mut HttpResponse::NoContent(), upload.into()).finish())
}

/// The SHA-1 that was told of a part.
fn sha1_told(header: &str) -> Result<Vec<u8>, Problem> {
    let told = header.split_once(' ').filter(|(algorithm, _)| *algorithm == "sha1");
    let hash = told.and_then(|(_, hash)| BASE64.decode(hash.trim()).ok());
    hash.ok_or_else(|| invalid("Upload-Checksum: sha1 and the hash in base64"))
}

/// Takes in all bytes of a body, as far as they come; gives the SHA-1 of these.
async fn receive(mut place: Place, part: &mut dyn Part, mut body: web::Payload) -> (Result<(), Problem>, Vec<u8>) {
    let mut hasher = Sha1::new();
    let came = loop {
        match place.next(&mut body).await {
            Ok(None) => break Ok(()),
            Ok(Some(bytes)) => {
                hasher.update(&bytes);
                if let Err(error) = part.write(bytes).await {
                    break Err(error.into());
                }
            }
            Err(problem) => break Err(problem),
        }
    };
    (came, hasher.finalize().to_vec())
}

/// All parts have come: make a medium of them. What it is, the bytes say, as with one that is brought at once; where they
/// can't be taken, or have another checksum than was told, they are deleted.
#[utoipa::path(tag = "media", params(MediumPath), security(("token" = [])),
    responses((status = 201, description = "It is kept.", body = MediumMade), Refusals))]
#[post("/v1/uploads/{medium}/finish")]
async fn finish_upload(
    command: Command<NoBody>,
    path: web::Path<MediumPath>,
    app: web::Data<App>,
) -> Result<HttpResponse, Problem> {
    app.limits.command(&command.user)?;
    // In a task of its own, so that of a client that goes away no bytes stay that nothing tells of.
    let (commands, caller, medium) = (app.clone(), command.caller, path.medium);
    let finished = rt::spawn(async move { commands.commands.finish_upload(&caller, medium).await });
    let committed = finished.await.map_err(|error| CommandError::Internal(error.to_string()))??;
    let position = committed.position.0;
    let made = committed.events.into_iter().find_map(|(_, event)| match event {
        MediumEvent::MediaUploaded(new) => Some((new.kind, new.facts, committed.at)),
        _ => None,
    });
    let (kind, facts, at) = match made {
        Some(made) => made,
        // It was finished before.
        None => {
            let uploaded = app.commands.medium(path.medium).await?.ok_or(Rejection::UploadNotFound)?;
            (uploaded.kind, uploaded.facts, uploaded.at)
        }
    };
    Ok(HttpResponse::Created().json(MediumMade { medium: path.medium, kind, facts, at, position }))
}

/// Bring no more of it: what has come is deleted.
#[utoipa::path(tag = "media", params(MediumPath), security(("token" = [])),
    responses((status = 204, description = "It is no more."),
        (status = 412, description = "Another version of tus.", body = Problem, content_type = "application/problem+json"), Refusals))]
#[delete("/v1/uploads/{medium}")]
async fn cancel_upload(
    request: HttpRequest,
    bringer: Bringer,
    path: web::Path<MediumPath>,
    app: web::Data<App>,
) -> HttpResponse {
    tus(cancel(&request, &bringer, path.medium, &app).await)
}

async fn cancel(
    request: &HttpRequest,
    bringer: &Bringer,
    medium: MediumId,
    app: &App,
) -> Result<HttpResponse, Problem> {
    check_version(request)?;
    app.limits.command(&bringer.user)?;
    app.commands.cancel_upload(bringer.user, medium).await?;
    Ok(HttpResponse::NoContent().finish())
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn metadata_is_read_as_tus_writes_it() {
        let metadata = "kind ZmlsZQ==,filename cGxhbi5wZGY= , is_confidential,empty ";
        assert_eq!(told(metadata, &["kind"]).unwrap().as_deref(), Some("file"));
        assert_eq!(told(metadata, &["name", "filename"]).unwrap().as_deref(), Some("plan.pdf"));
        assert_eq!(told(metadata, &["is_confidential"]).unwrap().as_deref(), Some(""));
        assert_eq!(told(metadata, &["sha256"]).unwrap(), None);
        assert_eq!(told("", &["kind"]).unwrap(), None);
        assert!(told("kind ?", &["kind"]).is_err());
    }

    #[test]
    fn a_checksum_is_a_sha1() {
        assert_eq!(sha1_told("sha1 AAEC").unwrap(), [0, 1, 2]);
        for wrong in ["AAEC", "md5 AAEC", "sha1", "sha1 ?"] {
            assert!(sha1_told(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_a_post_to_an_upload_means_another_method() {
        let meant = |method: Method, path: &str, header: &str| {
            let request = TestRequest::with_uri(path).method(method).insert_header(("x-http-method-override", header));
            super::meant(request.to_http_request().head())
        };
        assert_eq!(meant(Method::POST, "/v1/uploads/1", "PATCH"), Some(Method::PATCH));
        assert_eq!(meant(Method::POST, "/v1/uploads/1", "DELETE"), Some(Method::DELETE));
        for (method, path, header) in [
            (Method::GET, "/v1/uploads/1", "DELETE"),
            (Method::POST, "/v1/uploads/1", "GET"),
            (Method::POST, "/v1/uploads", "DELETE"),
            (Method::POST, "/v1/posts/1", "DELETE"),
        ] {
            assert_eq!(meant(method, path, header), None);
        }
    }
}
