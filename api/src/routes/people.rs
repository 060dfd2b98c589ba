//! People: one's own profile and privacy, and other persons.

use actix_web::{get, patch, put, web};
use chrono::{DateTime, TimeDelta, Utc};
use domain::{ConversationId, Rejection, UserId, user::Privacy, user::Profile};
use projections::{
    chat::ChatView,
    people::{PeopleView, Person, PersonRow},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::{Done, paths::PersonPath};
use crate::{
    App,
    problem::{Problem, Refusals},
    query::Query,
    request::{Command, Reader},
};

pub(super) fn configure(config: &mut ServiceConfig) {
    config.service(my_profile).service(change_profile).service(my_privacy).service(change_privacy);
    config.service(find_people).service(person_profile);
}

/// One's own profile.
#[derive(Debug, Serialize, ToSchema)]
pub struct MyProfile {
    /// One's id.
    pub user: UserId,
    /// The handle that one logs in with.
    pub handle: String,
    /// What others see.
    #[serde(flatten)]
    pub profile: Profile,
    /// When one registered.
    pub registered_at: DateTime<Utc>,
}

/// One's own profile.
#[utoipa::path(tag = "people", security(("token" = [])),
    responses((status = 200, description = "The profile.", body = MyProfile), Refusals))]
#[get("/v1/me")]
async fn my_profile(reader: Reader, app: web::Data<App>) -> Result<web::Json<MyProfile>, Problem> {
    let Person { user, handle, profile, registered_at, .. } = myself(&app, &reader).await?;
    Ok(web::Json(MyProfile { user, handle, profile, registered_at }))
}

async fn myself(app: &App, reader: &Reader) -> Result<Person, Problem> {
    let people = app.fresh(&app.read_models.people, reader.at_least).await?;
    people.person(reader.user)?.ok_or_else(|| Rejection::PersonNotFound.into())
}

/// What is to change in one's profile. What is absent or null stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProfileChange {
    /// The name shown, 1 to 30 characters.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 30)]
    pub display_name: Option<String>,
    /// A line about oneself, at most 100 characters.
    #[serde(default)]
    #[schema(max_length = 100)]
    pub about: Option<String>,
    /// Where one lives, at most 50 characters.
    #[serde(default)]
    #[schema(max_length = 50)]
    pub region: Option<String>,
    /// What follows when somebody pats one, at most 20 characters.
    #[serde(default)]
    #[schema(max_length = 20)]
    pub pat_suffix: Option<String>,
}

impl ProfileChange {
    fn of(&self, present: &Profile) -> Profile {
        let or = |new: &Option<String>, old: &String| new.as_ref().unwrap_or(old).clone();
        Profile {
            display_name: or(&self.display_name, &present.display_name),
            about: or(&self.about, &present.about),
            region: or(&self.region, &present.region),
            pat_suffix: or(&self.pat_suffix, &present.pat_suffix),
            avatar: present.avatar.clone(),
        }
    }
}

/// Change one's profile.
#[utoipa::path(tag = "people", security(("token" = [])),
    responses((status = 200, description = "Changed.", body = Done), Refusals))]
#[patch("/v1/me")]
async fn change_profile(
    command: Command<web::Json<ProfileChange>>,
    app: web::Data<App>,
) -> Result<web::Json<Done>, Problem> {
    app.limits.command(&command.user)?;
    let change = command.body.into_inner();
    let committed = app.commands.change_profile(&command.caller, |present| change.of(present)).await?;
    Ok(web::Json((&committed).into()))
}

/// How one may be found and added.
#[utoipa::path(tag = "people", security(("token" = [])),
    responses((status = 200, description = "The settings.", body = Privacy), Refusals))]
#[get("/v1/me/privacy")]
async fn my_privacy(reader: Reader, app: web::Data<App>) -> Result<web::Json<Privacy>, Problem> {
    Ok(web::Json(myself(&app, &reader).await?.privacy))
}

/// Change how one may be found and added.
#[utoipa::path(tag = "people", security(("token" = [])),
    responses((status = 200, description = "Changed.", body = Done), Refusals))]
#[put("/v1/me/privacy")]
async fn change_privacy(command: Command<web::Json<Privacy>>, app: web::Data<App>) -> Result<web::Json<Done>, Problem> {
    app.limits.command(&command.user)?;
    Ok(web::Json((&app.commands.change_privacy(&command.caller, *command.body).await?).into()))
}

/// Whom to look for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PeopleQuery {
    /// The whole handle, whatever its case.
    handle: String,
}

/// The people found.
#[derive(Debug, Serialize, ToSchema)]
pub struct PeopleFound {
    /// One person or nobody.
    pub people: Vec<PersonRow>,
}

/// Find a person by the exact handle. Who does not want to be found and who does not exist are answered alike.
#[utoipa::path(tag = "people", params(PeopleQuery), security(("token" = [])),
    responses((status = 200, description = "One person or nobody.", body = PeopleFound), Refusals))]
#[get("/v1/people")]
async fn find_people(
    reader: Reader,
    query: Query<PeopleQuery>,
    app: web::Data<App>,
) -> Result<web::Json<PeopleFound>, Problem> {
    app.limits.people_search(&reader.user)?;
    let people = app.fresh(&app.read_models.people, reader.at_least).await?;
    let found = people.search_handle(reader.user, &query.handle)?;
    Ok(web::Json(PeopleFound { people: found.into_iter().collect() }))
}

/// A person, as the caller may see them: contacts, who can be found, who is in a group with the caller, who asked to be
/// a friend or was asked, who talked with the caller. Everybody else is answered like nobody.
#[utoipa::path(tag = "people", params(PersonPath), security(("token" = [])),
    responses((status = 200, description = "The person.", body = PersonRow), Refusals))]
#[get("/v1/people/{user}")]
async fn person_profile(
    reader: Reader,
    path: web::Path<PersonPath>,
    app: web::Data<App>,
) -> Result<web::Json<PersonRow>, Problem> {
    let people = app.fresh(&app.read_models.people, reader.at_least).await?;
    let chat = app.fresh(&app.read_models.chat, reader.at_least).await?;
    let known = may_see(&app, &people, &chat, reader.user, path.user)?;
    let row = if known { people.person_seen_by(reader.user, path.user)? } else { None };
    row.map(web::Json).ok_or_else(|| Rejection::PersonNotFound.into())
}

/// Whether `user` may know who `person` is.
pub(crate) fn may_see(
    app: &App,
    people: &PeopleView,
    chat: &ChatView,
    user: UserId,
    person: UserId,
) -> Result<bool, Problem> {
    let has_talked = || chat.peer_of(user, ConversationId::direct(user, person)).is_some();
    Ok(in_touch(app, people, user, person)? || has_talked() || chat.share_group(user, person))
}

/// Whether `user` may know of `person` by what is between the two, or because anybody may.
fn in_touch(app: &App, people: &PeopleView, user: UserId, person: UserId) -> Result<bool, Problem> {
    if user == person || people.holds(user, person) || people.request_waits(person, user) {
        return Ok(true);
    }
    if people.person(person)?.is_some_and(|person| person.privacy.findable) {
        return Ok(true);
    }
    // As the list of requests shows it, so that the answer does not tell what became of the request.
    let window = TimeDelta::seconds(app.commands.policy.friend_request_seconds);
    Ok(people.requests_of(user, app.commands.now(), window)?.iter().any(|request| request.user == person))
}
