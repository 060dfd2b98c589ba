//! Telling an account's program what a follower did.

use chrono::TimeDelta;
use domain::{
    AnsweringEvent, MediumKind,
    answering::{AnswerOutcome, AnswerSought},
    conversation::{Automatic, Content},
    official::{ButtonKind, Happening, Scene},
};
use uuid::Uuid;

use crate::{
    Caller, CommandError, Commands,
    callbacks::{Answer, Callback, Said, Told, Word},
    engine::Begun,
    ports::ToAnswer,
    secrets::{MediaPlace, MediaTicket, SceneCode},
};

/// For how many days a program can fetch what a follower sent.
const MEDIA_DAYS: i64 = 3;
/// How often a program is told of something at most.
const TIMES_MAX: u32 = 3;
/// What a follower reads where the program does not answer.
const TIP: &str = "This official account can't serve you at present. Please try again later.";

impl Commands {
    /// Tells the program, up to three times, and says what it answers. That it is about to be told is written down before
    /// it is: however often the server is killed in between, it is never told more often.
    pub(super) async fn answer_by_program(&self, item: &ToAnswer, callback: &Callback) -> Result<(), CommandError> {
        let Some(told) = self.told(item).await? else { return self.note_answered(item, AnswerOutcome::Answered).await };
        loop {
            let begun = Begun::unkeyed(&Caller::SERVER);
            let sought = self.run(&self.streams.answering, item.conversation(), begun, |state, _| {
                Ok(state.seek(item.trigger, TIMES_MAX))
            });
            let sought = sought.await?;
            let Some((_, AnsweringEvent::AnswerSought(AnswerSought { times, .. }))) = sought.events.first() else {
                break;
            };
            // While keys are changed, every other time is with the ones before: a program may know only those.
            let mut callback = if times % 2 == 0 { callback.with_other_keys() } else { callback.clone() };
            callback.proven = self.paces.is_proven(item.account);
            let answered = match self.callbacks.tell(&callback, &told, self.now().timestamp()).await {
                Ok(Answer { said, took }) => self.say_answer(item, said).await?.map(|()| took),
                Err(error) => Err(error.to_string()),
            };
            match answered {
                Ok(took) => {
                    self.paces.answered(item.account, took);
                    return self.note_answered(item, AnswerOutcome::Answered).await;
                }
                Err(reason) => {
                    self.paces.failed(item.account);
                    tracing::info!(account = %item.account, trigger = %item.trigger, reason, "a program did not answer");
                }
            }
        }
        if matches!(item.what, Happening::Said { .. } | Happening::Chose { .. }) {
            let tip = Said::Content(Content::Text { text: TIP.to_owned() });
            self.say_once(item, vec![tip], Automatic::Unavailable).await?;
        }
        self.note_answered(item, AnswerOutcome::Failed).await
    }

    /// Says what a program answered. What an account may not send counts as no answer at all; why not is within.
    async fn say_answer(&self, item: &ToAnswer, said: Vec<Said>) -> Result<Result<(), String>, CommandError> {
        // There may be nobody to answer, or nobody any more.
        let nobody = matches!(item.what, Happening::Unfollowed | Happening::Broadcast { .. });
        if said.is_empty() || nobody {
            return Ok(Ok(()));
        }
        match self.say_once(item, said, Automatic::Answer).await {
            Ok(()) => Ok(Ok(())),
            Err(CommandError::Rejected(rejection)) => Ok(Err(rejection.to_string())),
            Err(error) => Err(error),
        }
    }

    /// What a program is told; none of what there are no words for.
    pub(super) async fn told(&self, item: &ToAnswer) -> Result<Option<Told>, CommandError> {
        let word = match &item.what {
            Happening::Said { seq } => {
                let party = item.account.party();
                let message = self.relations.visible_message(party, item.conversation(), *seq).await?;
                let content = message.and_then(|message| message.content);
                content.and_then(|content| self.word_of(item, *seq, content))
            }
            Happening::Followed { scene } => Some(Word::Subscribe {
                scene: scene.as_ref().map(ToString::to_string),
                ticket: scene.as_ref().map(|scene| self.ticket(item, scene)),
            }),
            Happening::Unfollowed => Some(Word::Unsubscribe),
            Happening::Scanned { scene } => {
                Some(Word::Scan { scene: scene.to_string(), ticket: self.ticket(item, scene) })
            }
            Happening::Broadcast { number, audience } => {
                let followers = self.followers.audience(item.account, *number, *audience).await?;
                Some(Word::Broadcast { number: *number, followers })
            }
            Happening::Chose { button: ButtonKind::View, url, .. } => {
                Some(Word::Menu { event: "VIEW", key: url.clone() })
            }
            Happening::Chose { button, key, .. } => Some(Word::Menu { event: event_of(*button), key: key.clone() }),
        };
        let said = matches!(item.what, Happening::Said { .. });
        let message_id = said.then(|| message_id(item.trigger));
        // What is nobody's doing comes from the account itself.
        let openid = match &item.what {
            Happening::Broadcast { .. } => self.secrets.openid(item.account, item.follower),
            _ => item.openid.clone(),
        };
        Ok(word.map(|word| Told { openid, at: item.at, message_id, word }))
    }

    /// What a message is in the protocol's words; none of what there are no words for.
    fn word_of(&self, item: &ToAnswer, seq: u64, content: Content) -> Option<Word> {
        let Some((kind, carried)) = content.carried() else { return word_of(content) };
        if kind == MediumKind::File {
            return None;
        }
        let expires_at = item.at + TimeDelta::days(MEDIA_DAYS);
        let place = MediaPlace::Message(item.conversation(), seq);
        let ticket = MediaTicket { medium: carried.medium, form: 0, viewer: item.account.party(), place, expires_at };
        let content_type = carried.facts.as_ref().map(|facts| facts.content_type.as_str()).unwrap_or_default();
        let format = content_type.rsplit('/').next().unwrap_or_default().to_owned();
        Some(Word::Medium { kind, media_id: self.secrets.media_ticket(&ticket), format })
    }

    /// The code with that scene: as it does not end, it is always the same.
    fn ticket(&self, item: &ToAnswer, scene: &Scene) -> String {
        let code = SceneCode { account: item.account, scene: scene.clone(), expires_at: None };
        self.secrets.scene_code(&code)
    }
}

/// The number of a message that a program knows it by: of 63 bits, the same for the same event.
fn message_id(trigger: Uuid) -> u64 {
    let (high, low) = trigger.as_u64_pair();
    (high ^ low) >> 1
}

fn word_of(content: Content) -> Option<Word> {
    match content {
        Content::Text { text } => Some(Word::Text { text }),
        Content::Location { latitude, longitude, title, .. } => {
            Some(Word::Location { latitude, longitude, label: title })
        }
        Content::Link { url, title, description } => Some(Word::Link { title, description, url }),
        Content::Sticker { sticker, .. } => Some(Word::Text { text: format!("[{sticker}]") }),
        _ => None,
    }
}

fn event_of(button: ButtonKind) -> &'static str {
    match button {
        ButtonKind::Click => "CLICK",
        ButtonKind::View => "VIEW",
        ButtonKind::ScancodePush => "scancode_push",
        ButtonKind::ScancodeWaitmsg => "scancode_waitmsg",
        ButtonKind::PicSysphoto => "pic_sysphoto",
        ButtonKind::PicPhotoOrAlbum => "pic_photo_or_album",
        ButtonKind::PicWeixin => "pic_weixin",
        ButtonKind::LocationSelect => "location_select",
    }
}
