//! The endpoints, one file per subject.
//!
//! Every handler reads as a checklist: who asks, limits, the command or query, the answer. Who may call what stands in
//! `security(...)` of its annotation and is enforced by its extractor.

pub mod account_codes;
pub mod account_desk;
pub mod account_talk;
pub mod accounts;
pub mod article_desk;
pub mod articles;
pub mod avatars;
pub mod bills;
pub mod blobs;
pub mod broadcasts;
pub mod calls;
pub mod cards;
pub mod cgi;
pub mod contacts;
pub mod conversation_search;
pub mod conversations;
pub mod developers;
pub mod follower_notes;
pub mod friend_requests;
pub mod group_calls;
pub mod group_joins;
pub mod group_members;
pub mod groups;
pub mod holds;
pub mod media;
pub mod merchant_withdrawals;
pub mod merchants;
pub mod messages;
pub mod moment_posts;
pub mod moments;
pub mod moments_cover;
pub mod official_accounts;
pub mod operator;
pub mod orders;
pub mod own_stickers;
mod page;
pub mod paths;
pub mod pending;
pub mod people;
pub mod probes;
pub mod records;
pub mod refunds;
pub mod report;
pub mod search;
pub mod stickers;
pub mod subscriptions;
pub mod sync;
pub mod tags;
mod times;
mod unknown;
pub mod uploads;
pub mod wallet;
pub mod webhooks;

use actix_web::web;
use commands::Committed;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::{scope, service_config::ServiceConfig};

pub(crate) use page::{PageQuery, before, cut, link, page, page_limit, place, position, resume};
pub(crate) use times::time;
pub use unknown::unknown;
pub(crate) use uploads::meant;

use crate::{
    problem::{Code, Problem},
    socket,
};

/// A command was carried out.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Done {
    /// Position of its last event in the log; everything asked of this server later is at or after it.
    pub position: u64,
}

impl<E> From<&Committed<E>> for Done {
    fn from(committed: &Committed<E>) -> Self {
        Self { position: committed.position.0 }
    }
}

/// Something that is on or off.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Switch {
    /// Whether it is to be on.
    pub on: bool,
}

/// All endpoints.
pub fn configure(config: &mut ServiceConfig) {
    // Paths are tried in this order, each at the price of a regular expression: what is asked most often comes first, and
    // subjects with many paths have a scope, which is passed over at once.
    messages::configure(config);
    config.service(holds::open_red_packet).service(orders::pay_order);
    config.service(scope("/v1/moments").configure(of_moments));
    config.service(scope("/v1/merchants").configure(of_merchants));
    config.service(scope("/v1/wallet").configure(of_wallets));
    config.service(scope("/v1/official-accounts").configure(of_official_accounts));
    accounts::configure(config);
    people::configure(config);
    contacts::configure(config);
    friend_requests::configure(config);
    tags::configure(config);
    conversations::configure(config);
    groups::configure(config);
    group_members::configure(config);
    group_joins::configure(config);
    sync::configure(config);
    config.service(socket::connect);
    search::configure(config);
    conversation_search::configure(config);
    report::configure(config);
    holds::configure(config);
    pending::configure(config);
    config.service(orders::order_shown).service(orders::order_code_svg).service(orders::order_code_png);
    media::configure(config);
    blobs::configure(config);
    uploads::configure(config);
    avatars::configure(config);
    articles::configure(config);
    config.service(official_accounts::own_official_accounts).service(account_codes::scan_code);
    config.service(official_accounts::verify_account).service(official_accounts::withdraw_verification);
    config.service(subscriptions::subscriptions).service(broadcasts::subscription_broadcasts);
    config.service(account_talk::subscription_conversations);
    calls::configure(config);
    group_calls::configure(config);
    stickers::configure(config);
    own_stickers::configure(config);
    operator::configure(config);
    config.service(records::records);
    probes::configure(config);
}

fn of_moments(config: &mut ServiceConfig) {
    moment_posts::configure(config);
    moments::configure(config);
    moments_cover::configure(config);
    config.service(media::media_of_posts);
}

fn of_merchants(config: &mut ServiceConfig) {
    config.service(merchants::pay_merchant).service(orders::create_order);
    merchants::configure(config);
    merchant_withdrawals::configure(config);
    refunds::configure(config);
    orders::configure(config);
    bills::configure(config);
    config.service(pending::merchant_withdrawals);
}

fn of_wallets(config: &mut ServiceConfig) {
    wallet::configure(config);
    cards::configure(config);
    config.service(pending::withdrawals).service(pending::top_ups).service(orders::show_pay_code);
}

fn of_official_accounts(config: &mut ServiceConfig) {
    subscriptions::configure(config);
    official_accounts::configure(config);
    account_codes::configure(config);
    account_talk::configure(config);
    account_desk::configure(config);
    article_desk::configure(config);
    broadcasts::configure(config);
    follower_notes::configure(config);
    developers::configure(config);
    webhooks::configure(config);
}

/// Does what reads or computes for milliseconds on a thread where that holds nobody else up.
///
/// # Errors
/// Those of the work; 503 while the server stops.
pub(crate) async fn aside<T, E>(work: impl FnOnce() -> Result<T, E> + Send + 'static) -> Result<T, Problem>
where
    T: Send + 'static,
    E: Send + 'static,
    Problem: From<E>,
{
    let worked = web::block(work).await;
    Ok(worked.map_err(|_| Problem::new(Code::Stopping, "the server is stopping"))??)
}

/// What a stranger to a conversation is told.
pub(crate) fn conversation_not_found() -> Problem {
    domain::Rejection::ConversationNotFound.into()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use domain::Rejection;
    use serde_json::Value;
    use utoipa_actix_web::AppExt;

    use crate::problem::Code;

    fn document() -> Value {
        let app = actix_web::App::new().into_utoipa_app().openapi(crate::openapi::preamble());
        let document = app.configure(super::configure).split_for_parts().1;
        serde_json::to_value(crate::openapi::with_headers(document)).unwrap()
    }

    /// Every operation of the document: path, method, description.
    fn operations() -> Vec<(String, String, Value)> {
        let document = document();
        let paths = document["paths"].as_object().unwrap();
        let operations = paths.iter().flat_map(|(path, item)| {
            let methods = item.as_object().unwrap().iter();
            methods.map(|(method, operation)| (path.clone(), method.clone(), operation.clone()))
        });
        operations.collect()
    }

    #[test]
    fn every_operation_has_a_name_of_its_own() {
        let names: Vec<String> =
            operations().iter().map(|(.., operation)| operation["operationId"].to_string()).collect();
        let distinct: BTreeSet<&String> = names.iter().collect();
        assert_eq!(distinct.len(), names.len(), "{names:?}");
    }

    #[actix_web::test]
    async fn every_operation_is_found() {
        let app = actix_web::App::new().into_utoipa_app().configure(super::configure).into_app();
        let nowhere = actix_web::web::to(async || actix_web::HttpResponse::ImATeapot());
        let app = actix_web::test::init_service(app.default_service(nowhere)).await;
        for (path, method, _) in operations() {
            let path = path.replace(['{', '}'], "");
            let request = actix_web::test::TestRequest::with_uri(&path).method(method.to_uppercase().parse().unwrap());
            let answer = actix_web::test::try_call_service(&app, request.to_request()).await;
            assert!(answer.is_ok_and(|answer| answer.status() != 418), "{method} {path}");
        }
    }

    #[test]
    fn every_reference_leads_to_a_schema() {
        fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
            match value {
                Value::Object(fields) => {
                    found.extend(fields.get("$ref").and_then(Value::as_str));
                    fields.values().for_each(|field| references(field, found));
                }
                Value::Array(items) => items.iter().for_each(|item| references(item, found)),
                _ => {}
            }
        }
        let document = document();
        let mut found = vec![];
        references(&document, &mut found);
        assert!(!found.is_empty());
        for reference in found {
            assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
        }
    }

    /// The codes that the documentation lists, with the statuses that it says they come with.
    fn documented() -> Vec<(String, BTreeSet<u16>)> {
        let text = include_str!("../../../docs/api.md");
        let section = text.split("\n## What goes wrong\n").nth(1).unwrap().split("\n## ").next().unwrap();
        let rows = section.lines().filter_map(|line| line.strip_prefix("| ")?.split_once(" | "));
        let rows = rows.filter(|(statuses, _)| *statuses != "status");
        let codes = rows.flat_map(|(statuses, rest)| {
            let statuses: BTreeSet<u16> = statuses.split(", ").map(|status| status.parse().unwrap()).collect();
            let (codes, _) = rest.split_once(" | ").unwrap();
            codes.split('`').skip(1).step_by(2).map(move |code| (code.to_owned(), statuses.clone()))
        });
        codes.collect()
    }

    #[test]
    fn the_documentation_lists_every_code_once_with_its_status_and_no_other() {
        let ours = Code::ALL.iter().map(|code| (code.name(), code.status().as_u16()));
        let of_rules = Rejection::CODES.iter().map(|(code, kind, _)| match *code {
            "medium-too-large" => (*code, 413),
            code => (code, crate::problem::status_of(*kind).as_u16()),
        });
        let given: Vec<(&str, u16)> = ours.chain(of_rules).collect();
        let documented = documented();
        for (code, status) in &given {
            let rows: Vec<_> = documented.iter().filter(|(documented, _)| documented == code).collect();
            assert!(rows.len() == 1 && rows[0].1.contains(status), "{code} comes with {status}: {rows:?}");
        }
        let given: BTreeSet<&str> = given.into_iter().map(|(code, _)| code).collect();
        assert_eq!(given.len(), Code::ALL.len() + Rejection::CODES.len(), "each code is given from one place");
        let idle: Vec<_> = documented.iter().filter(|(code, _)| !given.contains(code.as_str())).collect();
        assert!(idle.is_empty(), "nothing gives {idle:?}");
    }

    #[test]
    fn every_parameter_is_documented_once() {
        for (path, method, operation) in operations() {
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            let named = |place: &str| -> Vec<String> {
                let in_place = parameters.iter().filter(|parameter| parameter["in"] == place);
                in_place.map(|parameter| parameter["name"].as_str().unwrap().to_owned()).collect()
            };
            let in_braces = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
            assert_eq!(named("path"), in_braces.collect::<Vec<_>>(), "{method} {path}");
            let queries = named("query");
            assert_eq!(queries.iter().collect::<BTreeSet<_>>().len(), queries.len(), "{method} {path}");
        }
    }

    #[test]
    fn every_command_takes_a_key_and_whoever_is_known_names_a_position() {
        for (path, method, operation) in operations() {
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            let takes = |name: &str| parameters.iter().any(|parameter| parameter["name"] == name);
            let asks = ["get", "head", "options"].contains(&method.as_str());
            // What is done to an upload says itself where it belongs.
            let keyed = !asks && path != "/v1/uploads/{medium}";
            assert_eq!(takes("Idempotency-Key"), keyed, "{method} {path}");
            let known = operation["security"][0].get("token").is_some() && path != "/v1/ws";
            assert_eq!(takes("Teahouse-At-Least"), known, "{method} {path}");
        }
    }

    #[test]
    fn every_operation_says_who_may_call_it_and_what_goes_wrong() {
        for (path, method, operation) in operations() {
            assert!(operation["security"].is_array(), "{method} {path}");
            assert!(operation["summary"].is_string(), "{method} {path}");
            let refusals = operation["responses"].as_object().unwrap();
            assert!(!path.starts_with("/v1") || refusals.contains_key("429"), "{method} {path}");
        }
    }
}
