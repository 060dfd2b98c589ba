//! Friendship: what two people are to each other.
//!
//! Each side has the other among its contacts or not. Removing is one-sided: the other side keeps its contact and learns
//! of the removal only when a message is turned away.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    FriendshipId, UserId,
    event::{Aggregate, EventMeta, event_family},
    rejection::{Rejection, check_text},
};

/// How a person came upon another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// By searching for the handle.
    #[default]
    Search,
    /// In a group.
    Group,
    /// From a contact card.
    Card,
}

/// Somebody asks to be friends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FriendRequested {
    /// Whom they ask; the actor asks.
    pub to: UserId,
    /// A few words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub greeting: String,
    /// How they came upon them.
    #[serde(default)]
    pub source: Source,
    /// The receiver has blocked the sender: they never see the request, and the sender never learns it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dropped: bool,
}

/// The request was accepted: each has the other now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FriendAccepted {
    /// Who had asked; the actor accepts.
    pub from: UserId,
    /// Sides that had as many full friends as there may be, and get this one as chats only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chats_only_for: Vec<UserId>,
}

/// The request was declined. Who asked is not told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FriendDeclined {
    /// Who had asked; the actor declines.
    pub from: UserId,
}

/// The request waited too long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FriendRequestExpired {
    /// Who had asked.
    pub from: UserId,
    /// Who had not answered.
    pub to: UserId,
}

/// The actor removed the other from the contacts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FriendRemoved {
    /// Who was removed.
    pub other: UserId,
}

/// The actor added a person back who still had them: no question is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FriendRestored {
    /// Who was added back.
    pub other: UserId,
}

event_family! {
    /// Events of a `friendship-` stream.
    FriendshipEvent {
        "friend.requested" => FriendRequested,
        "friend.accepted" => FriendAccepted,
        "friend.declined" => FriendDeclined,
        "friend.request-expired" => FriendRequestExpired,
        "friend.removed" => FriendRemoved,
        "friend.restored" => FriendRestored,
    }
}

/// A request that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenRequest {
    /// Who asked.
    pub from: UserId,
    /// Whether the receiver never sees it.
    pub dropped: bool,
    /// The version of the event that opened it.
    pub version: u64,
}

/// What two people are to each other.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Friendship {
    /// Who has the other among the contacts: none, one or both of the two.
    holders: Vec<UserId>,
    /// Sides that got the other as chats only when they became friends, their lists of full friends being full.
    chats_only_for: Vec<UserId>,
    /// The request that waits, if any.
    pub request: Option<OpenRequest>,
}

impl Friendship {
    /// Whether `user` has the other among the contacts.
    #[must_use]
    pub fn held_by(&self, user: UserId) -> bool {
        self.holders.contains(&user)
    }

    /// Whether `user` got the other as chats only when they became friends.
    #[must_use]
    pub fn began_as_chats_only_for(&self, user: UserId) -> bool {
        self.chats_only_for.contains(&user)
    }

    /// Whether each has the other.
    #[must_use]
    pub fn is_mutual(&self) -> bool {
        self.holders.len() == 2
    }

    /// `from` asks `to`. A person who still has `from` is simply added back.
    ///
    /// # Errors
    /// [`Rejection::AlreadyFriends`], [`Rejection::NotYourself`], a greeting that is too long;
    /// [`Rejection::AskedAlready`] where the request of `to` waits: it is for accepting, which needs their conversation.
    pub fn ask(&self, from: UserId, request: FriendRequested) -> Result<Vec<FriendshipEvent>, Rejection> {
        let to = request.to;
        if from == to {
            return Err(Rejection::NotYourself);
        }
        check_text("greeting", &request.greeting, 100)?;
        if self.is_mutual() {
            return Err(Rejection::AlreadyFriends);
        }
        if self.held_by(to) && !request.dropped {
            return Ok(vec![FriendRestored { other: to }.into()]);
        }
        if self.request_waits(to) {
            return Err(Rejection::AskedAlready);
        }
        Ok(vec![request.into()])
    }

    /// `by` accepts the request of `from`.
    ///
    /// # Errors
    /// [`Rejection::RequestNotFound`].
    pub fn accept(
        &self,
        by: UserId,
        from: UserId,
        chats_only_for: Vec<UserId>,
    ) -> Result<Vec<FriendshipEvent>, Rejection> {
        self.seen_request(by, from)?;
        Ok(vec![FriendAccepted { from, chats_only_for }.into()])
    }

    /// `by` declines the request of `from`.
    ///
    /// # Errors
    /// [`Rejection::RequestNotFound`].
    pub fn decline(&self, by: UserId, from: UserId) -> Result<Vec<FriendshipEvent>, Rejection> {
        self.seen_request(by, from)?;
        Ok(vec![FriendDeclined { from }.into()])
    }

    /// `by` blocks the other: a request of theirs that waits is declined.
    #[must_use]
    pub fn close_request_of(&self, from: UserId) -> Vec<FriendshipEvent> {
        if self.request_waits(from) { vec![FriendDeclined { from }.into()] } else { vec![] }
    }

    /// Whether a request of `from` waits that the other can see.
    #[must_use]
    pub fn request_waits(&self, from: UserId) -> bool {
        self.request.is_some_and(|request| request.from == from && !request.dropped)
    }

    /// The request that the event of `version` opened has waited long enough.
    #[must_use]
    pub fn expire_request(&self, id: FriendshipId, version: u64) -> Vec<FriendshipEvent> {
        match self.request {
            Some(request) if request.version == version => {
                vec![FriendRequestExpired { from: request.from, to: id.other(request.from) }.into()]
            }
            _ => vec![],
        }
    }

    /// `by` removes `other`, who is not told.
    ///
    /// # Errors
    /// [`Rejection::NotAContact`].
    pub fn remove(&self, by: UserId, other: UserId) -> Result<Vec<FriendshipEvent>, Rejection> {
        if !self.held_by(by) {
            return Err(Rejection::NotAContact);
        }
        Ok(vec![FriendRemoved { other }.into()])
    }

    fn seen_request(&self, by: UserId, from: UserId) -> Result<(), Rejection> {
        if from != by && self.request_waits(from) { Ok(()) } else { Err(Rejection::RequestNotFound) }
    }

    fn add_holder(&mut self, user: UserId) {
        if !self.held_by(user) {
            self.holders.push(user);
        }
    }
}

impl Aggregate for Friendship {
    type Id = FriendshipId;
    type Event = FriendshipEvent;
    const CATEGORY: &'static str = "friendship";

    fn evolve(&mut self, event: &FriendshipEvent, meta: &EventMeta) {
        match event {
            FriendshipEvent::FriendRequested(requested) => {
                self.request =
                    meta.actor.map(|from| OpenRequest { from, dropped: requested.dropped, version: meta.version });
            }
            FriendshipEvent::FriendAccepted(accepted) => {
                self.request = None;
                self.chats_only_for.clone_from(&accepted.chats_only_for);
                self.add_holder(accepted.from);
                if let Some(by) = meta.actor {
                    self.add_holder(by);
                }
            }
            FriendshipEvent::FriendDeclined(_) | FriendshipEvent::FriendRequestExpired(_) => self.request = None,
            FriendshipEvent::FriendRemoved(removed) => self.holders.retain(|holder| *holder == removed.other),
            FriendshipEvent::FriendRestored(_) => {
                self.request = None;
                if let Some(by) = meta.actor {
                    self.add_holder(by);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::given_by;

    fn request(to: UserId) -> FriendRequested {
        FriendRequested { to, greeting: "hello".into(), source: Source::Search, dropped: false }
    }

    fn friends(a: UserId, b: UserId) -> Vec<(UserId, FriendshipEvent)> {
        let accepted = FriendAccepted { from: a, chats_only_for: vec![] };
        vec![(a, request(b).into()), (b, accepted.into())]
    }

    #[test]
    fn an_accepted_request_makes_both_friends() {
        let (a, b) = (UserId::new(), UserId::new());
        let asked = given_by::<Friendship>(vec![(a, request(b).into())]);
        assert_eq!(asked.accept(a, a, vec![]), Err(Rejection::RequestNotFound));
        assert!(asked.accept(b, a, vec![]).is_ok());
        assert!(given_by::<Friendship>(friends(a, b)).is_mutual());
    }

    #[test]
    fn a_removal_is_one_sided() {
        let (a, b) = (UserId::new(), UserId::new());
        let mut events = friends(a, b);
        events.push((a, FriendRemoved { other: b }.into()));
        let state = given_by::<Friendship>(events);
        assert!(!state.held_by(a));
        assert!(state.held_by(b));
        assert_eq!(state.remove(a, b), Err(Rejection::NotAContact));
    }

    #[test]
    fn adding_back_a_person_who_still_has_me_asks_no_question() {
        let (a, b) = (UserId::new(), UserId::new());
        let mut events = friends(a, b);
        events.push((a, FriendRemoved { other: b }.into()));
        let state = given_by::<Friendship>(events);
        assert_eq!(state.ask(a, request(b)), Ok(vec![FriendRestored { other: b }.into()]));
        assert_eq!(state.ask(b, request(a)), Ok(vec![request(a).into()]));
    }

    #[test]
    fn a_dropped_request_can_not_be_accepted() {
        let (a, b) = (UserId::new(), UserId::new());
        let dropped = FriendRequested { dropped: true, ..request(b) };
        let state = given_by::<Friendship>(vec![(a, dropped.into())]);
        assert_eq!(state.accept(b, a, vec![]), Err(Rejection::RequestNotFound));
    }

    #[test]
    fn who_is_asked_by_a_person_accepts_rather_than_asks_back() {
        let (a, b) = (UserId::new(), UserId::new());
        let asked = given_by::<Friendship>(vec![(a, request(b).into())]);
        assert_eq!(asked.ask(b, request(a)), Err(Rejection::AskedAlready));
        assert_eq!(asked.ask(a, request(b)), Ok(vec![request(b).into()]), "the same person may ask anew");
        let unseen = FriendRequested { dropped: true, ..request(b) };
        let unseen = given_by::<Friendship>(vec![(a, unseen.into())]);
        assert_eq!(unseen.ask(b, request(a)), Ok(vec![request(a).into()]), "nobody learns of what was dropped");
    }

    #[test]
    fn blocking_declines_the_request_that_the_blocked_person_made_and_no_other() {
        let (a, b) = (UserId::new(), UserId::new());
        let asked = given_by::<Friendship>(vec![(a, request(b).into())]);
        assert_eq!(asked.close_request_of(a), vec![FriendDeclined { from: a }.into()]);
        assert_eq!(asked.close_request_of(b), vec![]);
    }

    #[test]
    fn only_the_request_that_waited_expires() {
        let (a, b) = (UserId::new(), UserId::new());
        let id = FriendshipId::between(a, b);
        let state = given_by::<Friendship>(vec![(a, request(b).into()), (a, request(b).into())]);
        assert_eq!(state.expire_request(id, 1), vec![]);
        assert_eq!(state.expire_request(id, 2), vec![FriendRequestExpired { from: a, to: b }.into()]);
    }

    #[test]
    fn nobody_befriends_themselves() {
        let a = UserId::new();
        assert_eq!(Friendship::default().ask(a, request(a)), Err(Rejection::NotYourself));
    }
}
