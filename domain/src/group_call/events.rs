//! What can happen to the call of a group.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    CallId, ConversationId, DeviceId, UserId,
    call::{CallMedia, CallOutcome},
    event::event_family,
};

/// A member calls the group; the actor, who is in the call from then on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupCallStarted {
    /// The call.
    pub call: CallId,
    /// The group.
    pub conversation: ConversationId,
    /// Which call of that group it is, from 1; the call's id follows from both.
    pub number: u64,
    /// Voice or video.
    pub media: CallMedia,
    /// The device that they are in it with.
    pub device: DeviceId,
    /// Whom it rings for.
    pub rung: Vec<UserId>,
    /// Those of them who have blocked the actor: they hear nothing, and nobody learns it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spared: Vec<UserId>,
}

/// Which way sound and pictures go in a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CallWay {
    /// From each device to every other.
    #[default]
    Mesh,
    /// From each device to the server, which forwards them to every other.
    Forwarded,
}

impl CallWay {
    fn is_mesh(&self) -> bool {
        *self == Self::Mesh
    }
}

/// A member comes into the call; the actor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupCallJoined {
    /// The call.
    pub call: CallId,
    /// Whose devices are told of it.
    pub told: Vec<UserId>,
    /// The device that they are in it with.
    pub device: DeviceId,
    /// Their place in it: the lowest that is free. Who started it has place 0.
    pub place: usize,
    /// Which way sound and pictures go from now on. Once they are forwarded, they are until the call ends.
    #[serde(default, skip_serializing_if = "CallWay::is_mesh")]
    pub way: CallWay,
}

/// Somebody for whom it rings does not want it; the actor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupCallDeclined {
    /// Whose devices are told of it.
    pub told: Vec<UserId>,
}

/// It has rung for long enough, or rings for somebody who is not in the group any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupCallUnanswered {
    /// Whose devices are told of it.
    pub told: Vec<UserId>,
    /// Those for whom it rings no longer.
    pub people: Vec<UserId>,
}

/// Why somebody is no longer in a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Departure {
    /// They left.
    Left,
    /// Their device was without a connection for too long.
    Lost,
    /// They are not in the group any more.
    NoMember,
}

/// Somebody is no longer in the call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupCallLeft {
    /// Whose devices are told of it.
    pub told: Vec<UserId>,
    /// Who.
    pub user: UserId,
    /// Why.
    pub reason: Departure,
    /// Until when they were in it: earlier than the event where they were lost.
    pub until: DateTime<Utc>,
}

/// For how long somebody was in a call with others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Talked {
    /// Who.
    pub user: UserId,
    /// For how long, in seconds.
    pub seconds: u64,
}

/// It is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupCallEnded {
    /// Whose devices are told of it.
    pub told: Vec<UserId>,
    /// How it ended.
    pub outcome: CallOutcome,
    /// For how long at least two were in it, in seconds.
    pub seconds: u64,
    /// Who was in it with others; nobody where nobody came.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub talked: Vec<Talked>,
}

event_family! {
    /// Events of a `group-call-` stream.
    GroupCallEvent {
        "group-call.started" => GroupCallStarted,
        "group-call.joined" => GroupCallJoined,
        "group-call.declined" => GroupCallDeclined,
        "group-call.unanswered" => GroupCallUnanswered,
        "group-call.left" => GroupCallLeft,
        "group-call.ended" => GroupCallEnded,
    }
}
