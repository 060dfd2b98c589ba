//! Contacts: the list, what one notes about them, removing, blocking.

use std::{cmp::Reverse, collections::BTreeSet};

use actix_web::{delete, get, patch, put, web};
use domain::{Rejection, TagId, UserId, contacts::Notes};
use projections::people::{ContactRow, PersonRow};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::{Done, aside, page, page_limit, paths::PersonPath, people::may_see};
use crate::{
    App,
    problem::{Code, Problem, Refusals},
    query::Query,
    request::{Command, NoBody, Reader},
};

/// Longest text to look for, in characters.
const TEXT_CHARS: usize = 100;

pub(super) fn configure(config: &mut ServiceConfig) {
    config.service(contacts).service(contact).service(note_contact).service(remove_contact);
    config.service(blocks).service(block).service(unblock);
}

/// Which contacts.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ContactsQuery {
    /// Only those whose remark, name or handle has this in it, whatever its case; at most 100 characters.
    #[param(max_length = 100)]
    q: Option<String>,
    /// Only those with this tag.
    tag: Option<TagId>,
    /// An earlier page's `next`.
    cursor: Option<String>,
    /// At most this many, 1 to 1,000; 200 if not given.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
}

/// A page of contacts.
#[derive(Debug, Serialize, ToSchema)]
pub struct ContactsPage {
    /// They: starred ones first, then by the name shown.
    pub contacts: Vec<ContactRow>,
    /// Pass as `cursor` for more; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// One's contacts.
#[utoipa::path(tag = "contacts", params(ContactsQuery), security(("token" = [])),
    responses((status = 200, description = "The contacts.", body = ContactsPage), Refusals))]
#[get("/v1/contacts")]
async fn contacts(
    reader: Reader,
    query: Query<ContactsQuery>,
    app: web::Data<App>,
) -> Result<web::Json<ContactsPage>, Problem> {
    let ContactsQuery { q, tag, cursor, limit } = query.into_inner();
    let limit = page_limit(limit, 200, 1_000)?;
    if q.as_ref().is_some_and(|text| text.chars().count() > TEXT_CHARS) {
        return Err(Problem::new(Code::InvalidQuery, format!("q: has at most {TEXT_CHARS} characters")));
    }
    let people = app.fresh(&app.read_models.people, reader.at_least).await?;
    let rows = aside(move || match q {
        Some(text) => people.search_contacts(reader.user, &text, usize::MAX),
        None => people.contacts_of(reader.user),
    });
    let mut rows = rows.await?;
    rows.retain(|row| tag.is_none_or(|tag| row.tags.contains(&tag)));
    let key = |row: &ContactRow| (Reverse(row.starred), row.shown_name().to_lowercase(), row.user);
    let (contacts, next) = page(rows, key, cursor.as_deref(), limit)?;
    Ok(web::Json(ContactsPage { contacts, next }))
}

/// One of one's contacts.
#[utoipa::path(tag = "contacts", params(PersonPath), security(("token" = [])),
    responses((status = 200, description = "The contact.", body = ContactRow), Refusals))]
#[get("/v1/contacts/{user}")]
async fn contact(
    reader: Reader,
    path: web::Path<PersonPath>,
    app: web::Data<App>,
) -> Result<web::Json<ContactRow>, Problem> {
    let people = app.fresh(&app.read_models.people, reader.at_least).await?;
    let row = people.contact(reader.user, path.user)?;
    row.map(web::Json).ok_or_else(|| Rejection::NotAContact.into())
}

/// What is to change in one's notes on a contact. What is absent or null stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NotesChange {
    /// The name that one uses for them, at most 96 bytes; empty for none.
    #[serde(default)]
    #[schema(max_length = 96)]
    pub remark: Option<String>,
    /// Whether they are kept at the top of the list.
    #[serde(default)]
    pub starred: Option<bool>,
    /// Whether neither sees the other's Moments.
    #[serde(default)]
    pub chats_only: Option<bool>,
    /// Whether they are kept from one's own Moments.
    #[serde(default)]
    pub hides_own_moments: Option<bool>,
    /// Whether their Moments are left out of one's own timeline.
    #[serde(default)]
    pub skips_their_moments: Option<bool>,
    /// All the tags that they are to have.
    #[serde(default)]
    pub tags: Option<BTreeSet<TagId>>,
}

/// Change one's notes on a contact: remark, star, chats-only, Moments, tags.
#[utoipa::path(tag = "contacts", params(PersonPath), security(("token" = [])),
    responses((status = 200, description = "Changed.", body = Done), Refusals))]
#[patch("/v1/contacts/{user}")]
async fn note_contact(
    command: Command<web::Json<NotesChange>>,
    path: web::Path<PersonPath>,
    app: web::Data<App>,
) -> Result<web::Json<Done>, Problem> {
    app.limits.command(&command.user)?;
    let change = command.body.into_inner();
    let changed = |present: Notes| Notes {
        remark: change.remark.clone().unwrap_or(present.remark),
        starred: change.starred.unwrap_or(present.starred),
        chats_only: change.chats_only.unwrap_or(present.chats_only),
        hides_own_moments: change.hides_own_moments.unwrap_or(present.hides_own_moments),
        skips_their_moments: change.skips_their_moments.unwrap_or(present.skips_their_moments),
        tags: change.tags.clone().unwrap_or(present.tags),
    };
    Ok(web::Json((&app.commands.note_contact(&command.caller, path.user, changed).await?).into()))
}

/// Remove somebody from one's contacts. They keep the caller, and are not told.
#[utoipa::path(tag = "contacts", params(PersonPath), security(("token" = [])),
    responses((status = 200, description = "Removed.", body = Done), Refusals))]
#[delete("/v1/contacts/{user}")]
async fn remove_contact(
    command: Command<NoBody>,
    path: web::Path<PersonPath>,
    app: web::Data<App>,
) -> Result<web::Json<Done>, Problem> {
    app.limits.command(&command.user)?;
    Ok(web::Json((&app.commands.remove_friend(&command.caller, path.user).await?).into()))
}

/// Which part of the block list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct BlocksQuery {
    /// An earlier page's `next`.
    cursor: Option<String>,
    /// At most this many, 1 to 1,000; 200 if not given.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
}

/// A page of the people whom one has blocked.
#[derive(Debug, Serialize, ToSchema)]
pub struct BlocksPage {
    /// They, by name; those without one first.
    pub people: Vec<BlockedRow>,
    /// Pass as `cursor` for more; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A person whom one has blocked.
#[derive(Debug, Serialize, ToSchema)]
pub struct BlockedRow {
    /// Who.
    pub user: UserId,
    /// Their handle; absent where they hide from who blocked them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handle: Option<String>,
    /// The name they show; absent as well then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Whether they are among my contacts.
    pub contact: bool,
}

impl BlockedRow {
    /// A person as `row` has them, by name where they may be seen.
    fn seen(may_see: bool, row: PersonRow) -> Self {
        Self {
            user: row.user,
            handle: may_see.then_some(row.handle),
            display_name: may_see.then_some(row.profile.display_name),
            contact: row.contact,
        }
    }
}

/// The people whom one has blocked. Of those who hide from the caller by now, nothing but the id is told.
#[utoipa::path(tag = "contacts", params(BlocksQuery), security(("token" = [])),
    responses((status = 200, description = "The people.", body = BlocksPage), Refusals))]
#[get("/v1/blocks")]
async fn blocks(
    reader: Reader,
    query: Query<BlocksQuery>,
    app: web::Data<App>,
) -> Result<web::Json<BlocksPage>, Problem> {
    let limit = page_limit(query.limit, 200, 1_000)?;
    let people = app.fresh(&app.read_models.people, reader.at_least).await?;
    let chat = app.fresh(&app.read_models.chat, reader.at_least).await?;
    let key = |row: &BlockedRow| -> (String, UserId) {
        (row.display_name.as_ref().map(|name| name.to_lowercase()).unwrap_or_default(), row.user)
    };
    let seen = |row: PersonRow| Ok(BlockedRow::seen(may_see(&app, &people, &chat, reader.user, row.user)?, row));
    let mut rows = people.blocked_by(reader.user)?.into_iter().map(seen).collect::<Result<Vec<_>, Problem>>()?;
    rows.sort_by_cached_key(key);
    let (people, next) = page(rows, key, query.cursor.as_deref(), limit)?;
    Ok(web::Json(BlocksPage { people, next }))
}

/// Block somebody: their messages are turned away and their friend requests never arrive. They are not told.
#[utoipa::path(tag = "contacts", params(PersonPath), security(("token" = [])),
    responses((status = 200, description = "Blocked.", body = Done), Refusals))]
#[put("/v1/blocks/{user}")]
async fn block(
    command: Command<NoBody>,
    path: web::Path<PersonPath>,
    app: web::Data<App>,
) -> Result<web::Json<Done>, Problem> {
    app.limits.command(&command.user)?;
    Ok(web::Json((&app.commands.block_person(&command.caller, path.user).await?).into()))
}

/// Lift the block of somebody.
#[utoipa::path(tag = "contacts", params(PersonPath), security(("token" = [])),
    responses((status = 200, description = "Not blocked, or no longer.", body = Done), Refusals))]
#[delete("/v1/blocks/{user}")]
async fn unblock(
    command: Command<NoBody>,
    path: web::Path<PersonPath>,
    app: web::Data<App>,
) -> Result<web::Json<Done>, Problem> {
    app.limits.command(&command.user)?;
    Ok(web::Json((&app.commands.unblock_person(&command.caller, path.user).await?).into()))
}
