//! Lays a translation out in the cues that its source stood in.

use std::ops::Range;

use super::Part;
use crate::document::Target;
use crate::formats::lines::width;

/// A word of a translation with the tags around it.
pub(super) struct Word {
    /// Its bytes of the translation.
    range: Range<usize>,
    written: String,
    width: usize,
    /// Whether a clause or a sentence ends with it.
    stop: bool,
}

/// The words of a target. A word has the tags that open before it and close after it.
pub(super) fn words(target: &Target, tags: &[(String, String)], web: bool) -> Vec<Word> {
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
                if mark.range.is_empty() {
                    inside.push((mark.range.start.max(span.start), true, close));
                }
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
        let word = &text[span.clone()];
        let stop = word.ends_with(['.', ',', '!', '?', ';', ':', '…']);
        out.push(Word { width: width(word), range: span, written, stop });
    }
    let rest: String =
        tags.iter().zip(&seen).filter(|(_, seen)| !**seen).map(|((a, b), _)| format!("{a}{b}")).collect();
    match out.last_mut() {
        Some(last) => last.written.push_str(&rest),
        None if !rest.is_empty() => {
            out.push(Word { range: text.len()..text.len(), written: rest, width: 0, stop: false })
        }
        None => {}
    }
    out
}

/// Closes after a cue's last word what goes on in the next cue, whose first word is `at`, and opens it again before that.
pub(super) fn reopen(words: &mut [Word], at: usize, target: &Target, tags: &[(String, String)]) {
    let Some((last, next)) = at.checked_sub(1).zip(words.get(at).map(|word| word.range.start)) else { return };
    let end = words[last].range.end;
    let over = target.marks.iter().filter(|mark| mark.range.start < end && next < mark.range.end);
    let (mut opened, mut closed) = (String::new(), String::new());
    for (open, close) in
        over.filter_map(|mark| tags.get(mark.id)).filter(|(open, close)| !open.is_empty() && !close.is_empty())
    {
        opened.push_str(open);
        closed.insert_str(0, close);
    }
    words[last].written.push_str(&closed);
    words[at].written.insert_str(0, &opened);
}

/// Divides words among the cues in proportion to their times, after a stop where one is near; every cue gets a word while
/// there are any.
pub(super) fn share(words: &[Word], parts: &[Part]) -> Vec<Range<usize>> {
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
pub(super) fn fill(words: &[Word], columns: usize, most: usize, line_end: &str) -> String {
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
