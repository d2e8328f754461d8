//! The laws that every format is held against, and the engines that stand in for a model.

use proptest::prelude::*;

use super::{Format, Options, Parsed, parse_text};
use crate::document::{Block, Target};

/// What a model that changes nothing makes of a block.
pub fn same(block: &Block) -> Target {
    Target { text: block.text.clone(), marks: block.marks.clone() }
}

/// Capitals for letters of one byte: every mark stays where it was. Verbatim text is left alone.
pub fn upper(block: &Block) -> Target {
    let kept = |i: usize| block.marks.iter().any(|m| m.verbatim && m.range.contains(&i));
    let text = block.text.char_indices().map(|(i, c)| if kept(i) { c } else { c.to_ascii_uppercase() }).collect();
    Target { text, marks: block.marks.clone() }
}

/// The words and the marks in the opposite order. Verbatim text is left whole.
pub fn reversed(block: &Block) -> Target {
    let mut cuts: Vec<usize> = block.marks.iter().flat_map(|m| [m.range.start, m.range.end]).collect();
    let mut space = true;
    for (i, c) in block.text.char_indices() {
        if c.is_whitespace() != space {
            cuts.push(i);
            space = !space;
        }
    }
    cuts.retain(|&cut| !block.marks.iter().any(|m| m.verbatim && m.range.start < cut && cut < m.range.end));
    cuts.extend([0, block.text.len()]);
    cuts.sort_unstable();
    cuts.dedup();
    let text = cuts.windows(2).rev().map(|w| &block.text[w[0]..w[1]]).collect();
    let n = block.text.len();
    let mut marks = block.marks.clone();
    marks.iter_mut().for_each(|m| m.range = n - m.range.end..n - m.range.start);
    marks.sort_by_key(|m| (m.range.start, std::cmp::Reverse(m.range.end)));
    Target { text, marks }
}

/// Renders with what `engine` makes of each block.
pub fn render(parsed: &dyn Parsed, engine: fn(&Block) -> Target) -> String {
    parsed.render(&parsed.document().blocks().iter().map(engine).collect::<Vec<_>>())
}

/// The document under the usual options.
pub fn read(format: Format, source: &str) -> Box<dyn Parsed> {
    parse_text(format, source.to_owned(), &Options::default()).expect("it is a document")
}

/// Gaps and blocks are the source; the identity gives the source; marks nest within their texts; nothing makes it panic.
pub fn hold(parsed: &dyn Parsed, source: &str) -> Result<(), TestCaseError> {
    let document = parsed.document();
    prop_assert_eq!(document.render(|i| document.source()[document.blocks()[i].range.clone()].to_owned()), source);
    prop_assert_eq!(render(parsed, same), source);
    for block in document.blocks() {
        prop_assert!(super::lines::has_text(&block.text), "nothing to translate: {:?}", block);
        let mut open: Vec<usize> = Vec::new();
        let mut last = 0;
        for mark in &block.marks {
            prop_assert!(block.text.get(mark.range.clone()).is_some(), "{:?}", block);
            prop_assert!(mark.range.start >= last, "out of order: {:?}", block);
            last = mark.range.start;
            while open.last().is_some_and(|&end| {
                end <= mark.range.start && mark.range.start != mark.range.end || end < mark.range.start
            }) {
                open.pop();
            }
            prop_assert!(open.iter().all(|&end| mark.range.end <= end), "crossing: {:?}", block);
            if !mark.range.is_empty() {
                open.push(mark.range.end);
            }
        }
        let mut ids: Vec<usize> = block.marks.iter().map(|m| m.id).collect();
        ids.sort_unstable();
        ids.dedup();
        prop_assert_eq!(ids.len(), block.marks.len());
    }
    render(parsed, upper);
    render(parsed, reversed);
    render(parsed, |_| Target::default());
    render(parsed, |block| Target { text: "é".to_owned(), marks: block.marks.clone() });
    Ok(())
}

/// Texts made of the `parts` that a format finds hard, and of anything at all.
pub fn hostile(parts: &'static [&'static str]) -> impl Strategy<Value = String> {
    let part = prop_oneof![
        8 => proptest::sample::select(parts).prop_map(str::to_owned),
        2 => proptest::sample::select(COMMON).prop_map(str::to_owned),
        1 => "\\PC{0,6}",
        1 => any::<String>().prop_map(|s| s.chars().take(5).collect()),
    ];
    proptest::collection::vec(part, 0..24).prop_map(|parts| parts.concat())
}

const COMMON: &[&str] = &[
    "Le chat",
    "dort",
    " ",
    "\n",
    "\n\n",
    "\r\n",
    "\r",
    "\t",
    "   ",
    "é",
    "«\u{a0}oui\u{a0}»",
    ".",
    "\u{feff}",
    "\u{2028}",
    "\u{85}",
    "\u{0}",
    "🎉",
    "12",
    "e\u{301}",
    "\u{202e}",
    "<",
    "&",
    "\"",
    "'",
    "\\",
];
