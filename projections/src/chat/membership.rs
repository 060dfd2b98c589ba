//! The fold of what happens to groups, and of conversations' beginnings: who comes and goes, who runs the group and how.

use std::sync::Arc;

use domain::{
    ConversationEvent, EventMeta, UserId,
    conversation::{GroupCreated, JoinedVia},
};

use super::{
    fold::Fold,
    seat::{Part, Seat, Stay},
    state::{Group, Sort, Waiting},
};

impl Fold<'_> {
    /// A group as it is founded; its members take their seats when the event takes effect.
    pub(super) fn founded(created: &GroupCreated) -> Option<Group> {
        Some(Group {
            name: created.name.clone(),
            owner: *created.members.first()?,
            admins: vec![],
            members: Arc::default(),
            members_changed: 0,
            invited: vec![],
            requested: vec![],
            invite_confirmation: false,
            all_muted: false,
            disbanded: false,
        })
    }

    /// Takes an event in that is not about messages.
    pub(super) fn take_group_event(&mut self, no: u32, event: &ConversationEvent, meta: &EventMeta) {
        use ConversationEvent as E;
        match event {
            E::ConversationOpened(opened) => {
                for user in opened.members {
                    self.take_seat(user, no, Seat::taken(Stay::begun(meta.version, 0), None));
                }
            }
            E::AccountConversationOpened(opened) => {
                for user in [opened.account.party(), opened.follower] {
                    self.take_seat(user, no, Seat::taken(Stay::begun(meta.version, 0), None));
                }
            }
            E::GroupCreated(created) => self.join(no, &created.members, meta),
            E::MembersJoined(joined) => self.join(no, &joined.members, meta),
            E::MemberLeft(left) => {
                let who: Vec<UserId> = meta.actor.into_iter().collect();
                self.leave(no, &who, meta);
                if let Some(successor) = left.successor {
                    self.give_to(no, successor);
                }
            }
            E::MembersRemoved(removed) => self.leave(no, &removed.members, meta),
            E::GroupDisbanded(_) => self.disband(no, meta),
            E::OwnershipTransferred(transferred) => self.give_to(no, transferred.to),
            E::NicknameSet(set) => {
                if let Some(part) = meta.actor.and_then(|actor| self.part(actor, no)) {
                    part.nickname.clone_from(&set.nickname);
                }
            }
            E::MemberMuted(muted) => {
                if let Some(part) = self.part(muted.member, no) {
                    part.silenced = Some(muted.until);
                }
            }
            E::MemberUnmuted(unmuted) => {
                if let Some(part) = self.part(unmuted.member, no) {
                    part.silenced = None;
                }
            }
            other => self.change_group(no, |group| govern(group, other, meta)),
        }
    }

    fn change_group(&mut self, no: u32, change: impl FnOnce(&mut Group)) {
        self.group_changed(no);
        if let Some(Sort::Group(group)) = self.conversation(no).map(|conversation| &mut conversation.sort) {
            change(Arc::make_mut(group));
        }
    }

    fn join(&mut self, no: u32, users: &[UserId], meta: &EventMeta) {
        let seq = self.conversation(no).map_or(0, |conversation| conversation.head.seq);
        for (user, rank) in users.iter().zip(0..) {
            let stay = Stay::begun(meta.version, seq);
            let part = Part { rank, joined_micros: meta.at.timestamp_micros(), ..Part::default() };
            match self.seat(*user, no) {
                Some(seat) if seat.stay.is_open() => continue,
                Some(seat) => seat.retake(stay, part),
                None => self.take_seat(*user, no, Seat::taken(stay, Some(part))),
            }
            self.change_group(no, |group| {
                Arc::make_mut(&mut group.members).push(*user);
                group.members_changed = meta.version;
                group.invited.retain(|waiting| waiting.user != *user);
                group.requested.retain(|waiting| waiting.user != *user);
            });
        }
    }

    fn leave(&mut self, no: u32, users: &[UserId], meta: &EventMeta) {
        let Some(conversation) = self.conversation(no) else { return };
        let seq = conversation.head.seq;
        let name = conversation.group().map(|group| group.name.clone()).unwrap_or_default();
        for user in users {
            if let Some(seat) = self.seat(*user, no) {
                seat.leave(meta.version, seq, &name);
            }
        }
        self.note_departed(no, users);
        self.change_group(no, |group| {
            Arc::make_mut(&mut group.members).retain(|member| !users.contains(member));
            group.members_changed = meta.version;
            group.admins.retain(|admin| !users.contains(admin));
        });
    }

    fn disband(&mut self, no: u32, meta: &EventMeta) {
        let members = self.conversation(no).and_then(|conversation| Some(Arc::clone(&conversation.group()?.members)));
        self.leave(no, &members.unwrap_or_default(), meta);
        self.change_group(no, |group| {
            group.disbanded = true;
            group.invited.clear();
            group.requested.clear();
        });
    }

    fn give_to(&mut self, no: u32, owner: UserId) {
        self.change_group(no, |group| {
            group.owner = owner;
            group.admins.retain(|admin| *admin != owner);
        });
    }

    /// What somebody is in the group, if they are in it.
    fn part(&mut self, user: UserId, no: u32) -> Option<&mut Part> {
        let seat = self.seat(user, no).filter(|seat| seat.stay.is_open())?;
        seat.part.as_deref_mut()
    }
}

/// What changes how a group is run, or who waits to come in.
fn govern(group: &mut Group, event: &ConversationEvent, meta: &EventMeta) {
    use ConversationEvent as E;
    let waiting = |user, inviter, via, reason: &str| Waiting {
        user,
        inviter,
        via,
        version: meta.version,
        since: meta.at,
        reason: reason.to_owned(),
    };
    match event {
        E::MemberInvited(invited) => {
            group.requested.retain(|waiting| waiting.user != invited.user);
            group.invited.retain(|waiting| waiting.user != invited.user);
            group.invited.push(waiting(invited.user, invited.inviter, JoinedVia::Invitation, ""));
        }
        E::JoinRequested(request) => {
            group.requested.retain(|waiting| waiting.user != request.user);
            group.requested.push(waiting(request.user, request.inviter, request.via, &request.reason));
        }
        E::InvitationClosed(closed) => group.invited.retain(|waiting| waiting.user != closed.user),
        E::JoinRequestClosed(closed) => group.requested.retain(|waiting| waiting.user != closed.user),
        E::AdminAppointed(appointed) => group.admins.push(appointed.admin),
        E::AdminDismissed(dismissed) => group.admins.retain(|admin| *admin != dismissed.admin),
        E::GroupRenamed(renamed) => group.name.clone_from(&renamed.name),
        E::InviteConfirmationSet(set) => group.invite_confirmation = set.on,
        E::AllMuteSet(set) => group.all_muted = set.on,
        _ => {}
    }
}
