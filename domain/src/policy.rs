//! Policy: every number of the rules in one place. Each is a setting; the defaults are WeChat's, where it has one.

use serde::{Deserialize, Serialize};

/// The numbers that the deciders go by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// How long a message can be recalled, in seconds.
    pub recall_seconds: i64,
    /// How long the sender may fetch a recalled text to edit it again, in seconds.
    pub re_edit_seconds: i64,
    /// Most members of a group.
    pub group_members_max: usize,
    /// A group with more members than this takes new ones only with their consent.
    pub invite_freely_up_to: usize,
    /// A group with more members than this can't be joined by code.
    pub join_by_code_up_to: usize,
    /// How long a join code is valid, in seconds.
    pub join_code_seconds: i64,
    /// A group with more members than this is renamed by owner and admins only.
    pub rename_freely_up_to: usize,
    /// Most admins of a group, the owner not counted.
    pub group_admins_max: usize,
    /// Up to this many members, a message shows who has read it.
    pub read_receipts_up_to: usize,
    /// How long an invitation or a request to join waits, in seconds.
    pub invitation_seconds: i64,
    /// Most invitations and requests that may wait in one group.
    pub group_pending_max: usize,
    /// Longest announcement, in characters.
    pub announcement_chars: usize,
    /// Largest content of a message as JSON, in bytes.
    pub message_bytes: usize,
    /// Most people that one message may mention.
    pub mentions_max: usize,
    /// Most messages forwarded at once.
    pub forward_max: usize,
    /// Most friends of a person.
    pub friends_max: usize,
    /// Friends beyond this number start as chats only.
    pub full_friends_max: usize,
    /// Most friend requests waiting for one person.
    pub friend_requests_max: usize,
    /// How long a friend request waits, in seconds.
    pub friend_request_seconds: i64,
    /// Longest remark on a contact, in bytes.
    pub remark_bytes: usize,
    /// Most tags of a person.
    pub tags_max: usize,
    /// Most people that one person can block.
    pub blocked_max: usize,
    /// Most devices logged in at once; a further log-in ends the oldest one.
    pub devices_max: usize,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            recall_seconds: 120,
            re_edit_seconds: 300,
            group_members_max: 500,
            invite_freely_up_to: 40,
            join_by_code_up_to: 200,
            join_code_seconds: 7 * 24 * 3600,
            rename_freely_up_to: 100,
            group_admins_max: 3,
            read_receipts_up_to: 50,
            invitation_seconds: 7 * 24 * 3600,
            group_pending_max: 100,
            announcement_chars: 2_000,
            message_bytes: 12 * 1024,
            mentions_max: 50,
            forward_max: 100,
            friends_max: 10_000,
            full_friends_max: 5_000,
            friend_requests_max: 100,
            friend_request_seconds: 7 * 24 * 3600,
            remark_bytes: 96,
            tags_max: 100,
            blocked_max: 1_000,
            devices_max: 20,
        }
    }
}
