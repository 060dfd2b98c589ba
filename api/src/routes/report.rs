//! One's year in numbers.

use actix_web::{get, web};
use chrono::Datelike;
use projections::report::YearReport;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;

use super::aside;
use crate::{
    App,
    problem::{Code, Problem, Refusals},
    query::Query,
    request::Reader,
};

pub(super) fn configure(config: &mut ServiceConfig) {
    config.service(year_report);
}

/// Which year.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ReportQuery {
    /// The year, in UTC; the present one if not given.
    #[param(minimum = 1970, maximum = 9999)]
    year: Option<u16>,
}

/// One's year: messages sent per day and kind, the most active conversation, the first message.
#[utoipa::path(tag = "people", params(ReportQuery), security(("token" = [])),
    responses((status = 200, description = "The year.", body = YearReport), Refusals))]
#[get("/v1/me/report")]
async fn year_report(
    reader: Reader,
    query: Query<ReportQuery>,
    app: web::Data<App>,
) -> Result<web::Json<YearReport>, Problem> {
    let present = u16::try_from(app.commands.now().year()).unwrap_or_default();
    let year = query.year.unwrap_or(present);
    if !(1970..=9999).contains(&year) {
        return Err(Problem::new(Code::InvalidQuery, "year: 1970 to 9999"));
    }
    let report = app.fresh(&app.read_models.report, reader.at_least).await?;
    aside(move || report.year(reader.user, year)).await.map(web::Json)
}
