//! What can happen to a call.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{CallId, ConversationId, DeviceId, UserId, event::event_family};

/// What people send each other in a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CallMedia {
    /// Sound alone.
    Voice,
    /// Sound and pictures.
    Video,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CallOutcome {
    /// They talked, and somebody hung up.
    Completed,
    /// Nobody answered in time.
    Missed,
    /// The callee did not want it.
    Declined,
    /// The callee was in another call.
    Busy,
    /// The caller gave up before anybody answered.
    Cancelled,
    /// It was answered and never connected, or the connection was lost.
    Failed,
}

/// Somebody calls; the actor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallInvited {
    /// The call.
    pub call: CallId,
    /// The direct conversation of the two.
    pub conversation: ConversationId,
    /// Which call of that conversation it is, from 1; the call's id follows from both.
    pub number: u64,
    /// Voice or video.
    pub media: CallMedia,
    /// Whom they call.
    pub callee: UserId,
    /// The device that they call from.
    pub device: DeviceId,
    /// The callee has blocked the caller: they never hear of it, and the caller never learns it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unheard: bool,
}

/// A device of the callee rings. Of a call that the callee never hears it only seems so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallRang {
    /// Whose devices are told of it.
    pub told: Vec<UserId>,
}

/// The callee answered; the actor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallAccepted {
    /// The call.
    pub call: CallId,
    /// Whose devices are told of it.
    pub told: Vec<UserId>,
    /// The device that answered.
    pub device: DeviceId,
    /// They did so by calling the caller at the same time.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub crossed: bool,
}

/// The two devices reached each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallConnected {
    /// Whose devices are told of it.
    pub told: Vec<UserId>,
}

/// It is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallEnded {
    /// Whose devices are told of it.
    pub told: Vec<UserId>,
    /// How it ended.
    pub outcome: CallOutcome,
    /// Who talked; nobody where it never connected.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub talked: Vec<UserId>,
    /// For how long, in seconds.
    #[serde(default)]
    pub seconds: u64,
}

/// A device of the call is connected, somewhere. Noted now and then where several servers share the log: each of them knows
/// only the devices that are connected to itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallAttended {}

event_family! {
    /// Events of a `call-` stream.
    CallEvent {
        "call.invited" => CallInvited,
        "call.rang" => CallRang,
        "call.accepted" => CallAccepted,
        "call.connected" => CallConnected,
        "call.attended" => CallAttended,
        "call.ended" => CallEnded,
    }
}
