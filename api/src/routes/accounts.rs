//! Accounts: registering, logging in and out, devices, the password.

use std::net::{IpAddr, Ipv4Addr};

use actix_web::{HttpRequest, HttpResponse, delete, get, post, put, web};
use chrono::{DateTime, Utc};
use commands::{
    CommandError, Committed, Token,
    people::{LogIn, Register},
};
use domain::{DeviceId, UserEvent, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::{Done, paths::DevicePath};
use crate::{
    App,
    problem::{Problem, Refusals},
    request::{AboutHandle, Anonymous, Command, NoBody, Reader},
};

/// Up to this many characters of a handle tell log-ins apart; no handle is longer.
const HANDLE_CHARS: usize = 64;

pub(super) fn configure(config: &mut ServiceConfig) {
    config.service(register).service(log_in).service(log_out);
    config.service(change_password).service(devices).service(revoke_device);
}

/// What it takes to join.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Registration {
    /// The handle to log in with, unique on the server: 3 to 20 of a-z, 0-9 and `_`,
    /// starting with a letter; case does not matter.
    #[schema(min_length = 3, max_length = 20, pattern = "^[A-Za-z][A-Za-z0-9_]*$")]
    pub handle: String,
    /// The name that others see, 1 to 30 characters.
    #[schema(min_length = 1, max_length = 30)]
    pub display_name: String,
    /// The password, 8 to 128 characters.
    #[schema(format = Password, min_length = 8, max_length = 128)]
    pub password: String,
    /// What the first device is called, 1 to 50 characters.
    #[serde(default = "unnamed_device")]
    #[schema(min_length = 1, max_length = 50)]
    pub device_name: String,
}

impl AboutHandle for Registration {
    fn handle(&self) -> &str {
        &self.handle
    }
}

/// What it takes to log in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    /// The handle, whatever its case.
    pub handle: String,
    /// The password.
    #[schema(format = Password)]
    pub password: String,
    /// What the device is called, 1 to 50 characters.
    #[serde(default = "unnamed_device")]
    #[schema(min_length = 1, max_length = 50)]
    pub device_name: String,
}

impl AboutHandle for Credentials {
    fn handle(&self) -> &str {
        &self.handle
    }
}

fn unnamed_device() -> String {
    "unnamed device".to_owned()
}

/// A device that is logged in now.
#[derive(Serialize, ToSchema)]
pub struct LoggedIn {
    /// The person.
    pub user: UserId,
    /// The device.
    pub device: DeviceId,
    /// The device's token: sent as `Authorization: Bearer ...` with everything it asks from now on.
    pub token: String,
    /// Position of the event in the log.
    pub position: u64,
}

/// Register, and log the first device in.
#[utoipa::path(tag = "accounts", security(()),
    responses((status = 201, description = "Registered, and logged in.", body = LoggedIn), Refusals))]
#[post("/v1/users")]
async fn register(
    request: HttpRequest,
    command: Anonymous<web::Json<Registration>>,
    app: web::Data<App>,
) -> Result<HttpResponse, Problem> {
    app.limits.registration(&address(&request))?;
    let Registration { handle, display_name, password, device_name } = command.body.into_inner();
    let registration = Register { handle, display_name, password, device_name };
    let committed = app.commands.register(&command.caller, registration).await?;
    logged_in(&app, &committed)
}

/// Log a device in.
#[utoipa::path(tag = "accounts", security(()),
    responses((status = 201, description = "Logged in.", body = LoggedIn), Refusals))]
#[post("/v1/sessions")]
async fn log_in(
    request: HttpRequest,
    command: Anonymous<web::Json<Credentials>>,
    app: web::Data<App>,
) -> Result<HttpResponse, Problem> {
    let Credentials { handle, password, device_name } = command.body.into_inner();
    let (from, to) = (address(&request), handle.chars().take(HANDLE_CHARS).collect::<String>().to_lowercase());
    app.limits.log_in_from(&from)?;
    app.limits.log_in_to(&(to.clone(), from))?;
    app.limits.log_in_to_from_anywhere(&to)?;
    logged_in(&app, &app.commands.log_in(&command.caller, LogIn { handle, password, device_name }).await?)
}

/// The answer is made of the committed events only, so that a repeated request gets the same token.
fn logged_in(app: &App, committed: &Committed<UserEvent>) -> Result<HttpResponse, Problem> {
    let device = committed.events.iter().find_map(|(_, event)| match event {
        UserEvent::DeviceAdded(added) => Some(added.device),
        _ => None,
    });
    let Some((user, device)) = committed.actor.zip(device) else {
        return Err(CommandError::Internal("a log-in added no device".to_owned()).into());
    };
    let token = app.commands.secrets.token(Token { user, device });
    Ok(HttpResponse::Created().json(LoggedIn { user, device, token, position: committed.position.0 }))
}

pub(super) fn address(request: &HttpRequest) -> IpAddr {
    request.peer_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |address| address.ip())
}

/// Log this device out. Its token is worth nothing from then on, and its WebSocket is closed.
#[utoipa::path(tag = "accounts", security(("token" = [])),
    responses((status = 200, description = "Logged out.", body = Done), Refusals))]
#[delete("/v1/sessions/current")]
async fn log_out(command: Command<NoBody>, app: web::Data<App>) -> Result<web::Json<Done>, Problem> {
    app.limits.command(&command.user)?;
    let device = command.caller.device.ok_or(CommandError::NotLoggedIn)?;
    Ok(web::Json((&app.commands.revoke_device(&command.caller, device).await?).into()))
}

/// A new password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordChange {
    /// The password until now.
    #[schema(format = Password)]
    pub old: String,
    /// The password from now on, 8 to 128 characters.
    #[schema(format = Password, min_length = 8, max_length = 128)]
    pub new: String,
}

/// Change the password. All other devices are logged out.
#[utoipa::path(tag = "accounts", security(("token" = [])),
    responses((status = 200, description = "Changed.", body = Done), Refusals))]
#[put("/v1/me/password")]
async fn change_password(
    command: Command<web::Json<PasswordChange>>,
    app: web::Data<App>,
) -> Result<web::Json<Done>, Problem> {
    app.limits.command(&command.user)?;
    // Who has got hold of a device guesses as slowly as who has not.
    app.limits.password_change(&command.user)?;
    let PasswordChange { old, new } = command.body.into_inner();
    Ok(web::Json((&app.commands.change_password(&command.caller, old, new).await?).into()))
}

/// The devices that are logged in.
#[derive(Debug, Serialize, ToSchema)]
pub struct Devices {
    /// They, oldest first; at most as many as may be logged in at once.
    pub devices: Vec<MyDevice>,
}

/// A device that is logged in.
#[derive(Debug, Serialize, ToSchema)]
pub struct MyDevice {
    /// The device.
    pub device: DeviceId,
    /// Its name.
    pub name: String,
    /// When it was logged in.
    pub added_at: DateTime<Utc>,
    /// Whether it is the one that asks.
    pub current: bool,
}

/// The devices that one is logged in with.
#[utoipa::path(tag = "accounts", security(("token" = [])),
    responses((status = 200, description = "The devices.", body = Devices), Refusals))]
#[get("/v1/me/devices")]
async fn devices(reader: Reader, app: web::Data<App>) -> Result<web::Json<Devices>, Problem> {
    let people = app.fresh(&app.read_models.people, reader.at_least).await?;
    let rows = people.devices(reader.user)?.into_iter();
    let devices = rows.map(|row| MyDevice {
        device: row.device,
        name: row.name,
        added_at: row.added_at,
        current: row.device == reader.session.device,
    });
    Ok(web::Json(Devices { devices: devices.collect() }))
}

/// Log one of one's devices out.
#[utoipa::path(tag = "accounts", params(DevicePath), security(("token" = [])),
    responses((status = 200, description = "Logged out.", body = Done), Refusals))]
#[delete("/v1/me/devices/{device}")]
async fn revoke_device(
    command: Command<NoBody>,
    path: web::Path<DevicePath>,
    app: web::Data<App>,
) -> Result<web::Json<Done>, Problem> {
    app.limits.command(&command.user)?;
    Ok(web::Json((&app.commands.revoke_device(&command.caller, path.device).await?).into()))
}
