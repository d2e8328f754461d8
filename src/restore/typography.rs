//! Spaces, apostrophes, dashes, ellipses and stops as an English editor sets them.

use std::ops::Range;

use super::draft::Draft;
use super::text::is_closer;
use super::{Apostrophes, Dashes, Stops, Style};
use crate::protect::Prepared;
use crate::protect::numbers::is_space;

/// Sets the whole text; quotation marks are in place by now.
pub fn set(draft: &mut Draft, p: &Prepared, style: &Style) {
    spaces(draft);
    apostrophes(draft, p.source(), style.apostrophes);
    ellipses(draft, p.source());
    dashes(draft, p, style.dashes);
    last_stop(draft, p);
    stop_and_quote(draft, p.source(), style.stops);
}

/// Makes edits that were found in one reading of the text, the last first; what is protected stays.
fn apply(draft: &mut Draft, edits: Vec<(Range<usize>, &str)>) {
    for (range, new) in edits.into_iter().rev() {
        if draft.is_free(range.clone()) {
            draft.replace(range, new, None);
        }
    }
}

/// One space between words, none before a stop or inside brackets, none at the ends.
pub fn spaces(draft: &mut Draft) {
    let text = draft.text();
    let mut edits = Vec::new();
    let mut at = 0;
    while let Some(found) = text[at..].find(char::is_whitespace) {
        let start = at + found;
        let end = text[start..].find(|c: char| !c.is_whitespace()).map_or(text.len(), |n| start + n);
        at = end;
        let (before, after) = (text[..start].chars().next_back(), &text[end..]);
        let gone = before.is_none()
            || after.is_empty()
            || before.is_some_and(|c| "([".contains(c))
            || closes_up(before, after);
        let new = if gone { "" } else { " " };
        if &text[start..end] != new {
            edits.push((start..end, new));
        }
    }
    apply(draft, edits);
}

/// Whether the stop that `after` starts with takes no space before it.
fn closes_up(before: Option<char>, after: &str) -> bool {
    let mut chars = after.chars();
    let (first, second) = (chars.next(), chars.next());
    let ends = second.is_none_or(|c| c.is_whitespace() || is_closer(c) || "!?,.".contains(c));
    let word = before.is_some_and(|c| !"—–-…".contains(c));
    match first {
        Some('!' | '?') => true,
        // ;) and :( are faces.
        Some(';' | ':') => ends && word && !second.is_some_and(|c| "()[]".contains(c)),
        Some(',') => ends && word,
        Some('.') => ends && second != Some('.') && word,
        Some(')' | ']') => true,
        Some('%') => before.is_some_and(|c| c.is_ascii_digit()),
        _ => false,
    }
}

fn apostrophes(draft: &mut Draft, source: &str, style: Apostrophes) {
    let between = |text: &str, i: usize, len: usize| {
        text[..i].ends_with(char::is_alphabetic) && text[i + len..].starts_with(char::is_alphabetic)
    };
    let has = |c: char| source.match_indices(c).any(|(i, s)| between(source, i, s.len()));
    let curly = match style {
        Apostrophes::Curly => true,
        Apostrophes::Straight => false,
        Apostrophes::Source if has('’') => true,
        Apostrophes::Source if has('\'') => false,
        Apostrophes::Source => return,
    };
    let (from, to) = if curly { ('\'', "’") } else { ('’', "'") };
    let text = draft.text();
    let edits = text.match_indices(from).filter(|(i, s)| between(text, *i, s.len()));
    let edits = edits.map(|(i, s)| (i..i + s.len(), to)).collect();
    apply(draft, edits);
}

/// The ellipsis in the form that the source uses.
fn ellipses(draft: &mut Draft, source: &str) {
    let text = draft.text();
    let edits: Vec<(Range<usize>, &str)> = if source.contains('…') {
        let alone = |i: usize| !text[..i].ends_with('.') && !text[i + 3..].starts_with('.');
        text.match_indices("...").filter(|(i, _)| alone(*i)).map(|(i, _)| (i..i + 3, "…")).collect()
    } else if source.contains("...") {
        text.match_indices('…').map(|(i, s)| (i..i + s.len(), "...")).collect()
    } else {
        return;
    };
    apply(draft, edits);
}

/// The dashes that enclose an aside, where the source has any.
fn dashes(draft: &mut Draft, p: &Prepared, style: Dashes) {
    let body = &p.source()[p.lead().len()..];
    let long = |c: char| matches!(c, '—' | '–' | '―');
    let parts = |(i, mark): (usize, &str)| !is_minus(body, i..i + mark.len());
    let aside = body.match_indices(" - ").any(|(i, _)| !is_minus(body, i + 1..i + 2))
        || body.contains("--")
        || body.match_indices(long).any(parts);
    if !aside || style == Dashes::Keep {
        return;
    }
    // In a heading, a byline or a date line a dash parts two things rather than enclosing one.
    let sentence = body
        .trim_end_matches(|c: char| c.is_whitespace() || is_closer(c))
        .ends_with(['.', '!', '?', '…', ':', ';', ',']);
    let apart = match body.chars().find(|&c| long(c)) {
        Some('—' | '―') => " — ",
        Some(_) => " – ",
        None => " - ",
    };
    let new = match (style, sentence) {
        (_, false) => apart,
        (Dashes::EmClosed, _) => "—",
        (Dashes::EmSpaced, _) => " — ",
        _ => " – ",
    };
    let text = draft.text();
    let mut edits = Vec::new();
    let mut at = 0;
    while let Some(found) = text[at..].find(|c: char| long(c) || c == '-') {
        let mark = at + found;
        let mut end =
            mark + text[mark..].chars().take_while(|&c| long(c) || c == '-').map(char::len_utf8).sum::<usize>();
        at = end;
        let token = &text[mark..end];
        let (spaced_left, spaced_right) = (text[..mark].ends_with(' '), text[end..].starts_with(' '));
        let figures = text[..mark].ends_with(|c: char| c.is_ascii_digit())
            && text[end..].starts_with(|c: char| c.is_ascii_digit());
        let is_dash = match token {
            "-" => spaced_left && spaced_right,
            "--" => true,
            _ => token.chars().count() == 1 && !figures && !is_minus(text, mark..end),
        };
        // Two dashes side by side share the space between them; the first has it.
        let done = edits.last().map_or(0, |(r, _): &(Range<usize>, &str)| r.end);
        let start = (mark - usize::from(spaced_left)).max(done);
        let new = if is_dateline(&text[..start]) { apart } else { new };
        end += usize::from(spaced_right);
        if !is_dash || start == 0 || end >= text.len() {
            continue;
        }
        // No space between a dash and the stop after it.
        let new = if text[end..].starts_with([',', '.', ';', ':', '!', '?']) { new.trim_end() } else { new };
        if &text[start..end] != new {
            edits.push((start..end, new));
        }
    }
    apply(draft, edits);
}

/// Whether a report begins behind this: "LYON (AFP)", "PARIS, May 3 (Reuters)".
fn is_dateline(before: &str) -> bool {
    let town: String = before.chars().take_while(|c| c.is_alphabetic() || "-' ’".contains(*c)).collect();
    let capitals = town.chars().filter(|c| c.is_alphabetic()).count() > 2 && !town.contains(char::is_lowercase);
    capitals && before.ends_with(')') && before.matches('(').count() == 1 && before.len() < 60
}

/// Whether the dash at `mark` is the sign of a number: –12, and with a space where no aside can begin: « de - 12 », « : - 12 ».
fn is_minus(text: &str, mark: Range<usize>) -> bool {
    let (before, after) = (&text[..mark.start], &text[mark.end..]);
    let word = before.trim_end();
    let opens = word.len() < before.len() || before.is_empty() || before.ends_with(['(', '[', '/']);
    let spaced = word.ends_with([':', '(']) || [" de", " à", " entre"].iter().any(|end| word.ends_with(end));
    let number = if spaced { after.strip_prefix(is_space).unwrap_or(after) } else { after };
    opens && number.starts_with(|c: char| c.is_ascii_digit())
}

/// The run of stops at the end of a text, closing marks left aside.
fn end_run(text: &str) -> Range<usize> {
    let core = text.trim_end_matches(|c: char| c.is_whitespace() || is_closer(c));
    let before = core.trim_end_matches(|c: char| ".!?…;:,".contains(c) || c.is_whitespace());
    let start = core.len() - core[before.len()..].trim_start().len();
    start..core.len()
}

/// Whether the full stop at the end of `text` belongs to an abbreviation: etc., p.m., J.-C., a lone capital.
fn ends_in_abbreviation(text: &str) -> bool {
    let Some(stem) = text.strip_suffix('.') else { return false };
    let word = stem.rsplit(|c: char| c.is_whitespace() || "(\"“‘".contains(c)).next().unwrap_or("");
    let known = [
        "etc", "cf", "al", "Inc", "Ltd", "Jr", "Sr", "St", "No", "approx", "env", "ex", "vol", "chap", "fig", "éd",
        "ed",
    ];
    let lone = word.chars().count() == 1 && word.chars().all(char::is_uppercase);
    // Two full stops are a broken ellipsis.
    !word.ends_with('.') && (word.contains('.') || lone || known.contains(&word))
}

/// The last stop agrees with the source's: a headline gets none, a question stays one.
fn last_stop(draft: &mut Draft, p: &Prepared) {
    let (source, text) = (p.source(), draft.text());
    if text.trim().is_empty() {
        return;
    }
    let (theirs, ours) = (end_run(source), end_run(text));
    let theirs_abbreviated = ends_in_abbreviation(&source[..theirs.end]);
    let want: String = source[theirs.clone()].chars().filter(|c| !c.is_whitespace()).collect();
    let have = &text[ours.clone()];
    if p.spans().iter().any(|s| s.range.end > theirs.start && s.range.start < theirs.end)
        || have == want
        || !draft.is_free(ours.clone())
    {
        return;
    }
    let abbreviated = ends_in_abbreviation(&text[..ours.end]);
    if want.is_empty() {
        if matches!(have, "." | "," | ";") && !abbreviated {
            draft.replace(ours, "", None);
        }
    } else if have.is_empty() {
        if theirs_abbreviated {
            return;
        }
        // Inside the closing marks where the source has it there.
        let outside = theirs.end == source.trim_end().len();
        let at = if outside { text.trim_end().len() } else { ours.end };
        draft.replace(at..at, &want, None);
    } else if abbreviated && want != "." {
        draft.replace(ours.end..ours.end, &want, None);
    } else if !(theirs_abbreviated && want == ".") {
        draft.replace(ours, &want, None);
    }
}

/// American order puts a full stop or a comma before the closing mark; British order leaves the last full stop where the
/// source has it.
fn stop_and_quote(draft: &mut Draft, source: &str, style: Stops) {
    match style {
        Stops::Keep => {}
        Stops::Us => {
            let mut from = 0;
            while let Some(next) = stop_after_quote(draft, from) {
                from = next;
            }
        }
        Stops::Uk => {
            let text = draft.text().trim_end();
            let closers = |s: &str| s.len() - s.trim_end_matches(['”', '"', '’', '\'']).len();
            let n = closers(text);
            let source = source.trim_end();
            let outside = source.strip_suffix('.').is_some_and(|s| s.trim_end().ends_with(['»', '”', '"']));
            let core = &text[..text.len() - n];
            if n > 0 && outside && core.ends_with('.') && !core.ends_with("..") && !ends_in_abbreviation(core) {
                let (stop, end) = (core.len() - 1, text.len());
                if draft.is_free(stop..stop + 1) {
                    draft.replace(end..end, ".", None);
                    draft.replace(stop..stop + 1, "", None);
                }
            }
        }
    }
}

/// Moves the first stop after `from` that follows a closing mark to its American place; the byte to go on from.
fn stop_after_quote(draft: &mut Draft, from: usize) -> Option<usize> {
    let text = draft.text();
    let at = from + text[from..].find(['.', ','])?;
    let next = at + 1;
    let (before, after) = (&text[..at], &text[next..]);
    // A decimal, an ellipsis, a file name: no stop of the sentence.
    if after.starts_with(|c: char| c.is_alphanumeric() || c == '.') {
        return Some(next);
    }
    let core = closing(before);
    if core == at || core == 0 {
        return Some(next);
    }
    let inside = text[..core].chars().next_back();
    let stop = text[at..next].to_owned();
    // A quoted file name or command is not to gain a full stop.
    if !draft.is_free(core - inside.map_or(0, char::len_utf8)..core) || !draft.is_free(at..next) {
        return Some(next);
    }
    if inside.is_some_and(|c| ".!?…,;:—".contains(c)) {
        draft.replace(at..next, "", None);
        return Some(at);
    }
    draft.replace(at..next, "", None);
    draft.replace(core..core, &stop, None);
    Some(next)
}

/// The byte at which the closing quotation marks at the end of `text` start.
fn closing(text: &str) -> usize {
    let mut core = text.len();
    while let Some(c) = text[..core].chars().next_back() {
        let start = core - c.len_utf8();
        let closes = match c {
            '”' => true,
            // The second of a pair, or the end of a quotation that began in a segment before.
            '"' => {
                text[..core].matches('"').count().is_multiple_of(2)
                    || text[..start].ends_with(|c: char| c.is_alphabetic() || ".!?…".contains(c))
            }
            '’' | '\'' => {
                let open = if c == '’' { '‘' } else { '\'' };
                let opens = text[..start].match_indices(open).any(|(i, s)| {
                    !text[..i].ends_with(char::is_alphanumeric)
                        && text[i + s.len()..].starts_with(char::is_alphanumeric)
                });
                opens && !text[core..].starts_with(char::is_alphanumeric)
            }
            _ => false,
        };
        if !closes {
            break;
        }
        core = start;
    }
    core
}
