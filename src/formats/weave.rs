//! Writes a flow again: marks round the words that translate the marked ones, line ends where the source has them.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;

use super::Parsed;
use super::anchors::Anchors;
use super::escape::Entities;
use super::flow::{Break, Encode, Piece};
use super::office::runs::{Pen, Runs};
use super::{escape, notes, ranges, xml};
use crate::document::{Block, Document, Mark, Target};
use crate::error::Result;

/// How text is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Syntax {
    Html,
    /// XML, and what HTML there is in it.
    Xml,
    /// As it is.
    Bare,
    /// In a table cell or not; whether brackets may be references.
    Markdown {
        cell: bool,
        references: bool,
    },
}

/// What a block is in the source.
pub(crate) struct Shape {
    /// The source bytes that its translation replaces: the block's own, but for one that stands inside another.
    pub range: Range<usize>,
    /// It stands within the markup of an earlier block, which is written with it.
    pub inside: bool,
    pub form: Form,
}

/// How a block is written.
pub(crate) enum Form {
    Flow(Box<Weave>),
    /// A value by itself.
    Value(Encode),
}

/// What has become of the changed blocks that stand inside others: by where they start, where they end and what is written.
type Inner = BTreeMap<usize, (usize, String)>;

/// What the writer of a flow knows.
pub(crate) struct Weave {
    pub syntax: Syntax,
    /// By the marks' numbers.
    pub pieces: Vec<Piece>,
    pub breaks: Vec<Break>,
    /// The format of text that no mark gives another.
    pub format: usize,
    /// The runs of the part, where text stands in such.
    pub runs: Option<Arc<Runs>>,
    /// Where the text is from and what is written around it, if it is not written in its own place.
    pub frame: Option<Frame>,
}

/// What is written around a translation that has a place of its own.
pub(crate) struct Frame {
    /// The source bytes of the text.
    pub content: Range<usize>,
    pub before: String,
    pub after: String,
}

/// A document of flows and values.
pub(crate) struct Woven {
    document: Document,
    shapes: Vec<Shape>,
}

impl Woven {
    /// # Errors
    /// See [`Document::new`].
    pub fn new(source: String, mut found: Vec<(Block, Shape)>) -> Result<Self> {
        for (block, shape) in &mut found {
            if let Form::Flow(weave) = &mut shape.form {
                ranges::join(&source, block, weave);
                notes::anchor(&source, block, weave);
            }
        }
        let (blocks, shapes) = found.into_iter().unzip();
        Ok(Self { document: Document::new(source, blocks)?, shapes })
    }

    /// A part of the document, no end of which lies within a block.
    pub fn render_part(&self, part: Range<usize>, targets: &[Target]) -> String {
        let inner = self.inner(targets);
        let own = |i: usize| self.document.source()[self.document.blocks()[i].range.clone()].to_owned();
        self.document.render_part(part, |i| {
            let target = targets.get(i).filter(|_| !self.shapes[i].inside);
            target.and_then(|target| self.put(i, target, &inner)).unwrap_or_else(|| own(i))
        })
    }

    fn unchanged(&self, block: usize, target: &Target) -> bool {
        let Block { text, marks, .. } = &self.document.blocks()[block];
        target.text == *text && target.marks == *marks
    }

    /// What is written for a block where that is not the source.
    fn put(&self, block: usize, target: &Target, inner: &Inner) -> Option<String> {
        let source = self.document.source();
        let shape = &self.shapes[block];
        let changed = !self.unchanged(block, target);
        match &shape.form {
            Form::Value(encode) => changed.then(|| encode(&target.text)),
            Form::Flow(weave) if changed => {
                Some(weave.write(source, &self.document.blocks()[block], &shape.range, target, inner))
            }
            Form::Flow(_) => {
                let touched = inner.range(shape.range.clone()).next().is_some();
                touched.then(|| filled(source, &shape.range, inner))
            }
        }
    }

    fn inner(&self, targets: &[Target]) -> Inner {
        let mut inner = Inner::new();
        // Backwards: what is innermost stands last.
        for (i, (shape, target)) in self.shapes.iter().zip(targets).enumerate().rev() {
            if shape.inside
                && let Some(text) = self.put(i, target, &inner)
            {
                inner.insert(shape.range.start, (shape.range.end, text));
            }
        }
        inner
    }
}

impl Parsed for Woven {
    fn document(&self) -> &Document {
        &self.document
    }

    fn write(&self, block: usize, target: &Target) -> String {
        let own = || self.document.source()[self.document.blocks()[block].range.clone()].to_owned();
        let written = (!self.shapes[block].inside).then(|| self.put(block, target, &Inner::new())).flatten();
        written.unwrap_or_else(own)
    }

    fn render(&self, targets: &[Target]) -> String {
        self.render_part(0..self.document.source().len(), targets)
    }
}

/// A part of what is written.
#[derive(Debug)]
enum Part {
    /// Text, escaped, and its format.
    Text(String, usize),
    /// The source's own, with what stands in it translated, and where it is from.
    Raw(String, Range<usize>),
    /// White space of a format: a line may end here, and did if the translation kept the source's line end.
    Space { line_end: bool, format: usize },
}

impl Weave {
    fn write(&self, source: &str, block: &Block, range: &Range<usize>, target: &Target, inner: &Inner) -> String {
        let marks = self.settle(block, target);
        let entities = match self.syntax {
            Syntax::Html => Entities::of(&source[range.clone()]),
            _ => Entities::default(),
        };
        let mut parts = Vec::new();
        let mut open: Vec<&Mark> = Vec::new();
        let mut at = 0;
        for mark in &marks {
            let start = mark.range.start;
            while let Some(top) = open.last() {
                let over = top.range.end < start
                    || top.range.end == start && !(mark.range.is_empty() && self.within(mark.id, top.id));
                if !over {
                    break;
                }
                self.text(&mut parts, target, at..top.range.end, &open, &entities);
                at = top.range.end;
                self.end(&mut parts, source, target, top, inner);
                open.pop();
            }
            self.text(&mut parts, target, at..start, &open, &entities);
            at = start;
            if mark.verbatim {
                // Whatever became of the text in between, the source's stands.
                let piece = self.pieces.get(mark.id);
                parts.extend(
                    piece
                        .map(|p| p.open.start..p.close.end)
                        .map(|place| Part::Raw(source[place.clone()].to_owned(), place)),
                );
                at = mark.range.end;
                continue;
            }
            let apart = mark.range.is_empty() && self.pieces.get(mark.id).is_some_and(|p| p.apart);
            if apart && !matches!(parts.last(), None | Some(Part::Space { .. })) {
                parts.push(Part::Space { line_end: false, format: self.format(&open) });
            }
            self.start(&mut parts, source, target, mark, inner);
            if mark.range.is_empty() {
                self.end(&mut parts, source, target, mark, inner);
                if apart && target.text[at..].starts_with(char::is_alphanumeric) {
                    parts.push(Part::Space { line_end: false, format: self.format(&open) });
                }
            } else {
                open.push(mark);
            }
        }
        while let Some(top) = open.last() {
            self.text(&mut parts, target, at..top.range.end, &open, &entities);
            at = top.range.end;
            self.end(&mut parts, source, target, top, inner);
            open.pop();
        }
        self.text(&mut parts, target, at..target.text.len(), &open, &entities);
        if let Some(Frame { content, before, after }) = &self.frame {
            return format!("{before}{}{after}", self.lay_out(source, content, parts));
        }
        match &self.runs {
            None => self.lay_out(source, range, parts),
            Some(runs) => {
                let mut pen = Pen::new(runs, range.start);
                for part in parts {
                    match part {
                        Part::Text(text, format) => pen.text(&text, format),
                        Part::Space { format, .. } => pen.text(" ", format),
                        Part::Raw(text, place) => pen.raw(&text, &place),
                    }
                }
                pen.finish(range.end)
            }
        }
    }

    /// The target's marks as they can be written: each of the block's once, within the text, nested, without white space
    /// at their ends; in the order of their starts, the outer first.
    fn settle(&self, block: &Block, target: &Target) -> Vec<Mark> {
        let text = &target.text;
        let floor = |mut i: usize| {
            i = i.min(text.len());
            while !text.is_char_boundary(i) {
                i -= 1;
            }
            i
        };
        let blank = |c: char| c.is_ascii_whitespace();
        let mut marks: Vec<(usize, Mark)> = Vec::new();
        let found: HashMap<usize, &Mark> = target.marks.iter().rev().map(|m| (m.id, m)).collect();
        for (rank, mark) in block.marks.iter().enumerate() {
            let mut range =
                found.get(&mark.id).map_or(text.len()..text.len(), |m| floor(m.range.start)..floor(m.range.end));
            range.end = range.end.max(range.start);
            let inner = text[range.clone()].trim_matches(blank);
            if !inner.is_empty() && !mark.verbatim {
                range.start += text[range.clone()].len() - text[range.clone()].trim_start_matches(blank).len();
                range.end = range.start + inner.len();
            }
            marks.push((rank, Mark { range, ..mark.clone() }));
        }
        // Where several start together, one that stands between characters goes before or after the others as in the source.
        let mut first: HashMap<usize, usize> = HashMap::new();
        for (rank, mark) in marks.iter().filter(|(_, m)| !m.range.is_empty()) {
            first.entry(mark.range.start).and_modify(|r| *r = (*r).min(*rank)).or_insert(*rank);
        }
        marks.sort_by_key(|(rank, mark)| {
            let place = match first.get(&mark.range.start) {
                Some(first) if mark.range.is_empty() && rank > first => 2,
                Some(_) if mark.range.is_empty() => 0,
                _ => 1,
            };
            (mark.range.start, place, Reverse(mark.range.end), *rank)
        });
        let mut ends: Vec<usize> = Vec::new();
        let mut taken = 0;
        for (_, mark) in &mut marks {
            mark.range.start = mark.range.start.max(taken);
            mark.range.end = mark.range.end.max(mark.range.start);
            while ends.last().is_some_and(|&end| end <= mark.range.start) {
                ends.pop();
            }
            if let Some(&end) = ends.last() {
                mark.range.end = mark.range.end.min(end);
            }
            if mark.verbatim {
                taken = mark.range.end;
            } else if !mark.range.is_empty() {
                ends.push(mark.range.end);
            }
        }
        marks.into_iter().map(|(_, mark)| mark).collect()
    }

    /// Whether the source has the mark `inner` within the mark `outer`.
    fn within(&self, inner: usize, outer: usize) -> bool {
        let mut parent = self.pieces.get(inner).and_then(|p| p.parent);
        while let Some(id) = parent {
            if id == outer {
                return true;
            }
            parent = self.pieces[id].parent;
        }
        false
    }

    fn text(&self, parts: &mut Vec<Part>, target: &Target, range: Range<usize>, open: &[&Mark], entities: &Entities) {
        let chunk = &target.text[range.clone()];
        if chunk.is_empty() {
            return;
        }
        // A chunk ends where a mark starts or ends: its delimiter is the neighbour.
        let before = matches!(parts.last(), Some(Part::Raw(..))).then_some('*');
        let after = (range.end < target.text.len() || !open.is_empty()).then_some('*');
        let line_start = parts.is_empty();
        let format = self.format(open);
        let written = match self.syntax {
            Syntax::Html => escape::html(chunk, entities),
            Syntax::Xml => xml::escape(chunk),
            Syntax::Bare => chunk.to_owned(),
            Syntax::Markdown { cell, references } => {
                let place = escape::Place { before, after, line_start, cell, references, linked: !open.is_empty() };
                escape::markdown(chunk, place)
            }
        };
        for part in written.split_inclusive(|c: char| c.is_ascii_whitespace()) {
            let word = part.trim_end_matches(|c: char| c.is_ascii_whitespace());
            if !word.is_empty() {
                parts.push(Part::Text(word.to_owned(), format));
            }
            let line_end = part.ends_with('\n');
            match parts.last_mut() {
                _ if word.len() == part.len() => {}
                None => {}
                Some(Part::Space { line_end: old, .. }) => *old |= line_end,
                Some(_) => parts.push(Part::Space { line_end, format }),
            }
        }
    }

    /// The format of text within the marks `open`.
    fn format(&self, open: &[&Mark]) -> usize {
        let own = open.iter().rev().find_map(|mark| self.pieces.get(mark.id).and_then(|p| p.format));
        own.unwrap_or(self.format)
    }

    /// What opens a mark, with what stands in it translated.
    fn start(&self, parts: &mut Vec<Part>, source: &str, target: &Target, mark: &Mark, inner: &Inner) {
        let Some(piece) = self.pieces.get(mark.id).filter(|p| p.format.is_none()) else { return };
        let text = self.delimiter(filled(source, &piece.open, inner), target, mark);
        if self.is_bare(mark, &text) {
            return;
        }
        parts.push(Part::Raw(text, piece.open.clone()));
    }

    fn end(&self, parts: &mut Vec<Part>, source: &str, target: &Target, mark: &Mark, inner: &Inner) {
        let Some(piece) = self.pieces.get(mark.id).filter(|p| p.format.is_none()) else { return };
        let text = match &piece.closing {
            Some(closing) => closing.clone(),
            None => filled(source, &piece.close, inner),
        };
        let text = self.delimiter(text, target, mark);
        if !text.is_empty() && !self.is_bare(mark, &text) {
            parts.push(Part::Raw(text, piece.close.clone()));
        }
    }

    /// Emphasis of nothing: asterisks side by side would be text.
    fn is_bare(&self, mark: &Mark, text: &str) -> bool {
        mark.range.is_empty() && !text.is_empty() && text.chars().all(|c| matches!(c, '*' | '_' | '~'))
    }

    /// Underscores mark no part of a word; asterisks do.
    fn delimiter(&self, text: String, target: &Target, mark: &Mark) -> String {
        if !matches!(self.syntax, Syntax::Markdown { .. }) || !matches!(text.as_str(), "_" | "__") {
            return text;
        }
        let before = target.text[..mark.range.start].chars().next_back();
        let after = target.text[mark.range.end..].chars().next();
        let inside = [before, after].into_iter().flatten().any(char::is_alphanumeric);
        if inside { text.replace('_', "*") } else { text }
    }

    /// Joins the parts on as many lines as the source has, in the same proportions.
    fn lay_out(&self, source: &str, range: &Range<usize>, parts: Vec<Part>) -> String {
        let ends = self.line_ends(source, range, &parts);
        let mut out = String::new();
        for (i, part) in parts.iter().enumerate() {
            match part {
                Part::Raw(s, _) => {
                    // An exclamation mark before a link would make it an image.
                    let link = matches!(self.syntax, Syntax::Markdown { .. }) && s.starts_with('[');
                    if link && out.ends_with('!') && i > 0 && matches!(parts[i - 1], Part::Text(..)) {
                        out.pop();
                        out.push_str("\\!");
                    }
                    out.push_str(s);
                }
                Part::Text(s, _) => out.push_str(s),
                Part::Space { .. } => match ends.get(&i) {
                    Some(line_end) => out.push_str(&source[line_end.raw.clone()]),
                    // A line break that the source set by hand takes the space's place.
                    None if out.ends_with(['\n', ' ']) && i > 0 && matches!(parts[i - 1], Part::Raw(..)) => {}
                    None if i + 1 == parts.len() => {}
                    None if matches!(parts.get(i + 1), Some(Part::Raw(s, _)) if self.breaks_line(s)) => {}
                    None => out.push(' '),
                },
            }
        }
        out
    }

    /// Whether a mark is a line break of Markdown's, which no space stands before.
    fn breaks_line(&self, mark: &str) -> bool {
        matches!(self.syntax, Syntax::Markdown { .. }) && mark.trim_start_matches(['\\', ' ']).starts_with(['\n', '\r'])
    }

    /// The parts that become line ends, each as it is in the source.
    fn line_ends(&self, source: &str, range: &Range<usize>, parts: &[Part]) -> HashMap<usize, &Break> {
        if self.breaks.is_empty() {
            return HashMap::new();
        }
        // Where a line may end: the part, how far it is from the start, and whether the translation has a line end there.
        let mut places = Vec::new();
        let mut written = String::new();
        for (i, part) in parts.iter().enumerate() {
            match part {
                Part::Text(s, _) | Part::Raw(s, _) => written.push_str(s),
                Part::Space { line_end, .. } => {
                    if i + 1 < parts.len() && !self.opens_line(&parts[i + 1..]) {
                        places.push((i, written.len(), *line_end));
                    }
                    written.push(' ');
                }
            }
        }
        let anchors = Anchors::new(&source[range.clone()], &written);
        let kept: Vec<_> = places.iter().filter(|place| place.2).copied().collect();
        if kept.len() == self.breaks.len() {
            places = kept;
        }
        let mut ends = HashMap::new();
        let mut next = 0;
        for (k, line_end) in self.breaks.iter().enumerate() {
            let last = places.len().saturating_sub(self.breaks.len() - k).max(next);
            // In proportion to all that is written, addresses too: they are what makes lines long.
            let before = line_end.raw.start.saturating_sub(range.start);
            let wish = (before * written.len()).checked_div(range.len()).unwrap_or(0);
            let around = anchors.around(before);
            let near = |place: &(usize, usize, bool)| {
                let distance = place.1.abs_diff(wish) + if around.contains(&place.1) { 0 } else { 24 };
                distance.saturating_sub(if place.2 { 16 } else { 0 })
            };
            let mut choice = next;
            for i in next..=last {
                let Some(place) = places.get(i).filter(|place| i == next || place.1 <= wish + 32) else { break };
                if near(place) < near(&places[choice]) {
                    choice = i;
                }
            }
            let Some(place) = places.get(choice) else { break };
            ends.insert(place.0, line_end);
            next = choice + 1;
        }
        ends
    }

    /// Whether a line that starts with `parts` would be something else than text.
    fn opens_line(&self, parts: &[Part]) -> bool {
        if !matches!(self.syntax, Syntax::Markdown { .. }) {
            return false;
        }
        let mut head = String::new();
        for part in parts.iter().take(3) {
            match part {
                Part::Text(s, _) | Part::Raw(s, _) => head.push_str(s),
                Part::Space { .. } => head.push(' '),
            }
        }
        // A dash at a line's start would look like a turn of speech.
        escape::opens_line(&head) || head.starts_with(['–', '—', '―'])
    }
}

/// Source bytes with what stands inside them in its new words.
fn filled(source: &str, range: &Range<usize>, inner: &Inner) -> String {
    let mut out = String::with_capacity(range.len());
    let mut at = range.start;
    for (&start, (end, text)) in inner.range(range.clone()) {
        // What stands deeper is part of what was written already.
        if start >= at && *end <= range.end {
            out.push_str(&source[at..start]);
            out.push_str(text);
            at = *end;
        }
    }
    out + &source[at..range.end]
}
