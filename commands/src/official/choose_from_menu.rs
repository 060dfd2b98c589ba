//! A follower chooses something from an official account's menu.

use domain::{ConversationEvent, OfficialAccountId, Rejection};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

/// A button's place in a menu.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ButtonPlace {
    /// Which in the bar, from 0.
    pub bar: usize,
    /// Which below that one, from 0.
    pub below: Option<usize>,
}

impl Commands {
    /// Takes in that the caller chose a button from the menu of an account that they follow.
    ///
    /// # Errors
    /// [`Rejection::OfficialAccountNotFound`], [`Rejection::NotFollowed`], [`Rejection::MenuButtonNotFound`].
    pub async fn choose_from_menu(
        &self,
        caller: &Caller,
        account: OfficialAccountId,
        place: ButtonPlace,
    ) -> Result<Committed<ConversationEvent>, CommandError> {
        let user = caller.user()?;
        let begun = begin!(self, caller);
        self.check_official_account(account).await?;
        self.check_followed(account, user).await?;
        let at = |menu: &domain::official::Menu| menu.at(place.bar, place.below).cloned();
        let button = self.streams.official_accounts.look(account, |state| state.menu.as_ref().and_then(at)).await?;
        let button = button.ok_or(Rejection::MenuButtonNotFound)?;
        let conversation = self.open_talk(&begun, account, user).await?;
        self.run(&self.streams.conversations, conversation, begun, |state, _| state.choose(user, &button)).await
    }
}
