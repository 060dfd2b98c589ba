//! A device in a group's call sends what it has through the server.

use domain::{CallId, DeviceId, GroupCall, Rejection, UserId};

use crate::{
    Caller, CommandError, Commands,
    forwarding::{ForwardedAnswer, ForwardedSeat},
};

/// Longest offer, in bytes: lines for everybody in a call, with what a browser says of each.
const OFFER_BYTES: usize = 128 * 1024;

impl Commands {
    /// Has what a device sends forwarded to all others in a call, and what they send to it. It answers the device's offer.
    /// Nothing of it is kept.
    ///
    /// # Errors
    /// [`Rejection::CallNotFound`] for who is no member of the group, [`Rejection::CallOver`],
    /// [`Rejection::DeviceNotInCall`], [`Rejection::OfferRefused`]; [`CommandError::NotConnected`] where this server
    /// forwards nothing, [`CommandError::ForwardingFull`].
    pub async fn forward_media(
        &self,
        caller: &Caller,
        call: CallId,
        offer: String,
    ) -> Result<ForwardedAnswer, CommandError> {
        let (by, device) = (caller.user()?, Self::device_of(caller)?);
        self.check_may_join(by, call).await?;
        let place = self.streams.group_calls.look(call, |state| place_of(state, by, device)).await??;
        if offer.len() > OFFER_BYTES {
            return Err(Rejection::TooLong { field: "offer", max: OFFER_BYTES, unit: "bytes" }.into());
        }
        let forwarder = self.forwarder.as_ref().ok_or(CommandError::NotConnected("forwarding unit"))?;
        Ok(forwarder.admit(ForwardedSeat { call, device, place }, offer).await?)
    }

    /// How many devices this server forwards to.
    #[must_use]
    pub fn forwarded_devices(&self) -> usize {
        self.forwarder.as_ref().map_or(0, |forwarder| forwarder.seated().len())
    }

    /// Puts out of the forwarding who is in their call no longer, or came anew to another place. Each server does so for
    /// what it forwards itself.
    ///
    /// # Errors
    /// When a call can't be read; the devices of those after it stay.
    pub async fn dismiss_departed(&self) -> Result<(), CommandError> {
        let Some(forwarder) = &self.forwarder else { return Ok(()) };
        for ForwardedSeat { call, device, place } in forwarder.seated() {
            let has_seat = |state: &GroupCall| {
                state.is_live() && state.present.iter().any(|one| one.device == device && one.place == place)
            };
            if !self.streams.group_calls.look(call, has_seat).await? {
                forwarder.dismiss(call, device);
            }
        }
        Ok(())
    }
}

fn place_of(state: &GroupCall, user: UserId, device: DeviceId) -> Result<usize, Rejection> {
    if !state.is_live() {
        return Err(Rejection::CallOver);
    }
    let present = state.participant(user).filter(|present| present.device == device);
    present.map(|present| present.place).ok_or(Rejection::DeviceNotInCall)
}
