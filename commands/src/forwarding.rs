//! The port to what forwards sound and pictures: where a call has more people than devices can send to each other, each sends to
//! it once, and it sends on to all others.

use async_trait::async_trait;
use domain::{CallId, DeviceId};

/// A device in the call of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForwardedSeat {
    /// The call.
    pub call: CallId,
    /// The device.
    pub device: DeviceId,
    /// The place of its person in the call.
    pub place: usize,
}

/// The lines of a session description that are for what comes from one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaceLines {
    /// The place.
    pub place: usize,
    /// The name (`mid`) of the line for sound.
    pub audio: Option<String>,
    /// The name of the line for pictures.
    pub video: Option<String>,
}

/// What a device is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForwardedAnswer {
    /// The session description.
    pub sdp: String,
    /// Which lines are for whom.
    pub places: Vec<PlaceLines>,
}

/// Why a device is not let in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ForwardingError {
    /// What it offers can't be understood, or has nothing in it that could be forwarded.
    #[error("the offer can't be taken: {0}")]
    OfferRefused(String),
    /// As many devices are served as may be.
    #[error("no more devices can be served at present")]
    Full,
    /// It has ended.
    #[error("nothing is forwarded any more")]
    Stopped,
}

/// Forwards sound and pictures. Who may be in a call is not its to know.
#[async_trait]
pub trait MediaForwarder: Send + Sync + 'static {
    /// Lets a device in, in place of what it had in that call before.
    ///
    /// # Errors
    /// [`ForwardingError`]; what the device had before stays.
    async fn admit(&self, seat: ForwardedSeat, offer: String) -> Result<ForwardedAnswer, ForwardingError>;
    /// Who is let in at present.
    fn seated(&self) -> Vec<ForwardedSeat>;
    /// Puts a device out.
    fn dismiss(&self, call: CallId, device: DeviceId);
}
