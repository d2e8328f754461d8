//! Tags of subtitles: `<i>`, `</font>`, `<v Anne>`, `<00:01.000>`, `{\an8}`, `{\i1}`.

use std::ops::Range;

/// A tag in a text.
#[derive(Clone, Debug)]
pub(super) struct Tag<'a> {
    pub range: Range<usize>,
    pub sign: &'a str,
    pub name: &'a str,
    pub role: Role,
    /// The number of the tag that closes what it opens, or that opened what it closes.
    pub pair: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Opens,
    Closes,
    /// It says something from here on, or of the whole cue.
    Stands,
    /// It changes nothing.
    Void,
}

/// The tags of a text, in order.
pub(super) fn tags(text: &str) -> Vec<Tag<'_>> {
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
                at = start + n + 1;
                out.push(tag(text, start..at));
            }
            None => at = start + 1,
        }
    }
    pair(text, &mut out);
    out
}

fn tag(text: &str, range: Range<usize>) -> Tag<'_> {
    let sign = &text[range.clone()];
    let letters = |from: usize| {
        let rest = &sign[from..];
        &rest[..rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len())]
    };
    let (name, role) = match sign.as_bytes() {
        // Styles that are switched on and off.
        [b'{', b'\\', b'i' | b'b' | b'u' | b's', on @ (b'0' | b'1'), b'}'] => {
            (&sign[1..3], if *on == b'1' { Role::Opens } else { Role::Closes })
        }
        [b'{', ..] => ("", Role::Stands),
        [_, b'/', ..] => (letters(2), Role::Closes),
        _ => match letters(1) {
            "" => ("", Role::Stands),
            name => (name, Role::Opens),
        },
    };
    Tag { range, sign, name, role, pair: None }
}

/// Finds what each tag opens or closes. One that closes what the next opens again, over a line's end, is void with it.
fn pair(text: &str, tags: &mut [Tag<'_>]) {
    let (mut open, mut closed): (Vec<usize>, Vec<usize>) = (Vec::new(), Vec::new());
    let mut end = 0;
    for i in 0..tags.len() {
        let between = &text[end..tags[i].range.start];
        let between = super::line_break(between).map_or(between, |n| &between[..n]);
        if !between.chars().all(super::is_blank) {
            closed.clear();
        }
        end = tags[i].range.end;
        match tags[i].role {
            Role::Opens => {
                let again = |k: usize| match tags[k].pair {
                    Some(first) => tags[first].sign == tags[i].sign,
                    // It was opened before the text.
                    None => tags[k].name == tags[i].name,
                };
                let Some(k) = closed.pop_if(|k| again(*k)) else {
                    closed.clear();
                    open.push(i);
                    continue;
                };
                (tags[k].role, tags[i].role) = (Role::Void, Role::Void);
                if let Some(first) = tags[k].pair.take() {
                    tags[first].pair = None;
                    open.push(first);
                }
            }
            Role::Closes => match open.iter().rposition(|&k| tags[k].name == tags[i].name) {
                Some(depth) => {
                    let first = open[depth];
                    (tags[i].pair, tags[first].pair) = (Some(first), Some(i));
                    open.truncate(depth);
                    closed.push(i);
                }
                None => closed.push(i),
            },
            Role::Stands | Role::Void => closed.clear(),
        }
    }
}

/// A text without its tags.
pub(super) fn strip(text: &str) -> String {
    let mut out = String::new();
    let mut at = 0;
    for tag in tags(text) {
        out.push_str(&text[at..tag.range.start]);
        at = tag.range.end;
    }
    out + &text[at..]
}

/// Bytes of tags and blanks at the start of a text.
pub(super) fn lead(text: &str) -> usize {
    let mut at = 0;
    let blanks = |at: usize| text.len() - text[at..].trim_start_matches(super::is_blank).len();
    for tag in tags(text) {
        if tag.range.start != blanks(at) {
            break;
        }
        at = tag.range.end;
    }
    blanks(at)
}
