//! Moments in tests: posts, and what is done below them.

use serde_json::{Value, json};

use crate::{Person, Reply, people::text_at};

impl Person {
    /// Publishes a post to an audience.
    #[track_caller]
    pub fn publish_to(&self, text: &str, audience: Value) -> Reply {
        self.post("/v1/moments/posts", json!({ "text": text, "audience": audience }))
    }

    /// Publishes a post for all friends, and gives its id.
    #[track_caller]
    #[must_use]
    pub fn publish(&self, text: &str) -> String {
        text_at(&self.publish_to(text, json!({ "kind": "friends" })).done(), "post")
    }

    /// Deletes a post.
    #[track_caller]
    pub fn unpublish(&self, post: &str) -> Reply {
        self.delete(&format!("/v1/moments/posts/{post}"))
    }

    /// Likes a post.
    #[track_caller]
    pub fn like(&self, post: &str) -> Reply {
        self.put(&format!("/v1/moments/posts/{post}/like"), json!({}))
    }

    /// Takes a like back.
    #[track_caller]
    pub fn unlike(&self, post: &str) -> Reply {
        self.delete(&format!("/v1/moments/posts/{post}/like"))
    }

    /// Says something about a post.
    #[track_caller]
    pub fn comment(&self, post: &str, text: &str) -> Reply {
        self.post(&format!("/v1/moments/posts/{post}/comments"), json!({ "text": text }))
    }

    /// Answers a comment.
    #[track_caller]
    pub fn answer(&self, post: &str, comment: &str, text: &str) -> Reply {
        self.post(&format!("/v1/moments/posts/{post}/comments"), json!({ "text": text, "reply_to": comment }))
    }

    /// Deletes a comment.
    #[track_caller]
    pub fn uncomment(&self, post: &str, comment: &str) -> Reply {
        self.delete(&format!("/v1/moments/posts/{post}/comments/{comment}"))
    }
}
