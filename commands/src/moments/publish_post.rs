//! A person publishes a post.

use std::collections::BTreeSet;

use domain::{
    MediumId, MediumKind, PostEvent, PostId, TagId, UserId,
    medium::Carried,
    moments::post::{Draft, Link},
};

use crate::{
    Caller, CommandError, Commands, Committed,
    engine::{Begun, begin},
};

impl Commands {
    /// Publishes a post. Its id comes back too. It costs the same however many may see it: who does is judged when they
    /// look.
    ///
    /// # Errors
    /// Fields that break their rules, [`domain::Rejection::TagNotFound`]; media that are not the author's own, or of
    /// another kind; [`domain::Rejection::ArticleNotFound`].
    pub async fn publish_post(
        &self,
        caller: &Caller,
        draft: Draft,
    ) -> Result<(PostId, Committed<PostEvent>), CommandError> {
        let id = PostId(caller.id_of_made());
        Ok((id, self.publish(caller, id, draft).await?))
    }

    async fn publish(&self, caller: &Caller, id: PostId, draft: Draft) -> Result<Committed<PostEvent>, CommandError> {
        let by = caller.user()?;
        let begun = begin!(self, caller);
        let named = draft.audience.named().map(|named| &named.tags);
        let own: BTreeSet<TagId> = match named.filter(|tags| !tags.is_empty()) {
            None => BTreeSet::new(),
            Some(tags) => {
                let own =
                    |contacts: &domain::Contacts| tags.iter().copied().filter(|tag| contacts.has_tag(*tag)).collect();
                self.streams.contacts.look(by, own).await?
            }
        };
        let draft = self.with_media(by, draft, &begun).await?;
        let article = match &draft.article {
            Some(card) => Some(self.article_card(card.article).await?),
            None => None,
        };
        let draft = Draft { article, ..draft };
        let has_tag = |tag| own.contains(&tag);
        self.run(&self.streams.posts, id, begun, |state, _| state.publish(draft.clone(), has_tag, &self.policy)).await
    }

    /// The draft with what its media show.
    async fn with_media(&self, by: UserId, draft: Draft, begun: &Begun) -> Result<Draft, CommandError> {
        // More than there may be are refused before anybody looks at them.
        let most = self.policy.moments.pictures_max + 1;
        let name = async |medium: MediumId, kind| self.name_medium(by, medium, &[kind], begun).await;
        let mut pictures: Vec<Carried> = vec![];
        for carried in draft.pictures.iter().take(most) {
            pictures.push(name(carried.medium, MediumKind::Picture).await?);
        }
        let video = match &draft.video {
            Some(carried) => Some(name(carried.medium, MediumKind::Video).await?),
            None => None,
        };
        let mut link = draft.link;
        if let Some(Link { picture: Some(carried), .. }) = link.as_deref_mut() {
            *carried = name(carried.medium, MediumKind::Picture).await?;
        }
        Ok(Draft { pictures, video, link, ..draft })
    }
}
