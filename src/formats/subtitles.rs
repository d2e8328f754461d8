//! Subtitles: SubRip (SRT) and WebVTT. A sentence that runs over several cues is one block; its translation is divided
//! again among them, in proportion to their times, and each cue's share into lines of 42 characters.
//!
//! Numbers, times, settings, notes and styles stand in the gaps; so do the dashes of two speakers, who are a block each.

mod lay_out;
mod tags;
mod turns;

use std::ops::Range;

use lay_out::{fill, reopen, share, words};
use tags::{Role, tags};
use turns::{Turn, runs_on, turns};

use super::html::decode;
use super::lines::is_blank;
use super::{Options, Parsed};
use crate::document::{Block, BlockKind, Document, Mark, Target};
use crate::error::{Error, Result};

/// Where a text has a line break as some programs write it in SubRip: `\N`, `\n`.
fn line_break(text: &str) -> Option<usize> {
    text.match_indices('\\').map(|(at, _)| at).find(|at| text[at + 1..].starts_with(['N', 'n']))
}

/// How long that is.
const BREAK: usize = 2;

/// A file of subtitles.
#[derive(Debug)]
pub struct Subtitles {
    document: Document,
    /// One a block.
    scripts: Vec<Script>,
    faults: Vec<Error>,
    columns: usize,
    web: bool,
}

/// How a block stands in its cues.
#[derive(Debug, Default)]
struct Script {
    parts: Vec<Part>,
    /// What opens and closes each mark, by its number.
    tags: Vec<(String, String)>,
    line_end: &'static str,
}

/// A block's share of one cue.
#[derive(Debug)]
struct Part {
    /// Source bytes.
    range: Range<usize>,
    /// Bytes of the block's text.
    text: Range<usize>,
    /// Milliseconds that it is seen, in proportion to its share of the cue.
    time: u64,
    /// The most lines it may take.
    lines: usize,
}

impl Subtitles {
    /// Reads subtitles; `web` for WebVTT.
    ///
    /// # Errors
    /// When a text that is not empty has no time line.
    pub fn parse(source: String, options: &Options, web: bool) -> Result<Self> {
        let (turns, faults) = turns(&source, web)?;
        let mut blocks = Vec::new();
        let mut scripts = Vec::new();
        let mut at = 0;
        while at < turns.len() {
            let mut end = at + 1;
            while end < turns.len() && runs_on(&source, &turns[end - 1], &turns[end]) {
                end += 1;
            }
            let (block, script) = join(&source, &turns[at..end], options.subtitle_lines.max(1), web);
            if block.text.char_indices().any(|(_, c)| c.is_alphabetic()) {
                blocks.push(block);
                scripts.push(script);
            }
            at = end;
        }
        let columns = options.subtitle_columns.max(8);
        Ok(Self { document: Document::new(source, blocks)?, scripts, faults, columns, web })
    }
}

/// The block of turns that are one sentence, and how to write it.
fn join(source: &str, turns: &[Turn], most: usize, web: bool) -> (Block, Script) {
    let (mut text, mut marks, mut script) = (String::new(), Vec::<Mark>::new(), Script::default());
    // The names and numbers of the marks that are open.
    let mut open: Vec<(&str, usize)> = Vec::new();
    for turn in turns {
        if !text.is_empty() {
            text.push('\n');
        }
        let start = text.len();
        let raw = &source[turn.range.clone()];
        let mut at = 0;
        for tag in tags(raw) {
            push_words(&mut text, &raw[at..tag.range.start], start, web);
            at = tag.range.end;
            let id = script.tags.len();
            let end = text.trim_end_matches([' ', '\n']).len().max(start);
            match (tag.role, open.iter().rposition(|(name, _)| *name == tag.name)) {
                (Role::Void, _) => {}
                (Role::Closes, Some(depth)) => {
                    let id = open[depth].1;
                    open.truncate(depth);
                    if let Some(mark) = marks.iter_mut().find(|m| m.id == id) {
                        mark.range.end = end.max(mark.range.start);
                    }
                    script.tags[id].1 = tag.sign.to_owned();
                }
                // It was opened before the turn's first word.
                (Role::Closes, None) if open.is_empty() && marks.iter().all(|m| m.range.end <= start) => {
                    marks.push(Mark { range: start..end, id, verbatim: false });
                    script.tags.push((String::new(), tag.sign.to_owned()));
                }
                (role, _) => {
                    marks.push(Mark { range: text.len()..text.len(), id, verbatim: false });
                    script.tags.push((tag.sign.to_owned(), String::new()));
                    if role == Role::Opens {
                        open.push((tag.name, id));
                    }
                }
            }
        }
        push_words(&mut text, &raw[at..], start, web);
        // Two speakers share the cue's lines.
        let lines = if turn.alone { turn.lines.max(most) } else { turn.lines };
        script.parts.push(Part { range: turn.range.clone(), text: start..text.len(), time: turn.time, lines });
    }
    let first = turns.first().map_or(0, |t| t.range.start);
    let range = first..turns.last().map_or(first, |t| t.range.end);
    let inline = !web && turns.iter().any(|turn| line_break(&source[turn.range.clone()]).is_some());
    let usual = if source.contains("\r\n") { "\r\n" } else { "\n" };
    script.line_end = if inline { "\\N" } else { usual };
    // A mark that nothing closes is one that stands between characters.
    for mark in &mut marks {
        mark.range.end = mark.range.end.min(text.len());
    }
    (Block { range, kind: BlockKind::Cue, text, marks }, script)
}

/// Adds words to a text, white space between them made one space.
fn push_words(text: &mut String, raw: &str, start: usize, web: bool) {
    let raw = if web { raw.to_owned() } else { raw.replace("\\N", "\n").replace("\\n", "\n") };
    for part in raw.split_inclusive(|c: char| c.is_ascii_whitespace()) {
        let word = part.trim_matches(|c: char| c.is_ascii_whitespace());
        text.push_str(&decode(word));
        if word.len() < part.len() && text.len() > start && !text.ends_with([' ', '\n']) {
            text.push(' ');
        }
    }
}

impl Parsed for Subtitles {
    fn document(&self) -> &Document {
        &self.document
    }

    fn faults(&self) -> &[Error] {
        &self.faults
    }

    fn write(&self, block: usize, target: &Target) -> String {
        let own = &self.document.blocks()[block];
        let source = self.document.source();
        if target.text == own.text && target.marks == own.marks {
            return source[own.range.clone()].to_owned();
        }
        let script = &self.scripts[block];
        let mut words = words(target, &script.tags, self.web);
        let shares = share(&words, &script.parts);
        for share in shares.iter().skip(1) {
            reopen(&mut words, share.start, target, &script.tags);
        }
        let mut out = String::new();
        let mut at = own.range.start;
        for (part, share) in script.parts.iter().zip(shares) {
            out.push_str(&source[at..part.range.start]);
            out.push_str(&fill(&words[share], self.columns, part.lines, script.line_end));
            at = part.range.end;
        }
        out
    }
}

#[cfg(test)]
mod tests;
