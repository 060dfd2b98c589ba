//! A device showed the timeline.

use domain::CircleEvent;
use eventlog::Position;

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Marks the timeline as seen up to the post at that position, which the log must have come to. A mark never goes back.
    ///
    /// # Errors
    /// Those of any command.
    pub async fn view_timeline(
        &self,
        caller: &Caller,
        newest: Position,
    ) -> Result<Committed<CircleEvent>, CommandError> {
        let user = caller.user()?;
        let begun = begin!(self, caller);
        self.run(&self.streams.circles, user, begun, |state, _| Ok(state.view(newest.0))).await
    }
}
