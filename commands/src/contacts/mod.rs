//! Use cases about friends and other people.

mod accept_friend;
mod block_person;
mod decline_friend;
mod delete_tag;
mod name_tag;
mod note_contact;
mod remove_friend;
mod request_friend;
mod unblock_person;

pub use request_friend::RequestFriend;
