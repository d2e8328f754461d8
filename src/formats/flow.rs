//! Text with inline markup, as a reader meets it: words, spaces, marks that open and close. What comes out is a block, and
//! what its writer needs to know.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::ops::Range;

use super::html;
use super::lines::has_text;
use super::weave::{Form, Frame, Shape, Syntax, Weave};
use crate::document::{Block, BlockKind, Mark};

/// Writes a translated value as it stands in the source: with its quotes' escapes.
pub(crate) type Encode = Box<dyn Fn(&str) -> String + Send + Sync>;

/// A flow of text under construction.
pub(crate) struct Flow {
    syntax: Syntax,
    text: String,
    marks: Vec<Mark>,
    pieces: Vec<Piece>,
    /// Numbers of the marks that are open, outermost first.
    open: Vec<usize>,
    /// White space that stands before the next word, and where the source has it if it holds a line end.
    space: Option<Option<Range<usize>>>,
    breaks: Vec<Break>,
    /// Source bytes from the first word to the last.
    words: Option<Range<usize>>,
    /// The first word's bytes, where they are the same as in the text, and where the second word starts.
    first: Option<Range<usize>>,
    second: Option<usize>,
    /// Blocks that stand within its markup.
    inner: Vec<(Block, Shape)>,
    /// The format of the words that come, and the number of the mark that stands for it.
    format: Option<(usize, usize)>,
}

/// What a mark is in the source.
#[derive(Clone, Debug)]
pub(crate) struct Piece {
    /// Source bytes.
    pub open: Range<usize>,
    /// Source bytes; empty for what has no end of its own.
    pub close: Range<usize>,
    /// What is written for `close` once the text has changed.
    pub closing: Option<String>,
    /// It stands between white space.
    pub apart: bool,
    /// The mark around it.
    pub parent: Option<usize>,
    /// It is a change of format: nothing is written for it but its text in that format.
    pub format: Option<usize>,
}

/// A line end within a flow.
#[derive(Clone, Debug)]
pub(crate) struct Break {
    /// The byte of the text.
    pub at: usize,
    /// The source's line end with the white space and quote marks around it.
    pub raw: Range<usize>,
}

/// How many marks are looked at where one would have to look at all of them.
const NEAR: usize = 64;

impl Flow {
    pub fn new(syntax: Syntax) -> Self {
        Self {
            syntax,
            text: String::new(),
            marks: Vec::new(),
            pieces: Vec::new(),
            open: Vec::new(),
            space: None,
            breaks: Vec::new(),
            words: None,
            first: None,
            second: None,
            inner: Vec::new(),
            format: None,
        }
    }

    /// Whether no mark is open.
    pub fn is_level(&self) -> bool {
        self.open.is_empty()
    }

    /// The text so far.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// White space; with its source bytes where it holds a line end.
    pub fn space(&mut self, line_end: Option<Range<usize>>) {
        if self.text.is_empty() {
            return;
        }
        match &mut self.space {
            Some(old) if old.is_some() => {}
            space => *space = Some(line_end),
        }
    }

    fn flush(&mut self) {
        let Some(space) = self.space.take() else { return };
        if self.text.ends_with([' ', '\n']) {
            // What stands here has white space on both sides.
            if let Some(mark) = self.marks.last().filter(|m| m.range.start == self.text.len()) {
                self.pieces[mark.id].apart = true;
            }
            return;
        }
        match space {
            Some(raw) => {
                self.breaks.push(Break { at: self.text.len(), raw });
                self.text.push('\n');
            }
            None => self.text.push(' '),
        }
    }

    /// Text without white space.
    pub fn word(&mut self, text: &str, source: Range<usize>) {
        self.flush();
        self.text.push_str(text);
        let start = match &self.words {
            Some(words) => {
                self.second.get_or_insert(source.start);
                words.start
            }
            None => {
                self.first = (text.len() == source.len()).then(|| source.clone());
                source.start
            }
        };
        self.words = Some(start..source.end);
    }

    /// Text with white space, none of it at a line's end. `source` is where it stands; where it is not the same there
    /// (escapes, entities) only its ends are known.
    pub fn text_run(&mut self, text: &str, source: Range<usize>) {
        let exact = text.len() == source.len();
        let mut at = 0;
        for part in text.split_inclusive(|c: char| c.is_ascii_whitespace()) {
            let word = part.trim_end_matches(|c: char| c.is_ascii_whitespace());
            if !word.is_empty() {
                let range = source.start + at..source.start + at + word.len();
                self.word(word, if exact { range } else { source.clone() });
            }
            if word.len() < part.len() {
                self.space(None);
            }
            at += part.len();
        }
    }

    /// Text that passes through unchanged, between `open` and `close`.
    pub fn verbatim(&mut self, text: &str, open: Range<usize>, close: Range<usize>) {
        self.flush();
        let start = self.text.len();
        self.word(text, open.start..close.end);
        self.mark(start..self.text.len(), open, close, true);
    }

    fn mark(&mut self, range: Range<usize>, open: Range<usize>, close: Range<usize>, verbatim: bool) -> usize {
        let id = self.pieces.len();
        let parent = self.open.last().copied();
        self.pieces.push(Piece { open, close, closing: None, apart: false, parent, format: None });
        self.marks.push(Mark { range, id, verbatim });
        id
    }

    /// The start of a marked stretch.
    pub fn open(&mut self, source: Range<usize>) -> usize {
        self.end_format();
        self.flush();
        let at = self.text.len();
        let id = self.mark(at..at, source.clone(), source.end..source.end, false);
        self.open.push(id);
        id
    }

    /// The words that come, from source byte `at` on, have this format.
    pub fn format(&mut self, format: usize, at: usize) {
        if self.format.is_none_or(|(old, _)| old != format) {
            let id = self.open(at..at);
            self.pieces[id].format = Some(format);
            self.format = Some((format, id));
        }
    }

    fn end_format(&mut self) {
        let Some((_, id)) = self.format.take() else { return };
        self.open.retain(|&open| open != id);
        let end = self.words.as_ref().map_or(self.pieces[id].open.end, |words| words.end);
        self.pieces[id].close = end..end;
        if let Some(mark) = self.marks.iter_mut().rev().find(|m| m.id == id) {
            mark.range.end = self.text.len();
        }
    }

    /// The format of most of the text; the marks that say so are taken away.
    fn base(&mut self) -> usize {
        let mut sizes: HashMap<usize, usize> = HashMap::new();
        let format = |pieces: &[Piece], mark: &Mark| pieces[mark.id].format;
        for mark in &self.marks {
            if let Some(format) = format(&self.pieces, mark) {
                *sizes.entry(format).or_default() += mark.range.len();
            }
        }
        // The first of those that are equally many.
        let base =
            sizes.into_iter().max_by_key(|&(format, size)| (size, Reverse(format))).map_or(0, |(format, _)| format);
        self.marks.retain(|mark| format(&self.pieces, mark) != Some(base));
        base
    }

    /// Words and white space as they stand in markup, with entities.
    pub fn escaped(&mut self, source: &str, place: Range<usize>, line_ends: bool) {
        let text = &source[place.clone()];
        let blank = |c: char| c.is_ascii_whitespace();
        let mut at = 0;
        while at < text.len() {
            let rest = &text[at..];
            let spaces = rest.len() - rest.trim_start_matches(blank).len();
            if spaces > 0 {
                let range = place.start + at..place.start + at + spaces;
                let line_end = line_ends && rest[..spaces].contains('\n');
                self.space(line_end.then_some(range));
                at += spaces;
                continue;
            }
            let word = &rest[..rest.find(blank).unwrap_or(rest.len())];
            self.word(&html::decode(word), place.start + at..place.start + at + word.len());
            at += word.len();
        }
    }

    /// The end of the stretch `id`, and of all that are still open in it: those have no end of their own.
    pub fn close(&mut self, id: usize, source: Range<usize>, closing: Option<String>) {
        self.end_format();
        let Some(depth) = self.open.iter().position(|&open| open == id) else {
            self.stand(source);
            return;
        };
        self.open.truncate(depth);
        // Marks are made in the order of their numbers, and none is taken away before the end, but for those of
        // an empty stretch: the last ones.
        let at = self.text.len();
        let Some(index) = self.marks.iter().rposition(|m| m.id == id) else { return };
        if self.marks[index].range.start == at {
            self.marks.truncate(index + 1);
            self.pieces[id].open.end = source.end;
            self.pieces[id].close = source.end..source.end;
            return;
        }
        self.marks[index].range.end = at;
        self.pieces[id].close = source;
        self.pieces[id].closing = closing;
    }

    /// What opens the stretch `id` goes on to `end`; `false` where there is text in it already.
    pub fn widen(&mut self, id: usize, end: usize) -> bool {
        let fits = self.marks.last().is_some_and(|m| m.id == id && m.range.start == self.text.len());
        if fits {
            self.pieces[id].open.end = end;
            self.pieces[id].close = end..end;
        }
        fits
    }

    /// Takes attributes written right behind a mark into it; `false` where there is no mark that ends there.
    pub fn extend(&mut self, source: Range<usize>, text: &str) -> bool {
        let own = !text.starts_with("{{") && !text.starts_with("{%");
        let ended = |&id: &usize| self.pieces[id].close.end == source.start && !self.open.contains(&id);
        let Some(id) = (0..self.pieces.len()).rev().take(NEAR).find(ended).filter(|_| own && self.space.is_none())
        else {
            return false;
        };
        let piece = &mut self.pieces[id];
        if piece.close.is_empty() {
            piece.open.end = source.end;
            piece.close.start = source.end;
        }
        piece.close.end = source.end;
        true
    }

    /// Something that stands between two characters.
    pub fn stand(&mut self, source: Range<usize>) {
        self.flush();
        let at = self.text.len();
        self.mark(at..at, source.clone(), source.end..source.end, false);
    }

    /// A value within its markup that is to be translated.
    pub fn field(&mut self, range: Range<usize>, text: String, encode: Encode) {
        self.inner.extend(value(range, text, encode));
    }

    /// Blocks that were found within its markup.
    pub fn inner(&mut self, found: Vec<(Block, Shape)>) {
        self.inner.extend(found);
    }

    /// Ends the flow: its block, if it has anything to translate, and those within it go to `out`.
    pub fn finish(mut self, kind: BlockKind, out: &mut Vec<(Block, Shape)>) {
        self.end_format();
        let format = self.base();
        let mut range = self.peel();
        let mut kind = kind;
        if let (Some(range), Some((start, cut))) = (&mut range, self.turn()) {
            range.start = start;
            self.text.drain(..cut);
            for mark in &mut self.marks {
                mark.range = mark.range.start - cut..mark.range.end - cut;
            }
            self.breaks.iter_mut().for_each(|b| b.at -= cut);
            kind = BlockKind::Dialogue;
        }
        let range = range.filter(|_| self.is_translatable());
        let (mut before, mut inside, mut after) = (Vec::new(), Vec::new(), Vec::new());
        for found in std::mem::take(&mut self.inner) {
            let place = &found.1.range;
            match &range {
                Some(range) if range.start <= place.start && place.end <= range.end => inside.push(found),
                Some(range) if range.end <= place.start => after.push(found),
                _ => before.push(found),
            }
        }
        out.extend(before);
        if let Some(range) = range {
            let end = range.end;
            let weave = Weave {
                syntax: self.syntax,
                pieces: self.pieces,
                breaks: self.breaks,
                format,
                runs: None,
                frame: None,
            };
            let shape = Shape { range: range.clone(), inside: false, form: Form::Flow(Box::new(weave)) };
            out.push((Block { range, kind, text: self.text, marks: self.marks }, shape));
            for (block, shape) in inside {
                out.push((Block { range: end..end, ..block }, Shape { inside: true, ..shape }));
            }
        }
        out.extend(after);
    }

    /// Ends a flow whose translation is written over `range`, with all its marks; nothing where it has no words.
    pub fn elsewhere(mut self, range: Range<usize>, frame: Frame) -> Option<(Block, Shape)> {
        self.end_format();
        if !self.is_translatable() {
            return None;
        }
        let Self { syntax, text, marks, pieces, breaks, .. } = self;
        let weave = Weave { syntax, pieces, breaks, format: 0, runs: None, frame: Some(frame) };
        let shape = Shape { range: range.clone(), inside: false, form: Form::Flow(Box::new(weave)) };
        Some((Block { range, kind: BlockKind::Field, text, marks }, shape))
    }

    /// The dash that starts a turn of speech: where the rest starts in the source and in the text.
    fn turn(&self) -> Option<(usize, usize)> {
        let rest = self.text.trim_start_matches(['—', '–', '―']);
        let dash = self.text.len() - rest.len();
        let cut = self.text.len() - rest.trim_start().len();
        let level = self.marks.iter().all(|m| m.range.start >= cut) && self.breaks.iter().all(|b| b.at >= cut);
        if dash == 0 || cut == self.text.len() || !level {
            return None;
        }
        match &self.first {
            Some(first) if first.len() > cut => Some((first.start + cut, cut)),
            // What opens right after it belongs to the rest.
            _ if self.text[dash..].starts_with(' ') => {
                let opening = self.marks.iter().filter(|m| m.range.start == cut).map(|m| self.pieces[m.id].open.start);
                Some((opening.fold(self.second?, usize::min), cut))
            }
            _ => None,
        }
    }

    /// Whether there is something to translate outside of what passes through.
    fn is_translatable(&self) -> bool {
        let mut at = 0;
        let hidden = self.marks.iter().filter(|m| m.verbatim).map(|m| m.range.clone());
        for range in hidden.chain(std::iter::once(self.text.len()..self.text.len())) {
            if self.text.get(at..range.start).is_some_and(has_text) {
                return true;
            }
            at = range.end;
        }
        false
    }

    /// Takes off the marks around the whole text, before it and after it: they need no translation to find their places.
    /// The source bytes of the rest.
    fn peel(&mut self) -> Option<Range<usize>> {
        let words = self.words.clone()?;
        let len = self.text.len();
        let mut rest = words.clone();
        for turn in 0..NEAR {
            let start = self.marks.iter().map(|m| self.pieces[m.id].open.start).min().unwrap_or(words.start);
            let end = self.marks.iter().map(|m| self.pieces[m.id].close.end).max().unwrap_or(words.end);
            rest = start.min(words.start)..end.max(words.end);
            let outer = self.marks.iter().position(|mark| {
                let piece = &self.pieces[mark.id];
                let (first, last) = (piece.open.start == rest.start, piece.close.end == rest.end);
                let empty = mark.range.is_empty();
                let before = empty && mark.range.start == 0 && first && piece.open.end <= words.start;
                let after = empty && mark.range.end == len && last && piece.open.start >= words.end;
                before || after || !empty && !mark.verbatim && mark.range == (0..len) && first && last
            });
            match outer.filter(|_| turn + 1 < NEAR) {
                Some(index) => self.marks.remove(index),
                None => break,
            };
        }
        Some(rest)
    }
}

/// A value that is a block of its own; nothing where it has no letter.
pub(crate) fn value(range: Range<usize>, text: String, encode: Encode) -> Option<(Block, Shape)> {
    has_text(&text).then(|| {
        let shape = Shape { range: range.clone(), inside: false, form: Form::Value(encode) };
        (Block { range, kind: BlockKind::Field, text, marks: Vec::new() }, shape)
    })
}
