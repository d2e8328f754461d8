//! Subtitles: SubRip (SRT) and WebVTT. A sentence that runs over several cues is one block; its translation is divided
//! again among them, in proportion to their times, and each cue's share into lines of 42 characters.
//!
//! Numbers, times, settings, notes and styles stand in the gaps; so do the dashes of two speakers, who are a block each.

use std::ops::Range;

use super::html::decode;
use super::lines::{Line, has_letter, is_blank, lines, trim, width};
use super::{Options, Parsed};
use crate::document::{Block, BlockKind, Document, Mark, Target};
use crate::error::{Error, Result};

/// A file of subtitles.
#[derive(Debug)]
pub struct Subtitles {
    document: Document,
    /// One a block.
    scripts: Vec<Script>,
    columns: usize,
    web: bool,
}

/// How a block stands in its cues.
#[derive(Debug, Default)]
struct Script {
    parts: Vec<Part>,
    /// What opens and closes each mark, by its number.
    tags: Vec<(String, String)>,
    line_end: String,
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

/// A turn in one cue: what one speaker says there.
struct Turn {
    cue: usize,
    range: Range<usize>,
    time: u64,
    lines: usize,
    dash: bool,
}

impl Subtitles {
    /// Reads subtitles; `web` for WebVTT.
    ///
    /// # Errors
    /// When a text that is not empty has no time line.
    pub fn parse(source: String, options: &Options, web: bool) -> Result<Self> {
        let turns = turns(&source, web)?;
        let mut blocks = Vec::new();
        let mut scripts = Vec::new();
        let mut at = 0;
        while at < turns.len() {
            let mut end = at + 1;
            while end < turns.len() && runs_on(&source, &turns[end - 1], &turns[end]) {
                end += 1;
            }
            let (block, script) = join(&source, &turns[at..end], options.subtitle_lines.max(1));
            if block.text.char_indices().any(|(_, c)| c.is_alphabetic()) {
                blocks.push(block);
                scripts.push(script);
            }
            at = end;
        }
        Ok(Self { document: Document::new(source, blocks)?, scripts, columns: options.subtitle_columns.max(8), web })
    }
}

/// The milliseconds of a time line: start and end.
fn times(line: &str) -> Option<(u64, u64)> {
    let (start, end) = line.split_once("-->")?;
    let time = |text: &str| {
        let (clock, fraction) = text.split_once([',', '.']).unwrap_or((text, "0"));
        let mut seconds = 0u64;
        for part in clock.split(':') {
            seconds = seconds.checked_mul(60)?.checked_add(part.parse().ok()?)?;
        }
        let fraction: u64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
        seconds.checked_mul(1000)?.checked_add(fraction)
    };
    Some((time(start.trim().trim_start_matches(is_blank))?, time(end.split_ascii_whitespace().next()?)?))
}

/// What is said, in order.
fn turns(source: &str, web: bool) -> Result<Vec<Turn>> {
    let rows = lines(source);
    let text = |line: &Line| &source[line.content.clone()];
    let blank = |line: &Line| text(line).trim_matches(is_blank).is_empty();
    let mut out = Vec::new();
    let (mut cue, mut any) = (0, false);
    let mut i = 0;
    while i < rows.len() {
        if blank(&rows[i]) {
            i += 1;
            continue;
        }
        let mut end = rows[i..].iter().position(blank).map_or(rows.len(), |n| i + n);
        let head = text(&rows[i]).trim_start_matches(is_blank);
        let aside = web && ["NOTE", "STYLE", "REGION", "WEBVTT"].iter().any(|word| head.starts_with(word));
        let time = (i..end.min(i + 2)).find_map(|k| times(text(&rows[k])).map(|time| (k, time)));
        if let Some((k, (start, stop))) = time.filter(|_| !aside || text(&rows[i]).contains("-->")) {
            any = true;
            // Another time line begins another cue, with its number, even where no blank line stands before it.
            if let Some(next) = (k + 1..end).find(|&n| times(text(&rows[n])).is_some()) {
                let numbered = next > k + 1 && text(&rows[next - 1]).bytes().all(|b| b.is_ascii_digit());
                end = next - usize::from(numbered);
            }
            speakers(source, &rows[k + 1..end], cue, stop.saturating_sub(start).max(1), &mut out);
            cue += 1;
        }
        i = end;
    }
    if !any && has_letter(source) && !source.trim_start_matches(is_blank).starts_with("WEBVTT") {
        return Err(Error::input(
            "line 1: no time line such as 00:00:01,000 --> 00:00:02,500 in the file: is it subtitles?",
        ));
    }
    Ok(out)
}

/// Divides a cue among its speakers: a line that starts with a dash is another's.
fn speakers(source: &str, rows: &[Line], cue: usize, time: u64, out: &mut Vec<Turn>) {
    let mut found: Vec<Turn> = Vec::new();
    for line in rows {
        let range = trim(source, line.content.clone());
        let text = &source[range.clone()];
        let rest = text.trim_start_matches(['-', '–', '—', '‐', '\u{2011}']);
        let dash = rest.len() < text.len() && text.len() - rest.len() <= 6 && has_letter(rest);
        let start = range.end - if dash { rest.trim_start_matches(is_blank).len() } else { text.len() };
        if dash || found.is_empty() {
            found.push(Turn { cue, range: start..range.end, time: 0, lines: 1, dash });
        } else if let Some(last) = found.last_mut().filter(|_| !range.is_empty()) {
            last.range.end = range.end;
            last.lines += 1;
        }
    }
    let all: usize = found.iter().map(|t| t.range.len()).sum::<usize>().max(1);
    for turn in &mut found {
        turn.time = (time * turn.range.len() as u64 / all as u64).max(1);
    }
    out.extend(found.into_iter().filter(|turn| has_letter(&source[turn.range.clone()])));
}

/// Whether what `next` says goes on where `last` stopped in the cue before.
fn runs_on(source: &str, last: &Turn, next: &Turn) -> bool {
    let plain = |turn: &Turn| strip(&source[turn.range.clone()]);
    let (before, after) = (plain(last), plain(next));
    let before = before.trim_end_matches(['»', '”', '"', ')', ']', ' ', '\u{a0}', '♪']);
    let after = after.trim_start_matches(['…', '.', ' ', '\u{a0}', '«', '“', '"']);
    let stopped = before.ends_with(['.', '!', '?', ':', ']']) && !before.ends_with("...");
    let small = after.starts_with(char::is_lowercase);
    let open = before.ends_with([',', ';']) || before.ends_with(char::is_alphanumeric);
    next.cue == last.cue + 1
        && !next.dash
        && !stopped
        && (small || open && !after.starts_with(['(', '[', '♪']) && !before.is_empty())
        && (small || !before.ends_with('…') && !before.ends_with("..."))
}

/// A text without its tags.
fn strip(text: &str) -> String {
    let mut out = String::new();
    let mut at = 0;
    for tag in tags(text) {
        out.push_str(&text[at..tag.start]);
        at = tag.end;
    }
    out + &text[at..]
}

/// Tags: `<i>`, `</font>`, `<v Anne>`, `<00:01.000>`, `{\an8}`.
fn tags(text: &str) -> Vec<Range<usize>> {
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(found) = text[at..].find(['<', '{']) {
        let start = at + found;
        let rest = &text[start..];
        let opens = rest[1..].starts_with(|c: char| c.is_ascii_alphanumeric() || c == '/' || c == '\\');
        let close = if rest.starts_with('<') { '>' } else { '}' };
        let styled = rest.starts_with('<') || rest.starts_with("{\\");
        let inner = rest.split('\n').next().unwrap_or_default();
        match inner.find(close).filter(|_| opens && styled) {
            Some(n) => {
                out.push(start..start + n + 1);
                at = start + n + 1;
            }
            None => at = start + 1,
        }
    }
    out
}

/// The block of turns that are one sentence, and how to write it.
fn join(source: &str, turns: &[Turn], most: usize) -> (Block, Script) {
    let (mut text, mut marks, mut script) = (String::new(), Vec::<Mark>::new(), Script::default());
    let mut open: Vec<(String, usize)> = Vec::new();
    for turn in turns {
        if !text.is_empty() {
            text.push('\n');
        }
        let start = text.len();
        let raw = &source[turn.range.clone()];
        let mut at = 0;
        for tag in tags(raw).into_iter().chain(std::iter::once(raw.len()..raw.len())) {
            push_words(&mut text, &raw[at..tag.start], start);
            at = tag.end;
            let sign = &raw[tag];
            let name: String =
                sign.trim_start_matches(['<', '/']).chars().take_while(|c| c.is_ascii_alphabetic()).collect();
            let end = text.trim_end_matches([' ', '\n']).len().max(start);
            if sign.is_empty() {
            } else if sign.starts_with("</") && open.iter().any(|(open, _)| *open == name) {
                let depth = open.iter().rposition(|(open, _)| *open == name).unwrap_or(0);
                let id = open[depth].1;
                open.truncate(depth);
                if let Some(mark) = marks.iter_mut().find(|m| m.id == id) {
                    mark.range.end = end.max(mark.range.start);
                }
                script.tags[id].1 = sign.to_owned();
            } else {
                let id = script.tags.len();
                let end = text.len();
                marks.push(Mark { range: end..end, id, verbatim: false });
                script.tags.push((sign.to_owned(), String::new()));
                if sign.starts_with('<') && !name.is_empty() && !sign.starts_with("</") {
                    open.push((name, id));
                }
            }
        }
        // Two speakers share the cue's lines.
        let lines = if turn.dash { turn.lines } else { turn.lines.max(most) };
        script.parts.push(Part { range: turn.range.clone(), text: start..text.len(), time: turn.time, lines });
    }
    let first = turns.first().map_or(0, |t| t.range.start);
    let range = first..turns.last().map_or(first, |t| t.range.end);
    script.line_end =
        if source[range.clone()].contains("\r\n") || source.contains("\r\n") { "\r\n" } else { "\n" }.to_owned();
    // A mark that nothing closes is one that stands between characters.
    for mark in &mut marks {
        mark.range.end = mark.range.end.min(text.len());
    }
    (Block { range, kind: BlockKind::Cue, text, marks }, script)
}

/// Adds words to a text, white space between them made one space.
fn push_words(text: &mut String, raw: &str, start: usize) {
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

    fn write(&self, block: usize, target: &Target) -> String {
        let own = &self.document.blocks()[block];
        let source = self.document.source();
        if target.text == own.text && target.marks == own.marks {
            return source[own.range.clone()].to_owned();
        }
        let script = &self.scripts[block];
        let words = words(target, &script.tags, self.web);
        let shares = share(&words, &script.parts);
        let mut out = String::new();
        let mut at = own.range.start;
        for (part, share) in script.parts.iter().zip(shares) {
            out.push_str(&source[at..part.range.start]);
            out.push_str(&fill(&words[share], self.columns, part.lines, &script.line_end));
            at = part.range.end;
        }
        out
    }
}

/// A word of a translation with the tags around it.
struct Word {
    written: String,
    width: usize,
    /// Whether a clause or a sentence ends with it.
    stop: bool,
}

/// The words of a target. A word has the tags that open before it and close after it.
fn words(target: &Target, tags: &[(String, String)], web: bool) -> Vec<Word> {
    let text = &target.text;
    let escape = |word: &str| if web { word.replace('&', "&amp;").replace('<', "&lt;") } else { word.to_owned() };
    let mut out: Vec<Word> = Vec::new();
    let mut seen = vec![false; tags.len()];
    let mut spans = Vec::new();
    let mut start = None;
    for (i, c) in text.char_indices().chain([(text.len(), ' ')]) {
        match (c.is_ascii_whitespace(), start) {
            (false, None) => start = Some(i),
            (true, Some(from)) => {
                spans.push(from..i);
                start = None;
            }
            _ => {}
        }
    }
    for span in spans {
        // Tags within the word and at its ends: where, and whether before what starts there.
        let mut inside: Vec<(usize, bool, &str)> = Vec::new();
        for mark in target.marks.iter().filter(|m| m.id < tags.len()) {
            let (open, close) = &tags[mark.id];
            if !seen[mark.id] && mark.range.start < span.end {
                seen[mark.id] = true;
                inside.push((mark.range.start.max(span.start), true, open));
            }
            if !mark.range.is_empty() && span.start < mark.range.end && mark.range.end <= span.end {
                inside.insert(0, (mark.range.end, false, close));
            }
        }
        inside.sort_by_key(|&(at, opens, _)| (at, opens));
        let (mut written, mut at) = (String::new(), span.start);
        for (place, _, tag) in inside {
            written.push_str(&escape(text.get(at..place).unwrap_or_default()));
            written.push_str(tag);
            at = if text.is_char_boundary(place) { place } else { at };
        }
        written.push_str(&escape(&text[at..span.end]));
        let word = &text[span];
        let stop = word.ends_with(['.', ',', '!', '?', ';', ':', '…']);
        out.push(Word { width: width(word), written, stop });
    }
    let rest: String =
        tags.iter().zip(&seen).filter(|(_, seen)| !**seen).map(|((a, b), _)| format!("{a}{b}")).collect();
    match out.last_mut() {
        Some(last) => last.written.push_str(&rest),
        None if !rest.is_empty() => out.push(Word { written: rest, width: 0, stop: false }),
        None => {}
    }
    out
}

/// Divides words among the cues in proportion to their times, after a stop where one is near; every cue gets a word while
/// there are any.
fn share(words: &[Word], parts: &[Part]) -> Vec<Range<usize>> {
    let total: usize = words.iter().map(|w| w.width + 1).sum();
    // What was seen and what was said weigh the same: the speaker's own division is a good guide.
    let time: u64 = parts.iter().map(|p| p.time).sum::<u64>().max(1);
    let said: usize = parts.iter().map(|p| p.text.len()).sum::<usize>().max(1);
    let mut out = Vec::with_capacity(parts.len());
    let (mut at, mut column, mut wish) = (0, 0, 0.0);
    for (k, part) in parts.iter().enumerate() {
        let left = parts.len() - k - 1;
        wish += total as f64 * (part.time as f64 / time as f64 + part.text.len() as f64 / said as f64) / 2.0;
        let most = words.len().saturating_sub(left).max(at);
        let mut best = (f64::INFINITY, at, column);
        let mut here = column;
        for end in at..=most {
            if end > at {
                here += words[end - 1].width + 1;
            }
            let enough = end > at || most == at;
            let cost = (here as f64 - wish).abs() - if end > at && words[end - 1].stop { 8.0 } else { 0.0 };
            if enough && cost < best.0 {
                best = (cost, end, here);
            }
            if here as f64 > wish + 60.0 {
                break;
            }
        }
        let end = if left == 0 { words.len() } else { best.1 };
        out.push(at..end);
        (at, column) = (end, best.2);
    }
    out
}

/// Words on as few lines as they need, about the same length each.
fn fill(words: &[Word], columns: usize, most: usize, line_end: &str) -> String {
    let total = words.iter().map(|w| w.width + 1).sum::<usize>().saturating_sub(1);
    let mut lines = total.div_ceil(columns).clamp(1, most);
    loop {
        // The narrowest lines that take all words on so many lines.
        let (mut low, mut high) = (total / lines, total);
        while low < high {
            let middle = usize::midpoint(low, high);
            if count(words, middle) <= lines { high = middle } else { low = middle + 1 }
        }
        if low > columns && lines < most {
            lines += 1;
            continue;
        }
        return set(words, low, line_end);
    }
}

/// How many lines of `columns` the words take.
fn count(words: &[Word], columns: usize) -> usize {
    let (mut lines, mut column) = (1, 0);
    for word in words {
        if column > 0 && column + 1 + word.width > columns {
            lines += 1;
            column = word.width;
        } else {
            column += word.width + usize::from(column > 0);
        }
    }
    lines
}

fn set(words: &[Word], columns: usize, line_end: &str) -> String {
    let mut out = String::new();
    let mut column = 0;
    for (i, word) in words.iter().enumerate() {
        if column > 0 && column + 1 + word.width > columns {
            out.push_str(line_end);
            column = word.width;
        } else {
            if i > 0 {
                out.push(' ');
            }
            column += word.width + usize::from(column > 0);
        }
        out.push_str(&word.written);
    }
    out
}

#[cfg(test)]
mod tests;
