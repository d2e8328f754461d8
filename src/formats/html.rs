//! HTML: text and the attributes that people read are translated; tags stand where their words went; everything else
//! is the source's, byte for byte. The tokenizer reads what browsers read, so broken markup is no obstacle.

use std::ops::Range;

use html5gum::{DefaultEmitter, HtmlString, Span, Spanned, StartTag, State, Token, Tokenizer};

use super::escape::Entities;
use super::flow::{Encode, Flow};
use super::weave::{Shape, Syntax, Woven};
use super::{Options, escape, xml};
use crate::document::{Block, BlockKind};
use crate::error::Result;

mod emphasis;
mod rows;
mod templates;

use emphasis::Marked;
pub(crate) use templates::templates;

/// Reads an HTML document or a part of one.
///
/// # Errors
/// Never for a text; see [`crate::document::Document::new`].
pub(crate) fn parse(source: String, options: &Options) -> Result<Woven> {
    let xml = source.trim_start_matches('\u{feff}').starts_with("<?xml");
    let source = if options.language { say_english(&source, xml) } else { source };
    let mut found = Vec::new();
    read_as(if xml { Syntax::Xml } else { Syntax::Html }, &source, None, 0..source.len(), &mut found);
    Woven::new(source, found)
}

/// Elements that stand within a line of text.
const INLINE: &[&str] = &[
    "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font", "g", "i",
    "img", "ins", "kbd", "mark", "output", "q", "rp", "rt", "ruby", "s", "samp", "small", "span", "strike", "strong",
    "sub", "sup", "time", "tt", "u", "var", "wbr", "x",
];
/// Elements of a line whose text is no language.
const VERBATIM: &[&str] = &["code", "kbd", "samp", "tt", "var"];
/// Elements that are left alone with all they hold.
const OPAQUE: &[&str] =
    &["iframe", "math", "metadata", "noembed", "noframes", "plaintext", "pre", "script", "style", "xmp"];
const VOID: &[&str] =
    &["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"];
/// Attributes that people read.
const READ: &[&str] = &[
    "alt",
    "aria-description",
    "aria-label",
    "aria-placeholder",
    "aria-roledescription",
    "aria-valuetext",
    "placeholder",
    "title",
];
/// `name` or `property` of the `meta` elements whose content people read.
const META: &[&str] = &[
    "description",
    "og:title",
    "og:description",
    "og:image:alt",
    "twitter:title",
    "twitter:description",
    "twitter:image:alt",
];

/// Reads a part of a text that holds HTML.
pub(crate) fn read(source: &str, range: Range<usize>, out: &mut Vec<(Block, Shape)>) {
    read_as(Syntax::Html, source, None, range, out);
}

/// Finds the blocks in `range`, whose tags are those of `masked`: the source with what is no HTML hidden.
/// Markdown's marks are some in it as well.
pub(crate) fn read_masked(source: &str, masked: &str, range: Range<usize>, out: &mut Vec<(Block, Shape)>) {
    read_as(Syntax::Html, source, Some(masked), range, out);
}

/// Finds the blocks of XHTML in `range`: what is closed in its own tag holds nothing, and what is written is XML.
pub(crate) fn read_xhtml(source: &str, range: Range<usize>) -> Vec<(Block, Shape)> {
    let mut found = Vec::new();
    read_as(Syntax::Xml, source, None, range, &mut found);
    found
}

fn read_as(syntax: Syntax, source: &str, masked: Option<&str>, range: Range<usize>, out: &mut Vec<(Block, Shape)>) {
    let (inline, blocks) = (Vec::new(), Vec::new());
    let (flow, markdown) = (Flow::new(syntax), masked.is_some());
    let mut reader = Reader { source, out, syntax, markdown, flow, inline, blocks, skipped: None };
    reader.read(tokens(masked.unwrap_or(source), range, syntax == Syntax::Xml));
    reader.end_flow();
}

/// The tokens of a part of the source and their bytes in the source, without errors. In HTML a script is text up to its end
/// tag; in XML its tag may close itself.
fn tokens(source: &str, range: Range<usize>, xml: bool) -> Vec<(Token<usize>, Range<usize>)> {
    let text = &source[range.clone()];
    let mut emitter = DefaultEmitter::<usize>::new_with_span();
    emitter.naively_switch_states(!xml);
    let place = |span: &Span<usize>| range.start + span.start.min(text.len())..range.start + span.end.min(text.len());
    let mut out: Vec<(Token<usize>, Range<usize>)> = Vec::new();
    for token in Tokenizer::new_with_emitter(text, emitter) {
        let Ok(mut token) = token;
        let place = match &mut token {
            Token::StartTag(tag) => {
                for value in tag.attributes.values_mut() {
                    let Range { start, end } = place(&value.span);
                    value.span = Span { start, end };
                }
                place(&tag.span)
            }
            Token::EndTag(tag) => place(&tag.span),
            Token::String(text) => place(&text.span),
            Token::Comment(text) => place(&text.span),
            Token::Doctype(doctype) => place(&doctype.span),
            Token::Error(_) => continue,
        };
        let after = out.last().map_or(range.start, |(_, last)| last.end);
        // Nothing that the tokenizer reports out of place is worth a wrong byte.
        if place.start >= after && source.get(place.clone()).is_some() {
            out.push((token, place));
        }
    }
    // A text that ends the source may be reported too short; an unfinished tag is left alone.
    if let Some((Token::String(_), place)) = out.last_mut()
        && !source[place.end..range.end].contains('<')
    {
        place.end = range.end;
    }
    out
}

/// Text with its entities decoded.
pub(crate) fn decode(text: &str) -> String {
    if !text.contains('&') {
        return text.to_owned();
    }
    let mut tokenizer = Tokenizer::new(text);
    // In this state only entities have a meaning.
    tokenizer.set_state(State::RcData);
    let mut out = String::with_capacity(text.len());
    for token in tokenizer {
        let Ok(token) = token;
        if let Token::String(part) = token {
            out.push_str(&String::from_utf8_lossy(&part.value));
        }
    }
    out
}

fn name_of(name: &HtmlString) -> String {
    String::from_utf8_lossy(name).into_owned()
}

struct Reader<'a> {
    source: &'a str,
    out: &'a mut Vec<(Block, Shape)>,
    syntax: Syntax,
    /// Whether Markdown's marks are some.
    markdown: bool,
    flow: Flow,
    /// Names and numbers of the open elements of the line.
    inline: Vec<(String, usize)>,
    /// Open elements that end lines, and what their text is.
    blocks: Vec<(String, BlockKind)>,
    skipped: Option<Skipped>,
}

/// An element that is left alone.
struct Skipped {
    name: String,
    depth: usize,
    start: Range<usize>,
    /// For an element of a line: its text so far.
    text: Option<String>,
}

impl Reader<'_> {
    fn read(&mut self, tokens: Vec<(Token<usize>, Range<usize>)>) {
        let mut cuts = rows::cuts(self.source, &tokens).into_iter().peekable();
        for (i, (token, place)) in tokens.into_iter().enumerate() {
            if cuts.next_if(|&cut| cut <= i).is_some() && self.skipped.is_none() {
                self.end_flow();
                while cuts.next_if(|&cut| cut <= i).is_some() {}
            }
            self.token(token, place);
        }
    }

    fn token(&mut self, token: Token<usize>, place: Range<usize>) {
        if let Some(skipped) = &mut self.skipped {
            match &token {
                Token::StartTag(tag) if *tag.name == *skipped.name.as_bytes() && skipped.name != "p" => {
                    skipped.depth += usize::from(!tag.self_closing);
                }
                Token::EndTag(tag) if *tag.name == *skipped.name.as_bytes() => skipped.depth -= 1,
                Token::String(_) => {
                    if let Some(text) = &mut skipped.text {
                        text.push_str(&decode(&self.source[place.clone()]));
                    }
                }
                _ => {}
            }
            if skipped.depth == 0
                && let Some(Skipped { start, text: Some(text), .. }) = self.skipped.take()
            {
                let text = text.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
                if text.is_empty() {
                    self.flow.stand(start.start..place.end);
                } else {
                    self.flow.verbatim(&text, start, place);
                }
            }
            return;
        }
        match token {
            Token::StartTag(tag) => self.start(&tag, place),
            Token::EndTag(tag) => self.end(&name_of(&tag.name), place),
            Token::String(_) => self.text(place),
            Token::Comment(_) if !self.flow.text().is_empty() => self.flow.stand(place),
            _ => {}
        }
    }

    fn start(&mut self, tag: &StartTag<usize>, place: Range<usize>) {
        let name = name_of(&tag.name);
        let name = name.as_str();
        let line = INLINE.contains(&name);
        let void = VOID.contains(&name) || tag.self_closing;
        if name == "br" {
            self.line_break(place);
            return;
        }
        if !line {
            self.end_flow();
        }
        let value = |key: &str| tag.attributes.get(key.as_bytes()).map(|v| String::from_utf8_lossy(v).to_lowercase());
        let kept = value("translate").is_some_and(|v| v == "no")
            || value("class").is_some_and(|v| v.split_ascii_whitespace().any(|c| c == "notranslate"));
        if !kept {
            for (range, text, quote) in fields(self.source, tag) {
                let encode: Encode = match self.syntax {
                    Syntax::Xml => Box::new(xml::escape_value),
                    _ => encode(&self.source[range.clone()], quote),
                };
                self.flow.field(range, text, encode);
            }
        }
        if !void && (kept || OPAQUE.contains(&name) || line && VERBATIM.contains(&name)) {
            let text = line.then(String::new);
            self.skipped = Some(Skipped { name: name.to_owned(), depth: 1, start: place, text });
            return;
        }
        if line && void {
            self.flow.stand(place);
        } else if line {
            let id = self.flow.open(place);
            self.inline.push((name.to_owned(), id));
        } else if !void {
            let kind = match name {
                "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "title" | "legend" | "summary" => BlockKind::Heading,
                "li" | "dt" | "dd" => BlockKind::ListItem,
                "td" | "th" => BlockKind::Cell,
                _ => BlockKind::Paragraph,
            };
            self.blocks.push((name.to_owned(), kind));
        }
        if !line && void {
            self.end_flow();
        }
    }

    fn end(&mut self, name: &str, place: Range<usize>) {
        if !INLINE.contains(&name) {
            self.end_flow();
            if let Some(depth) = self.blocks.iter().rposition(|(open, _)| open == name) {
                self.blocks.truncate(depth);
            }
            return;
        }
        match self.inline.iter().rposition(|(open, _)| open == name) {
            Some(depth) => {
                let id = self.inline[depth].1;
                self.inline.truncate(depth);
                self.flow.close(id, place, None);
            }
            None => self.flow.stand(place),
        }
    }

    /// A line break ends a flow, unless a mark is open there or the sentence plainly goes on.
    fn line_break(&mut self, place: Range<usize>) {
        if self.flow.is_level() && !goes_on(self.flow.text(), &self.source[place.end..]) {
            self.end_flow();
        } else {
            self.flow.stand(place);
            self.flow.space(None);
        }
    }

    fn text(&mut self, place: Range<usize>) {
        let text = &self.source[place.clone()];
        // To a tokenizer that knows of scripts it is text.
        if self.syntax == Syntax::Html && self.blocks.last().is_some_and(|(name, _)| name == "noscript") {
            self.blocks.pop();
            self.read(tokens(self.source, place, false));
            self.end_flow();
            return;
        }
        let mut at = 0;
        for template in templates(text) {
            let Range { start, end } = template.range;
            self.words(place.start + at..place.start + start);
            at = end;
            if template.bounds && self.flow.is_level() {
                self.end_flow();
                continue;
            }
            let (from, to) = (place.start + start, place.start + end);
            self.flow.verbatim(&text[start..end], from..from, to..to);
        }
        self.words(place.start + at..place.end);
    }

    fn words(&mut self, place: Range<usize>) {
        let text = &self.source[place.clone()];
        let marked = if self.markdown { emphasis::marked(text) } else { Vec::new() };
        let mut at = 0;
        for Marked { open, close, code } in marked {
            let place = |range: Range<usize>| place.start + range.start..place.start + range.end;
            self.plain(place(at..open.start));
            at = close.end;
            let inner = open.end..close.start;
            if code {
                let text = text[inner].split_ascii_whitespace().collect::<Vec<_>>().join(" ");
                self.flow.verbatim(&decode(&text), place(open), place(close));
            } else {
                let id = self.flow.open(place(open));
                self.words(place(inner));
                self.flow.close(id, place(close), None);
            }
        }
        self.plain(place.start + at..place.end);
    }

    /// Words between which tags may be shown: `&lt;b&gt;`.
    fn plain(&mut self, place: Range<usize>) {
        let text = &self.source[place.clone()];
        let mut at = place.start;
        for word in text.split(|c: char| c.is_ascii_whitespace()).filter(|word| shows_tag(word)) {
            let start = word.as_ptr() as usize - self.source.as_ptr() as usize;
            let end = start + word.len();
            self.flow.escaped(self.source, at..start, true);
            self.flow.verbatim(&decode(word), start..start, end..end);
            at = end;
        }
        self.flow.escaped(self.source, at..place.end, true);
    }

    fn end_flow(&mut self) {
        self.inline.clear();
        let flow = std::mem::replace(&mut self.flow, Flow::new(self.syntax));
        let kind = self.blocks.last().map_or(BlockKind::Paragraph, |(_, kind)| *kind);
        flow.finish(kind, self.out);
    }
}

/// An attribute that people read: its bytes, its text, its quote.
type Attribute = (Range<usize>, String, Option<char>);

fn fields(source: &str, tag: &StartTag<usize>) -> Vec<Attribute> {
    let value = |key: &str| tag.attributes.get(key.as_bytes()).map(|v| String::from_utf8_lossy(v).to_lowercase());
    let meta = || ["name", "property"].iter().filter_map(|key| value(key)).any(|v| META.contains(&v.as_str()));
    let labelled = || matches!(&**tag.name, b"optgroup" | b"option" | b"track");
    let button = || value("type").is_some_and(|v| matches!(v.as_str(), "submit" | "button" | "reset"));
    let mut attributes: Vec<(&HtmlString, &Spanned<HtmlString, usize>)> = tag.attributes.iter().collect();
    attributes.sort_by_key(|(_, v)| v.span.start);
    let wanted = |key: &str| match key {
        "content" => **tag.name == *b"meta" && meta(),
        "value" => **tag.name == *b"input" && button(),
        "label" => labelled(),
        key => READ.contains(&key),
    };
    attributes
        .into_iter()
        .filter(|(key, _)| wanted(&name_of(key)))
        .filter_map(|(_, v)| raw_value(source, v.span.start..v.span.end))
        // A value between braces is a script.
        .filter(|(range, quote)| quote.is_some() || !source[range.clone()].starts_with('{'))
        .map(|(range, quote)| (range.clone(), decode(&source[range]), quote))
        .collect()
}

/// Writes an attribute's value again that stands so in the source.
pub(crate) fn encode(source: &str, quote: Option<char>) -> Encode {
    let entities = Entities::of(source);
    Box::new(move |text| escape::attribute(text, quote, &entities))
}

/// Whether a word holds a tag that is written to be seen.
fn shows_tag(word: &str) -> bool {
    let named = |rest: &str| rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/');
    word.match_indices("&lt;").any(|(i, sign)| named(&word[i + sign.len()..])) && word.contains("&gt;")
}

/// A tag that stands in a line of another format.
#[derive(Default)]
pub(crate) struct InlineTag {
    /// `None` for a comment or a declaration.
    pub name: Option<String>,
    pub closing: bool,
    /// It has no end tag.
    pub alone: bool,
    pub fields: Vec<Attribute>,
}

/// Reads the one tag that `range` holds, as it stands in `masked`; see [`read_masked`].
pub(crate) fn tag(source: &str, masked: &str, range: Range<usize>) -> InlineTag {
    match tokens(masked, range, false).into_iter().next() {
        Some((Token::StartTag(tag), _)) => {
            let name = name_of(&tag.name);
            let alone = tag.self_closing || VOID.contains(&name.as_str());
            InlineTag { alone, closing: false, fields: fields(source, &tag), name: Some(name) }
        }
        Some((Token::EndTag(tag), _)) => {
            InlineTag { name: Some(name_of(&tag.name)), closing: true, ..InlineTag::default() }
        }
        _ => InlineTag { alone: true, ..InlineTag::default() },
    }
}

/// Whether a sentence goes on after a line break: `before` it no stop, `after` it a small letter.
pub(crate) fn goes_on(before: &str, after: &str) -> bool {
    let stopped = before.trim_end().ends_with(['.', '!', '?', '…', ':', ';', '»', '”', '"', ')']);
    let next = after.trim_start_matches(|c: char| c.is_whitespace() || c == '>').chars().next();
    !stopped && next.is_some_and(char::is_lowercase)
}

/// The bytes of an attribute's value, without its quotes, and its quote; `span` holds the name and the value.
fn raw_value(source: &str, span: Range<usize>) -> Option<(Range<usize>, Option<char>)> {
    let text = source.get(span.clone())?;
    let name = text.find(|c: char| c == '=' || c.is_ascii_whitespace())?;
    let rest = text[name..].trim_start_matches(|c: char| c.is_ascii_whitespace()).strip_prefix('=')?;
    let rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace());
    let start = span.end - rest.len();
    match rest.chars().next()? {
        quote @ ('"' | '\'') => {
            let length = rest[1..].find(quote)?;
            Some((start + 1..start + 1 + length, Some(quote)))
        }
        _ => {
            let length = rest.find(|c: char| c.is_ascii_whitespace() || c == '>').unwrap_or(rest.len());
            Some((start..start + length, None))
        }
    }
}

/// The source with `lang="fr"` made `lang="en"`, in all its spellings.
pub(crate) fn say_english(source: &str, xml: bool) -> String {
    let mut out = String::with_capacity(source.len());
    let mut at = 0;
    for (token, _) in tokens(source, 0..source.len(), xml) {
        let Token::StartTag(tag) = token else { continue };
        let value = |key: &str| tag.attributes.get(key.as_bytes()).map(|v| String::from_utf8_lossy(v).to_lowercase());
        let meta = |key: &str, name: &str| **tag.name == *b"meta" && value(key).is_some_and(|v| v == name);
        let content = meta("http-equiv", "content-language") || meta("property", "og:locale");
        let keys = ["lang", "xml:lang"].into_iter().chain(content.then_some("content"));
        let mut values: Vec<Range<usize>> = keys
            .filter_map(|key| tag.attributes.get(key.as_bytes()))
            .filter_map(|v| raw_value(source, v.span.start..v.span.end).map(|(range, _)| range))
            .collect();
        values.sort_by_key(|range| range.start);
        for range in values {
            let Some(english) = english(&source[range.clone()]) else { continue };
            out.push_str(&source[at..range.start]);
            out.push_str(english);
            at = range.end;
        }
    }
    out + &source[at..]
}

/// The name of English in the place of that of French.
pub(crate) fn english(language: &str) -> Option<&'static str> {
    let language = language.trim().to_ascii_lowercase();
    match language.strip_prefix("fr")?.chars().next() {
        None | Some('-') => Some("en"),
        Some('_') => Some("en_US"),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests;
