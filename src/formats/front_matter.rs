//! The fields at the head of a Markdown file: YAML between `---`, TOML between `+++`, an object of JSON. Only the named ones
//! are translated, and only at the top level.

use std::collections::HashMap;
use std::ops::Range;

use serde_json::value::RawValue;

use super::flow::{Encode, Flow, value};
use super::html::english;
use super::lines::{Line, has_letter, lines};
use super::weave::{Shape, Syntax};
use crate::document::{Block, BlockKind};

/// Finds the front matter's blocks; returns where it ends: 0 where there is none.
pub(crate) fn read(source: &str, names: &[String], out: &mut Vec<(Block, Shape)>) -> usize {
    let start = source.len() - source.trim_start_matches('\u{feff}').len();
    let fence = ["---", "+++"].into_iter().find(|fence| source[start..].starts_with(fence));
    let Some(fence) = fence else { return json(source, start, names, out) };
    let rows = lines(source);
    let text = |line: &Line| &source[line.content.clone()];
    let closes = |line: &Line| text(line).trim_end() == fence || fence == "---" && text(line).trim_end() == "...";
    let first = rows.first().is_some_and(|line| source[start..line.content.end].trim_end() == fence);
    let Some(end) = rows.iter().skip(1).position(closes).filter(|_| first) else { return 0 };
    let body = &rows[1..=end];
    let toml = fence == "+++";
    let mut next = 0;
    for (i, line) in body.iter().enumerate() {
        if line.content.start < next {
            continue;
        }
        let Some((name, value)) = key(text(line), if toml { '=' } else { ':' }) else { continue };
        if toml && text(line).starts_with('[') {
            break;
        }
        let value = line.content.start + value..line.content.end;
        let wide = ["\"\"\"", "'''"].into_iter().find(|quote| toml && source[value.clone()].starts_with(quote));
        let wide = wide.and_then(|quote| {
            let start = value.start + quote.len();
            let length = source[start..rows[end + 1].content.start].find(quote)?;
            Some((quote, start..start + length))
        });
        if let Some((_, inner)) = &wide {
            next = inner.end;
        }
        if !names.iter().any(|n| n.eq_ignore_ascii_case(name)) {
            continue;
        }
        if let Some((quote, inner)) = wide {
            // Rarer escapes: the value stays as it is.
            if quote == "'''" || !source[inner.clone()].contains('\\') {
                let at = |i: usize| inner.start + i;
                let rows = lines(&source[inner.clone()]).into_iter();
                let rows = rows.map(|l| Line { content: at(l.content.start)..at(l.content.end), next: at(l.next) });
                scalar(source, &rows.collect::<Vec<_>>(), true, out);
            }
            continue;
        }
        let below = || {
            let n = body[i + 1..].iter().take_while(|l| is_within(text(l))).count();
            &body[i + 1..i + 1 + n]
        };
        match source[value.clone()].chars().next() {
            Some(quote @ ('"' | '\'')) => quoted(source, value, quote, toml, out),
            Some('|' | '>') if !toml => scalar(source, below(), source[value].starts_with('>'), out),
            Some('[' | '{' | '&' | '*' | '!') | None => {}
            Some(_) if toml => {}
            Some(_) => plain(source, value, below().last().map(|l| l.content.end), out),
        }
    }
    rows[end + 1].next
}

/// The fields of an object of JSON that starts on a line of its own; where it ends, or 0.
fn json(source: &str, start: usize, names: &[String], out: &mut Vec<(Block, Shape)>) -> usize {
    let text = &source[start..];
    if !text.strip_prefix('{').is_some_and(|rest| rest.trim_start_matches([' ', '\t']).starts_with(['\n', '\r'])) {
        return 0;
    }
    let mut objects = serde_json::Deserializer::from_str(text).into_iter::<HashMap<String, &RawValue>>();
    let Some(Ok(fields)) = objects.next() else { return 0 };
    let end = start + objects.byte_offset();
    let mut values: Vec<&str> = fields
        .into_iter()
        .filter(|(name, _)| names.iter().any(|n| n.eq_ignore_ascii_case(name)))
        .map(|(_, value)| value.get())
        .collect();
    values.sort_by_key(|value| value.as_ptr() as usize);
    for raw in values {
        let Ok(text) = serde_json::from_str::<String>(raw) else { continue };
        let start = raw.as_ptr() as usize - source.as_ptr() as usize + 1;
        out.extend(value(start..start + raw.len() - 2, text, Box::new(json_escaped)));
    }
    end + source[end..].find('\n').map_or(source.len() - end, |n| n + 1)
}

fn json_escaped(text: &str) -> String {
    let quoted = serde_json::Value::from(super::plain::one_line(text)).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

/// The source with `lang: fr` made `lang: en` at its head.
pub(crate) fn say_english(source: String) -> String {
    let head = read(&source, &[], &mut Vec::new());
    let sign = if source.trim_start_matches('\u{feff}').starts_with('+') { '=' } else { ':' };
    let mut edits = Vec::new();
    for line in lines(&source[..head]) {
        let text = &source[line.content.clone()];
        let Some((name, at)) = key(text, sign) else { continue };
        if !["lang", "language", "locale"].iter().any(|known| known.eq_ignore_ascii_case(name)) {
            continue;
        }
        let raw = text[at..].trim_start_matches(['"', '\'']);
        let start = line.content.end - raw.len();
        let value = raw.trim_end().trim_end_matches(['"', '\'']);
        if let Some(english) = english(value) {
            edits.push((start..start + value.len(), english.to_owned()));
        }
    }
    super::xml::spliced(&source, &edits)
}

/// The name and where the value starts in a line `name: value`.
fn key(line: &str, sign: char) -> Option<(&str, usize)> {
    let (name, rest) = line.split_once(sign)?;
    let known = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    let name = name.trim_end();
    let spaced = sign == '=' || rest.is_empty() || rest.starts_with([' ', '\t']);
    (spaced && !name.is_empty() && name.chars().all(known)).then(|| (name, line.len() - rest.trim_start().len()))
}

/// Whether a line belongs to the value of the line above.
fn is_within(line: &str) -> bool {
    line.trim().is_empty() || line.starts_with([' ', '\t'])
}

fn quoted(source: &str, range: Range<usize>, quote: char, toml: bool, out: &mut Vec<(Block, Shape)>) {
    let text = &source[range.clone()];
    let mut inner = String::new();
    let mut chars = text[1..].char_indices().peekable();
    while let Some((i, c)) = chars.next() {
        if c == quote {
            if quote == '\'' && !toml && chars.next_if(|&(_, c)| c == quote).is_some() {
                inner.push(quote);
                continue;
            }
            let rest = text[1 + i + 1..].trim_start();
            if rest.is_empty() || rest.starts_with('#') {
                let encode: Encode = match (quote, toml) {
                    ('"', _) => Box::new(double),
                    // A literal string of TOML has no escapes.
                    (_, true) => Box::new(|text: &str| text.replace('\'', "\u{2019}")),
                    _ => Box::new(|text: &str| super::plain::one_line(text).replace('\'', "''")),
                };
                out.extend(value(range.start + 1..range.start + 1 + i, inner, encode));
            }
            return;
        }
        if c == '\\' && quote == '"' {
            match chars.next() {
                Some((_, c @ ('"' | '\\' | '/'))) => inner.push(c),
                Some((_, 'n' | 't' | 'r' | ' ')) => inner.push(' '),
                // Rarer escapes: the value stays as it is.
                _ => return,
            }
        } else {
            inner.push(c);
        }
    }
}

fn double(text: &str) -> String {
    super::plain::one_line(text).replace('\\', "\\\\").replace('"', "\\\"")
}

fn plain(source: &str, range: Range<usize>, end: Option<usize>, out: &mut Vec<(Block, Shape)>) {
    let end = end.map_or(range.end, |end| range.start + source[range.start..end].trim_end().len());
    let text = &source[range.start..end.max(range.end)];
    if text.contains(['\n', '\r']) && text.contains(" #") {
        return;
    }
    let text = text.find(" #").map_or(text, |n| &text[..n]).trim_end();
    let words = text.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
    let text = if text.contains(['\n', '\r']) { words } else { text.to_owned() };
    let length = source[range.start..].find(" #").map_or(end, |n| end.min(range.start + n));
    let length = source[range.start..length].trim_end().len();
    out.extend(value(range.start..range.start + length, text, Box::new(bare_or_double)));
}

/// A YAML value without quotes where that means the same, between double quotes elsewhere.
fn bare_or_double(text: &str) -> String {
    let text = super::plain::one_line(text);
    let special = text
        .starts_with(|c: char| c.is_whitespace() || c.is_ascii_punctuation() && !matches!(c, '(' | '.' | '/' | '_'));
    let word = matches!(
        text.to_ascii_lowercase().as_str(),
        "" | "true" | "false" | "yes" | "no" | "on" | "off" | "null" | "~"
    );
    let number = text.starts_with(|c: char| c.is_ascii_digit()) && !has_letter(&text);
    let inner = text.contains(": ") || text.contains(" #") || text.ends_with([':', ' ']);
    if special || word || number || inner { format!("\"{}\"", double(&text)) } else { text }
}

/// A block scalar: a folded one is paragraphs, a literal one lines.
fn scalar(source: &str, rows: &[Line], folded: bool, out: &mut Vec<(Block, Shape)>) {
    let mut flow = Flow::new(Syntax::Bare);
    let mut last: Option<usize> = None;
    for line in rows {
        let text = &source[line.content.clone()];
        let start = line.content.start + text.len() - text.trim_start().len();
        let blank = text.trim().is_empty();
        if blank || !folded {
            std::mem::replace(&mut flow, Flow::new(Syntax::Bare)).finish(BlockKind::Field, out);
            last = None;
        }
        if !blank {
            if let Some(end) = last {
                flow.space(Some(end..start));
            }
            let end = start + text.trim().len();
            flow.text_run(text.trim(), start..end);
            last = Some(end);
        }
    }
    flow.finish(BlockKind::Field, out);
}
