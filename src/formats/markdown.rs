//! Markdown (CommonMark and what GitHub adds): text is translated, everything else stays byte for byte. A paragraph keeps its
//! number of lines; emphasis and links are marks; titles and `alt` texts are fields.

use std::ops::Range;

use pulldown_cmark::{Event, LinkType, Options as Extensions, Parser, Tag, TagEnd};

use super::flow::{Flow, value};
use super::html::{self, goes_on};
use super::weave::{Shape, Syntax, Woven};
use super::{Options, front_matter};
use crate::document::{Block, BlockKind};
use crate::error::Result;

mod boxes;
mod fragments;
mod inline;
mod masked;
mod mdx;
mod titles;

use fragments::Linked;
use inline::Hidden;
use masked::Masked;
use titles::unescape;

/// Reads a Markdown document; every text is one.
///
/// # Errors
/// Never for a text; see [`crate::document::Document::new`].
pub(crate) fn parse(source: String, options: &Options) -> Result<Linked> {
    let source = if options.language { front_matter::say_english(source) } else { source };
    let mut found = Vec::new();
    let start = front_matter::read(&source, &options.front_matter, &mut found);
    let masked = Masked::new(&source, start);
    let extensions = Extensions::ENABLE_TABLES
        | Extensions::ENABLE_FOOTNOTES
        | Extensions::ENABLE_STRIKETHROUGH
        | Extensions::ENABLE_TASKLISTS
        | Extensions::ENABLE_HEADING_ATTRIBUTES
        | Extensions::ENABLE_MATH
        | Extensions::ENABLE_GFM
        | Extensions::ENABLE_WIKILINKS
        | Extensions::ENABLE_DEFINITION_LIST;
    let parser = Parser::new_ext(&masked.text[start..], extensions);
    let references = parser.reference_definitions().iter().next().is_some();
    let definitions = parser.reference_definitions().iter().filter(|(_, definition)| definition.title.is_some());
    let definitions: Vec<_> =
        definitions.map(|(_, definition)| start + definition.span.start..start + definition.span.end).collect();
    let syntax = Syntax::Markdown { cell: false, references };
    let mut reader = Reader {
        source: &source,
        masked: &masked,
        out: &mut found,
        flow: Flow::new(syntax),
        syntax,
        containers: Vec::new(),
        open: Vec::new(),
        tags: Vec::new(),
        last: start,
        broken: None,
        skip: None,
        headings: Vec::new(),
    };
    for (event, range) in parser.into_offset_iter() {
        reader.event(event, start + range.start..start + range.end);
    }
    reader.end_flow();
    let headings = reader.headings;
    for range in definitions {
        if let Some((range, quote)) = titles::of_definition(&source[range.clone()], range.start) {
            let text = unescape(&source[range.clone()]);
            found.extend(value(range, text, titles::encode(quote)));
        }
    }
    found.sort_by_key(|(block, _)| block.range.start);
    Ok(Linked::new(Woven::new(source, found)?, &headings))
}

struct Reader<'a> {
    source: &'a str,
    masked: &'a Masked,
    out: &'a mut Vec<(Block, Shape)>,
    flow: Flow,
    syntax: Syntax,
    containers: Vec<Container>,
    /// The numbers of open marks; `None` for an element that makes none.
    open: Vec<Option<usize>>,
    /// Names and numbers of open HTML tags in the flow.
    tags: Vec<(String, usize)>,
    /// Where the last event of the flow ended.
    last: usize,
    /// The source bytes of a line end that stands before the next event.
    broken: Option<Range<usize>>,
    /// Inside something that is read from the source as a whole: how deep, and what it is.
    skip: Option<(usize, Whole)>,
    /// Where headings stand whose addresses are made of their texts.
    headings: Vec<Range<usize>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Container {
    Quote,
    Item,
    Heading,
    Cell,
    Code,
    Html,
    Other,
}

enum Whole {
    Image {
        named: bool,
    },
    Address,
    /// `[[Nom]]`: a text that is an address.
    Page,
}

impl<'a> Reader<'a> {
    fn event(&mut self, event: Event<'a>, range: Range<usize>) {
        if let Some((depth, _)) = &mut self.skip {
            match event {
                Event::Start(_) => *depth += 1,
                Event::End(_) => *depth -= 1,
                _ => {}
            }
            if self.skip.as_ref().is_some_and(|(depth, _)| *depth == 0)
                && let Some((_, whole)) = self.skip.take()
            {
                self.whole(whole, range);
            }
            return;
        }
        match event {
            Event::Text(_) if self.containers.iter().any(|c| matches!(c, Container::Code | Container::Html)) => {}
            Event::Text(text) => self.text(&text, range),
            Event::Code(_) => self.code(range, '`'),
            Event::InlineMath(_) | Event::DisplayMath(_) => self.code(range, '$'),
            Event::InlineHtml(_) => self.tag(range),
            Event::FootnoteReference(_) => {
                self.line_end(range.start);
                self.flow.stand(range.clone());
                self.last = range.end;
            }
            Event::SoftBreak => self.soft_break(range),
            Event::HardBreak => self.hard_break(range),
            Event::Start(tag) => self.start(tag, range),
            Event::End(tag) => self.end(tag, range),
            Event::Rule => self.end_flow(),
            Event::Html(_) | Event::TaskListMarker(_) => {}
        }
    }

    /// Where the text of an event starts in the source: with the backslash that escapes its first character.
    fn escaped(&self, at: usize) -> usize {
        let backslashes = self.source[..at].len() - self.source[..at].trim_end_matches('\\').len();
        let sign = self.source[at..].starts_with(|c: char| c.is_ascii_punctuation());
        if sign && backslashes % 2 == 1 { at - 1 } else { at }
    }

    fn text(&mut self, text: &str, range: Range<usize>) {
        let start = self.escaped(range.start);
        self.line_end(start);
        let hidden = self.masked.spans.partition_point(|span| span.range.end <= range.start);
        let hidden: Vec<_> =
            self.masked.spans[hidden..].iter().take_while(|span| span.range.start < range.end).cloned().collect();
        let masked = &self.masked.text[range.clone()];
        if hidden.is_empty() && self.source[range.clone()] == *masked {
            self.flow.text_run(text, start..range.end);
        } else if text != masked || hidden.is_empty() {
            // Hidden text among entities, or a hidden line: it passes through as it is.
            self.flow.verbatim(&self.source[range.clone()], start..start, range.end..range.end);
        } else {
            let mut at = range.start;
            for span in hidden {
                let place = span.range.start.max(at)..span.range.end.min(range.end);
                self.flow.text_run(&self.source[at..place.start], at..place.start);
                at = place.end;
                let kind = if place == span.range { span.kind } else { Hidden::Word };
                self.hidden(kind, place);
            }
            self.flow.text_run(&self.source[at..range.end], at..range.end);
        }
        self.last = range.end;
    }

    /// What is hidden from Markdown's parser, within a text.
    fn hidden(&mut self, kind: Hidden, range: Range<usize>) {
        let text = &self.source[range.clone()];
        match kind {
            Hidden::Bound if self.flow.is_level() => self.end_flow(),
            Hidden::Sign => self.flow.stand(range),
            Hidden::Note => {
                let inner = range.start + "^[".len()..range.end - "]".len();
                self.flow.stand(range);
                let encode = |text: &str| super::plain::one_line(text).replace('[', "\\[").replace(']', "\\]");
                self.flow.field(inner.clone(), self.source[inner].to_owned(), Box::new(encode));
            }
            Hidden::Raised => {
                let inner = range.start + 1..range.end - 1;
                let id = self.flow.open(range.start..inner.start);
                self.flow.word(&self.source[inner.clone()], inner.clone());
                self.flow.close(id, inner.end..range.end, None);
            }
            Hidden::Attributes if self.flow.extend(range.clone(), text) => {}
            _ => self.flow.verbatim(text, range.start..range.start, range.end..range.end),
        }
    }

    fn code(&mut self, range: Range<usize>, sign: char) {
        self.line_end(range.start);
        let raw = &self.source[range.clone()];
        let n = raw.len() - raw.trim_start_matches(sign).len();
        let n = n.min(raw.len() / 2);
        let inner = raw[n..raw.len() - n].split_ascii_whitespace().collect::<Vec<_>>().join(" ");
        if inner.is_empty() {
            self.flow.stand(range.clone());
        } else {
            self.flow.verbatim(&inner, range.start..range.start + n, range.end - n..range.end);
        }
        self.last = range.end;
    }

    fn tag(&mut self, range: Range<usize>) {
        self.line_end(range.start);
        self.last = range.end;
        let tag = html::tag(self.source, &self.masked.text, range.clone());
        let name = tag.name.as_deref().unwrap_or_default();
        if name == "br" {
            if self.flow.is_level() && !goes_on(self.flow.text(), &self.source[range.end..]) {
                self.end_flow();
            } else {
                self.flow.stand(range);
                self.flow.space(None);
            }
        } else if tag.closing {
            match self.tags.iter().rposition(|(open, _)| open == name) {
                Some(depth) => {
                    let id = self.tags[depth].1;
                    self.tags.truncate(depth);
                    self.flow.close(id, range, None);
                }
                None => self.flow.stand(range),
            }
        } else if tag.alone {
            self.flow.stand(range);
        } else {
            let id = self.flow.open(range);
            self.tags.push((name.to_owned(), id));
        }
        for (range, text, quote) in tag.fields {
            let encode = html::encode(&self.source[range.clone()], quote);
            self.flow.field(range, text, encode);
        }
    }

    /// The source bytes from the last event over a line end to the next line's text.
    fn over_line_end(&self, range: &Range<usize>) -> Range<usize> {
        let quoted = self.containers.contains(&Container::Quote);
        let rest = &self.source[range.end..];
        let blank = |c: char| matches!(c, ' ' | '\t') || quoted && c == '>';
        let end = range.end + rest.len() - rest.trim_start_matches(blank).len();
        self.last.min(range.start)..end
    }

    fn soft_break(&mut self, range: Range<usize>) {
        let raw = self.over_line_end(&range);
        self.last = raw.end;
        // A new turn of speech, the name under a quotation.
        let turn = self.source[raw.end..].starts_with(['—', '–']) && self.flow.is_level();
        if turn && self.flow.text().ends_with(['.', '!', '?', '…', ':', '»', '”', '"']) {
            self.end_flow();
            return;
        }
        self.broken = Some(raw);
    }

    fn hard_break(&mut self, range: Range<usize>) {
        let raw = self.over_line_end(&range);
        self.last = raw.end;
        if self.flow.is_level() && !goes_on(self.flow.text(), &self.source[raw.end..]) {
            self.end_flow();
        } else {
            self.flow.stand(raw);
            self.flow.space(None);
        }
    }

    /// Tells the flow of the line end before what starts at `at`.
    fn line_end(&mut self, at: usize) {
        match self.broken.take() {
            Some(raw) => self.flow.space(Some(raw.start..raw.end.min(at))),
            None => {
                if self.source.get(self.last..at).is_some_and(|s| s.contains([' ', '\t'])) {
                    self.flow.space(None);
                }
            }
        }
    }

    fn start(&mut self, tag: Tag<'a>, range: Range<usize>) {
        let container = match tag {
            Tag::Emphasis | Tag::Strong | Tag::Strikethrough => {
                self.line_end(range.start);
                let raw = &self.source[range.clone()];
                let n = match tag {
                    Tag::Emphasis => 1,
                    Tag::Strong => 2,
                    _ => (raw.len() - raw.trim_start_matches('~').len()).min(2),
                };
                let id = self.flow.open(range.start..range.start + n);
                self.open.push(Some(id));
                self.last = range.start + n;
                return;
            }
            Tag::Link { link_type: LinkType::Autolink | LinkType::Email, .. } => {
                self.skip = Some((1, Whole::Address));
                return;
            }
            Tag::Link { link_type: LinkType::WikiLink { has_pothole: false }, .. } => {
                self.skip = Some((1, Whole::Page));
                return;
            }
            Tag::Link { link_type, .. } => {
                self.line_end(range.start);
                let bar = || self.source[range.clone()].find('|').map_or(1, |bar| bar + 1);
                let head = if matches!(link_type, LinkType::WikiLink { .. }) { bar() } else { 1 };
                let id = self.flow.open(range.start..range.start + head);
                self.open.push(Some(id));
                self.last = range.start + head;
                return;
            }
            Tag::Image { link_type, .. } => {
                self.skip = Some((1, Whole::Image { named: link_type == LinkType::Inline }));
                return;
            }
            Tag::Superscript | Tag::Subscript => {
                self.open.push(None);
                return;
            }
            Tag::BlockQuote(_) => Container::Quote,
            // The body of a box.
            Tag::Item if self.masked.hides(self.source, range.start) => Container::Other,
            Tag::Item | Tag::DefinitionListDefinition => Container::Item,
            Tag::Heading { id, .. } => {
                if id.is_none() && !self.masked.hides(self.source, range.start) {
                    self.headings.push(range.clone());
                }
                Container::Heading
            }
            Tag::DefinitionListTitle => Container::Heading,
            Tag::TableCell => Container::Cell,
            Tag::CodeBlock(_) | Tag::MetadataBlock(_) => Container::Code,
            Tag::HtmlBlock => {
                self.end_flow();
                if !self.containers.contains(&Container::Quote) {
                    html::read_masked(self.source, &self.masked.text, range.clone(), self.out);
                }
                Container::Html
            }
            _ => Container::Other,
        };
        self.end_flow();
        if container == Container::Cell
            && let Syntax::Markdown { references, .. } = self.syntax
        {
            self.flow = Flow::new(Syntax::Markdown { cell: true, references });
        }
        self.containers.push(container);
        self.last = range.start;
    }

    fn end(&mut self, tag: TagEnd, range: Range<usize>) {
        match tag {
            TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough => {
                let raw = &self.source[range.clone()];
                let n = match tag {
                    TagEnd::Emphasis => 1,
                    TagEnd::Strong => 2,
                    _ => (raw.len() - raw.trim_end_matches('~').len()).min(2),
                };
                if let Some(Some(id)) = self.open.pop() {
                    self.flow.close(id, range.end - n..range.end, None);
                }
                self.last = range.end;
            }
            TagEnd::Link => {
                if let Some(Some(id)) = self.open.pop() {
                    self.link(id, range.clone());
                }
                self.last = range.end;
            }
            TagEnd::Superscript | TagEnd::Subscript => {
                self.open.pop();
            }
            _ => {
                self.end_flow();
                self.containers.pop();
                self.last = range.end;
            }
        }
    }

    fn link(&mut self, id: usize, range: Range<usize>) {
        let close = self.last.min(range.end)..range.end;
        let raw = &self.source[close.clone()];
        // A reference whose text is its name needs the name once its text has changed.
        let name = &self.source[(range.start + 1).min(close.start)..close.start];
        let closing = matches!(raw.trim_start(), "]" | "][]").then(|| format!("][{name}]"));
        let title = titles::of_link(raw, close.start);
        self.flow.close(id, close, closing);
        self.title(title);
    }

    fn title(&mut self, title: Option<(Range<usize>, char)>) {
        if let Some((range, quote)) = title {
            let text = unescape(&self.source[range.clone()]);
            self.flow.field(range, text, titles::encode(quote));
        }
    }

    fn whole(&mut self, whole: Whole, range: Range<usize>) {
        self.line_end(range.start);
        self.last = range.end;
        match whole {
            Whole::Address => {
                let inner = &self.source[range.start + 1..range.end - 1];
                self.flow.verbatim(inner, range.start..range.start + 1, range.end - 1..range.end);
            }
            Whole::Page => {
                let inner = range.start + "[[".len()..range.end - "]]".len();
                self.flow.verbatim(&self.source[inner.clone()], range.start..inner.start, inner.end..range.end);
            }
            Whole::Image { named } => {
                self.flow.stand(range.clone());
                let raw = &self.source[range.clone()];
                let Some(alt) = raw.find("](").filter(|&n| named && n >= 2) else { return };
                let text = &raw[2..alt];
                if !text.contains(['[', ']', '`', '<', '\n', '*']) {
                    let encode = |text: &str| super::plain::one_line(text).replace('[', "\\[").replace(']', "\\]");
                    self.flow.field(range.start + 2..range.start + alt, unescape(text), Box::new(encode));
                }
                self.title(titles::of_link(&raw[alt..], range.start + alt));
            }
        }
    }

    fn end_flow(&mut self) {
        self.broken = None;
        self.tags.clear();
        self.open.iter_mut().for_each(|open| *open = None);
        let flow = std::mem::replace(&mut self.flow, Flow::new(self.syntax));
        let kind = match self.containers.iter().rev().find(|c| !matches!(c, Container::Other)) {
            Some(Container::Heading) => BlockKind::Heading,
            Some(Container::Cell) => BlockKind::Cell,
            Some(Container::Item) => BlockKind::ListItem,
            _ => BlockKind::Paragraph,
        };
        flow.finish(kind, self.out);
    }
}

#[cfg(test)]
mod tests;
