//! A device showed notices.

use domain::CircleEvent;
use eventlog::Position;

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Marks notices as read up to the one at that position, which the log must have come to. A mark never goes back.
    ///
    /// # Errors
    /// Those of any command.
    pub async fn read_notices(
        &self,
        caller: &Caller,
        newest: Position,
    ) -> Result<Committed<CircleEvent>, CommandError> {
        let user = caller.user()?;
        let begun = begin!(self, caller);
        self.run(&self.streams.circles, user, begun, |state, _| Ok(state.read_notices(newest.0))).await
    }
}
