//! What somebody is to the author of a post, and so how much of it they see.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use domain::{
    CommentId, FriendshipId, Post, PostId, TagId, UserId,
    moments::{
        circle::Settings,
        post::Comment,
        visibility::{Bond, Regard, Sight, is_shown, sight},
    },
};

use crate::{CommandError, Commands};

/// What somebody is to the author of a post. With the post and the time it says how much of the post they see.
#[derive(Debug)]
pub(super) enum Standing {
    /// They wrote it.
    Author,
    /// There is no such post, or no longer.
    Nobody,
    /// Somebody else.
    Other {
        /// Who.
        viewer: UserId,
        /// What they and the author are to each other.
        bond: Bond,
        /// Whether the author keeps all own Moments from them.
        shut_out: bool,
        /// The author's tags on them.
        tags: BTreeSet<TagId>,
        /// How the author's Moments are shown.
        settings: Settings,
    },
}

impl Standing {
    /// How much of the post they see.
    pub(super) fn sight(&self, post: &Post, now: DateTime<Utc>) -> Sight {
        match (self, post.published()) {
            (_, None) | (Self::Nobody, _) => Sight::Nothing,
            (Self::Author, Some(_)) => Sight::Full,
            (Self::Other { viewer, bond, shut_out, tags, settings }, Some(published)) => {
                let regard = Regard { bond: *bond, shut_out: *shut_out, tags };
                sight(*viewer, &published.audience, published.at, settings, regard, now)
            }
        }
    }
}

impl Commands {
    /// What `viewer` is to the author of a post. It looks at five streams whatever the number of friends, likes and
    /// comments.
    pub(super) async fn standing(&self, viewer: UserId, post: PostId) -> Result<Standing, CommandError> {
        let author = self.streams.posts.look(post, |state| state.published().map(|published| published.author)).await?;
        let author = match author {
            None => return Ok(Standing::Nobody),
            Some(author) if author == viewer => return Ok(Standing::Author),
            Some(author) => author,
        };
        let bond = self.bond(viewer, author).await?;
        let (shut_out, tags) = self
            .streams
            .contacts
            .look(author, |contacts| {
                let notes = contacts.noted(viewer);
                notes.map(|notes| (notes.hides_own_moments, notes.tags.clone())).unwrap_or_default()
            })
            .await?;
        let settings = self.streams.circles.look(author, |circle| circle.settings).await?;
        Ok(Standing::Other { viewer, bond, shut_out, tags, settings })
    }

    /// Whether `viewer`, who sees the post in full, sees a comment on it. Neither its author nor whom it answers ever
    /// changes.
    pub(super) async fn sees_comment(
        &self,
        viewer: UserId,
        post: PostId,
        comment: CommentId,
    ) -> Result<bool, CommandError> {
        let found = self.streams.posts.look(post, |state| {
            let author = state.published().map(|published| published.author);
            author.zip(state.comment(comment))
        });
        let Some((author, Comment { author: actor, target })) = found.await? else { return Ok(false) };
        let mut known = BTreeSet::new();
        for person in std::iter::once(actor).chain(target) {
            for other in [author, viewer] {
                if person != other && self.bond(person, other).await?.is_known() {
                    known.insert(FriendshipId::between(person, other));
                }
            }
        }
        let knows = |one, other| known.contains(&FriendshipId::between(one, other));
        Ok(is_shown(viewer, author, actor, target, knows))
    }

    /// What two different people are to each other where Moments are concerned.
    async fn bond(&self, one: UserId, other: UserId) -> Result<Bond, CommandError> {
        let pair = FriendshipId::between(one, other);
        let ties = self
            .streams
            .friendships
            .look(pair, |state| [one, other].map(|side| (state.held_by(side), state.began_as_chats_only_for(side))));
        let [(one_holds, one_began), (other_holds, other_began)] = ties.await?;
        let (mut blocked, mut chats_only) = (false, false);
        for (side, contact, began) in [(one, other, one_began), (other, one, other_began)] {
            let regards = self.streams.contacts.look(side, |contacts| {
                let chats_only = contacts.noted(contact).map_or(began, |notes| notes.chats_only);
                (contacts.blocks(contact), chats_only)
            });
            let (blocks, keeps_for_chats) = regards.await?;
            blocked |= blocks;
            chats_only |= keeps_for_chats;
        }
        Ok(Bond { mutual: one_holds && other_holds, one_sided: one_holds || other_holds, blocked, chats_only })
    }
}
