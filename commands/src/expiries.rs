//! The process manager that ends what waited too long: friend requests, invitations, requests to join.
//!
//! Its to-do list is a read model, so what fell due while the server was down is done at the next start. Each item names
//! the event that began the wait, and the decider ends only that wait: doing an item twice changes nothing.

use chrono::TimeDelta;

use crate::{Caller, CommandError, Commands, engine::Begun, ports::Due};

/// How many items are done before the list is read again.
const PAGE: usize = 256;

impl Commands {
    /// Ends everything that is due by now; tells how many items it went through.
    ///
    /// # Errors
    /// The first that a command or the to-do list gives; what was not done stays on the list.
    pub async fn run_expiries(&self) -> Result<usize, CommandError> {
        let before = |seconds| self.now() - TimeDelta::seconds(seconds);
        let mut done = 0;
        loop {
            let policy = &self.policy;
            let mut due = self.deadlines.friend_requests_before(before(policy.friend_request_seconds), PAGE).await?;
            due.extend(self.deadlines.pending_before(before(policy.invitation_seconds), PAGE).await?);
            if due.is_empty() {
                return Ok(done);
            }
            for item in due {
                self.expire(item).await?;
                done += 1;
            }
        }
    }

    async fn expire(&self, due: Due) -> Result<(), CommandError> {
        match due {
            Due::FriendRequest(id, version) => {
                let begun = Begun::unkeyed(&Caller::SERVER);
                self.run(&self.friendships, id, begun, |state, _| Ok(state.expire_request(id, version))).await?;
            }
            Due::Pending(conversation, user, version) => {
                let begun = Begun::unkeyed(&Caller::SERVER);
                self.run(&self.conversations, conversation, begun, |state, _| Ok(state.expire_pending(user, version)))
                    .await?;
            }
        }
        Ok(())
    }
}
