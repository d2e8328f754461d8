//! Texts within other documents: the value of a field, a message of a catalogue.

use super::html;
use super::lines::{has_letter, lines, marker, trim};
use super::weave::Woven;
use super::{Format, Options, Parsed, parse_text};
use crate::error::Result;

/// Elements of HTML that end a line of text.
const BLOCKS: &[&str] = &[
    "article",
    "aside",
    "blockquote",
    "br",
    "caption",
    "center",
    "dd",
    "div",
    "dl",
    "dt",
    "figcaption",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hr",
    "li",
    "main",
    "nav",
    "ol",
    "p",
    "pre",
    "section",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "tr",
    "ul",
];
/// Elements that stand within one.
const INLINE: &[&str] = &[
    "a", "abbr", "b", "big", "button", "cite", "code", "del", "em", "font", "i", "img", "input", "ins", "kbd", "label",
    "mark", "q", "s", "small", "span", "strike", "strong", "sub", "sup", "tt", "u",
];

/// What HTML a text holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Markup {
    None,
    /// Tags within lines, or entities.
    Inline,
    /// Tags that make lines.
    Blocks,
}

impl Markup {
    pub fn of(text: &str) -> Self {
        let mut found = Self::None;
        for (at, _) in text.match_indices('<') {
            match tag(&text[at..]) {
                Some((name, _)) if BLOCKS.contains(&name.as_str()) => return Self::Blocks,
                Some(_) => found = Self::Inline,
                None => {}
            }
        }
        if found == Self::None && text.contains('&') && text.contains(';') && html::decode(text) != text {
            found = Self::Inline;
        }
        found
    }
}

/// Whether an element ends a line.
pub(crate) fn is_block(name: &str) -> bool {
    BLOCKS.contains(&name)
}

/// The tag of HTML that a text starts with: its element's name and its bytes.
pub(crate) fn tag(text: &str) -> Option<(String, usize)> {
    let inner = text.strip_prefix('<')?;
    let inner = inner.strip_prefix('/').unwrap_or(inner);
    let length = inner.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(inner.len());
    let (name, rest) = (inner[..length].to_ascii_lowercase(), &inner[length..]);
    let known = BLOCKS.contains(&name.as_str()) || INLINE.contains(&name.as_str());
    let ends = known && rest.starts_with(|c: char| c.is_ascii_whitespace() || matches!(c, '/' | '>'));
    let end = rest.find(['>', '<']).filter(|&n| ends && rest[n..].starts_with('>'))?;
    Some((name, text.len() - rest.len() + end + 1))
}

/// Reads a text as what the options say that it holds; plain text with tags as HTML, whose lines are texts of their own
/// where no tag makes lines.
///
/// # Errors
/// When it is no such text.
pub(crate) fn parse(text: String, options: &Options) -> Result<Box<dyn Parsed>> {
    let mut found = Vec::new();
    match (options.content, Markup::of(&text)) {
        (Format::Plain, Markup::Blocks) => html::read(&text, 0..text.len(), &mut found),
        (Format::Plain, Markup::Inline) => {
            for line in lines(&text) {
                let mut start = line.content.start;
                for cell in text[line.content.clone()].split_inclusive('\t') {
                    let range = trim(&text, start..start + cell.len());
                    let sign = marker(&text[range.clone()]).map_or(0, |(length, _)| length);
                    if has_letter(&text[range.start + sign..range.end]) {
                        html::read(&text, range.start + sign..range.end, &mut found);
                    }
                    start += cell.len();
                }
            }
        }
        _ => return parse_text(options.content, text, options),
    }
    Ok(Box::new(Woven::new(text, found)?))
}

#[cfg(test)]
mod tests {
    use super::super::laws::{hold, same, upper};
    use super::*;

    fn shouted(text: &str) -> String {
        let parsed = parse(text.to_owned(), &Options::default()).expect("a text");
        hold(&*parsed, text).expect("the laws");
        let targets: Vec<_> = parsed.document().blocks().iter().map(same).collect();
        assert_eq!(parsed.render(&targets), text);
        parsed.render(&parsed.document().blocks().iter().map(upper).collect::<Vec<_>>())
    }

    #[test]
    fn tags_and_entities_are_html_and_other_signs_are_text() {
        for (text, markup) in [
            ("<p>Un mot</p>", Markup::Blocks),
            ("Un<br/>deux", Markup::Blocks),
            ("Un <b>mot</b>", Markup::Inline),
            ("Livr&eacute;e", Markup::Inline),
            ("R&D ; 3 < 4 > 2, <nom>, <b", Markup::None),
        ] {
            assert_eq!(Markup::of(text), markup, "{text}");
        }
    }

    #[test]
    fn tags_stay_round_their_words_and_lines_are_texts() {
        assert_eq!(shouted("<p>Une <b>grande</b> table.</p>"), "<p>UNE <b>GRANDE</b> TABLE.</p>");
        assert_eq!(shouted("Un mot.<br>Deux mots."), "UN MOT.<br>DEUX MOTS.");
        let text = "Options :\n  - <b>un</b> mot\n\n\tdeux\ttrois &amp; <i>quatre</i>\n";
        assert_eq!(shouted(text), "OPTIONS :\n  - <b>UN</b> MOT\n\n\tDEUX\tTROIS &amp; <i>QUATRE</i>\n");
    }
}
