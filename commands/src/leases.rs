//! Leases: being the one server that does something, for a while.

use chrono::{DateTime, TimeDelta, Utc};
use domain::{Duty, LeaseEvent};
use uuid::Uuid;

use crate::{Caller, CommandError, Commands, engine::Begun};

impl Commands {
    /// Takes or renews a lease; gives until when it holds, or nothing while another server has it.
    ///
    /// # Errors
    /// Whatever keeps the log from being written.
    pub async fn take_lease(
        &self,
        duty: Duty,
        holder: Uuid,
        time: TimeDelta,
    ) -> Result<Option<DateTime<Utc>>, CommandError> {
        let begun = Begun::unkeyed(&Caller::SERVER);
        let taken = self.run(&self.streams.leases, duty, begun, |lease, now| Ok(lease.take(holder, now, time))).await?;
        Ok(taken.events.last().map(|(_, LeaseEvent::LeaseTaken(taken))| taken.until))
    }
}
