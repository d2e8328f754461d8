//! The quote stack: which marks open and close quotations, and how deep, in one text and over paragraphs.
//!
//! First each text by itself: every mark gets a role from its shape and what stands round it (`scan`). Then the stack
//! runs over the blocks ([`read`]): a quotation that its paragraph leaves open goes on if the next paragraph repeats
//! the opening mark, or if a closing mark without a partner comes soon; otherwise the author forgot to close it.

use std::ops::Range;

use super::Text;
use crate::document::{Block, BlockKind, QuoteMark, QuoteRole};

/// A quotation left open is given up when this many blocks bring no closing mark.
const PATIENCE: usize = 60;

/// The quotation marks of a block.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// In order, with ranges of the block's text.
    pub marks: Vec<QuoteMark>,
    /// How many quotations of earlier blocks are open where it starts.
    pub depth: usize,
}

/// Marks that pair with one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    Guillemet,
    Angle,
    Curly,
    Low,
    Straight,
    Single,
}

const FAMILIES: usize = 6;

/// A mark as one text shows it.
#[derive(Clone, Debug)]
pub(super) struct Raw {
    pub range: Range<usize>,
    /// The same in characters.
    pub chars: Range<usize>,
    pub open: bool,
    pub family: Family,
    /// A `»` before a word at the head of the text: a repeated mark of an older custom, or no quotation mark at all.
    pub leads: bool,
}

/// Whose apostrophes a text has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    French,
    English,
}

/// A mark found in a text by itself.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub range: Range<usize>,
    pub open: bool,
    /// A single quote, which might be an apostrophe.
    pub single: bool,
}

/// The quotation marks of one text.
pub(crate) fn find(text: &str, language: Language) -> Vec<Found> {
    let marks = scan(&Text::new(text, &[]), language).into_iter();
    marks.map(|mark| Found { range: mark.range, open: mark.open, single: mark.family == Family::Single }).collect()
}

/// Open quotations, with a count of each family so that a search that finds nothing costs nothing.
#[derive(Default)]
struct Stack {
    open: Vec<Family>,
    count: [usize; FAMILIES],
}

impl Stack {
    fn push(&mut self, family: Family) {
        self.open.push(family);
        self.count[family as usize] += 1;
    }

    fn has(&self, family: Family) -> bool {
        self.count[family as usize] > 0
    }

    fn truncate(&mut self, len: usize) {
        while self.open.len() > len {
            if let Some(family) = self.open.pop() {
                self.count[family as usize] -= 1;
            }
        }
    }

    /// Closes the innermost quotation that a closing mark of `family` may close, and what was left open in it.
    /// Gives its depth; `None` where there is none.
    fn close(&mut self, family: Family) -> Option<usize> {
        let mut partners: &[Family] = match family {
            Family::Curly => &[Family::Curly, Family::Low],
            Family::Low => &[Family::Low],
            Family::Guillemet => &[Family::Guillemet],
            Family::Angle => &[Family::Angle],
            Family::Straight => &[Family::Straight],
            Family::Single => &[Family::Single],
        };
        if !partners.iter().any(|&p| self.has(p)) {
            // Authors mix the outer marks: « mot ”.
            partners = match family {
                Family::Single | Family::Angle => &[],
                _ => &[Family::Guillemet, Family::Curly, Family::Low, Family::Straight],
            };
        }
        if !partners.iter().any(|&p| self.has(p)) {
            return None;
        }
        let depth = self.open.iter().rposition(|f| partners.contains(f))?;
        self.truncate(depth);
        Some(depth)
    }
}

/// The marks of every block, with the stack running over all of them.
pub fn read(blocks: &[Block]) -> Vec<Reading> {
    let raw: Vec<(Vec<Raw>, bool)> = blocks
        .iter()
        .map(|block| {
            let text = Text::new(&block.text, &super::verbatim(block));
            let marks = scan(&text, Language::French);
            let leads = marks.first().is_some_and(|mark| text.skip_space(0) == mark.chars.start);
            (marks, leads)
        })
        .collect();
    let closers = next_lone_closer(&raw, blocks);
    let mut stack = Stack::default();
    let mut out = Vec::with_capacity(blocks.len());
    for (i, (marks, leads)) in raw.iter().enumerate() {
        if stands_alone(blocks[i].kind) {
            out.push(link(&settle_lead(marks, 0), &mut Stack::default(), 0));
            if blocks[i].kind == BlockKind::Heading {
                stack.truncate(0);
            }
            continue;
        }
        let mut repeated = 0;
        if !stack.open.is_empty() {
            if *leads {
                let first = &marks[0];
                repeated = stack.open.iter().zip(marks).take_while(|(open, mark)| repeats(first, **open, mark)).count();
            }
            if repeated > 0 {
                stack.truncate(repeated);
            } else if closers[i][stack.open[0] as usize].is_some_and(|at| at - i <= PATIENCE) {
                stack.truncate(1);
            } else {
                stack.truncate(0);
            }
        }
        out.push(link(&settle_lead(marks, repeated), &mut stack, repeated));
    }
    out
}

/// Whether `mark`, in a run of marks that begins with `first` at the head of a block, repeats the opening mark of a
/// quotation of the family `open`.
fn repeats(first: &Raw, open: Family, mark: &Raw) -> bool {
    let near = mark.chars.start <= first.chars.end + 4;
    // An older custom repeats the closing guillemet.
    near && mark.family == open && (mark.open || mark.leads)
}

/// Headings, cells and fields are texts of their own.
fn stands_alone(kind: BlockKind) -> bool {
    matches!(kind, BlockKind::Heading | BlockKind::Cell | BlockKind::Field)
}

/// For each block, the first block from there on with a closing mark of each family that has no partner in it.
fn next_lone_closer(raw: &[(Vec<Raw>, bool)], blocks: &[Block]) -> Vec<[Option<usize>; FAMILIES]> {
    let mut out = vec![[None; FAMILIES]; raw.len()];
    let mut next = [None; FAMILIES];
    for (i, (marks, _)) in raw.iter().enumerate().rev() {
        match blocks[i].kind {
            BlockKind::Heading => next = [None; FAMILIES],
            kind if stands_alone(kind) => {}
            _ => {
                for family in lone_closers(marks) {
                    // What closes “ closes „ as well.
                    next[family as usize] = Some(i);
                    if family == Family::Curly {
                        next[Family::Low as usize] = Some(i);
                    }
                }
            }
        }
        out[i] = next;
    }
    out
}

/// A `»` at the head of a text that repeats nothing opens a quotation if the text closes it, and is an arrow if not.
fn settle_lead(marks: &[Raw], repeated: usize) -> Vec<Raw> {
    let mut out = marks.to_vec();
    if repeated == 0 && out.first().is_some_and(|mark| mark.leads) {
        if lone_closers(&marks[1..]).next().is_some() {
            out[0].open = true;
        } else {
            out.remove(0);
        }
    }
    out
}

/// The closing marks that have no partner.
fn lone_closers(marks: &[Raw]) -> impl Iterator<Item = Family> {
    let mut stack = Stack::default();
    marks.iter().filter_map(move |mark| {
        if mark.open {
            stack.push(mark.family);
            return None;
        }
        let lone = stack.close(mark.family).is_none() && mark.family != Family::Single;
        lone.then_some(mark.family)
    })
}

/// Runs the stack over the marks of one block; the first `repeated` of them go on with quotations that are open.
fn link(marks: &[Raw], stack: &mut Stack, repeated: usize) -> Reading {
    let depth = stack.open.len();
    let marks = marks
        .iter()
        .enumerate()
        .map(|(i, mark)| {
            let (role, depth) = if i < repeated {
                (QuoteRole::Continue, i)
            } else if mark.open {
                stack.push(mark.family);
                (QuoteRole::Open, stack.open.len() - 1)
            } else {
                let depth = stack.close(mark.family);
                (QuoteRole::Close, depth.unwrap_or(stack.open.len()))
            };
            QuoteMark { range: mark.range.clone(), role, depth }
        })
        .collect();
    Reading { marks, depth }
}

/// The marks of one text, each with its role from its shape and surroundings.
pub(super) fn scan(text: &Text, language: Language) -> Vec<Raw> {
    let n = text.len();
    let ahead = Ahead::of(text, language);
    let head = text.skip_space(0);
    let mut stack = Stack::default();
    let mut out: Vec<Raw> = Vec::new();
    let mut i = 0;
    while i < n {
        let mut end = i + 1;
        let found = if text.masked[i] {
            None
        } else {
            let (p, q) = (text.before(i), text.get(end));
            match text.chars[i] {
                '«' => Some((true, Family::Guillemet)),
                '»' => Some((false, Family::Guillemet)),
                '‹' => Some((true, Family::Angle)),
                // Else the arrow of a trail of links.
                '›' if stack.has(Family::Angle) => Some((false, Family::Angle)),
                '„' => Some((true, Family::Low)),
                '“' if stack.has(Family::Low) && closes(p, q) => Some((false, Family::Low)),
                '“' if stack.has(Family::Curly) && closes(p, q) && !opens(p, q) => Some((false, Family::Curly)),
                '“' => Some((true, Family::Curly)),
                '”' if opens(p, q) && !closes(p, q) && !stack.has(Family::Curly) && !stack.has(Family::Low) => {
                    Some((true, Family::Curly))
                }
                '”' => Some((false, Family::Curly)),
                '"' | '＂' => straight(text, i, end, &stack, &ahead).map(|open| (open, Family::Straight)),
                '\'' if q == '\'' && text.get(i + 2) != '\'' && p != '\'' => {
                    end += 1;
                    let inside_word = p.is_alphanumeric() && text.get(end).is_alphanumeric();
                    let open = if inside_word { None } else { straight(text, i, end, &stack, &ahead) };
                    open.map(|open| (open, Family::Straight))
                }
                '`' if language == Language::English && q == '`' && p != '`' && text.get(i + 2) != '`' => {
                    end += 1;
                    Some((true, Family::Straight))
                }
                '‘' | '’' | '\'' => single(text, i, &stack, &ahead).map(|open| (open, Family::Single)),
                _ => None,
            }
        };
        if let Some((open, family)) = found {
            let leads = text.chars[i] == '»' && head == i && text.get(text.skip_space(end)).is_alphanumeric();
            if open {
                stack.push(family);
            } else {
                stack.close(family);
            }
            out.push(Raw { range: text.at[i]..text.at[end], chars: i..end, open, family, leads });
        }
        i = end;
    }
    out
}

/// What the scan must know of the text to the right.
struct Ahead {
    /// Straight double marks that can only be closing, from each character on.
    closers: Vec<u32>,
    /// Straight double marks, from each character on.
    straight: Vec<u32>,
    /// For each character, whether a single mark that can close comes after it.
    single: Vec<bool>,
    language: Language,
}

impl Ahead {
    fn of(text: &Text, language: Language) -> Self {
        let n = text.len();
        let mut ahead =
            Self { closers: vec![0; n + 1], straight: vec![0; n + 1], single: vec![false; n + 1], language };
        for i in (0..n).rev() {
            let (p, c, q) = (text.before(i), text.chars[i], text.get(i + 1));
            let double = matches!(c, '"' | '＂') && !text.masked[i];
            ahead.straight[i] = ahead.straight[i + 1] + u32::from(double);
            ahead.closers[i] = ahead.closers[i + 1] + u32::from(double && closes(p, q) && !opens(p, q));
            let single = matches!(c, '\'' | '’') && !text.masked[i] && closes_single(text, i);
            ahead.single[i] = ahead.single[i + 1] || single;
        }
        ahead
    }
}

/// Whether the surroundings allow an opening mark: a space or an opening sign before it, none after.
fn opens(p: char, q: char) -> bool {
    (p.is_whitespace() || "([{<—–-/«“‘‹„'’\"*_=:|".contains(p)) && !q.is_whitespace() && !".,;:!?)]}…»”".contains(q)
}

/// Whether the surroundings allow a closing mark.
fn closes(p: char, q: char) -> bool {
    !p.is_whitespace() && (q.is_whitespace() || ".,;:!?)]}>…»”’›\"'*_—–-/|".contains(q))
}

/// The role of the straight mark in `i..end`; `None` where it stands for inches or seconds.
fn straight(text: &Text, i: usize, end: usize, stack: &Stack, ahead: &Ahead) -> Option<bool> {
    let (p, q) = (text.before(i), text.get(end));
    let has = stack.has(Family::Straight);
    if p.is_ascii_digit() && (q.is_whitespace() || ".,;:)".contains(q)) {
        // An odd number of marks with one after a figure: 12" is a length, unless it must close.
        let odd = ahead.straight[0] % 2 == 1;
        if !has || (odd && ahead.closers[end] > 0) {
            return None;
        }
    }
    match (opens(p, q), closes(p, q)) {
        (true, false) => Some(true),
        // Without an open quotation it is a closing mark without a partner, which may end one of an earlier paragraph.
        (false, true) => Some(false),
        // Spaces on both sides, or letters on both: what is open decides.
        _ if has => Some(false),
        _ if p.is_whitespace() && ",;:!?)]}.".contains(q) => Some(false),
        // After a stop, with all the rest in pairs: the end of a quotation from an earlier paragraph.
        _ if p.is_whitespace() && i > 1 && ".!?…".contains(text.chars[i - 2]) => Some(ahead.straight[end] % 2 == 1),
        _ => Some(true),
    }
}

/// The role of the single mark at `i`; `None` for an apostrophe.
fn single(text: &Text, i: usize, stack: &Stack, ahead: &Ahead) -> Option<bool> {
    let (p, c, q) = (text.before(i), text.chars[i], text.get(i + 1));
    if p.is_alphanumeric() && q.is_alphanumeric() {
        return None;
    }
    if c != '’' && opens(p, q) && ahead.single[i + 1] {
        return Some(true);
    }
    if c == '‘' || !stack.has(Family::Single) || !closes_single(text, i) {
        return None;
    }
    // English: the workers’ rights.
    let possessive = ahead.language == Language::English && p == 's' && q == ' ' && ahead.single[i + 1];
    if possessive && text.get(i + 2).is_alphabetic() { None } else { Some(false) }
}

/// Whether the single mark at `i` can close: not the apostrophe of an elision before a mark or a space.
fn closes_single(text: &Text, i: usize) -> bool {
    let (p, q) = (text.before(i), text.get(i + 1));
    if p.is_whitespace() || !closes(p, q) {
        return false;
    }
    let mut word = String::new();
    for k in (i.saturating_sub(9)..i).rev() {
        if !text.chars[k].is_alphabetic() {
            break;
        }
        word.insert(0, text.chars[k]);
    }
    let elided = ["l", "d", "j", "m", "t", "s", "c", "n", "qu"].contains(&word.to_lowercase().as_str())
        || (word.len() > 2 && word.ends_with("qu"));
    !elided
}
