//! Titles of links, images and reference definitions.

use std::ops::Range;

use crate::formats::flow::Encode;
use crate::formats::html;
use crate::formats::plain::one_line;

/// Writes a title between quotes, the last of which this is.
pub(super) fn encode(quote: char) -> Encode {
    Box::new(move |text| {
        let text = text.replace('\\', "\\\\").replace(quote, &format!("\\{quote}"));
        one_line(&text)
    })
}

/// The title in `](address "title")`, which starts at byte `at`, and its closing quote.
pub(super) fn of_link(raw: &str, at: usize) -> Option<(Range<usize>, char)> {
    let open = raw.find("](")? + "](".len();
    behind(raw[open..].strip_suffix(')')?, at + open)
}

/// The title in `[name]: address "title"`.
pub(super) fn of_definition(raw: &str, at: usize) -> Option<(Range<usize>, char)> {
    let open = raw.find("]:")? + "]:".len();
    behind(&raw[open..], at + open)
}

/// The title in `address "title"`.
fn behind(raw: &str, at: usize) -> Option<(Range<usize>, char)> {
    let rest = raw.trim_start();
    let address = match rest.strip_prefix('<') {
        Some(inside) => inside.find('>')? + 2,
        None => rest.find(|c: char| c.is_ascii_whitespace())?,
    };
    let rest = rest[address..].trim();
    let quote = match rest.chars().next()? {
        quote @ ('"' | '\'') => quote,
        '(' => ')',
        _ => return None,
    };
    let text = rest[1..].strip_suffix(quote).filter(|text| !text.contains('\n'))?;
    let start = at + (text.as_ptr() as usize - raw.as_ptr() as usize);
    Some((start..start + text.len(), quote))
}

/// Backslash escapes and entities taken out.
pub(super) fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match chars.next_if(|&next| c == '\\' && next.is_ascii_punctuation()) {
            Some(next) => out.push(next),
            None => out.push(c),
        }
    }
    html::decode(&out)
}
