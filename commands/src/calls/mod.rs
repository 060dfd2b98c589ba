//! Use cases of calls.

mod accept_call;
mod cancel_call;
mod connect_call;
mod decline_call;
mod engaged;
mod hang_up;
mod place_call;
mod processes;
mod ring;
mod show_call;
mod signal;

use domain::{CallEvent, CallId, Rejection, UserId};

pub(crate) use engaged::Engaged;
pub use place_call::CallToPlace;
pub(crate) use processes::Absences;

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Runs a command on a call.
    async fn run_call(
        &self,
        caller: &Caller,
        call: CallId,
        decide: impl Fn(&domain::Call, chrono::DateTime<chrono::Utc>) -> Result<Vec<CallEvent>, Rejection>,
    ) -> Result<Committed<CallEvent>, CommandError> {
        let begun = begin!(self, caller);
        self.run(&self.streams.calls, call, begun, decide).await
    }

    /// Whether somebody is in a call, of two or of a group, other than one of that id.
    pub(crate) async fn is_engaged(&self, user: UserId, except: Option<CallId>) -> Result<bool, CommandError> {
        let noted = self.engaged.call_of(user);
        let other = |call: &CallId| Some(*call) != except;
        for call in self.call_list.live_of(user)?.into_iter().chain(noted).filter(other) {
            if self.streams.calls.look(call, |state| state.engages(user)).await? {
                return Ok(true);
            }
        }
        for call in self.group_call_list.live_of(user)?.into_iter().chain(noted).filter(other) {
            if self.streams.group_calls.look(call, |state| state.engages(user)).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
