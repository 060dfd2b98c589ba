//! Search in one's conversations, by the names of groups and people.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use actix_web::{get, web};
use domain::{ConversationId, UserId};
use projections::{
    ProjectionError,
    chat::{ChatView, ConversationDetails, ConversationKind, MemberRow, Reading},
    people::PeopleView,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::{aside, page, page_limit};
use crate::{
    App,
    problem::{Code, Problem, Refusals},
    query::Query,
    request::Reader,
};

/// Longest text to look for, in characters.
const TEXT_CHARS: usize = 100;
/// The names of at most this many people are looked at.
const PEOPLE_MAX: usize = 10_000;

pub(super) fn configure(config: &mut ServiceConfig) {
    config.service(search_conversations);
}

/// What to search for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ConversationQuery {
    /// A part of a name, whatever its case: 1 to 100 characters.
    #[param(min_length = 1, max_length = 100)]
    q: String,
    /// An earlier page's `next`.
    cursor: Option<String>,
    /// At most this many, 1 to 100; 20 if not given.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<usize>,
}

/// Where the text was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Match {
    /// In the name of the group, or one of the other person's names.
    Name,
    /// In one of a member's names.
    Member,
}

/// A conversation that was found.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ConversationFound {
    /// The conversation.
    pub conversation: ConversationId,
    /// Of two people or of a group.
    pub kind: ConversationKind,
    /// The other person of a direct conversation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer: Option<UserId>,
    /// The group's name, or the name of the other person as the caller sees it.
    pub name: String,
    /// Where the text was found.
    pub matched: Match,
    /// The member in whose names it was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub member: Option<UserId>,
}

/// A page of conversations found.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConversationsFound {
    /// Those whose own name fits first, then those with a member's; each by name.
    pub conversations: Vec<ConversationFound>,
    /// Pass as `cursor` for more; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Search in one's conversations: by a group's name, by the names of the other person or of members. A person is known by
/// one's own remark, the name they show, their handle and their name in the group.
#[utoipa::path(tag = "search", params(ConversationQuery), security(("token" = [])),
    responses((status = 200, description = "The conversations.", body = ConversationsFound), Refusals))]
#[get("/v1/search/conversations")]
async fn search_conversations(
    reader: Reader,
    query: Query<ConversationQuery>,
    app: web::Data<App>,
) -> Result<web::Json<ConversationsFound>, Problem> {
    let limit = page_limit(query.limit, 20, 100)?;
    let wanted = query.q.trim().to_lowercase();
    if wanted.is_empty() || wanted.chars().count() > TEXT_CHARS {
        return Err(Problem::new(Code::InvalidQuery, format!("q: has 1 to {TEXT_CHARS} characters")));
    }
    app.limits.message_search(&reader.user)?;
    let chat = app.fresh(&app.read_models.chat, reader.at_least).await?;
    let people = app.fresh(&app.read_models.people, reader.at_least).await?;
    let reading = app.reading();
    let search = move || Search { user: reader.user, wanted, people, names: BTreeMap::new() }.run(&chat, &reading);
    let key = |row: &ConversationFound| (row.matched, row.name.to_lowercase(), row.conversation);
    let (conversations, next) = page(aside(search).await?, key, query.cursor.as_deref(), limit)?;
    Ok(web::Json(ConversationsFound { conversations, next }))
}

/// One person's search.
struct Search {
    user: UserId,
    /// What is looked for, in lower case.
    wanted: String,
    people: Arc<PeopleView>,
    /// The names of people looked at so far.
    names: BTreeMap<UserId, Names>,
}

/// What somebody is called.
#[derive(Clone, Default)]
struct Names {
    /// The caller's remark, else the name they show.
    shown: String,
    /// Whether the text is in the remark, the name they show or their handle.
    fits: bool,
}

impl Search {
    fn run(mut self, chat: &ChatView, reading: &Reading) -> Result<Vec<ConversationFound>, ProjectionError> {
        // What is hidden from the list has a history; what has none yet is on the list.
        let spoken = chat.conversations_of(self.user).into_iter().map(|part| part.conversation);
        let listed = chat.inbox(self.user, reading)?.into_iter().map(|row| row.id);
        let all: BTreeSet<ConversationId> = spoken.chain(listed).collect();
        let mut found = vec![];
        for conversation in all {
            if let Some(details) = chat.details(self.user, conversation, reading)? {
                found.extend(self.judge(details)?);
            }
        }
        found.sort_by_cached_key(|row| (row.matched, row.name.to_lowercase(), row.conversation));
        Ok(found)
    }

    fn judge(&mut self, details: ConversationDetails) -> Result<Option<ConversationFound>, ProjectionError> {
        let ConversationDetails { id, kind, peer, name, members, .. } = details;
        let found = |name, matched, member| ConversationFound { conversation: id, kind, peer, name, matched, member };
        if let Some(peer) = peer {
            let names = self.names(peer)?;
            return Ok(names.fits.then(|| found(names.shown, Match::Name, None)));
        }
        let name = name.unwrap_or_default();
        if self.is_in(&name) {
            return Ok(Some(found(name, Match::Name, None)));
        }
        for MemberRow { id: member, nickname, .. } in members {
            if member != self.user && (self.is_in(&nickname) || self.names(member)?.fits) {
                return Ok(Some(found(name, Match::Member, Some(member))));
            }
        }
        Ok(None)
    }

    fn is_in(&self, name: &str) -> bool {
        name.to_lowercase().contains(&self.wanted)
    }

    fn names(&mut self, person: UserId) -> Result<Names, ProjectionError> {
        if let Some(names) = self.names.get(&person) {
            return Ok(names.clone());
        }
        if self.names.len() >= PEOPLE_MAX {
            return Ok(Names::default());
        }
        let remark = self.people.notes_on(self.user, person).remark;
        let known = self.people.person(person)?;
        let (name, handle) = known.map(|known| (known.profile.display_name, known.handle)).unwrap_or_default();
        let fits = [&remark, &name, &handle].into_iter().any(|name| self.is_in(name));
        let names = Names { shown: if remark.is_empty() { name } else { remark }, fits };
        self.names.insert(person, names.clone());
        Ok(names)
    }
}
