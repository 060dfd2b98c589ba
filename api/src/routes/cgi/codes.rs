//! Codes that say where they hang.

use actix_web::{HttpResponse, web};
use domain::official::Scene;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    answer::{Answered, answer, read, refused},
    posted::Posted,
    token::{Access, account},
};
use crate::{App, limits::Limits, qr, query::Query};

/// How long a code can be used where nothing is said of it, in seconds.
const USUAL_SECONDS: i64 = 60;

pub(super) fn configure(config: &mut web::ServiceConfig) {
    config.route("/qrcode/create", web::post().to(create)).route("/showqrcode", web::get().to(show));
}

/// A code to be made.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Wanted {
    expire_seconds: Option<i64>,
    action_name: String,
    action_info: Info,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Info {
    scene: Named,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Named {
    scene_id: u32,
    scene_str: String,
}

async fn create(access: Query<Access>, body: Posted, app: web::Data<App>) -> HttpResponse {
    answer(created(&app, &access, &body).await)
}

async fn created(app: &App, access: &Access, body: &[u8]) -> Answered {
    let account = account(app, access, Limits::query).await?;
    let wanted: Wanted = read(body)?;
    let Named { scene_id, scene_str } = wanted.action_info.scene;
    let (scene, ends) = match wanted.action_name.as_str() {
        "QR_SCENE" => (Scene::Number(scene_id), true),
        "QR_STR_SCENE" => (Scene::Text(scene_str), true),
        "QR_LIMIT_SCENE" => (Scene::Number(scene_id), false),
        "QR_LIMIT_STR_SCENE" => (Scene::Text(scene_str), false),
        _ => return Err(refused(40053, "invalid action info")),
    };
    let longest = app.commands.policy.official.scene_code_seconds;
    let seconds =
        ends.then(|| wanted.expire_seconds.filter(|seconds| *seconds > 0).unwrap_or(USUAL_SECONDS).min(longest));
    let made = app.commands.scene_code(account, scene, seconds).map_err(|error| refused(40053, &error.to_string()))?;
    let mut answered = json!({ "ticket": made.code, "url": format!("teahouse:scene:{}", made.code) });
    if let (Some(seconds), Some(fields)) = (seconds, answered.as_object_mut()) {
        fields.insert("expire_seconds".to_owned(), Value::from(seconds));
    }
    Ok(answered)
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Shown {
    ticket: String,
}

/// The picture of a code; whoever has the code may see it.
async fn show(shown: Query<Shown>, app: web::Data<App>) -> HttpResponse {
    match app.commands.secrets.open_scene_code(&shown.ticket, app.commands.now()) {
        Some(_) => {
            qr::png(&format!("teahouse:scene:{}", shown.ticket)).unwrap_or_else(|problem| answer(Err(problem.into())))
        }
        None => HttpResponse::NotFound().finish(),
    }
}
