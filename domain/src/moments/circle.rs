//! One person's own side of Moments: who may look how far back, the cover, what they have seen, what reminds them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::visibility::Window;
use crate::{
    UserId,
    event::{Aggregate, EventMeta, event_family},
    medium::Carried,
};

/// How a person's Moments are shown, and what reminds them of others'.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(as = MomentsSettings)]
pub struct Settings {
    /// How far back others see.
    pub window: Window,
    /// Whether people who are no friends see the latest posts in the album.
    pub open_to_strangers: bool,
    /// Only what friends do to oneself reminds one: not what they do below posts that one liked or commented on.
    pub only_about_me: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { window: Window::All, open_to_strangers: true, only_about_me: false }
    }
}

/// The settings were changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MomentsSettingsChanged {
    /// All of them as they are now.
    pub settings: Settings,
}

/// Another cover was chosen, or none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MomentsCoverChanged {
    /// The picture above one's Moments; none where there is to be none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cover: Option<Carried>,
}

/// The timeline was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimelineViewed {
    /// The position of the newest post shown.
    pub position: u64,
}

/// The notices were looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticesRead {
    /// The position of the newest notice shown.
    pub position: u64,
}

event_family! {
    /// Events of a `moments-` stream.
    CircleEvent {
        "moments.settings-changed" => MomentsSettingsChanged,
        "moments.cover-changed" => MomentsCoverChanged,
        "moments.timeline-viewed" => TimelineViewed,
        "moments.notices-read" => NoticesRead,
    }
}

/// One person's own side of Moments.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Circle {
    /// The settings.
    pub settings: Settings,
    /// The picture above their Moments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cover: Option<Carried>,
    /// The position of the newest post that they have seen in the timeline.
    pub viewed: u64,
    /// The position of the newest notice that they have read.
    pub notices_read: u64,
}

impl Circle {
    /// Changes the settings. `change` makes the new ones of the present ones.
    #[must_use]
    pub fn change(&self, change: impl Fn(Settings) -> Settings) -> Vec<CircleEvent> {
        let settings = change(self.settings);
        if settings == self.settings { vec![] } else { vec![MomentsSettingsChanged { settings }.into()] }
    }

    /// Takes another cover, or none.
    #[must_use]
    pub fn change_cover(&self, cover: Option<Carried>) -> Vec<CircleEvent> {
        if cover == self.cover { vec![] } else { vec![MomentsCoverChanged { cover }.into()] }
    }

    /// Marks the timeline as seen up to a position, which never goes back.
    #[must_use]
    pub fn view(&self, position: u64) -> Vec<CircleEvent> {
        if position <= self.viewed { vec![] } else { vec![TimelineViewed { position }.into()] }
    }

    /// Marks notices as read up to a position, which never goes back.
    #[must_use]
    pub fn read_notices(&self, position: u64) -> Vec<CircleEvent> {
        if position <= self.notices_read { vec![] } else { vec![NoticesRead { position }.into()] }
    }
}

impl Aggregate for Circle {
    type Id = UserId;
    type Event = CircleEvent;
    const CATEGORY: &'static str = "moments";

    fn evolve(&mut self, event: &CircleEvent, _meta: &EventMeta) {
        match event {
            CircleEvent::MomentsSettingsChanged(changed) => self.settings = changed.settings,
            CircleEvent::MomentsCoverChanged(changed) => self.cover.clone_from(&changed.cover),
            CircleEvent::TimelineViewed(viewed) => self.viewed = self.viewed.max(viewed.position),
            CircleEvent::NoticesRead(read) => self.notices_read = self.notices_read.max(read.position),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{MediumId, testing::given};

    #[test]
    fn marks_never_go_back() {
        let state = given::<Circle>(vec![TimelineViewed { position: 7 }.into(), NoticesRead { position: 9 }.into()]);
        assert_eq!(state.view(7), vec![]);
        assert_eq!(state.view(8), vec![TimelineViewed { position: 8 }.into()]);
        assert_eq!(state.read_notices(3), vec![]);
        assert_eq!(state.read_notices(10).len(), 1);
    }

    #[test]
    fn settings_that_stay_the_same_are_no_event() {
        let state = Circle::default();
        assert_eq!(state.change(|present| present), vec![]);
        let narrow = Settings { window: Window::Month, ..Settings::default() };
        let events = state.change(|_| narrow);
        assert_eq!(events, vec![MomentsSettingsChanged { settings: narrow }.into()]);
        assert_eq!(given::<Circle>(events).settings, narrow);
    }

    #[test]
    fn a_cover_that_stays_the_same_is_no_event() {
        let cover = Some(Carried { medium: MediumId::new(), facts: None });
        assert_eq!(Circle::default().change_cover(None), vec![]);
        let state = given::<Circle>(Circle::default().change_cover(cover.clone()));
        assert_eq!(state.change_cover(cover), vec![]);
        assert_eq!(given::<Circle>(state.change_cover(None)).cover, None);
        assert_eq!(state.change_cover(None), vec![MomentsCoverChanged { cover: None }.into()]);
    }
}
