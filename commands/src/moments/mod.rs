//! Use cases of Moments: posts, what is done below them, and one's own settings, cover and marks.

mod add_comment;
mod change_moments_cover;
mod change_moments_settings;
mod delete_comment;
mod delete_post;
mod like_post;
mod publish_post;
mod read_notices;
mod standing;
mod take_like_back;
mod view_timeline;
