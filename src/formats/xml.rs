//! XML as it stands: tokens with their bytes, attributes with theirs, and text that must not turn into markup.

use std::ops::Range;

use quick_xml::NsReader;
use quick_xml::events::Event;
use quick_xml::events::attributes::Attributes;
use quick_xml::name::ResolveResult;

use crate::error::{Error, Result};

/// A piece of XML. Names carry the prefix that [`read`] was told for their namespace, whatever the document calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Token<'a> {
    Start(&'a str),
    End(&'a str),
    /// `<name/>`
    Empty(&'a str),
    /// Text with its entities as they stand.
    Text,
    /// A comment, a declaration, a section of character data.
    Other,
}

/// Hands over the tokens of `source[range]` with their bytes. `spaces` are namespaces and the prefixes to call them by;
/// a name in no such namespace keeps its own prefix.
///
/// # Errors
/// When it is not well-formed, or `each` fails.
pub(crate) fn read(
    source: &str,
    range: Range<usize>,
    spaces: &[(&str, &str)],
    each: &mut dyn FnMut(Token<'_>, Range<usize>) -> Result<()>,
) -> Result<()> {
    let text = &source[range.clone()];
    // The reader passes over a byte order mark without counting it.
    let base = range.start + text.len() - text.trim_start_matches('\u{feff}').len();
    let mut reader = NsReader::from_str(&source[base..range.end]);
    reader.config_mut().allow_dangling_amp = true;
    let (mut at, mut open) = (base, 0usize);
    let mut words: Option<Range<usize>> = None;
    let mut full = String::new();
    loop {
        let (space, event) = reader.read_resolved_event().map_err(|e| broken(&e.to_string()))?;
        let name = match &event {
            Event::Start(tag) | Event::Empty(tag) => tag.name().into_inner(),
            Event::End(tag) => tag.name().into_inner(),
            _ => "",
        };
        full.clear();
        let known = match space {
            ResolveResult::Bound(space) => spaces.iter().find(|(uri, _)| *uri == space.into_inner()),
            _ => None,
        };
        match known {
            Some((_, prefix)) => full.extend([prefix, ":", name.rsplit(':').next().unwrap_or(name)]),
            None => full.push_str(name),
        }
        let end = base + usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
        let token = match event {
            Event::Start(_) => {
                open += 1;
                Token::Start(&full)
            }
            Event::Empty(_) => Token::Empty(&full),
            Event::End(_) => {
                open = open.saturating_sub(1);
                Token::End(&full)
            }
            Event::Text(_) | Event::GeneralRef(_) => {
                words.get_or_insert(at..at).end = end;
                at = end;
                continue;
            }
            Event::Eof if open > 0 => return Err(broken("an element is not closed")),
            Event::Eof => {
                return words.map_or(Ok(()), |words| each(Token::Text, words));
            }
            _ => Token::Other,
        };
        if let Some(words) = words.take() {
            each(Token::Text, words)?;
        }
        each(token, at..end)?;
        at = end;
    }
}

fn broken(why: &str) -> Error {
    Error::input(format!("is not well-formed XML: {why}"))
}

/// The bytes of an attribute's value, without its quotes, in the tag that stands at `tag`. `name` is the attribute's name
/// without a prefix.
pub(crate) fn attribute(source: &str, tag: &Range<usize>, name: &str) -> Option<Range<usize>> {
    let text = source[tag.clone()].trim_start_matches('<').trim_end_matches('>').trim_end_matches('/');
    let start = text.find(|c: char| c.is_ascii_whitespace())?;
    let mut attributes = Attributes::new(text, start);
    let found = attributes.with_checks(false).flatten().find(|a| a.key.local_name().into_inner() == name);
    let value = found?.value;
    let std::borrow::Cow::Borrowed(value) = value else { return None };
    let start = value.as_ptr() as usize - source.as_ptr() as usize;
    Some(start..start + value.len())
}

/// An attribute's value as it stands; empty where there is none.
pub(crate) fn value<'a>(source: &'a str, tag: &Range<usize>, name: &str) -> &'a str {
    attribute(source, tag, name).map_or("", |range| &source[range])
}

/// Text or an attribute's value, with what XML reserves as entities.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 16);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // No XML holds these.
            '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {}
            c => out.push(c),
        }
    }
    out
}

/// An attribute's value, for either quote.
pub(crate) fn escape_value(text: &str) -> String {
    escape(text).replace('"', "&quot;").replace('\'', "&apos;")
}

/// The source with the values of attributes replaced: `edits` are bytes and what takes their place, in order.
pub(crate) fn spliced(source: &str, edits: &[(Range<usize>, String)]) -> String {
    let mut out = String::with_capacity(source.len());
    let mut at = 0;
    for (range, text) in edits {
        out.push_str(&source[at..range.start]);
        out.push_str(text);
        at = range.end;
    }
    out + &source[at..]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(source: &str) -> Result<Vec<String>> {
        let mut out = Vec::new();
        read(source, 0..source.len(), &[("urn:w", "w")], &mut |token, place| {
            out.push(format!("{token:?} {}", &source[place]));
            Ok(())
        })?;
        Ok(out)
    }

    #[test]
    fn tokens_have_their_bytes_and_known_prefixes() {
        let source = "\u{feff}<?xml version=\"1.0\"?><x:a xmlns:x='urn:w'>é &amp; b<x:c/><d>&#233;</d></x:a>";
        let expected = [
            "Other <?xml version=\"1.0\"?>",
            "Start(\"w:a\") <x:a xmlns:x='urn:w'>",
            "Text é &amp; b",
            "Empty(\"w:c\") <x:c/>",
            "Start(\"d\") <d>",
            "Text &#233;",
            "End(\"d\") </d>",
            "End(\"w:a\") </x:a>",
        ];
        assert_eq!(shown(source).expect("well-formed"), expected);
        assert!(shown("<a><b></a>").is_err());
        assert!(shown("<a>").is_err());
    }

    #[test]
    fn attributes_are_found_by_their_local_names() {
        let source = "<a>x</a><w:lang w:val=\"fr-FR\" x='1'/>";
        let tag = 8..source.len();
        assert_eq!(value(source, &tag, "val"), "fr-FR");
        assert_eq!(value(source, &tag, "x"), "1");
        assert_eq!(attribute(source, &tag, "y"), None);
    }
}
