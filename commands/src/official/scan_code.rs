//! A person reads a code of an official account.

use domain::{OfficialAccountId, Rejection, SubscriptionsEvent, official::Scene};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

/// What came of reading a code.
#[derive(Clone, Debug)]
pub struct Scan {
    /// Whose code it is.
    pub account: OfficialAccountId,
    /// What it says of where it hangs.
    pub scene: Scene,
    /// What was noted: nothing where the person does not follow the account.
    pub committed: Committed<SubscriptionsEvent>,
}

impl Commands {
    /// Takes in that the caller read a code. Who follows the account is told to it; who does not may follow now.
    ///
    /// # Errors
    /// [`Rejection::SceneCodeInvalid`].
    pub async fn scan_code(&self, caller: &Caller, code: &str) -> Result<Scan, CommandError> {
        let user = caller.user()?;
        let opened = self.secrets.open_scene_code(code, self.now()).ok_or(Rejection::SceneCodeInvalid)?;
        let (account, scene) = (opened.account, opened.scene);
        let committed = self.note_scan(caller, user, account, &scene).await?;
        Ok(Scan { account, scene, committed })
    }

    async fn note_scan(
        &self,
        caller: &Caller,
        user: domain::UserId,
        account: OfficialAccountId,
        scene: &Scene,
    ) -> Result<Committed<SubscriptionsEvent>, CommandError> {
        let begun = begin!(self, caller);
        self.run(&self.streams.subscriptions, user, begun, |state, _| Ok(state.scan(account, scene))).await
    }
}
