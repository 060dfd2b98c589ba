//! A person follows an official account.

use domain::{OfficialAccountId, Rejection, SubscriptionsEvent, official::Scene, subscriptions::FollowSource};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

/// How somebody came to follow an account.
#[derive(Clone, Debug, Default)]
pub struct Follow {
    /// How they came upon it.
    pub source: FollowSource,
    /// The code that they read, where it was one with a scene.
    pub code: Option<String>,
}

impl Commands {
    /// Follows an account. Nothing is written to the account's stream, however many follow it at once.
    ///
    /// # Errors
    /// [`Rejection::OfficialAccountNotFound`], [`Rejection::SceneCodeInvalid`], [`Rejection::TooManyFollowed`].
    pub async fn follow_account(
        &self,
        caller: &Caller,
        account: OfficialAccountId,
        follow: Follow,
    ) -> Result<Committed<SubscriptionsEvent>, CommandError> {
        let user = caller.user()?;
        let begun = begin!(self, caller);
        self.check_official_account(account).await?;
        let scene = match &follow.code {
            Some(code) => Some(self.scene_of(account, code)?),
            None => None,
        };
        let source = if scene.is_some() { FollowSource::Code } else { follow.source };
        let openid = self.secrets.openid(account, user);
        self.run(&self.streams.subscriptions, user, begun, |state, _| {
            state.follow(account, &openid, source, scene.clone(), &self.policy.official)
        })
        .await
    }

    /// What a code of an account says of where it hangs.
    fn scene_of(&self, account: OfficialAccountId, code: &str) -> Result<Scene, Rejection> {
        let opened = self.secrets.open_scene_code(code, self.now()).filter(|opened| opened.account == account);
        opened.map(|opened| opened.scene).ok_or(Rejection::SceneCodeInvalid)
    }
}
