//! How words are cut for the index, and how a query is cut into what must be found.
//!
//! Chinese, Japanese and other scripts that put no gaps between words are indexed sign by sign, with positions; every
//! other run of letters and digits is one lower-case token, Latin letters without their accents (`CAFÉ` is `cafe`). So any piece of a Chinese sentence is found, however short
//! it is and wherever a dictionary would have cut: what is asked for is a phrase of neighbouring signs.
//!
//! The dictionary (jieba) is used on the query's side only. It cuts `北京读书` into `北京` and `读书`, both of which have
//! to be in the message, each in one piece, so that `我在北京大学读书` is found as well. Cutting queries instead of
//! messages costs nothing per message, and a better dictionary needs no new index.

use std::str::CharIndices;

use tantivy::tokenizer::{Token, TokenStream, Tokenizer};
use tantivy_jieba::JiebaTokenizer;
use unicode_normalization::char::decompose_canonical;

/// Longest token in bytes; what a run of letters has beyond it is not indexed.
const TOKEN_BYTES_MAX: usize = 60;

/// What a character is to the index.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    /// Part of a run of letters and digits.
    Letter,
    /// A token by itself.
    Sign,
    /// Accents written as characters of their own: neither indexed nor a gap.
    Accent,
    /// Anything else.
    Gap,
}

fn class(c: char) -> Class {
    if c.is_ascii() {
        return if c.is_ascii_alphanumeric() { Class::Letter } else { Class::Gap };
    }
    match c {
        // The common Chinese characters first: they are most of what is indexed.
        '\u{4e00}'..='\u{9fff}' => Class::Sign,
        '\u{300}'..='\u{36f}' => Class::Accent,
        // Emoji and other pictures.
        '\u{2600}'..='\u{27bf}' | '\u{1f000}'..='\u{1faff}' => Class::Sign,
        _ if !c.is_alphanumeric() => Class::Gap,
        // Thai to Myanmar, Khmer, Chinese and Japanese, Korean, compatibility forms, the further planes.
        '\u{e00}'..='\u{109f}'
        | '\u{1780}'..='\u{17ff}'
        | '\u{2e80}'..='\u{a4cf}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3ffff}' => Class::Sign,
        _ => Class::Letter,
    }
}

/// Full-width forms of ASCII characters stand for these.
fn plain(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        _ => c,
    }
}

/// Takes a letter into a token as the index has it: in lower case, and a Latin one without its accents.
fn push_folded(text: &mut String, c: char) {
    if c.is_ascii() {
        text.push(c.to_ascii_lowercase());
        return;
    }
    for lower in c.to_lowercase() {
        match lower {
            'ß' => text.push_str("ss"),
            'æ' => text.push_str("ae"),
            'œ' => text.push_str("oe"),
            'þ' => text.push_str("th"),
            'ø' => text.push('o'),
            'đ' | 'ð' => text.push('d'),
            'ł' => text.push('l'),
            'ħ' => text.push('h'),
            'ı' => text.push('i'),
            '\u{c0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}' => {
                decompose_canonical(lower, |part| {
                    if class(part) != Class::Accent {
                        text.push(part);
                    }
                });
            }
            _ if class(lower) == Class::Accent => {}
            other => text.push(other),
        }
    }
}

/// Cuts what a message says.
#[derive(Clone, Default)]
pub(super) struct MessageTokenizer {
    token: Token,
}

impl Tokenizer for MessageTokenizer {
    type TokenStream<'a> = MessageTokens<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> MessageTokens<'a> {
        self.token.reset();
        MessageTokens { rest: text.char_indices(), token: &mut self.token, alone: false }
    }
}

/// The tokens of one text.
pub(super) struct MessageTokens<'a> {
    rest: CharIndices<'a>,
    token: &'a mut Token,
    /// Whether the present token is a sign.
    alone: bool,
}

impl MessageTokens<'_> {
    /// Takes the letters that follow into the token.
    fn run(&mut self) {
        let mut ahead = self.rest.clone();
        while let Some((at, raw)) = ahead.next() {
            let c = plain(raw);
            match class(c) {
                Class::Letter if self.token.text.len() < TOKEN_BYTES_MAX => push_folded(&mut self.token.text, c),
                Class::Letter | Class::Accent => {}
                Class::Sign | Class::Gap => break,
            }
            self.token.offset_to = at + raw.len_utf8();
            self.rest = ahead.clone();
        }
    }
}

impl TokenStream for MessageTokens<'_> {
    fn advance(&mut self) -> bool {
        while let Some((at, raw)) = self.rest.next() {
            let c = plain(raw);
            let class = class(c);
            if !matches!(class, Class::Letter | Class::Sign) {
                continue;
            }
            self.alone = class == Class::Sign;
            self.token.position = self.token.position.wrapping_add(1);
            self.token.offset_from = at;
            self.token.offset_to = at + raw.len_utf8();
            self.token.text.clear();
            if self.alone {
                // Signs have no case.
                self.token.text.push(c);
            } else {
                push_folded(&mut self.token.text, c);
                self.run();
            }
            return true;
        }
        false
    }

    fn token(&self) -> &Token {
        self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        self.token
    }
}

/// Neighbouring tokens, all of which a message must have in this order and side by side.
pub(super) type Phrase = Vec<String>;

/// What a message must say for a query to find it: every one of these. A piece in double quotes is one phrase.
pub(super) fn phrases(query: &str) -> Vec<Phrase> {
    let mut phrases = vec![];
    for (piece, quoted) in query.split(['"', '“', '”']).zip([false, true].into_iter().cycle()) {
        if quoted {
            phrases.push(tokens(piece));
        } else {
            piece.split_whitespace().for_each(|chunk| cut(chunk, &mut phrases));
        }
    }
    phrases.retain(|phrase| !phrase.is_empty());
    phrases.sort();
    phrases.dedup();
    phrases
}

fn tokens(text: &str) -> Phrase {
    let mut tokenizer = MessageTokenizer::default();
    let mut stream = tokenizer.token_stream(text);
    let mut tokens = vec![];
    while let Some(token) = stream.next() {
        tokens.push(token.text.clone());
    }
    tokens
}

/// Cuts a chunk without white space: runs of signs by the dictionary, runs of letters as they stand.
fn cut(chunk: &str, phrases: &mut Vec<Phrase>) {
    let mut tokenizer = MessageTokenizer::default();
    let mut stream = tokenizer.token_stream(chunk);
    let mut letters = vec![];
    let mut signs: Option<(usize, usize)> = None;
    while stream.advance() {
        let (from, to) = (stream.token().offset_from, stream.token().offset_to);
        if !stream.alone {
            letters.push(stream.token().text.clone());
        } else {
            phrases.push(std::mem::take(&mut letters));
        }
        signs = match signs {
            Some((start, end)) if stream.alone && end == from => Some((start, to)),
            ended => {
                cut_signs(chunk, ended, phrases);
                stream.alone.then_some((from, to))
            }
        };
    }
    cut_signs(chunk, signs, phrases);
    phrases.push(letters);
}

fn cut_signs(chunk: &str, run: Option<(usize, usize)>, phrases: &mut Vec<Phrase>) {
    let Some(run) = run.and_then(|(from, to)| chunk.get(from..to)) else { return };
    // The dictionary itself is loaded once per process, at the first query that needs it.
    let mut dictionary = JiebaTokenizer::with_search_mode(false);
    let mut words = dictionary.token_stream(run);
    while let Some(word) = words.next() {
        phrases.push(tokens(&word.text));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut_message(text: &str) -> String {
        tokens(text).join("|")
    }

    fn cut_query(text: &str) -> Vec<String> {
        phrases(text).iter().map(|phrase| phrase.join("|")).collect()
    }

    #[test]
    fn chinese_is_indexed_sign_by_sign_and_other_words_whole_in_lower_case() {
        assert_eq!(cut_message("我在Teahouse喝茶，GO 2026！"), "我|在|teahouse|喝|茶|go|2026");
        assert_eq!(cut_message("ＡＢＣ１２３ 🍵好"), "abc123|🍵|好");
        assert_eq!(cut_message("Ångström cafe\u{301}s"), "angstrom|cafes");
        assert_eq!(cut_message("CAFÉ İzmir ŁÓDŹ Straße Việt Ελλάδα йод"), "cafe|izmir|lodz|strasse|viet|ελλάδα|йод");
        assert_eq!(cut_message(" ,.！？"), "");
    }

    #[test]
    fn positions_count_tokens_and_offsets_name_their_bytes() {
        let mut tokenizer = MessageTokenizer::default();
        let mut stream = tokenizer.token_stream("好, wi-fi");
        let mut seen = vec![];
        while let Some(token) = stream.next() {
            seen.push((token.position, token.offset_from, token.offset_to));
        }
        assert_eq!(seen, [(0, 0, 3), (1, 5, 7), (2, 8, 10)]);
    }

    #[test]
    fn a_token_has_a_longest_length() {
        assert_eq!(cut_message(&"x".repeat(1_000)).len(), TOKEN_BYTES_MAX);
    }

    #[test]
    fn a_query_is_cut_by_the_dictionary_into_phrases_of_signs() {
        assert_eq!(cut_query("北京读书"), ["北|京", "读|书"]);
        assert_eq!(cut_query("茶"), ["茶"]);
        assert_eq!(cut_query("Teahouse喝茶"), ["teahouse", "喝|茶"]);
    }

    #[test]
    fn words_that_are_joined_by_punctuation_stay_side_by_side() {
        assert_eq!(cut_query("wi-fi ok"), ["ok", "wi|fi"]);
    }

    #[test]
    fn a_quoted_piece_is_one_phrase() {
        assert_eq!(cut_query("\"北京读书 now\" ok"), ["ok", "北|京|读|书|now"]);
        assert_eq!(cut_query("“北京读书”"), ["北|京|读|书"]);
    }

    #[test]
    fn a_query_of_punctuation_asks_for_nothing() {
        assert!(cut_query(" ， \"\" !").is_empty());
    }
}
