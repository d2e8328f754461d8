//! What Markdown's parser is not to see: templates, lists of attributes, fences and boxes of other programs. Where these have
//! an equal in Markdown, it sees that: a title becomes a heading, an indented body that of a list item.

use std::ops::Range;

use super::boxes;
use super::inline::{self, Hidden, Span};
use super::mdx;
use crate::formats::html::templates;
use crate::formats::lines::{Line, lines};

/// The source with other programs' markup hidden from the Markdown parser, byte for byte as long as it.
pub(super) struct Masked {
    pub(super) text: String,
    /// What is hidden within lines, in order.
    pub(super) spans: Vec<Span>,
}

/// What a line of another program's markup is to Markdown. The ranges count from where the line's body starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Row {
    /// Nothing, but it ends a paragraph.
    Rule,
    /// A heading with this text.
    Title(Range<usize>),
    /// The head of a box whose body is indented by four, and its title.
    Head(Range<usize>),
}

impl Masked {
    /// Hides what stands after byte `from`.
    pub(super) fn new(source: &str, from: usize) -> Self {
        let mut masked = Self { text: source.to_owned(), spans: Vec::new() };
        let rest = &source[from..];
        for value in mdx::values(rest) {
            masked.fill(from + value.start..from + value.end, "x");
        }
        // What may go over several lines, in order.
        let mut wide: Vec<Span> = templates(rest)
            .into_iter()
            .map(|t| Span { range: t.range, kind: if t.bounds { Hidden::Bound } else { Hidden::Word } })
            .chain(mdx::passages(rest).into_iter().chain(inline::formulas(rest)).map(Span::word))
            .map(|span| Span { range: from + span.range.start..from + span.range.end, ..span })
            .collect();
        wide.sort_by_key(|span| span.range.start);
        let rows: Vec<Line> = lines(source).into_iter().filter(|line| line.content.start >= from).collect();
        let boxes = boxes::rows(source, &rows);
        let mut next = 0;
        for (line, row) in rows.iter().zip(boxes) {
            let content = &source[line.content.clone()];
            let body = content.trim_start_matches([' ', '\t', '>']);
            let start = line.content.end - body.len();
            let body = start..start + body.trim_end().len();
            while wide.get(next).is_some_and(|span| span.range.end <= body.start) {
                next += 1;
            }
            let here = wide[next..].iter().take_while(|span| span.range.start < body.end);
            let here: Vec<Span> = here
                .map(|span| Span { range: span.range.start.max(body.start)..span.range.end.min(body.end), ..*span })
                .filter(|span| !span.range.is_empty())
                .collect();
            let whole = here.first().filter(|span| span.range == body);
            match row {
                // In the middle of something.
                _ if whole.is_some() && wide[next].range.start < body.start && wide[next].range.end > body.end => {
                    masked.fill(body, " ");
                }
                _ if whole.is_some() => masked.row(body, &Row::Rule),
                Some(row) => masked.row(body, &row),
                None => {
                    masked.spans.extend(here);
                    masked.spans.extend(inline::spans(&source[body.clone()], body.start));
                }
            }
        }
        masked.spans.sort_by_key(|span| span.range.start);
        let mut end = 0;
        masked.spans.retain(|span| {
            let apart = span.range.start >= end;
            end = end.max(span.range.end);
            apart
        });
        for range in masked.spans.iter().map(|span| span.range.clone()).collect::<Vec<_>>() {
            masked.fill(range, "x");
        }
        masked
    }

    /// Whether what stands at byte `at` of the source is seen as something else.
    pub(super) fn hides(&self, source: &str, at: usize) -> bool {
        self.text.as_bytes().get(at) != source.as_bytes().get(at)
    }

    fn fill(&mut self, range: Range<usize>, sign: &str) {
        let kept = |c: char| c.len_utf8() == 1 && matches!(c, '\n' | '\r');
        let filled: String = self.text[range.clone()]
            .chars()
            .map(|c| if kept(c) { c.to_string() } else { sign.repeat(c.len_utf8()) })
            .collect();
        self.text.replace_range(range, &filled);
    }

    fn row(&mut self, body: Range<usize>, row: &Row) {
        let (head, title) = match row {
            // A rule ends a paragraph and means nothing else.
            Row::Rule => ("***", 0..0),
            Row::Title(title) => ("#", title.clone()),
            Row::Head(title) => ("-  #", title.clone()),
        };
        let text = &self.text[body.clone()];
        let title = if title.is_empty() { body.len()..body.len() } else { title };
        if title.start < head.len() {
            self.fill(body, " ");
            return;
        }
        let rest = " ".repeat(title.start - head.len());
        let row = format!("{head}{rest}{}{}", &text[title.clone()], " ".repeat(body.len() - title.end));
        self.text.replace_range(body, &row);
    }
}
