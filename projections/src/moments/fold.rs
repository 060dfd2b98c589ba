//! What each event changes.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    Aggregate, Circle, DomainEvent, PostEvent, PostId, UserId,
    moments::post::{CommentAdded, PostPublished},
};
use fjall::OwnedWriteBatch as WriteBatch;

use super::{
    rows::{Deed, Pointer, PostRow, Said, Table, What, below_key, deed_key, person_key},
    staged::Staged,
};
use crate::{
    Fact, ProjectionError,
    rows::{from_json, id_at, number, number_at, to_json},
};

/// Besides the author and whoever is answered, those are told of a like or comment who liked or commented among the last
/// so many things that happened below the post: friends who are there together. It bounds what one like can cost.
const COMPANY: u64 = 100;

/// Whether events of that type change anything here: a cheap look that decodes nothing.
pub(super) fn matters(event_type: &str) -> bool {
    event_type.starts_with("post.") || event_type.starts_with("moments.")
}

/// What a batch changes in memory, once its rows are on disk.
#[derive(Default)]
pub(super) struct News {
    /// Author, position, whether it was published rather than deleted.
    pub(super) posts: Vec<(UserId, u64, bool)>,
    /// Settings and marks as they are now.
    pub(super) circles: BTreeMap<UserId, Circle>,
    /// Who may have been told of something, and its position.
    pub(super) notices: Vec<(UserId, u64)>,
    /// Positions of posts that something happened to.
    pub(super) touched: BTreeSet<u64>,
}

/// What a batch changes.
pub(super) struct Changes<'a> {
    staged: Staged<'a>,
    news: News,
}

/// A post that something happens to.
struct Target {
    position: u64,
    author: UserId,
}

impl<'a> Changes<'a> {
    pub(super) fn over(staged: Staged<'a>) -> Self {
        Self { staged, news: News::default() }
    }

    /// Takes an event in.
    pub(super) fn take(&mut self, fact: &Fact) -> Result<(), ProjectionError> {
        match fact.decoded()? {
            DomainEvent::Post(event) => {
                let post = fact.stream_id("post").map(PostId).ok_or_else(|| fact.poison("the stream names no post"))?;
                // The server itself posts and says nothing.
                let Some(actor) = fact.actor() else { return Ok(()) };
                match event {
                    PostEvent::PostPublished(published) => self.publish(post, actor, published, fact),
                    _ => self.take_below(post, actor, event, fact),
                }
            }
            DomainEvent::Circle(event) => {
                let user = fact.stream_id("moments").map(UserId);
                let user = user.ok_or_else(|| fact.poison("the stream names no person"))?;
                let mut circle = self.circle(user)?;
                circle.evolve(event, &fact.meta());
                self.staged.put(Table::Circles, user.0.as_bytes().to_vec(), to_json(&circle)?);
                self.news.circles.insert(user, circle);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Puts all of it into a batch of rows, and says what else is new.
    pub(super) fn write(self, batch: &mut WriteBatch) -> Result<News, ProjectionError> {
        self.staged.write(batch)?;
        Ok(self.news)
    }

    fn circle(&self, user: UserId) -> Result<Circle, ProjectionError> {
        let stored = self.staged.get(Table::Circles, user.0.as_bytes())?;
        stored.map_or(Ok(Circle::default()), |value| from_json("circles", &value))
    }

    fn target(&self, post: PostId) -> Result<Option<Target>, ProjectionError> {
        let Some(value) = self.staged.get(Table::PostIds, post.0.as_bytes())? else { return Ok(None) };
        let parts = number(&value).zip(id_at(&value, 8));
        let (position, author) = parts.ok_or(Table::PostIds.damaged())?;
        Ok(Some(Target { position, author: UserId(author) }))
    }

    fn publish(
        &mut self,
        post: PostId,
        author: UserId,
        published: &PostPublished,
        fact: &Fact,
    ) -> Result<(), ProjectionError> {
        if self.target(post)?.is_some() {
            return Ok(());
        }
        let position = fact.position().0;
        let row = PostRow { post, author, at: fact.at(), draft: published.draft.clone() };
        let place = [position.to_be_bytes().as_slice(), author.0.as_bytes()].concat();
        self.staged.put(Table::Posts, position.to_be_bytes().to_vec(), to_json(&row)?);
        self.staged.put(Table::PostIds, post.0.as_bytes().to_vec(), place);
        self.staged.put(Table::Albums, person_key(author, position), vec![]);
        self.news.posts.push((author, position, true));
        let pointer = Pointer { post: position, what: What::Reminder };
        let reminded = published.draft.remind.iter().filter(|user| **user != author);
        reminded.for_each(|user| self.tell(*user, position, pointer));
        Ok(())
    }

    /// Takes in what happens to a post that is there; what happens to any other is passed over.
    fn take_below(
        &mut self,
        post: PostId,
        actor: UserId,
        event: &PostEvent,
        fact: &Fact,
    ) -> Result<(), ProjectionError> {
        let Some(target) = self.target(post)? else { return Ok(()) };
        self.news.touched.insert(target.position);
        match event {
            PostEvent::PostPublished(_) => Ok(()),
            PostEvent::PostDeleted(_) => self.delete(post, &target),
            PostEvent::PostLiked(_) => self.like(&target, actor, fact),
            PostEvent::LikeTakenBack(_) => {
                let key = below_key(target.position, actor.0);
                let Some(like) = self.position_at(Table::Likers, &key)? else { return Ok(()) };
                self.remove_like(&target, actor, like);
                Ok(())
            }
            PostEvent::CommentAdded(added) => self.comment(&target, actor, added, fact),
            PostEvent::CommentDeleted(deleted) => {
                let key = below_key(target.position, deleted.comment.0);
                let Some(comment) = self.position_at(Table::CommentIds, &key)? else { return Ok(()) };
                let row = self.staged.get(Table::Comments, &deed_key(target.position, comment))?;
                let deed = row.as_deref().and_then(Deed::read).ok_or(Table::Comments.damaged())?;
                self.remove_comment(&target, key, deed.actor, comment);
                Ok(())
            }
        }
    }

    fn like(&mut self, target: &Target, actor: UserId, fact: &Fact) -> Result<(), ProjectionError> {
        let liker = below_key(target.position, actor.0);
        if self.staged.get(Table::Likers, &liker)?.is_some() {
            return Ok(());
        }
        let (position, deed) = (fact.position().0, deed_of(actor, fact));
        self.told(target, deed, None, position, What::Like)?;
        self.staged.put(Table::Likes, deed_key(target.position, position), deed.to_bytes());
        self.staged.put(Table::Likers, liker, position.to_be_bytes().to_vec());
        Ok(())
    }

    fn comment(
        &mut self,
        target: &Target,
        actor: UserId,
        added: &CommentAdded,
        fact: &Fact,
    ) -> Result<(), ProjectionError> {
        let CommentAdded { comment, text, reply_to } = added.clone();
        let id = below_key(target.position, comment.0);
        if self.staged.get(Table::CommentIds, &id)?.is_some() {
            return Ok(());
        }
        let (position, deed) = (fact.position().0, deed_of(actor, fact));
        self.told(target, deed, reply_to.map(|reply| reply.author), position, What::Comment)?;
        let row = Said { comment, text, reply_to }.to_bytes(deed)?;
        self.staged.put(Table::Comments, deed_key(target.position, position), row);
        self.staged.put(Table::CommentIds, id, position.to_be_bytes().to_vec());
        Ok(())
    }

    /// Takes a post away with all that was said of it. Notices stay, and are passed over.
    fn delete(&mut self, post: PostId, target: &Target) -> Result<(), ProjectionError> {
        let Target { position, author } = *target;
        self.staged.remove(Table::Posts, position.to_be_bytes().to_vec());
        self.staged.remove(Table::PostIds, post.0.as_bytes().to_vec());
        self.staged.remove(Table::Albums, person_key(author, position));
        self.news.posts.push((author, position, false));
        for (key, value) in self.staged.latest(Table::Likes, all_below(position), |_| true)? {
            let parts = number_at(&key, 8).zip(Deed::read(&value));
            let (like, deed) = parts.ok_or(Table::Likes.damaged())?;
            self.remove_like(target, deed.actor, like);
        }
        for (key, value) in self.staged.latest(Table::Comments, all_below(position), |_| true)? {
            let parts = number_at(&key, 8).zip(Deed::read(&value)).zip(Said::read(&value));
            let ((comment, deed), said) = parts.ok_or(Table::Comments.damaged())?;
            self.remove_comment(target, below_key(position, said.comment.0), deed.actor, comment);
        }
        Ok(())
    }

    fn remove_like(&mut self, target: &Target, actor: UserId, like: u64) {
        self.staged.remove(Table::Likes, deed_key(target.position, like));
        self.staged.remove(Table::Likers, below_key(target.position, actor.0));
        self.staged.remove(Table::Interactions, person_key(actor, like));
    }

    fn remove_comment(&mut self, target: &Target, id: Vec<u8>, actor: UserId, comment: u64) {
        self.staged.remove(Table::Comments, deed_key(target.position, comment));
        self.staged.remove(Table::CommentIds, id);
        self.staged.remove(Table::Interactions, person_key(actor, comment));
    }

    /// Notes who did something and who may be told of it: the author, who is answered, and the company. Whether it is
    /// shown to them is judged when they look.
    fn told(
        &mut self,
        target: &Target,
        deed: Deed,
        answered: Option<UserId>,
        position: u64,
        what: What,
    ) -> Result<(), ProjectionError> {
        let pointer = Pointer { post: target.position, what };
        self.staged.put(Table::Interactions, person_key(deed.actor, position), pointer.to_bytes());
        let mut people: BTreeSet<UserId> = answered.into_iter().chain([target.author]).collect();
        let since = deed.version.saturating_sub(COMPANY);
        for table in [Table::Likes, Table::Comments] {
            let recent = |value: &[u8]| Deed::read(value).is_some_and(|deed| deed.version >= since);
            let rows = self.staged.latest(table, all_below(target.position), recent)?;
            people.extend(rows.values().filter_map(|value| Deed::read(value)).map(|deed| deed.actor));
        }
        people.remove(&deed.actor);
        people.into_iter().for_each(|user| self.tell(user, position, pointer));
        Ok(())
    }

    fn tell(&mut self, user: UserId, position: u64, pointer: Pointer) {
        self.staged.put(Table::Notices, person_key(user, position), pointer.to_bytes());
        self.news.notices.push((user, position));
    }

    fn position_at(&self, table: Table, key: &[u8]) -> Result<Option<u64>, ProjectionError> {
        let value = self.staged.get(table, key)?;
        value.map(|value| number(&value).ok_or(table.damaged())).transpose()
    }
}

fn deed_of(actor: UserId, fact: &Fact) -> Deed {
    Deed { actor, at: fact.at(), version: fact.record.version() }
}

fn all_below(post: u64) -> (Vec<u8>, Vec<u8>) {
    (deed_key(post, 0), deed_key(post, u64::MAX))
}
