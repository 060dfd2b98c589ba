//! The process manager of groups' calls: ends ringing and what one is alone in, lets go of who is lost or no member any more,
//! and shows what is over.
//!
//! As that of calls of two it has a read model as its to-do list, and after a start everybody has the whole time to come
//! back.

use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    CallId, GroupCall,
    group_call::{Departure, Gone},
};

use crate::{Caller, CommandError, Commands, engine::Begun, processes::counted};

/// How many calls are shown in one round.
const ROUND: usize = 256;

impl Commands {
    /// Does everything that is due about groups' calls; tells how many items it did something about.
    ///
    /// # Errors
    /// The first that a list gives; an item's failure is logged, and the item stays on its list.
    pub async fn run_group_calls(&self) -> Result<usize, CommandError> {
        let mut done = 0;
        for call in self.group_call_list.unshown(ROUND).await? {
            done += counted("show group call", self.show_group_call(call).await);
        }
        let live = self.group_call_list.live().await?;
        for call in &live {
            done += counted("end group call", self.look_after_group(*call).await);
        }
        self.group_absences.retain(|(call, _)| live.binary_search(&call).is_ok());
        Ok(done)
    }

    async fn look_after_group(&self, call: CallId) -> Result<(), CommandError> {
        let state = self.streams.group_calls.look(call, GroupCall::clone).await?;
        let gone = self.gone_from(call, &state).await?;
        // Most are looked at in vain.
        if state.fall_due(&gone, self.now(), &self.policy.calls).is_empty() {
            return Ok(());
        }
        let begun = Begun::unkeyed(&Caller::SERVER);
        self.run(&self.streams.group_calls, call, begun, |state, now| {
            Ok(state.fall_due(&gone, now, &self.policy.calls))
        })
        .await?;
        Ok(())
    }

    /// Who can't be in a call any longer: who is not in the group any more, and whose device has been gone for too long.
    async fn gone_from(&self, call: CallId, state: &GroupCall) -> Result<Vec<Gone>, CommandError> {
        let (Some(started), now) = (state.started, self.now()) else { return Ok(vec![]) };
        let people: Vec<_> = state.present.iter().map(|one| one.user).chain(state.rung()).collect();
        let no_members = self.streams.conversations.look(started.conversation, |group| {
            people.iter().copied().filter(|user| !group.has_member(*user)).collect::<Vec<_>>()
        });
        let expelled = |user| Gone { user, reason: Departure::NoMember, since: now };
        let mut gone: Vec<Gone> = no_members.await?.into_iter().map(expelled).collect();
        // Devices may be connected to other servers, of which this one knows nothing.
        if self.heard.is_shared() {
            return Ok(gone);
        }
        let lost = TimeDelta::seconds(self.policy.calls.lost_seconds);
        for one in &state.present {
            let is_gone = !self.presence.is_connected(one.user, one.device);
            let since: Option<DateTime<Utc>> = self.group_absences.note((call, one.device), is_gone, now);
            if let Some(since) = since.filter(|since| now >= *since + lost) {
                gone.push(Gone { user: one.user, reason: Departure::Lost, since });
            }
        }
        Ok(gone)
    }
}
