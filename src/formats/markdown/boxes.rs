//! Boxes, tabs and directives that other programs add to Markdown, line by line.

use std::ops::Range;

use super::masked::Row;
use crate::formats::lines::{Line, has_letter};

/// Directives of MyST that hold Markdown; the others hold code, addresses, tables of contents.
const PROSE: &[&str] = &[
    "admonition",
    "attention",
    "card",
    "caution",
    "danger",
    "dropdown",
    "epigraph",
    "error",
    "exercise",
    "figure",
    "grid",
    "grid-item",
    "grid-item-card",
    "hint",
    "important",
    "margin",
    "note",
    "pull-quote",
    "seealso",
    "sidebar",
    "solution",
    "tab-item",
    "tab-set",
    "tip",
    "topic",
    "warning",
];

/// What each of the lines is, where it belongs to a box.
pub(super) fn rows(source: &str, lines: &[Line]) -> Vec<Option<Row>> {
    let body = |i: usize| {
        let content: &str = lines.get(i).map_or("", |line: &Line| &source[line.content.clone()]);
        let body = content.trim_start_matches([' ', '\t', '>']);
        (&content[..content.len() - body.len()], body.trim_end())
    };
    let mut out = Vec::with_capacity(lines.len());
    // The fences that are open: their sign, its number, whether Markdown stands in them.
    let mut open: Vec<(char, usize, bool)> = Vec::new();
    while out.len() < lines.len() {
        let i = out.len();
        let (before, text) = body(i);
        let sign = text.chars().next().filter(|c| matches!(c, '`' | '~'));
        let fence = sign.map_or(0, |sign| text.len() - text.trim_start_matches(sign).len());
        let apart = !(sign == Some('`') && text[fence..].contains('`'));
        if let Some(sign) = sign.filter(|_| fence >= 3 && apart) {
            let prose = open.last().is_none_or(|top| top.2);
            if fence == text.len() && open.last().is_some_and(|top| top.0 == sign && top.1 <= fence) {
                out.push(open.pop().filter(|top| top.2).map(|_| Row::Rule));
                continue;
            }
            if prose {
                let directive = directive(&text[fence..]).filter(|(name, _)| PROSE.contains(name));
                open.push((sign, fence, directive.is_some()));
                out.push(directive.map(|(_, rest)| titled(text, rest)));
                if directive.is_some() {
                    options(&mut out, &body);
                }
                continue;
            }
        }
        let row = abbreviation(text)
            .or_else(|| container(text))
            .or_else(|| callout(before, text))
            .or_else(|| tab(text))
            .or_else(|| admonition(before, text, &body, i))
            .or_else(|| (text.starts_with("{:") && text.ends_with('}')).then_some(Row::Rule));
        let directive = text.starts_with(":::") && text.contains('{');
        out.push(row);
        if directive {
            options(&mut out, &body);
        }
    }
    out
}

/// `:name: value` below the head of a directive.
fn options<'a>(out: &mut Vec<Option<Row>>, body: &dyn Fn(usize) -> (&'a str, &'a str)) {
    loop {
        let text = body(out.len()).1;
        let name = text.strip_prefix(':').and_then(|rest| rest.split_once(':')).map_or("", |(name, _)| name);
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')) {
            break;
        }
        out.push(Some(Row::Rule));
    }
}

/// The name in `{name} …` and what stands behind it.
fn directive(text: &str) -> Option<(&str, &str)> {
    let (name, rest) = text.trim_start().strip_prefix('{')?.split_once('}')?;
    let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ':');
    (!name.is_empty() && name.chars().all(known)).then_some((name, rest))
}

/// A heading where `title`, a part of `text`, has words.
fn titled(text: &str, title: &str) -> Row {
    let title = title.trim();
    let start = title.as_ptr() as usize - text.as_ptr() as usize;
    // One word may be the name or the address of something.
    let word = title.contains(' ') || title.chars().all(char::is_alphabetic);
    if has_letter(title) && word { Row::Title(start..start + title.len()) } else { Row::Rule }
}

/// What an abbreviation stands for is a text of its own, as a heading is: `*[HTML]: …`.
fn abbreviation(text: &str) -> Option<Row> {
    let inner = text.strip_prefix("*[")?;
    let end = inner.find(']').filter(|&end| end > 0 && inner[end..].starts_with("]: "))?;
    let start = text.len() - inner[end + "]: ".len()..].trim_start().len();
    Some(Row::Title(start..text.len()))
}

/// `:::note Titre`, `:::info[Titre]`, `::: {.classe}`, `:::{admonition} Titre`, `:::`.
fn container(text: &str) -> Option<Row> {
    let inner = text.strip_prefix(":::")?.trim_start_matches(':').trim_start();
    if inner.starts_with('{') {
        let title = directive(inner).filter(|(name, _)| PROSE.contains(name)).map_or("", |(_, rest)| rest);
        return Some(titled(text, title));
    }
    let name = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
    let rest = inner.trim_start_matches(name);
    let named = rest.len() < inner.len();
    let label = rest.strip_prefix('[').filter(|_| named).and_then(|rest| rest.split_once(']')).map(|(label, _)| label);
    let spaced = rest.starts_with(' ').then(|| rest.split('{').next().unwrap_or_default().trim_end_matches([' ', ':']));
    let title = label.or(spaced.filter(|_| named)).unwrap_or_default();
    Some(titled(text, title))
}

/// The head of a quotation that is a box: `> [!note] Titre`.
fn callout(before: &str, text: &str) -> Option<Row> {
    let (kind, rest) = text.strip_prefix("[!")?.split_once(']')?;
    let rest = rest.strip_prefix(['+', '-']).unwrap_or(rest);
    let known = !kind.is_empty() && kind.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'));
    let apart = rest.is_empty() || rest.starts_with(' ');
    (before.contains('>') && known && apart).then(|| titled(text, rest))
}

/// The title between quotes at the end of a head; where there is none, it stands at the end and is empty.
fn quoted(text: &str) -> Option<Range<usize>> {
    let inner = text.strip_suffix('"')?;
    let start = inner.find(" \"")? + 2;
    (!inner[start.min(inner.len())..].contains('"')).then_some(start..inner.len())
}

/// `=== "Titre"`
fn tab(text: &str) -> Option<Row> {
    let rest = text.strip_prefix("===")?.trim_start_matches(['!', '+']);
    let title = quoted(text).filter(|_| rest.starts_with(" \""))?;
    Some(Row::Head(title))
}

/// `!!! note "Titre"`, `??? question`, `???+ tip`, with a body that is indented by four.
fn admonition<'a>(before: &str, text: &str, body: &dyn Fn(usize) -> (&'a str, &'a str), at: usize) -> Option<Row> {
    let rest =
        text.strip_prefix("!!!").or_else(|| text.strip_prefix("???").map(|rest| rest.trim_start_matches('+')))?;
    let title = quoted(text);
    let kinds = rest.get(..title.as_ref().map_or(text.len(), |t| t.start - 1) - (text.len() - rest.len()))?;
    let known = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | ' ');
    let named = kinds.chars().all(known) && has_letter(kinds);
    let (inner, below) = (at + 1..at + 3).map(body).find(|(_, text)| !text.is_empty()).unwrap_or_default();
    let width = |text: &str| text.chars().map(|c| if c == '\t' { 4 } else { 1 }).sum::<usize>();
    let bodied = !below.is_empty() && width(inner) >= width(before) + 4;
    (named && (bodied || title.is_some())).then(|| Row::Head(title.unwrap_or(0..0)))
}
