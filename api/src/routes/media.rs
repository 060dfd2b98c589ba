//! Pictures, voice, video and files: bringing them, and links to fetch them by.

use actix_multipart::{Field, Multipart};
use actix_web::{
    HttpRequest, HttpResponse, get,
    http::header,
    post, rt,
    web::{self, Bytes},
};
use chrono::{DateTime, Utc};
use commands::{
    Caller, CommandError, Committed, MediaPlace,
    media::{Claim, Received, Receiving},
};
use domain::{MediumEvent, MediumId, MediumKind, PostId, Rejection, medium::MediumFacts};
use futures::{Stream, StreamExt};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, timeout_at};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::paths::{ConversationPath, MediumPath};
use crate::{
    App,
    bringing::{Place, too_slow},
    media_access::{CARRIERS_MAX, MediaLinks, media_of_message},
    notices::bounds,
    problem::{Code, Problem, Refusals},
    query::Query,
    request::{Bringer, Reader},
};

pub(super) fn configure(config: &mut ServiceConfig) {
    config.service(upload_medium).service(my_medium).service(media_of_conversation);
}

/// Most bytes of a form's fields that are no file.
const FIELDS_BYTES: usize = 64 * 1024;

/// What is brought.
#[derive(Debug, Deserialize, Serialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct UploadQuery {
    /// What sort of thing it is.
    kind: MediumKind,
    /// The name of a file, 1 to 200 characters; of an upload as a form, the file's own name where this is absent.
    name: Option<String>,
    /// How loud a voice message is, at up to 64 places in equal distances: numbers from 0 to 100, with commas between.
    waveform: Option<String>,
}

/// A medium that was brought.
#[derive(Debug, Serialize, ToSchema)]
pub struct MediumMade {
    /// The medium, to be named in messages.
    pub medium: MediumId,
    /// What sort of thing it is.
    pub kind: MediumKind,
    /// What it shows.
    pub facts: MediumFacts,
    /// When it was brought.
    pub at: DateTime<Utc>,
    /// Position of the event in the log.
    pub position: u64,
}

/// Bring a picture, a voice message, a video or a file: its bytes as the body, or as the one file of a form
/// (`multipart/form-data`), other fields of which are passed over. What it is, the bytes say, whatever type or name comes with them. When the answer comes, they
/// are on disk.
#[utoipa::path(tag = "media", params(UploadQuery), security(("token" = [])),
    request_body(content((Vec<u8> = "application/octet-stream"))),
    responses((status = 201, description = "It is kept.", body = MediumMade), Refusals))]
#[post("/v1/media")]
async fn upload_medium(
    request: HttpRequest,
    bringer: Bringer,
    query: Query<UploadQuery>,
    body: web::Payload,
    app: web::Data<App>,
) -> Result<HttpResponse, Problem> {
    app.limits.upload(&bringer.user)?;
    let mut place = app.bringing.begin(bringer.user)?;
    let waveform = query.waveform.as_deref().map_or(Ok(vec![]), numbers);
    let waveform = waveform.map_err(|()| Problem::new(Code::InvalidQuery, "waveform: numbers and commas"))?;
    let mut claim = Claim {
        kind: query.kind,
        name: query.name.clone().unwrap_or_default(),
        waveform,
        bytes: None,
        policy: app.commands.policy.media.clone(),
    };
    let (user, key, length) = (bringer.user, bringer.command(&request)?, length(&request));
    let brought = if is_form(&request) {
        let mut form = Multipart::new(request.headers(), body);
        let file = next_file(&mut place, &mut form).await?.ok_or_else(|| body_problem("the form has no file"))?;
        let named = file.content_disposition().and_then(|disposition| disposition.get_filename());
        if let Some(named) = named.filter(|_| claim.name.is_empty()) {
            claim.name = named.to_owned();
        }
        let receiving = app.commands.receive_medium(user, key, length, claim).await?;
        let receiving = received(&mut place, receiving, file).await?;
        if next_file(&mut place, &mut form).await?.is_some() {
            return Err(body_problem("the form has more than one file"));
        }
        receiving
    } else {
        claim.bytes = length;
        received(&mut place, app.commands.receive_medium(user, key, length, claim).await?, body).await?
    };
    let brought = brought.finish().await?;
    let medium = brought.arrived.medium();
    let told = serde_json::to_vec(&(&*query, medium)).map_err(|error| body_problem(&error.to_string()))?;
    let caller = bringer.caller(&app, &request, &told)?;
    let (id, committed) = kept(&app, caller, brought).await?;
    let uploaded = committed.events.into_iter().find_map(|(_, event)| match event {
        MediumEvent::MediaUploaded(uploaded) => Some(uploaded),
        _ => None,
    });
    let uploaded = uploaded.ok_or_else(Problem::no_event)?;
    let (at, position) = (committed.at, committed.position.0);
    let made = MediumMade { medium: id, kind: uploaded.kind, facts: uploaded.facts, at, position };
    Ok(HttpResponse::Created().json(made))
}

pub(super) fn numbers(text: &str) -> Result<Vec<u8>, ()> {
    text.split(',').map(|number| number.trim().parse().map_err(|_| ())).collect()
}

pub(super) fn is_form(request: &HttpRequest) -> bool {
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    content_type.is_some_and(|value| value.to_ascii_lowercase().starts_with("multipart/form-data"))
}

fn body_problem(detail: &str) -> Problem {
    Problem::new(Code::InvalidBody, detail)
}

/// The next file of a form; other fields are passed over.
async fn next_file(place: &mut Place, form: &mut Multipart) -> Result<Option<Field>, Problem> {
    let mut passed_over = 0;
    while let Some(mut field) = next_part(place, form).await? {
        let has_name = field.content_disposition().is_some_and(|disposition| disposition.get_filename().is_some());
        if has_name || field.name() == Some("file") {
            return Ok(Some(field));
        }
        while let Some(bytes) = place.next(&mut field).await? {
            passed_over += bytes.len();
            if passed_over > FIELDS_BYTES {
                return Err(body_problem("the form has too much besides the file"));
            }
        }
    }
    Ok(None)
}

pub(super) async fn next_part(place: &Place, form: &mut Multipart) -> Result<Option<Field>, Problem> {
    let next = timeout_at(place.deadline(Instant::now()), form.next()).await.map_err(|_| too_slow())?;
    next.transpose().map_err(|error| body_problem(&error.to_string()))
}

/// How long a request says that its body is: of a form, a little longer than what is in it.
pub(super) fn length(request: &HttpRequest) -> Option<u64> {
    let length = request.headers().get(header::CONTENT_LENGTH)?;
    length.to_str().ok()?.parse().ok()
}

/// Takes in all bytes of a body.
pub(super) async fn received<E: std::fmt::Display>(
    place: &mut Place,
    mut receiving: Receiving,
    mut body: impl Stream<Item = Result<Bytes, E>> + Unpin,
) -> Result<Receiving, Problem> {
    while let Some(bytes) = place.next(&mut body).await? {
        receiving.write(bytes).await?;
    }
    Ok(receiving)
}

/// Keeps what was brought. In a task of its own, so that of a client that goes away no bytes stay that nothing tells of.
pub(super) async fn kept(
    app: &web::Data<App>,
    caller: Caller,
    brought: Received,
) -> Result<(MediumId, Committed<MediumEvent>), CommandError> {
    let app = app.clone();
    let kept = rt::spawn(async move { app.commands.upload_medium(&caller, brought).await });
    kept.await.map_err(|error| CommandError::Internal(error.to_string()))?
}

/// A medium of one's own.
#[derive(Debug, Serialize, ToSchema)]
pub struct MyMedium {
    /// What sort of thing it is.
    pub kind: MediumKind,
    /// What it shows.
    pub facts: MediumFacts,
    /// When it was brought.
    pub at: DateTime<Utc>,
    /// Where it can be fetched.
    pub links: MediaLinks,
}

/// A medium that one brought, with links to fetch it by.
#[utoipa::path(tag = "media", params(MediumPath), security(("token" = [])),
    responses((status = 200, description = "The medium.", body = MyMedium), Refusals))]
#[get("/v1/media/{medium}")]
async fn my_medium(
    reader: Reader,
    path: web::Path<MediumPath>,
    app: web::Data<App>,
) -> Result<web::Json<MyMedium>, Problem> {
    let uploaded = app.commands.medium(path.medium).await?.filter(|uploaded| uploaded.owner == reader.user);
    let uploaded = uploaded.ok_or(Rejection::MediumNotFound)?;
    let links = MediaLinks::new(&app, reader.user, MediaPlace::Own, uploaded.kind, path.medium);
    Ok(web::Json(MyMedium { kind: uploaded.kind, facts: uploaded.facts, at: uploaded.at, links }))
}

/// Of which messages links are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct MessageMediaQuery {
    /// The messages' numbers, up to 100, with commas between.
    seqs: String,
}

/// A medium that a message carries.
#[derive(Debug, Serialize, ToSchema)]
pub struct MessageMedium {
    /// The message's number.
    pub seq: u64,
    /// Where the medium can be fetched.
    #[serde(flatten)]
    pub links: MediaLinks,
}

/// Media that messages carry.
#[derive(Debug, Serialize, ToSchema)]
pub struct MessageMedia {
    /// They, in the order of the messages that were asked for.
    pub media: Vec<MessageMedium>,
}

/// Links to what messages carry. Messages that carry nothing, that were taken back or that the caller may not see have none.
#[utoipa::path(tag = "media", params(ConversationPath, MessageMediaQuery), security(("token" = [])),
    responses((status = 200, description = "The links.", body = MessageMedia), Refusals))]
#[get("/v1/conversations/{conversation}/media")]
async fn media_of_conversation(
    reader: Reader,
    path: web::Path<ConversationPath>,
    query: Query<MessageMediaQuery>,
    app: web::Data<App>,
) -> Result<web::Json<MessageMedia>, Problem> {
    let chat = app.fresh(&app.read_models.chat, reader.at_least).await?;
    if !chat.knows(reader.user, path.conversation) {
        return Err(super::conversation_not_found());
    }
    let seqs: Result<Vec<u64>, _> = query.seqs.split(',').map(|seq| seq.trim().parse()).collect();
    let seqs = seqs.ok().filter(|seqs| seqs.len() <= CARRIERS_MAX);
    let seqs = seqs.ok_or_else(|| Problem::new(Code::InvalidQuery, "seqs: up to 100 numbers with commas"))?;
    let mut media = vec![];
    for seq in seqs {
        let place = MediaPlace::Message(path.conversation, seq);
        let carried = media_of_message(&app, &chat, reader.user, path.conversation, seq)?;
        let links = carried.into_iter().map(|(kind, medium)| MediaLinks::new(&app, reader.user, place, kind, medium));
        media.extend(links.map(|links| MessageMedium { seq, links }));
    }
    Ok(web::Json(MessageMedia { media }))
}

/// Of which posts links are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PostMediaQuery {
    /// The posts, up to 100, with commas between.
    posts: String,
}

/// A medium that a post shows.
#[derive(Debug, Serialize, ToSchema)]
pub struct PostMedium {
    /// The post.
    pub post: PostId,
    /// Where the medium can be fetched.
    #[serde(flatten)]
    pub links: MediaLinks,
}

/// Media that posts show.
#[derive(Debug, Serialize, ToSchema)]
pub struct PostMedia {
    /// They, in the order of the posts that were asked for.
    pub media: Vec<PostMedium>,
}

/// Links to what posts show. Posts that show no media, and those of which the caller sees nothing, have none.
#[utoipa::path(tag = "media", params(PostMediaQuery), security(("token" = [])),
    responses((status = 200, description = "The links.", body = PostMedia), Refusals))]
#[get("/media")]
pub(super) async fn media_of_posts(
    reader: Reader,
    query: Query<PostMediaQuery>,
    app: web::Data<App>,
) -> Result<web::Json<PostMedia>, Problem> {
    let posts: Result<Vec<Uuid>, _> = query.posts.split(',').map(|post| post.trim().parse()).collect();
    let posts = posts.ok().filter(|posts| posts.len() <= CARRIERS_MAX);
    let posts = posts.ok_or_else(|| Problem::new(Code::InvalidQuery, "posts: up to 100 ids with commas"))?;
    let moments = app.fresh(&app.read_models.moments, reader.at_least).await?;
    let people = app.fresh(&app.read_models.people, reader.at_least).await?;
    let viewer = moments.seen_by(reader.user, &people, app.commands.now(), bounds(&app));
    let mut media = vec![];
    for post in posts.into_iter().map(PostId) {
        let shown = viewer.media(post)?.into_iter();
        let links =
            shown.map(|(kind, medium)| MediaLinks::new(&app, reader.user, MediaPlace::Post(post), kind, medium));
        media.extend(links.map(|links| PostMedium { post, links }));
    }
    Ok(web::Json(PostMedia { media }))
}
