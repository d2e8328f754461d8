//! Where sentences end.
//!
//! The text is read once from left to right. At every `. ! ? …` the closing marks after it are taken in, then what comes
//! next decides: a lower-case word goes on; a capital begins a sentence unless the stop belongs to an abbreviation, an
//! initial, a number in a list or a parenthesis inside the sentence. Where the rules are in doubt nothing is cut: a missed
//! cut costs a translation less than a false one.

use std::ops::Range;

use super::Text;
use super::abbreviations::{self as abbreviations, Kind};
use super::quotes::{self, Language};

/// A parenthesis longer than this holds sentences of its own.
const PARENTHESIS: usize = 400;
/// No abbreviation is longer.
const WORD: usize = 24;

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
            if !is_stop(c) || self.text.masked[i] {
                self.pass(i);
                i += 1;
                continue;
            }
            let (stop, after) = self.stop(i);
            let end = self.take_closers(after);
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
        while end > self.start && self.text.chars[end - 1].is_whitespace() {
            end -= 1;
        }
        if end > self.start {
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
        // Turns of a dialogue inside one quotation stay together, unless each sentence is a turn.
        let turns = is_dash(text.chars[self.start]);
        if next.dash && self.depth > 0 && !turns && end == after {
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
                Stop::Ellipsis => caseless,
            };
        }
        match stop {
            Stop::Strong => true,
            Stop::Ellipsis => !(c.is_numeric() && text.before(i).is_numeric()),
            Stop::Period => self.period_ends(i, end > after, next),
        }
    }

    /// Whether the closing marks `i..end` end the parentheses and a word follows that only begins sentences: the
    /// sentence itself has no stop. (Il pleuvait !) Après …
    fn leaves_parenthesis(&self, i: usize, end: usize, next: &Next) -> bool {
        let outermost = self.brackets.iter().find(|&&(open, _)| open >= self.start && self.partner[open] > i);
        let left = outermost.is_none_or(|&(open, _)| self.partner[open] < end);
        left && !next.bracket && abbreviations::starts_sentences(&word_at(self.text, next.at))
    }

    /// Whether the full stop at `i` ends a sentence, `next` being no lower-case word.
    fn period_ends(&self, i: usize, closed: bool, next: &Next) -> bool {
        let text = self.text;
        let word = word_before(text, i);
        let letters = word.chars().count();
        let Some(first) = word.chars().next() else { return true };
        let begin = i - letters;
        let follower = word_at(text, next.at);
        let label = text.get(next.at).is_numeric() || abbreviations::is_roman(&follower) || is_initial(text, next.at);
        let starter = !next.bracket && !is_initial(text, next.at) && abbreviations::starts_sentences(&follower);
        let article = !next.bracket && abbreviations::is_article(&follower);
        if !closed && self.is_list_number(begin, &word) {
            return false;
        }
        if word.contains('.') {
            if abbreviations::kind(&word) == Kind::Never {
                return closed;
            }
            let acronym = word.split('.').all(|part| {
                let part = part.trim_start_matches('-');
                let mut letters = part.chars();
                let first = letters.next();
                let rest = letters.clone().count();
                first.is_some_and(char::is_alphabetic)
                    && letters.all(char::is_alphabetic)
                    && (rest == 0 || (rest < 3 && first.is_some_and(char::is_uppercase)))
            });
            if !acronym {
                return true;
            }
            // The birth of Christ counts years and ends what it stands in.
            if matches!(word.as_str(), "J.-C" | "J.C") && begin > 0 {
                let era = word_before(text, text_end(text, begin));
                if matches!(era.to_lowercase().as_str(), "av" | "apr" | "ap" | "avant" | "après") {
                    return !label && !next.bracket;
                }
            }
            // N.B. and P.S. lead.
            return (starter || article) && !self.only_signs(begin);
        }
        if letters == 1 {
            if text.before(begin) == '°' {
                return true;
            }
            return if first.is_uppercase() {
                abbreviations::kind(&word) != Kind::Never && (starter || (article && self.names_a_thing(begin)))
                    || closed
            } else if first.is_alphabetic() {
                let unit = begin > 0 && text.chars[text_end(text, begin).saturating_sub(1)].is_numeric();
                let whole = "'’/".contains(text.before(begin)) || matches!(first, 'a' | 'y' | 'à' | 'ô');
                whole
                    || closed
                    || (unit && !label && !next.bracket)
                    || ((starter || article) && (first == 's' || self.names_a_thing(begin)))
            } else {
                true
            };
        }
        match abbreviations::kind(&word) {
            Kind::Word => true,
            Kind::Never => closed,
            Kind::Ends => !next.bracket,
            Kind::MayEnd => starter || article || closed && !label,
            Kind::BeforeNumber => {
                !label && !next.bracket && (starter || article || closed || abbreviations::is_common_word(&word))
            }
        }
    }

    /// Whether `word` at `begin` numbers an item: it begins the sentence, or comes after a colon.
    fn is_list_number(&self, begin: usize, word: &str) -> bool {
        let numbers = word.chars().count() == 1
            || abbreviations::is_roman(word)
            || (word.len() <= 6
                && word
                    .split('.')
                    .all(|part| (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit())));
        let before = text_end(self.text, begin);
        numbers && (self.only_signs(before) || ":;(".contains(self.text.before(before)))
    }

    /// Whether only signs stand between the start of the sentence and `end`, near enough to look.
    fn only_signs(&self, end: usize) -> bool {
        end <= self.start + 4 && !self.text.chars[self.start.min(end)..end].iter().any(|c| c.is_alphanumeric())
    }

    /// Whether the word before the single letter at `begin` is a thing that letters tell apart (le plan B, la vitamine
    /// C), rather than a name or a word that leads to one.
    fn names_a_thing(&self, begin: usize) -> bool {
        let before = word_before(self.text, text_end(self.text, begin));
        let lower = before.chars().next().is_some_and(|c| c.is_lowercase() || c.is_numeric());
        lower && before.chars().count() > 3 && !abbreviations::joins(&before)
    }

    /// Whether the writer forgot the space after a stop: "fini.Il repart".
    fn lacks_space(&self, stop: Stop, i: usize, end: usize, next: &Next) -> bool {
        let text = self.text;
        if next.bracket || next.dash {
            return false;
        }
        let (a, b) = (text.get(next.at), text.get(next.at + 1));
        let capital = a.is_uppercase() && (b.is_lowercase() || "'’".contains(b));
        let (y, z) = (text.before(i.saturating_sub(1)), text.before(i));
        let ended = (z.is_lowercase() && (y.is_lowercase() || end > i + 1))
            || (z.is_numeric() && y.is_numeric())
            || z.is_whitespace()
            || ")]»”".contains(z);
        if !capital || !ended {
            return false;
        }
        // In a name of a file, a site or a method the stop is no stop.
        let from = i.saturating_sub(60);
        let to = (next.at + 60).min(text.len());
        let head = text.chars[from..i].iter().rev().take_while(|c| !c.is_whitespace());
        let tail = text.chars[next.at..to].iter().take_while(|c| !c.is_whitespace());
        if head.chain(tail).any(|c| "/\\@_=<>(".contains(*c)) {
            return false;
        }
        let dotted = text.chars[from..i].iter().rev().take_while(|c| !c.is_whitespace()).any(|&c| c == '.');
        let follower = word_at(text, next.at).to_lowercase();
        let extension = matches!(
            follower.as_str(),
            "com" | "net" | "org" | "fr" | "js" | "io" | "be" | "ch" | "eu" | "pdf" | "exe"
        );
        stop != Stop::Period
            || (!dotted && !extension && matches!(abbreviations::kind(&word_before(text, i)), Kind::Word | Kind::Ends))
    }
}

fn is_stop(c: char) -> bool {
    matches!(c, '.' | '!' | '?' | '…' | '‼' | '⁇' | '⁈' | '⁉' | '。' | '！' | '？')
}

fn is_dash(c: char) -> bool {
    matches!(c, '–' | '—' | '―' | '-')
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

/// The end of the text before `i`, white space left out.
fn text_end(text: &Text, mut i: usize) -> usize {
    while i > 0 && text.chars[i - 1].is_whitespace() {
        i -= 1;
    }
    i
}

/// What stands before `i` since white space, an apostrophe or a sign; empty where it is longer than any abbreviation.
fn word_before(text: &Text, i: usize) -> String {
    let mut begin = i;
    while begin > 0 && is_part(text.chars[begin - 1]) && i - begin <= WORD {
        begin -= 1;
    }
    // A hyphen joins words; only an abbreviation in itself has one.
    text.chars[begin..i].iter().collect::<String>().trim_matches(['-', '.']).to_owned()
}

fn is_part(c: char) -> bool {
    c.is_alphanumeric() || c == '.' || c == '-' || c == '§'
}

/// The word at `i`, with its apostrophe if it is elided.
fn word_at(text: &Text, i: usize) -> String {
    let mut end = i;
    while end - i <= WORD && text.get(end).is_alphanumeric() {
        end += 1;
    }
    let elided = "'’".contains(text.get(end)) && end > i;
    text.chars[i..end + usize::from(elided)].iter().collect()
}

/// Whether a single capital with a full stop stands at `i`, or a capital before a number (art. L. 12, art. R 5).
fn is_initial(text: &Text, i: usize) -> bool {
    let (a, b, c) = (text.get(i), text.get(i + 1), text.get(i + 2));
    a.is_uppercase() && (b == '.' || b.is_ascii_digit() || (b.is_whitespace() && c.is_ascii_digit()))
}

/// Whether an address of the web begins at `i`.
fn is_address(text: &Text, i: usize) -> bool {
    ["http://", "https://", "www."].iter().any(|prefix| prefix.chars().enumerate().all(|(k, c)| text.get(i + k) == c))
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
