//! Who says what, when: the cues of a file and the turns of speech in them.

use std::ops::Range;

use super::tags::{self, Role, strip, tags};
use crate::error::{Error, Result};
use crate::formats::lines::{Line, has_letter, is_blank, lines, trim};
use crate::french::leaves_open;

/// A turn in one cue: what one speaker says there.
#[derive(Clone)]
pub(super) struct Turn {
    pub cue: usize,
    /// Its words: what only says who speaks or how (dashes, notes, tags around all of it) stands outside.
    pub range: Range<usize>,
    /// Milliseconds from the start of the film at which the cue comes and goes.
    pub seen: Range<u64>,
    /// Its share of the time that the cue is seen.
    pub time: u64,
    /// Lines that it has.
    pub lines: usize,
    /// It has the cue to itself.
    pub alone: bool,
    /// Something at its head says that another speaks.
    starts: bool,
    /// Nothing goes on from it or into it: a sound, a song, a name.
    apart: bool,
    /// It is the name of who speaks next.
    label: bool,
    /// Where the cue stands on the screen, as its tags say.
    placement: String,
}

/// A sentence may go on in the next cue after a pause of so many milliseconds.
const PAUSE: u64 = 1500;

/// Signs of songs and sounds.
const SIGNS: [char; 5] = ['♪', '♫', '♬', '#', '*'];

/// The milliseconds of a time line: start and end. Its arrow may have lost a dash.
pub(super) fn times(line: &str) -> Option<(u64, u64)> {
    let (start, end) = line.split_once("-->").or_else(|| line.split_once("->"))?;
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

/// Whether a line is meant to be one of times.
fn is_clock(line: &str) -> bool {
    line.starts_with(|c: char| c.is_ascii_digit()) && line.matches(':').count() > 1
}

/// What is said, in order, and the lines that could not be read.
pub(super) fn turns(source: &str, web: bool) -> Result<(Vec<Turn>, Vec<Error>)> {
    let rows = lines(source);
    let text = |line: &Line| &source[line.content.clone()];
    let blank = |line: &Line| text(line).trim_matches(is_blank).is_empty();
    let (mut out, mut faults) = (Vec::new(), Vec::new());
    let (mut cue, mut any, mut last) = (0, false, 0..0);
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
            speakers(source, &rows[k + 1..end], cue, start..stop, web, &mut out);
            cue += 1;
            last = start..stop;
        } else if !aside && cue > 0 && !rows[i..end].iter().any(|row| is_clock(text(row))) {
            // A blank line within a cue.
            speakers(source, &rows[i..end], cue - 1, last.clone(), web, &mut out);
        } else if !aside && (any || !web) && rows[i..end].iter().any(|row| has_letter(text(row))) {
            faults.push(Error::input(format!(
                "line {}: no time line such as 00:00:01,000 --> 00:00:02,500 above it; it is kept as it is",
                i + 1
            )));
        }
        i = end;
    }
    if !any && has_letter(source) && !source.trim_start_matches(is_blank).starts_with("WEBVTT") {
        return Err(Error::input(
            "line 1: no time line such as 00:00:01,000 --> 00:00:02,500 in the file: is it subtitles?",
        ));
    }
    Ok((out, faults))
}

/// Divides a cue among its speakers, and sounds from what is said.
fn speakers(source: &str, rows: &[Line], cue: usize, seen: Range<u64>, web: bool, out: &mut Vec<Turn>) {
    let mut found: Vec<Turn> = Vec::new();
    for range in rows.iter().flat_map(|row| parts(source, row.content.clone(), web)) {
        let range = trim(source, range);
        let text = &source[range.clone()];
        let lead = tags::lead(text);
        let (head, body) = text.split_at(lead);
        let marker = marker(body);
        let before = found.last().map(|turn| strip(&source[turn.range.clone()]));
        let name = names(&body[marker..], before.as_deref());
        let starts = marker > 0 || head.contains("<v") || name.is_some();
        let after_sound = || before.as_deref().is_some_and(is_sound);
        match found.last_mut().filter(|_| !starts && !after_sound()) {
            Some(last) if !range.is_empty() => {
                last.range.end = range.end;
                last.lines += 1;
            }
            Some(_) => {}
            None => {
                let start = range.start + if marker > 0 { lead + marker } else { 0 };
                let placement = tags(head).iter().filter(|tag| places(tag.sign)).map(|tag| tag.sign).collect();
                let turn = Turn {
                    cue,
                    range: start..range.end,
                    seen: seen.clone(),
                    time: 0,
                    lines: 1,
                    alone: false,
                    starts,
                    apart: false,
                    label: false,
                    placement,
                };
                // The name is a text of its own, so that neither is lost in the other.
                let cut = name.map(|length| range.start + lead + marker + length);
                match cut.filter(|&cut| has_letter(&source[start..cut]) && has_letter(&source[cut..range.end])) {
                    Some(cut) => {
                        found.push(Turn { range: start..cut, apart: true, label: true, ..turn.clone() });
                        found.push(Turn { range: cut..range.end, ..turn });
                    }
                    None => found.push(turn),
                }
            }
        }
    }
    let last = found.len().saturating_sub(1);
    let speakers = found.iter().filter(|turn| !turn.label).count();
    for (i, turn) in found.iter_mut().enumerate() {
        turn.alone = speakers < 2;
        // What closes here was opened in an earlier text, what is not closed is so in a later one.
        let tail = peel(source, turn, turn.starts || i > 0, i < last);
        turn.apart |= turn.starts && tail;
        // The model reads a sound without its brackets as what it is.
        if is_sound(&source[turn.range.clone()]) {
            turn.apart = true;
            turn.range = turn.range.start + 1..turn.range.end - 1;
        }
    }
    let all: usize = found.iter().map(|t| t.range.len()).sum::<usize>().max(1);
    let time = seen.end.saturating_sub(seen.start).max(1);
    for turn in &mut found {
        turn.time = (time * turn.range.len() as u64 / all as u64).max(1);
    }
    out.extend(found.into_iter().filter(|turn| has_letter(&source[turn.range.clone()])));
}

/// A line in the parts that `\N` makes of it.
fn parts(source: &str, line: Range<usize>, web: bool) -> Vec<Range<usize>> {
    let (mut out, mut at) = (Vec::new(), line.start);
    while let Some(n) = super::line_break(&source[at..line.end]).filter(|_| !web) {
        out.push(at..at + n);
        at += n + super::BREAK;
    }
    out.push(at..line.end);
    out
}

/// Whether a tag says where the cue stands.
fn places(sign: &str) -> bool {
    sign.starts_with("{\\an")
        || sign.starts_with("{\\a") && sign[3..].starts_with(|c: char| c.is_ascii_digit())
        || sign.starts_with("{\\pos")
}

/// Bytes of what stands before a speaker's words: a dash, `>>`, a note of music.
fn marker(text: &str) -> usize {
    let rest = text.trim_start_matches(['-', '–', '—', '‐', '\u{2011}']);
    let dashes = text.len() - rest.len();
    let rest = if (1..=6).contains(&dashes) && has_letter(rest) {
        rest
    } else if let Some(rest) = text.strip_prefix(">>").or_else(|| text.strip_prefix("&gt;&gt;")) {
        rest.trim_start_matches('>').trim_start_matches("&gt;")
    } else {
        let rest = text.trim_start_matches(SIGNS);
        let sung = text.starts_with(['♪', '♫', '♬'])
            || text.starts_with('#') && rest.starts_with(is_blank)
            || text.starts_with('*') && strip(text).ends_with('*');
        if sung && rest.len() < text.len() && has_letter(rest) { rest } else { text }
    };
    if rest.len() == text.len() { 0 } else { text.len() - rest.trim_start_matches(is_blank).len() }
}

/// Bytes of what says at a line's head who speaks (`PAUL :`, `[Anne]`) or what is heard, after the line `before` it in the
/// cue.
fn names(text: &str, before: Option<&str>) -> Option<usize> {
    let stopped = before.is_none_or(|before| {
        before.trim_end_matches(['»', '”', '"', ' ', '\u{a0}']).ends_with(['.', '!', '?', '…', ':', ')', ']'])
    });
    if let Some(rest) = text.strip_prefix(['[', '(']) {
        let starts = stopped || text.starts_with('[') || is_sound(text) || rest.starts_with(char::is_uppercase);
        let end = text.find(if text.starts_with('[') { ']' } else { ')' }).map_or(0, |n| n + 1);
        return starts.then_some(end);
    }
    let (name, _) = text.split_once(':')?;
    let end = name.len() + 1;
    let name = name.split_once('(').map_or(name, |(name, _)| name).trim();
    let words = name.split_whitespace().count();
    let begins = |word: &str| word.starts_with(|c: char| c.is_uppercase() || c.is_numeric());
    let is_name = has_letter(name)
        && (1..=4).contains(&words)
        && (capitals(name) || stopped && name.split_whitespace().all(begins));
    is_name.then_some(end)
}

/// Whether a text is a sound by itself: `[rires]`, `(Musique)`.
fn is_sound(text: &str) -> bool {
    let text = text.trim_matches(|c: char| is_blank(c) || SIGNS.contains(&c));
    [('[', ']'), ('(', ')')]
        .iter()
        .any(|&(open, close)| text.starts_with(open) && text.find(close).is_some_and(|n| n + 1 == text.len()))
}

/// Whether all letters are capitals, and there are enough of them to tell.
fn capitals(text: &str) -> bool {
    text.chars().filter(|c| c.is_alphabetic()).count() > 2 && !text.chars().any(char::is_lowercase)
}

/// Takes from a turn's words the tags around all of them and the signs of music at their end. `before`: its first words do
/// not go on from an earlier text; `after`: no later text goes on from it. Whether there were such signs.
fn peel(source: &str, turn: &mut Turn, before: bool, after: bool) -> bool {
    let mut signs = false;
    loop {
        let range = trim(source, turn.range.clone());
        let text = &source[range.clone()];
        let tags = tags(text);
        let first = tags.first().filter(|tag| tag.range.start == 0);
        let last = tags.last().filter(|tag| tag.range.end == text.len());
        let sung = if turn.starts { &SIGNS[..] } else { &SIGNS[..3] };
        let rest = text.trim_end_matches(sung);
        turn.range = range.clone();
        match (first, last) {
            (Some(first), Some(last)) if first.role == Role::Opens && first.pair == Some(tags.len() - 1) => {
                turn.range = range.start + first.range.end..range.start + last.range.start;
            }
            (Some(first), _)
                if first.role == Role::Stands
                    || first.pair.is_none()
                        && (first.name == "v" || if first.role == Role::Closes { before } else { after }) =>
            {
                turn.range.start += first.range.end;
            }
            (_, Some(last)) if last.role == Role::Stands || last.pair.is_none() && before => {
                turn.range.end = range.start + last.range.start;
            }
            _ if rest.len() < text.len() => {
                signs = true;
                turn.range.end = range.start + rest.len();
            }
            _ => return signs,
        }
    }
}

/// Whether what `next` says goes on where `last` stopped in the cue before.
pub(super) fn runs_on(source: &str, last: &Turn, next: &Turn) -> bool {
    let plain = |turn: &Turn| strip(&source[turn.range.clone()]);
    let (before, after) = (plain(last), plain(next));
    let before = before.trim_end_matches(['»', '”', '"', ')', ']', ' ', '\u{a0}']);
    let after = after.trim_start_matches(['…', '.', ' ', '\u{a0}']);
    let stopped = before.ends_with(['.', '!', '?', ':', ']']) && !before.ends_with("...");
    next.cue == last.cue + 1
        && next.seen.start.saturating_sub(last.seen.end) <= PAUSE
        && !next.starts
        && !last.apart
        && !next.apart
        && last.placement == next.placement
        && capitals(before) == capitals(after)
        && !stopped
        && (after.starts_with(char::is_lowercase) || before.ends_with([',', ';']) || leaves_open(before))
}
