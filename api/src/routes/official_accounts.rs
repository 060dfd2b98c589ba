//! Official accounts: registering, what people see of them, who acts for them, followers, verification.

use std::collections::BTreeSet;

use actix_web::{HttpResponse, delete, get, patch, post, put, web};
use chrono::{DateTime, Utc};
use domain::{
    OfficialAccountId, Rejection, UserId,
    official::{AccountProfile, AccountSort, Scene},
    subscriptions::FollowSource,
};
use projections::{
    broadcasts::NotesRow,
    official::{AccountRow, FollowerRow},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::{
    Done, PageQuery, cut, page,
    paths::{OfficialAccountPath, OfficialAccountPersonPath},
    resume,
};
use crate::{
    App,
    problem::{Problem, Refusals},
    query::Query,
    request::{Command, NoBody, Operator, Reader},
};

/// How many accounts a search finds at most.
const FOUND_MAX: usize = 20;

pub(super) fn configure(config: &mut ServiceConfig) {
    config.service(register_official_account).service(find_official_accounts);
    config.service(official_account).service(change_account_profile).service(account_details);
    config.service(add_account_operator).service(remove_account_operator).service(followers);
}

/// An official account to be opened.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewOfficialAccount {
    /// Subscription or service account; for good.
    pub sort: AccountSort,
    /// Its name, 1 to 30 characters.
    #[schema(min_length = 1, max_length = 30)]
    pub name: String,
    /// What it is about, at most 120 characters.
    #[serde(default)]
    #[schema(max_length = 120)]
    pub introduction: String,
    /// The brand it stands for, at most 60 characters.
    #[serde(default)]
    #[schema(max_length = 60)]
    pub brand: String,
    /// Its picture: an `http` or `https` address, or nothing.
    #[serde(default)]
    #[schema(max_length = 1000)]
    pub picture: String,
    /// Its own pages: an `http` or `https` address, or nothing.
    #[serde(default)]
    #[schema(max_length = 1000)]
    pub website: String,
    /// How its people are reached, at most 100 characters.
    #[serde(default)]
    #[schema(max_length = 100)]
    pub contact: String,
}

/// An official account that was registered.
#[derive(Debug, Serialize, ToSchema)]
pub struct RegisteredOfficialAccount {
    /// Its id.
    pub account: OfficialAccountId,
    /// Position of the event in the log.
    pub position: u64,
}

/// Register an official account; the caller is its owner.
#[utoipa::path(tag = "official accounts", security(("token" = [])),
    responses((status = 201, description = "Registered.", body = RegisteredOfficialAccount), Refusals))]
#[post("")]
async fn register_official_account(
    command: Command<web::Json<NewOfficialAccount>>,
    app: web::Data<App>,
) -> Result<HttpResponse, Problem> {
    app.limits.command(&command.user)?;
    let NewOfficialAccount { sort, name, introduction, brand, picture, website, contact } = command.body.into_inner();
    let profile = AccountProfile { name, introduction, brand, picture, website, contact };
    let (account, committed) = app.commands.register_official_account(&command.caller, sort, profile).await?;
    Ok(HttpResponse::Created().json(RegisteredOfficialAccount { account, position: committed.position.0 }))
}

/// An official account, as anybody sees it.
#[derive(Debug, Serialize, ToSchema)]
pub struct OfficialAccountShown {
    /// Its id.
    pub id: OfficialAccountId,
    /// Subscription or service account.
    pub sort: AccountSort,
    /// What people see of it.
    pub profile: AccountProfile,
    /// Who stands behind it, where the server's administrator vouches for that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verified: Option<String>,
}

impl OfficialAccountShown {
    /// An account as anybody sees it.
    pub(super) fn of(id: OfficialAccountId, row: &AccountRow) -> Self {
        Self { id, sort: row.sort, profile: row.profile.clone(), verified: row.verified.clone() }
    }
}

/// What to look for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct OfficialAccountsQuery {
    /// Words in the account's name, 1 to 30 characters.
    #[param(min_length = 1, max_length = 30)]
    name: String,
}

/// The accounts found.
#[derive(Debug, Serialize, ToSchema)]
pub struct OfficialAccountsFound {
    /// At most 20: the verified first, then by their followers.
    pub accounts: Vec<OfficialAccountShown>,
}

/// Find official accounts by words in their names.
#[utoipa::path(tag = "official accounts", params(OfficialAccountsQuery), security(("token" = [])),
    responses((status = 200, description = "The accounts.", body = OfficialAccountsFound), Refusals))]
#[get("")]
async fn find_official_accounts(
    reader: Reader,
    query: Query<OfficialAccountsQuery>,
    app: web::Data<App>,
) -> Result<web::Json<OfficialAccountsFound>, Problem> {
    app.limits.people_search(&reader.user)?;
    domain::rejection::check_name("name", &query.name, 30)?;
    let view = app.fresh(&app.read_models.official, reader.at_least).await?;
    let found = view.find(&query.name, FOUND_MAX);
    let accounts = found.iter().map(|(id, row)| OfficialAccountShown::of(*id, row)).collect();
    Ok(web::Json(OfficialAccountsFound { accounts }))
}

/// A part in an official account.
#[derive(Debug, Serialize, ToSchema)]
pub struct OwnOfficialAccount {
    /// The account.
    pub account: OfficialAccountShown,
    /// Whether it is the caller's, rather than that they act for it.
    pub owns: bool,
}

/// A page of the caller's official accounts.
#[derive(Debug, Serialize, ToSchema)]
pub struct OwnOfficialAccounts {
    /// The accounts, in the order of their ids.
    pub accounts: Vec<OwnOfficialAccount>,
    /// Pass as `cursor` for more; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// The official accounts that the caller owns or acts for.
#[utoipa::path(tag = "official accounts", params(PageQuery), security(("token" = [])),
    responses((status = 200, description = "The accounts.", body = OwnOfficialAccounts), Refusals))]
#[get("/v1/me/official-accounts")]
pub(super) async fn own_official_accounts(
    reader: Reader,
    query: Query<PageQuery>,
    app: web::Data<App>,
) -> Result<web::Json<OwnOfficialAccounts>, Problem> {
    let limit = query.limit()?;
    let view = app.fresh(&app.read_models.official, reader.at_least).await?;
    let parts = view.parts_of(reader.user)?;
    let (parts, next) = page(parts, |(id, _)| *id, query.cursor.as_deref(), limit)?;
    let shown = |(id, owns)| {
        let account = OfficialAccountShown::of(id, &*view.account(id)?);
        Some(OwnOfficialAccount { account, owns })
    };
    Ok(web::Json(OwnOfficialAccounts { accounts: parts.into_iter().filter_map(shown).collect(), next }))
}

/// An official account, as the caller has it.
#[derive(Debug, Serialize, ToSchema)]
pub struct OfficialAccountForMe {
    /// The account.
    #[serde(flatten)]
    pub account: OfficialAccountShown,
    /// Since when the caller follows it; absent where they don't.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub followed_since: Option<DateTime<Utc>>,
    /// Whether what it sends does not notify the caller.
    pub muted: bool,
}

/// An official account.
#[utoipa::path(tag = "official accounts", params(OfficialAccountPath), security(("token" = [])),
    responses((status = 200, description = "The account.", body = OfficialAccountForMe), Refusals))]
#[get("/{account}")]
async fn official_account(
    reader: Reader,
    path: web::Path<OfficialAccountPath>,
    app: web::Data<App>,
) -> Result<web::Json<OfficialAccountForMe>, Problem> {
    let view = app.fresh(&app.read_models.official, reader.at_least).await?;
    let row = view.account(path.account).ok_or(Rejection::OfficialAccountNotFound)?;
    let followed = view.followed(reader.user, path.account)?;
    Ok(web::Json(OfficialAccountForMe {
        account: OfficialAccountShown::of(path.account, &row),
        followed_since: followed.as_ref().map(|followed| followed.since),
        muted: followed.is_some_and(|followed| followed.muted),
    }))
}

/// What is to change of what people see of an account. What is absent or null stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountProfileChange {
    /// Its name, 1 to 30 characters. A new name or brand ends a verification.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 30)]
    pub name: Option<String>,
    /// What it is about, at most 120 characters.
    #[serde(default)]
    #[schema(max_length = 120)]
    pub introduction: Option<String>,
    /// The brand it stands for, at most 60 characters.
    #[serde(default)]
    #[schema(max_length = 60)]
    pub brand: Option<String>,
    /// Its picture: an `http` or `https` address, or nothing.
    #[serde(default)]
    #[schema(max_length = 1000)]
    pub picture: Option<String>,
    /// Its own pages: an `http` or `https` address, or nothing.
    #[serde(default)]
    #[schema(max_length = 1000)]
    pub website: Option<String>,
    /// How its people are reached, at most 100 characters.
    #[serde(default)]
    #[schema(max_length = 100)]
    pub contact: Option<String>,
}

impl AccountProfileChange {
    fn of(&self, present: &AccountProfile) -> AccountProfile {
        let or = |new: &Option<String>, old: &String| new.as_ref().unwrap_or(old).clone();
        AccountProfile {
            name: or(&self.name, &present.name),
            introduction: or(&self.introduction, &present.introduction),
            brand: or(&self.brand, &present.brand),
            picture: or(&self.picture, &present.picture),
            website: or(&self.website, &present.website),
            contact: or(&self.contact, &present.contact),
        }
    }
}

/// Change what people see of an account; for its owner and operators.
#[utoipa::path(tag = "official accounts", params(OfficialAccountPath), security(("token" = [])),
    responses((status = 200, description = "Changed.", body = Done), Refusals))]
#[patch("/{account}")]
async fn change_account_profile(
    command: Command<web::Json<AccountProfileChange>>,
    path: web::Path<OfficialAccountPath>,
    app: web::Data<App>,
) -> Result<web::Json<Done>, Problem> {
    app.limits.command(&command.user)?;
    let change = command.body.into_inner();
    let changed = app.commands.change_account_profile(&command.caller, path.account, |present| change.of(present));
    Ok(web::Json((&changed.await?).into()))
}

/// An official account, as its people see it.
#[derive(Debug, Serialize, ToSchema)]
pub struct OfficialAccountDetails {
    /// The account.
    #[serde(flatten)]
    pub account: OfficialAccountShown,
    /// Whose it is.
    pub owner: UserId,
    /// Who may act for it besides the owner.
    pub operators: Vec<UserId>,
    /// When it was registered.
    pub registered_at: DateTime<Utc>,
    /// How many follow it.
    pub followers: u64,
    /// The text of its code.
    pub code: String,
}

/// All about an official account, for its owner and operators.
#[utoipa::path(tag = "official accounts", params(OfficialAccountPath), security(("token" = [])),
    responses((status = 200, description = "The account.", body = OfficialAccountDetails), Refusals))]
#[get("/{account}/details")]
async fn account_details(
    reader: Reader,
    path: web::Path<OfficialAccountPath>,
    app: web::Data<App>,
) -> Result<web::Json<OfficialAccountDetails>, Problem> {
    app.commands.check_acting_for(reader.user, path.account).await?;
    let view = app.fresh(&app.read_models.official, reader.at_least).await?;
    let row = view.account(path.account).ok_or(Rejection::OfficialAccountNotFound)?;
    Ok(web::Json(OfficialAccountDetails {
        account: OfficialAccountShown::of(path.account, &row),
        owner: row.owner,
        operators: row.operators.iter().copied().collect(),
        registered_at: row.registered_at,
        followers: row.followers,
        code: super::account_codes::plain_code(path.account),
    }))
}

/// Let somebody act for the caller's official account.
#[utoipa::path(tag = "official accounts", params(OfficialAccountPersonPath), security(("token" = [])),
    responses((status = 200, description = "They may.", body = Done), Refusals))]
#[put("/{account}/operators/{user}")]
async fn add_account_operator(
    command: Command<NoBody>,
    path: web::Path<OfficialAccountPersonPath>,
    app: web::Data<App>,
) -> Result<web::Json<Done>, Problem> {
    app.limits.command(&command.user)?;
    let committed = app.commands.add_account_operator(&command.caller, path.account, path.user).await?;
    Ok(web::Json((&committed).into()))
}

/// Take an operator's part away, or one's own.
#[utoipa::path(tag = "official accounts", params(OfficialAccountPersonPath), security(("token" = [])),
    responses((status = 200, description = "They may no longer.", body = Done), Refusals))]
#[delete("/{account}/operators/{user}")]
async fn remove_account_operator(
    command: Command<NoBody>,
    path: web::Path<OfficialAccountPersonPath>,
    app: web::Data<App>,
) -> Result<web::Json<Done>, Problem> {
    app.limits.command(&command.user)?;
    let committed = app.commands.remove_account_operator(&command.caller, path.account, path.user).await?;
    Ok(web::Json((&committed).into()))
}

/// A follower, as the account knows them.
#[derive(Debug, Serialize, ToSchema)]
pub struct FollowerShown {
    /// What the account knows them by.
    pub openid: String,
    /// Since when.
    pub since: DateTime<Utc>,
    /// How they came upon the account.
    pub source: FollowSource,
    /// What the code said of where it hangs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scene: Option<Scene>,
    /// The account's own name for them.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub remark: String,
    /// The numbers of the tags that they have.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub tags: BTreeSet<u32>,
}

/// A page of followers.
#[derive(Debug, Serialize, ToSchema)]
pub struct FollowersPage {
    /// How many there are in all.
    pub total: u64,
    /// The followers, in the order of what the account knows them by.
    pub followers: Vec<FollowerShown>,
    /// Pass as `cursor` for more; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Who follows an account, for its owner and operators. They learn what the account knows people by, not who they are.
#[utoipa::path(tag = "official accounts", params(OfficialAccountPath, PageQuery), security(("token" = [])),
    responses((status = 200, description = "The followers.", body = FollowersPage), Refusals))]
#[get("/{account}/followers")]
async fn followers(
    reader: Reader,
    path: web::Path<OfficialAccountPath>,
    query: Query<PageQuery>,
    app: web::Data<App>,
) -> Result<web::Json<FollowersPage>, Problem> {
    let limit = query.limit()?;
    app.commands.check_acting_for(reader.user, path.account).await?;
    let view = app.fresh(&app.read_models.official, reader.at_least).await?;
    let total = view.account(path.account).map_or(0, |row| row.followers);
    let after: String = resume(query.cursor.as_deref())?.unwrap_or_default();
    let rows = view.followers(path.account, &after, limit + 1)?;
    let (rows, next) = cut(rows, |row| row.openid.clone(), limit);
    let notes = app.fresh(&app.read_models.broadcasts, reader.at_least).await?;
    let shown = |FollowerRow { openid, since, source, scene, .. }: FollowerRow| -> Result<FollowerShown, Problem> {
        let NotesRow { remark, tags, .. } = notes.notes(path.account, &openid)?;
        Ok(FollowerShown { openid, since, source, scene, remark, tags })
    };
    let followers = rows.into_iter().map(shown).collect::<Result<_, _>>()?;
    Ok(web::Json(FollowersPage { total, followers, next }))
}

/// Who stands behind an account.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Verification {
    /// The company, office or person, 1 to 100 characters; everybody sees it.
    #[schema(min_length = 1, max_length = 100)]
    pub subject: String,
}

/// Vouch for who stands behind an official account.
#[utoipa::path(tag = "operator", params(OfficialAccountPath), security(("operator" = [])),
    responses((status = 200, description = "Verified.", body = Done), Refusals))]
#[put("/v1/operator/official-accounts/{account}/verification")]
pub(super) async fn verify_account(
    command: Operator<web::Json<Verification>>,
    path: web::Path<OfficialAccountPath>,
    app: web::Data<App>,
) -> Result<web::Json<Done>, Problem> {
    let subject = Some(command.body.subject.as_str());
    Ok(web::Json((&app.commands.verify_account(&command.caller, path.account, subject).await?).into()))
}

/// Vouch no longer for who stands behind an official account.
#[utoipa::path(tag = "operator", params(OfficialAccountPath), security(("operator" = [])),
    responses((status = 200, description = "Withdrawn.", body = Done), Refusals))]
#[delete("/v1/operator/official-accounts/{account}/verification")]
pub(super) async fn withdraw_verification(
    command: Operator<NoBody>,
    path: web::Path<OfficialAccountPath>,
    app: web::Data<App>,
) -> Result<web::Json<Done>, Problem> {
    Ok(web::Json((&app.commands.verify_account(&command.caller, path.account, None).await?).into()))
}
