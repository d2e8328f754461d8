//! Where sentences end.
//!
//! The text is read once from left to right. At every `. ! ? …` the closing marks after it are taken in, then what comes
//! next decides: a lower-case word goes on; a capital begins a sentence unless the stop belongs to an abbreviation, an
//! initial, a number in a list or a parenthesis inside the sentence. Where the rules are in doubt nothing is cut: a missed
//! cut costs a translation less than a false one.

mod period;
mod words;

use std::ops::Range;

use self::words::{is_address, word_at, word_before};
use super::Text;
use super::abbreviations::{self as abbreviations, Kind};
use super::quotes::{self, Language};

/// A parenthesis longer than this holds sentences of its own.
const PARENTHESIS: usize = 400;

/// The sentences of `text`; `verbatim` are the ranges where nothing is punctuation, in order.
pub fn ranges(text: &str, verbatim: &[Range<usize>]) -> Vec<Range<usize>> {
    let text = Text::new(text, verbatim);
    let mut reader = Reader::new(&text);
    reader.run();
    reader.out
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    None,
    Open,
    Close,
}

/// What a run of stops is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    Period,
    /// Has a `!` or a `?`.
    Strong,
    /// An emoji in the place of one.
    Smile,
    Ellipsis,
}

/// What comes after a stop and its closing marks.
struct Next {
    /// The first letter, digit or symbol.
    at: usize,
    dash: bool,
    bracket: bool,
    /// White space stands before it.
    spaced: bool,
}

struct Reader<'a> {
    text: &'a Text,
    roles: Vec<Role>,
    /// For an opening bracket that is closed: where. Else 0.
    partner: Vec<usize>,
    /// Brackets that are open, each with whether words of the current sentence stand before it.
    brackets: Vec<(usize, bool)>,
    /// Quotations that are open.
    depth: usize,
    /// Where the current sentence starts, and whether it has a letter or digit so far.
    start: usize,
    filled: bool,
    /// The text does without capitals.
    caseless: bool,
    out: Vec<Range<usize>>,
}

impl<'a> Reader<'a> {
    fn new(text: &'a Text) -> Self {
        let n = text.len();
        let mut roles = vec![Role::None; n];
        for mark in quotes::scan(text, Language::French) {
            for i in mark.chars {
                roles[i] = if mark.open { Role::Open } else { Role::Close };
            }
        }
        let mut partner = vec![0; n];
        let mut open: Vec<usize> = Vec::new();
        for i in 0..n {
            match text.chars[i] {
                '(' | '[' | '{' => open.push(i),
                c @ (')' | ']' | '}') => {
                    let partner_of = open.pop_if(|o| closing(text.chars[*o]) == c);
                    partner_of.into_iter().for_each(|o| partner[o] = i);
                }
                _ => {}
            }
        }
        let start = text.skip_space(0);
        let caseless = is_caseless(text);
        Self { text, roles, partner, brackets: vec![], depth: 0, start, filled: false, caseless, out: vec![] }
    }

    fn run(&mut self) {
        let n = self.text.len();
        let mut i = self.start;
        while i < n {
            let c = self.text.chars[i];
            let smile = is_smile(c) && self.filled && self.depth == 0 && self.text.before(i).is_whitespace();
            if !(is_stop(c) || smile) || self.text.masked[i] {
                self.pass(i);
                i += 1;
                continue;
            }
            let (stop, after) = if smile { (Stop::Smile, i) } else { self.stop(i) };
            let end = self.take_closers(self.take_note(i, after));
            let next = self.next(end);
            let cut = next.as_ref().is_some_and(|next| self.ends(stop, i, after, end, next));
            for k in i..end {
                self.pass(k);
            }
            if cut {
                self.push(end);
                self.start = self.text.skip_space(end);
                self.filled = false;
                i = self.start;
            } else {
                i = end;
            }
        }
        self.push(n);
    }

    /// Takes note of a character.
    fn pass(&mut self, i: usize) {
        let c = self.text.chars[i];
        match c {
            '(' | '[' | '{' if self.partner[i] > 0 => self.brackets.push((i, self.filled)),
            ')' | ']' | '}' => {
                self.brackets.pop_if(|(o, _)| self.partner[*o] == i);
            }
            _ => {}
        }
        match self.roles[i] {
            Role::Open => self.depth += 1,
            Role::Close => self.depth = self.depth.saturating_sub(1),
            Role::None => {}
        }
        self.filled |= c.is_alphanumeric();
    }

    fn push(&mut self, mut end: usize) {
        while end > self.start && self.text.is_space(end - 1) {
            end -= 1;
        }
        // A space that is code by itself is nothing to translate.
        if self.text.chars[self.start..end].iter().any(|c| !c.is_whitespace()) {
            self.out.push(self.text.at[self.start]..self.text.at[end]);
        }
    }

    /// The run of stops at `i`, and where it ends.
    fn stop(&self, i: usize) -> (Stop, usize) {
        let mut end = i;
        let (mut strong, mut dots, mut ellipsis) = (false, 0, false);
        while end < self.text.len() && is_stop(self.text.chars[end]) {
            match self.text.chars[end] {
                '.' => dots += 1,
                '…' => ellipsis = true,
                _ => strong = true,
            }
            end += 1;
        }
        // Three stops set apart are an ellipsis too.
        if dots == 1 && !strong && i >= 2 && self.text.chars[i - 1].is_whitespace() && self.text.chars[i - 2] == '.' {
            ellipsis = true;
        }
        let stop = match (strong, ellipsis || dots > 1) {
            (true, _) => Stop::Strong,
            (false, true) => Stop::Ellipsis,
            (false, false) => Stop::Period,
        };
        (stop, end)
    }

    /// The end of the number of a note that is written right after the stop `i..after`: C'est prouvé.12 Mais
    fn take_note(&self, i: usize, after: usize) -> usize {
        let digits = (after..self.text.len()).take_while(|&k| self.text.chars[k].is_ascii_digit()).take(4).count();
        let end = after + digits;
        let word = words::word_before(self.text, i);
        let ended = word.chars().count() > 3 && word.chars().all(char::is_alphabetic);
        let noted = (1..4).contains(&digits) && ended && self.text.get(end).is_whitespace();
        if noted && abbreviations::kind(&word) == Kind::Word { end } else { after }
    }

    /// The end of the closing marks, brackets and note numbers after a stop that ends at `end`.
    fn take_closers(&self, mut end: usize) -> usize {
        loop {
            let c = self.text.get(end);
            if end < self.text.len()
                && (matches!(c, '*' | '_' | '†' | '‡' | '¹' | '²' | '³' | '⁴'..='⁹') || is_emoji(c))
            {
                end += 1;
                continue;
            }
            if c == '[' {
                let close = self.partner[end];
                if close > end + 1
                    && close < end + 5
                    && self.text.chars[end + 1..close].iter().all(char::is_ascii_digit)
                {
                    end = close + 1;
                    continue;
                }
            }
            let at = self.text.skip_space(end);
            let closes = at < self.text.len()
                && (self.roles[at] == Role::Close
                    || matches!(self.text.chars[at], ')' | ']' | '}')
                    || is_emoji(self.text.chars[at]));
            if !closes {
                return end;
            }
            end = at + 1;
        }
    }

    /// What the text goes on with after `end`; `None` where no word follows.
    fn next(&self, end: usize) -> Option<Next> {
        let start = self.text.skip_space(end);
        let mut next = Next { at: start, dash: false, bracket: false, spaced: start > end };
        while next.at < self.text.len() {
            let i = next.at;
            let c = self.text.chars[i];
            let follows = self.text.get(i + 1);
            if c.is_whitespace() || self.roles[i] == Role::Open || matches!(c, '¿' | '¡' | '*' | '_' | '•') {
                next.at += 1;
            } else if matches!(c, '–' | '—' | '―' | '-') && !follows.is_ascii_digit() {
                next.dash = true;
                next.at += 1;
            } else if matches!(c, '(' | '[' | '{') {
                // « […] » stands for words that were left out: look behind it.
                let close = self.partner[i];
                if close > i
                    && close < i + 6
                    && self.text.chars[i + 1..close].iter().all(|&c| is_stop(c) || c.is_whitespace())
                {
                    next.at = close + 1;
                } else {
                    next.bracket = true;
                    next.at += 1;
                }
            } else if c == '…' || (c == '.' && follows == '.') {
                // A sentence may begin with an ellipsis.
                next.at += 1;
                while self.text.get(next.at) == '.' {
                    next.at += 1;
                }
            } else {
                return Some(next);
            }
        }
        None
    }

    /// Whether the stop `i..after`, closing marks until `end`, ends a sentence before `next`.
    fn ends(&self, stop: Stop, i: usize, after: usize, end: usize, next: &Next) -> bool {
        let text = self.text;
        let c = text.chars[next.at];
        if !self.filled || ",;:.!?)]}%/".contains(c) || self.roles[next.at] == Role::Close {
            return false;
        }
        if !next.spaced {
            return self.lacks_space(stop, i, end, next);
        }
        // A stop in a parenthesis inside the sentence does not end the sentence.
        let inside = self.brackets.iter().rev().take(4).any(|&(open, words_before)| {
            words_before && open >= self.start && self.partner[open] > i && self.partner[open] - open < PARENTHESIS
        });
        if inside && !self.leaves_parenthesis(i, end, next) {
            return false;
        }
        // An answer inside one quotation stays with its question, unless turn follows turn.
        if next.dash
            && self.depth > 0
            && end == after
            && !is_dash(text.chars[self.start])
            && !self.turn_follows(next.at)
        {
            return false;
        }
        if c.is_lowercase() {
            let brand = text.get(next.at + 1).is_uppercase()
                || (text.get(next.at + 2).is_uppercase() && text.get(next.at + 1).is_lowercase());
            let caseless = self.caseless && end == after;
            if !brand && !caseless && !is_address(text, next.at) {
                return false;
            }
            let word = word_before(text, i);
            let abbreviation = word.contains('.')
                || word.chars().count() < 2
                || matches!(abbreviations::kind(&word), Kind::Never | Kind::BeforeNumber);
            return match stop {
                Stop::Period => !abbreviation,
                Stop::Strong => true,
                Stop::Smile => false,
                Stop::Ellipsis => caseless,
            };
        }
        match stop {
            Stop::Strong => !abbreviations::is_company(&word_at(text, next.at)),
            Stop::Smile => abbreviations::starts_sentences(&word_at(text, next.at)),
            Stop::Ellipsis => !(c.is_numeric() && text.before(i).is_numeric()),
            Stop::Period => self.period_ends(i, end > after, next),
        }
    }

    /// Whether a further turn of speech begins after `from` in the same quotation, near enough to look.
    fn turn_follows(&self, from: usize) -> bool {
        let to = (from + PARENTHESIS).min(self.text.len());
        let turn = |k: usize| is_stop(self.text.chars[k]) && is_dash(self.text.get(self.text.skip_space(k + 1)));
        (from..to).take_while(|&k| self.roles[k] != Role::Close).any(turn)
    }

    /// Whether the closing marks `i..end` end the parentheses and a word follows that only begins sentences: the
    /// sentence itself has no stop. (Il pleuvait !) Après …
    fn leaves_parenthesis(&self, i: usize, end: usize, next: &Next) -> bool {
        let outermost = self.brackets.iter().find(|&&(open, _)| open >= self.start && self.partner[open] > i);
        let left = outermost.is_none_or(|&(open, _)| self.partner[open] < end);
        left && !next.bracket && abbreviations::starts_sentences(&word_at(self.text, next.at))
    }
}

fn is_stop(c: char) -> bool {
    matches!(c, '.' | '!' | '?' | '…' | '‼' | '⁇' | '⁈' | '⁉' | '。' | '！' | '？')
}

fn is_dash(c: char) -> bool {
    matches!(c, '–' | '—' | '―' | '-')
}

/// A face or a picture that may stand for a stop; no arrow or tick.
fn is_smile(c: char) -> bool {
    matches!(c, '\u{1f300}'..='\u{1faff}')
}

fn is_emoji(c: char) -> bool {
    matches!(c, '\u{1f000}'..='\u{1faff}' | '\u{2600}'..='\u{27bf}' | '\u{fe0f}' | '\u{200d}')
}

fn closing(open: char) -> char {
    match open {
        '(' => ')',
        '[' => ']',
        _ => '}',
    }
}

/// Whether the text begins in lower case and goes on so after every stop: a transcript, a chat.
fn is_caseless(text: &Text) -> bool {
    let mut letters = text.chars.iter().filter(|c| c.is_alphabetic());
    if !letters.next().is_some_and(|c| c.is_lowercase()) {
        return false;
    }
    let (mut lower, mut upper) = (0, 0);
    for i in 0..text.len() {
        let c = text.chars[i];
        if !matches!(c, '.' | '!' | '?') || !text.get(i + 1).is_whitespace() {
            continue;
        }
        let next = text.get(text.skip_space(i + 1));
        if next.is_uppercase() {
            upper += 1;
        } else if next.is_lowercase() && (c != '.' || text.before(i).is_lowercase()) {
            lower += 1;
        }
    }
    lower > 2 * upper
}
