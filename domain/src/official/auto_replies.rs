//! What an official account answers by itself: on being followed, to keywords, to everything else.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    conversation::Content,
    policy::Policy,
    rejection::{Rejection, check_filled, check_name},
};

/// How a keyword is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Match {
    /// It stands somewhere in what was said.
    Contain,
    /// It is all that was said.
    Equal,
}

/// A keyword.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Keyword {
    /// How it is looked for.
    pub mode: Match,
    /// The word or words, at most 30 characters; upper and lower case are the same.
    pub text: String,
}

impl Keyword {
    fn fits(&self, said: &str) -> bool {
        let (word, said) = (self.text.trim().to_lowercase(), said.trim().to_lowercase());
        match self.mode {
            Match::Contain => said.contains(&word),
            Match::Equal => said == word,
        }
    }
}

/// Which of a rule's replies are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReplyMode {
    /// All of them.
    ReplyAll,
    /// One of them, as chance has it.
    RandomOne,
}

/// What is answered to some keywords.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeywordRule {
    /// The rule's name, 1 to 60 characters.
    pub name: String,
    /// Which of the replies are sent.
    pub mode: ReplyMode,
    /// 1 to 30 keywords, any of which is enough.
    pub keywords: Vec<Keyword>,
    /// 1 to 5 replies.
    pub replies: Vec<Content>,
}

/// What an account answers by itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AutoReplies {
    /// To who follows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub welcome: Option<Content>,
    /// To keywords: up to 200 rules, of which the first one that fits answers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<KeywordRule>,
    /// To everything else, at most once an hour to the same person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Content>,
}

/// Most rules, keywords and replies of a rule.
const RULES_MAX: usize = 200;
const KEYWORDS_MAX: usize = 30;
const REPLIES_MAX: usize = 5;

impl AutoReplies {
    /// Checks them.
    ///
    /// # Errors
    /// Fields that break their rules; contents that only people send.
    pub fn check(&self, policy: &Policy) -> Result<(), Rejection> {
        if self.rules.len() > RULES_MAX {
            return Err(Rejection::TooLong { field: "rules", max: RULES_MAX, unit: "rules" });
        }
        for rule in &self.rules {
            check_name("name", &rule.name, 60)?;
            if rule.keywords.is_empty() || rule.keywords.len() > KEYWORDS_MAX {
                return Err(Rejection::InvalidField { field: "keywords", rule: "a rule has 1 to 30 keywords" });
            }
            for keyword in &rule.keywords {
                check_filled("text", &keyword.text, 30)?;
            }
            if rule.replies.is_empty() || rule.replies.len() > REPLIES_MAX {
                return Err(Rejection::InvalidField { field: "replies", rule: "a rule has 1 to 5 replies" });
            }
        }
        let replies = self.rules.iter().flat_map(|rule| &rule.replies);
        for content in replies.chain(&self.welcome).chain(&self.default) {
            check_reply(content, policy)?;
        }
        Ok(())
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The first rule that fits what was said.
    #[must_use]
    pub fn rule_for(&self, said: &str) -> Option<&KeywordRule> {
        self.rules.iter().find(|rule| rule.keywords.iter().any(|keyword| keyword.fits(said)))
    }
}

impl KeywordRule {
    /// What it answers; `below` gives a number below the one that it is given.
    #[must_use]
    pub fn answers(&self, below: impl Fn(u64) -> u64) -> Vec<Content> {
        match self.mode {
            ReplyMode::ReplyAll => self.replies.clone(),
            ReplyMode::RandomOne => {
                let one = usize::try_from(below(self.replies.len() as u64)).unwrap_or(0);
                self.replies.get(one).cloned().into_iter().collect()
            }
        }
    }
}

/// Checks something that an account answers by itself.
///
/// # Errors
/// [`Rejection::ContentNotAllowed`] for what only people send; fields that break their rules.
fn check_reply(content: &Content, policy: &Policy) -> Result<(), Rejection> {
    match content {
        Content::Text { .. } | Content::Link { .. } | Content::Location { .. } => content.check_sent(policy),
        _ => Err(Rejection::ContentNotAllowed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Content {
        Content::Text { text: text.into() }
    }

    fn rule(mode: Match, word: &str, reply: ReplyMode) -> KeywordRule {
        let keywords = vec![Keyword { mode, text: word.into() }];
        KeywordRule { name: word.into(), mode: reply, keywords, replies: vec![text("a"), text("b")] }
    }

    #[test]
    fn the_first_rule_that_fits_answers() {
        let rules =
            vec![rule(Match::Equal, "Tea", ReplyMode::ReplyAll), rule(Match::Contain, "tea", ReplyMode::RandomOne)];
        let replies = AutoReplies { rules, ..AutoReplies::default() };
        let fits = |said: &str| replies.rule_for(said).map(|rule| rule.mode);
        assert_eq!(fits(" TEA "), Some(ReplyMode::ReplyAll));
        assert_eq!(fits("more tea please"), Some(ReplyMode::RandomOne));
        assert_eq!(fits("coffee"), None);
    }

    #[test]
    fn a_rule_sends_all_of_its_replies_or_the_one_that_chance_has() {
        assert_eq!(rule(Match::Equal, "x", ReplyMode::ReplyAll).answers(|_| 1), [text("a"), text("b")]);
        assert_eq!(rule(Match::Equal, "x", ReplyMode::RandomOne).answers(|max| max - 1), [text("b")]);
    }

    #[test]
    fn replies_have_their_bounds() {
        let policy = Policy::default();
        let with = |rules| AutoReplies { rules, ..AutoReplies::default() }.check(&policy);
        assert!(with(vec![rule(Match::Equal, "x", ReplyMode::ReplyAll); 200]).is_ok());
        assert!(with(vec![rule(Match::Equal, "x", ReplyMode::ReplyAll); 201]).is_err());
        assert!(with(vec![rule(Match::Equal, " ", ReplyMode::ReplyAll)]).is_err());
        let none = KeywordRule { replies: vec![], ..rule(Match::Equal, "x", ReplyMode::ReplyAll) };
        assert!(with(vec![none]).is_err());
        let pat = Content::Pat { target: crate::UserId::new(), suffix: String::new() };
        let odd = AutoReplies { welcome: Some(pat), ..AutoReplies::default() };
        assert_eq!(odd.check(&policy), Err(Rejection::ContentNotAllowed));
    }
}
