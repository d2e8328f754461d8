//! What Markdown's parser is not to see: templates, lists of attributes, fences of other programs.

use std::ops::Range;

use crate::formats::html::templates;
use crate::formats::lines::lines;

/// The source with other programs' markup hidden from the Markdown parser, byte for byte as long as it.
pub(super) struct Masked {
    pub(super) text: String,
    /// What is hidden within lines, in order.
    pub(super) spans: Vec<Range<usize>>,
}

impl Masked {
    /// Hides what stands after byte `from`.
    pub(super) fn new(source: &str, from: usize) -> Self {
        let mut text = source.to_owned();
        let mut spans = Vec::new();
        let hide = |text: &mut String, range: Range<usize>, sign: &str| {
            let filled = sign.repeat(range.len());
            text.replace_range(range, &filled);
        };
        for line in lines(source).into_iter().filter(|line| line.content.start >= from) {
            let content = &source[line.content.clone()];
            let body = content.trim_start_matches([' ', '\t', '>']);
            let start = line.content.end - body.len();
            let body = body.trim_end();
            if let Some(end) = abbreviation(body) {
                // What an abbreviation stands for is a text of its own, as a heading is.
                text.replace_range(start..start + end, &format!("#{}", " ".repeat(end - 1)));
                continue;
            }
            let inner = templates(body);
            let whole = matches!(inner.first(), Some(r) if *r == (0..body.len()))
                || body.starts_with("{:") && body.ends_with('}');
            if (body.starts_with(":::") || whole) && body.len() >= 3 {
                // A rule ends a paragraph and means nothing else.
                let end = start + body.len();
                text.replace_range(start..end, &format!("***{}", " ".repeat(body.len() - 3)));
                continue;
            }
            for span in inner.into_iter().chain(attribute_lists(body)) {
                spans.push(start + span.start..start + span.end);
            }
        }
        spans.sort_by_key(|span| span.start);
        let mut end = 0;
        spans.retain(|span| {
            let apart = span.start >= end;
            end = end.max(span.end);
            apart
        });
        for span in &spans {
            hide(&mut text, span.clone(), "x");
        }
        Self { text, spans }
    }
}

/// Where what an abbreviation stands for begins: `*[HTML]: …`.
fn abbreviation(line: &str) -> Option<usize> {
    let inner = line.strip_prefix("*[")?;
    let end = inner.find(']').filter(|&end| end > 0 && inner[end..].starts_with("]: "))?;
    Some("*[".len() + end + "]: ".len())
}

/// `{.class}`, `{target=_blank}` right after a link, an image, code or emphasis.
fn attribute_lists(line: &str) -> Vec<Range<usize>> {
    let mut out = Vec::new();
    for (start, _) in line.match_indices('{') {
        let after = line[..start].ends_with([')', ']', '`', '*', '_']);
        let inner = &line[start + 1..];
        let Some(end) = inner.find('}').filter(|_| after && !inner.starts_with(['{', '%'])) else { continue };
        let known =
            |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '#' | '=' | '"' | '\'' | ' ' | ':' | '/');
        let names = inner[..end].contains(['.', '#', '=', ':']);
        if names && inner[..end].chars().all(known) {
            out.push(start..start + 1 + end + 1);
        }
    }
    out
}
