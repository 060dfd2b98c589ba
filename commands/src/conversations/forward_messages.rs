//! A person forwards messages to another conversation.

use domain::{
    ConversationEvent, ConversationId, Rejection, UserId,
    conversation::{Content, MergedItem, messages::Draft},
};

use crate::{Caller, CommandError, Commands, Committed, engine::begin, ports::VisibleMessage};

/// What to forward, and how.
#[derive(Clone, Debug)]
pub struct ForwardMessages {
    /// Where the messages are.
    pub from: ConversationId,
    /// Which.
    pub seqs: Vec<u64>,
    /// The title of the bundle they become; none forwards each by itself.
    pub merged_as: Option<String>,
}

impl Commands {
    /// Forwards messages that the caller may see. Pats and voice messages can't be forwarded, an announcement goes on as text.
    ///
    /// # Errors
    /// [`Rejection::MessageNotFound`], [`Rejection::MessageRecalled`], [`Rejection::ContentNotAllowed`], a bundle that is
    /// too large; and as for any message.
    pub async fn forward_messages(
        &self,
        caller: &Caller,
        to: ConversationId,
        command: ForwardMessages,
    ) -> Result<Committed<ConversationEvent>, CommandError> {
        let by = caller.user()?;
        let begun = begin!(self, caller);
        let max = self.policy.forward_max;
        if command.seqs.is_empty() {
            return Err(Rejection::InvalidField { field: "seqs", rule: "must not be empty" }.into());
        }
        if command.seqs.len() > max {
            return Err(Rejection::TooLong { field: "seqs", max, unit: "messages" }.into());
        }
        self.check_reaches(by, to).await?;
        let mut messages = vec![];
        for seq in &command.seqs {
            let message = self.relations.visible_message(by, command.from, *seq).await?;
            messages.push(message.ok_or(Rejection::MessageNotFound)?);
        }
        let contents = match command.merged_as {
            None => messages.into_iter().map(forwardable).collect::<Result<Vec<_>, _>>()?,
            Some(title) => vec![self.merge(title, messages).await?],
        };
        let drafts: Vec<Draft> = contents.into_iter().map(Draft::of).collect();
        self.run_in(to, begun, |state, now| state.say_all(by, &drafts, &self.policy, now)).await
    }

    async fn merge(&self, title: String, messages: Vec<VisibleMessage>) -> Result<Content, CommandError> {
        domain::rejection::check_name("title", &title, 100)?;
        let mut items = vec![];
        for message in messages {
            let (sender, sent_at) = (self.display_name(message.sender).await?, message.at);
            items.push(MergedItem { sender, sent_at, content: forwardable(message)? });
        }
        Ok(Content::Merged { title, items })
    }

    async fn display_name(&self, user: UserId) -> Result<String, CommandError> {
        self.streams.users.look(user, |user| user.profile.display_name.clone()).await
    }
}

/// What goes on when a message is forwarded.
fn forwardable(message: VisibleMessage) -> Result<Content, Rejection> {
    match message.content {
        None => Err(Rejection::MessageRecalled),
        Some(
            Content::Pat { .. }
            | Content::Voice(_)
            | Content::Transfer { .. }
            | Content::RedPacket { .. }
            | Content::Call { .. },
        ) => Err(Rejection::ContentNotAllowed),
        Some(Content::Announcement { text }) => Ok(Content::Text { text }),
        Some(content) => Ok(content),
    }
}
