//! Writes a flow again: marks round the words that translate the marked ones, line ends where the source has them.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::ops::Range;

use super::Parsed;
use super::escape;
use super::flow::{Break, Encode, Piece};
use super::lines::width;
use crate::document::{Block, Document, Mark, Target};
use crate::error::Result;

/// How text is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Syntax {
    Html,
    /// As it is.
    Bare,
    /// In a table cell or not; whether brackets may be references.
    Markdown {
        cell: bool,
        references: bool,
    },
}

/// What a block is in the source.
pub(crate) enum Shape {
    Flow(Box<Weave>),
    /// A value by itself; `owner` is the block within whose range it stands, and whose writer puts it there.
    Value {
        encode: Encode,
        owner: Option<usize>,
    },
}

/// What the writer of a flow knows.
pub(crate) struct Weave {
    pub syntax: Syntax,
    /// By the marks' numbers.
    pub pieces: Vec<Piece>,
    pub breaks: Vec<Break>,
}

/// A document of flows and values.
pub(crate) struct Woven {
    document: Document,
    shapes: Vec<Shape>,
}

impl Woven {
    /// # Errors
    /// See [`Document::new`].
    pub fn new(source: String, found: Vec<(Block, Shape)>) -> Result<Self> {
        let (blocks, shapes) = found.into_iter().unzip();
        Ok(Self { document: Document::new(source, blocks)?, shapes })
    }

    fn unchanged(&self, block: usize, target: &Target) -> bool {
        let Block { text, marks, .. } = &self.document.blocks()[block];
        target.text == *text && target.marks == *marks
    }

    /// `values` are what has become of the fields, by block.
    fn put(&self, block: usize, target: &Target, values: &HashMap<usize, String>) -> String {
        let source = self.document.source();
        let own = &self.document.blocks()[block];
        match &self.shapes[block] {
            Shape::Value { owner: Some(_), .. } => String::new(),
            Shape::Value { encode, .. } if !self.unchanged(block, target) => encode(&target.text),
            Shape::Flow(weave) => {
                let touched =
                    || weave.pieces.iter().flat_map(|p| &p.fields).any(|(_, field)| values.contains_key(field));
                if self.unchanged(block, target) && !touched() {
                    return source[own.range.clone()].to_owned();
                }
                weave.write(source, own, target, values)
            }
            Shape::Value { .. } => source[own.range.clone()].to_owned(),
        }
    }
}

impl Parsed for Woven {
    fn document(&self) -> &Document {
        &self.document
    }

    fn write(&self, block: usize, target: &Target) -> String {
        self.put(block, target, &HashMap::new())
    }

    fn render(&self, targets: &[Target]) -> String {
        let mut values = HashMap::new();
        for (i, (shape, target)) in self.shapes.iter().zip(targets).enumerate() {
            if let Shape::Value { encode, owner: Some(_) } = shape
                && !self.unchanged(i, target)
            {
                values.insert(i, encode(&target.text));
            }
        }
        self.document.render(|i| targets.get(i).map_or_else(String::new, |target| self.put(i, target, &values)))
    }
}

/// A part of what is written.
#[derive(Debug)]
enum Part {
    /// Text, escaped.
    Text(String),
    /// The source's own.
    Raw(String),
    /// White space: a line may end here, and did if the translation kept the source's line end.
    Space { line_end: bool },
}

impl Weave {
    fn write(&self, source: &str, block: &Block, target: &Target, values: &HashMap<usize, String>) -> String {
        let marks = self.settle(block, target);
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
                self.text(&mut parts, target, at..top.range.end, &open);
                at = top.range.end;
                self.end(&mut parts, source, target, top, values);
                open.pop();
            }
            self.text(&mut parts, target, at..start, &open);
            at = start;
            if mark.verbatim {
                // Whatever became of the text in between, the source's stands.
                let piece = self.pieces.get(mark.id);
                parts.extend(piece.map(|p| Part::Raw(source[p.open.start..p.close.end].to_owned())));
                at = mark.range.end;
                continue;
            }
            let apart = mark.range.is_empty() && self.pieces.get(mark.id).is_some_and(|p| p.apart);
            if apart && !matches!(parts.last(), None | Some(Part::Space { .. })) {
                parts.push(Part::Space { line_end: false });
            }
            parts.push(Part::Raw(self.raw(source, target, mark, values)));
            if mark.range.is_empty() {
                self.end(&mut parts, source, target, mark, values);
                if apart && target.text[at..].starts_with(char::is_alphanumeric) {
                    parts.push(Part::Space { line_end: false });
                }
            } else {
                open.push(mark);
            }
        }
        while let Some(top) = open.last() {
            self.text(&mut parts, target, at..top.range.end, &open);
            at = top.range.end;
            self.end(&mut parts, source, target, top, values);
            open.pop();
        }
        self.text(&mut parts, target, at..target.text.len(), &open);
        self.lay_out(source, block, parts)
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

    fn text(&self, parts: &mut Vec<Part>, target: &Target, range: Range<usize>, open: &[&Mark]) {
        let chunk = &target.text[range.clone()];
        if chunk.is_empty() {
            return;
        }
        // A chunk ends where a mark starts or ends: its delimiter is the neighbour.
        let before = matches!(parts.last(), Some(Part::Raw(_))).then_some('*');
        let after = (range.end < target.text.len() || !open.is_empty()).then_some('*');
        let line_start = parts.is_empty();
        let written = match self.syntax {
            Syntax::Html => escape::html(chunk),
            Syntax::Bare => chunk.to_owned(),
            Syntax::Markdown { cell, references } => {
                let place = escape::Place { before, after, line_start, cell, references, linked: !open.is_empty() };
                escape::markdown(chunk, place)
            }
        };
        for part in written.split_inclusive(|c: char| c.is_ascii_whitespace()) {
            let word = part.trim_end_matches(|c: char| c.is_ascii_whitespace());
            if !word.is_empty() {
                parts.push(Part::Text(word.to_owned()));
            }
            let line_end = part.ends_with('\n');
            match parts.last_mut() {
                _ if word.len() == part.len() => {}
                None => {}
                Some(Part::Space { line_end: old }) => *old |= line_end,
                Some(_) => parts.push(Part::Space { line_end }),
            }
        }
    }

    /// What opens a mark, with the fields in it translated.
    fn raw(&self, source: &str, target: &Target, mark: &Mark, values: &HashMap<usize, String>) -> String {
        let Some(piece) = self.pieces.get(mark.id) else { return String::new() };
        let text = filled(source, &piece.open, piece, values);
        self.delimiter(text, target, mark)
    }

    fn end(&self, parts: &mut Vec<Part>, source: &str, target: &Target, mark: &Mark, values: &HashMap<usize, String>) {
        let Some(piece) = self.pieces.get(mark.id) else { return };
        let text = match &piece.closing {
            Some(closing) => closing.clone(),
            None => filled(source, &piece.close, piece, values),
        };
        let text = self.delimiter(text, target, mark);
        if !text.is_empty() {
            parts.push(Part::Raw(text));
        }
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
    fn lay_out(&self, source: &str, block: &Block, parts: Vec<Part>) -> String {
        let ends = self.line_ends(block, &parts);
        let mut out = String::new();
        for (i, part) in parts.iter().enumerate() {
            match part {
                Part::Raw(s) => {
                    // An exclamation mark before a link would make it an image.
                    let link = matches!(self.syntax, Syntax::Markdown { .. }) && s.starts_with('[');
                    if link && out.ends_with('!') && i > 0 && matches!(parts[i - 1], Part::Text(_)) {
                        out.pop();
                        out.push_str("\\!");
                    }
                    out.push_str(s);
                }
                Part::Text(s) => out.push_str(s),
                Part::Space { .. } => match ends.get(&i) {
                    Some(line_end) => out.push_str(&source[line_end.raw.clone()]),
                    // A line break that the source set by hand takes the space's place.
                    None if out.ends_with(['\n', ' ']) && i > 0 && matches!(parts[i - 1], Part::Raw(_)) => {}
                    None if i + 1 == parts.len() => {}
                    None => out.push(' '),
                },
            }
        }
        out
    }

    /// The parts that become line ends, each as it is in the source.
    fn line_ends(&self, block: &Block, parts: &[Part]) -> HashMap<usize, &Break> {
        let size = |part: &Part| match part {
            Part::Text(s) | Part::Raw(s) => width(s),
            Part::Space { .. } => 1,
        };
        let total: usize = parts.iter().map(size).sum();
        // Where a line may end: the part, how far it is from the start, and whether the translation has a line end there.
        let mut places = Vec::new();
        let mut column = 0;
        for (i, part) in parts.iter().enumerate() {
            if let Part::Space { line_end } = part
                && i + 1 < parts.len()
                && !self.opens_line(&parts[i + 1..])
            {
                places.push((i, column, *line_end));
            }
            column += size(part);
        }
        let kept: Vec<_> = places.iter().filter(|place| place.2).copied().collect();
        if kept.len() == self.breaks.len() {
            places = kept;
        }
        let mut ends = HashMap::new();
        let mut next = 0;
        for (k, line_end) in self.breaks.iter().enumerate() {
            let last = places.len().saturating_sub(self.breaks.len() - k).max(next);
            let wish = (line_end.at * total).checked_div(block.text.len()).unwrap_or(0);
            let near =
                |place: &(usize, usize, bool)| place.1.abs_diff(wish).saturating_sub(if place.2 { 16 } else { 0 });
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
                Part::Text(s) | Part::Raw(s) => head.push_str(s),
                Part::Space { .. } => head.push(' '),
            }
        }
        escape::opens_line(&head)
    }
}

/// Source bytes of markup with its fields' translations in place.
fn filled(source: &str, range: &Range<usize>, piece: &Piece, values: &HashMap<usize, String>) -> String {
    let mut out = String::with_capacity(range.len());
    let mut at = range.start;
    for (place, field) in &piece.fields {
        if place.start >= at && place.end <= range.end {
            out.push_str(&source[at..place.start]);
            out.push_str(values.get(field).map_or(&source[place.clone()], String::as_str));
            at = place.end;
        }
    }
    out + &source[at..range.end]
}
