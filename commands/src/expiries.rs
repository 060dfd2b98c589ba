//! The process manager that ends what waited too long: friend requests, invitations, requests to join.
//!
//! Its to-do list is a read model, so what fell due while the server was down is done at the next start. Each item names
//! the event that began the wait, and the decider ends only that wait: doing an item twice changes nothing.

use chrono::TimeDelta;

use crate::{Caller, CommandError, Commands, engine::Begun, ports::Due, processes::counted};

/// How many items are done before the list is read again.
const PAGE: usize = 256;

impl Commands {
    /// Ends everything that is due by now; tells how many items it did.
    ///
    /// # Errors
    /// The first that a list gives; an item's failure is logged, and the item stays on its list.
    pub async fn run_expiries(&self) -> Result<usize, CommandError> {
        let before = |seconds| self.now() - TimeDelta::seconds(seconds);
        let mut done = 0;
        loop {
            let policy = &self.policy;
            let mut due = self.deadlines.friend_requests_before(before(policy.friend_request_seconds), PAGE).await?;
            due.extend(self.deadlines.pending_before(before(policy.invitation_seconds), PAGE).await?);
            let mut ended = 0;
            for item in &due {
                ended += counted("expire", self.expire(*item).await);
            }
            done += ended;
            // Where none of them could be ended, the same ones would be on the list again.
            if due.len() < PAGE || ended == 0 {
                return Ok(done);
            }
        }
    }

    async fn expire(&self, due: Due) -> Result<(), CommandError> {
        match due {
            Due::FriendRequest(id, version) => {
                let begun = Begun::unkeyed(&Caller::SERVER);
                self.run(&self.streams.friendships, id, begun, |state, _| Ok(state.expire_request(id, version)))
                    .await?;
            }
            Due::Pending(conversation, user, version) => {
                let begun = Begun::unkeyed(&Caller::SERVER);
                self.run(&self.streams.conversations, conversation, begun, |state, _| {
                    Ok(state.expire_pending(user, version))
                })
                .await?;
            }
        }
        Ok(())
    }
}
