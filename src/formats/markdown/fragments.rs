//! Links to headings of the same document: a heading that is translated has another address.

use std::collections::HashMap;
use std::ops::Range;

use super::super::Parsed;
use super::super::weave::Woven;
use crate::document::{BlockKind, Document, Target};

/// A document with headings that links may lead to.
pub(crate) struct Linked {
    woven: Woven,
    /// The blocks that are headings whose addresses are made of their texts.
    headings: Vec<usize>,
}

/// The ways in which programs make an address of a heading.
#[derive(Clone, Copy)]
enum Slugs {
    /// GitHub, Hugo, Docusaurus: letters as they are, punctuation left out.
    Letters,
    /// Python-Markdown: letters without accents, punctuation left out.
    Plain,
    /// VitePress: letters without accents, hyphens for punctuation.
    Hyphens,
}

impl Linked {
    /// `starts` are the bytes at which headings start.
    pub fn new(woven: Woven, starts: &[Range<usize>]) -> Self {
        let blocks = woven.document().blocks();
        let is_heading = |i: usize| {
            let after = starts.partition_point(|range| range.start <= blocks[i].range.start);
            let inside = after.checked_sub(1).is_some_and(|at| blocks[i].range.end <= starts[at].end);
            inside && blocks[i].kind == BlockKind::Heading
        };
        let headings = (0..blocks.len()).filter(|&i| is_heading(i)).collect();
        Self { woven, headings }
    }

    /// What has become of the addresses of headings.
    fn moved(&self, targets: &[Target]) -> HashMap<String, String> {
        let blocks = self.woven.document().blocks();
        let mut moved = HashMap::new();
        for slugs in [Slugs::Letters, Slugs::Plain, Slugs::Hyphens] {
            let (mut before, mut behind) = (HashMap::new(), HashMap::new());
            for &i in &self.headings {
                let old = slugs.unique(&blocks[i].text, &mut before);
                let new = slugs.unique(targets.get(i).map_or("", |target| &target.text), &mut behind);
                if !old.is_empty() && !new.is_empty() {
                    moved.entry(old).or_insert(new);
                }
            }
        }
        moved.retain(|old, new| old != new);
        moved
    }
}

impl Parsed for Linked {
    fn document(&self) -> &Document {
        self.woven.document()
    }

    fn write(&self, block: usize, target: &Target) -> String {
        self.woven.write(block, target)
    }

    fn render(&self, targets: &[Target]) -> String {
        let text = self.woven.render(targets);
        let moved = self.moved(targets);
        if moved.is_empty() { text } else { renamed(&text, &moved) }
    }
}

impl Slugs {
    /// The address of a heading, with a number where an earlier one has the same.
    fn unique(self, heading: &str, known: &mut HashMap<String, usize>) -> String {
        let slug = self.of(heading);
        let count = known.entry(slug.clone()).or_default();
        *count += 1;
        if *count == 1 { slug } else { format!("{slug}-{}", *count - 1) }
    }

    fn of(self, heading: &str) -> String {
        let mut out = String::new();
        for c in heading.trim().chars().flat_map(char::to_lowercase) {
            let word = c.is_alphanumeric() || matches!(c, '_' | '-');
            match self {
                Self::Letters if word => out.push(c),
                Self::Letters if c.is_whitespace() => out.push('-'),
                Self::Letters => {}
                _ if word && c != '-' => out.push_str(bare(c).unwrap_or(c.encode_utf8(&mut [0; 4]))),
                Self::Plain if c != '-' && !c.is_whitespace() => {}
                _ if out.ends_with('-') || out.is_empty() => {}
                _ => out.push('-'),
            }
        }
        match self {
            Self::Letters => out,
            _ => out.trim_end_matches('-').to_owned(),
        }
    }
}

/// A French letter without its accent.
fn bare(c: char) -> Option<&'static str> {
    Some(match c {
        'à' | 'â' | 'ä' => "a",
        'ç' => "c",
        'é' | 'è' | 'ê' | 'ë' => "e",
        'î' | 'ï' => "i",
        'ô' | 'ö' => "o",
        'ù' | 'û' | 'ü' => "u",
        'ÿ' => "y",
        _ => return None,
    })
}

/// The text with the addresses of links into it as they are now.
fn renamed(text: &str, moved: &HashMap<String, String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for (i, _) in text.match_indices('#') {
        let before = &text[..i];
        let link = ["](", "](<", "href=\"", "href='", "]: "].iter().any(|sign| before.ends_with(sign));
        if !link || i < at {
            continue;
        }
        let rest = &text[i + 1..];
        let end = rest.find(|c: char| c.is_whitespace() || matches!(c, ')' | '>' | '"' | '\'')).unwrap_or(rest.len());
        if let Some(new) = moved.get(&percent_decoded(&rest[..end])) {
            out.push_str(&text[at..=i]);
            out.push_str(new);
            at = i + 1 + end;
        }
    }
    out + &text[at..]
}

/// `%C3%A9` as the letter that it stands for.
fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let code = tail.get(..2).filter(|_| first == b'%').and_then(|code| std::str::from_utf8(code).ok());
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(first);
                rest = tail;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_program_makes_its_own_address() {
        let heading = "L’été : où aller ?";
        let slugs = [Slugs::Letters, Slugs::Plain, Slugs::Hyphens].map(|slugs| slugs.of(heading));
        assert_eq!(slugs, ["lété--où-aller-", "lete-ou-aller", "l-ete-ou-aller"]);
    }

    #[test]
    fn links_follow_their_headings() {
        let moved = HashMap::from([("été".to_owned(), "summer".to_owned())]);
        let text = "[x](#été) [y](#%C3%A9t%C3%A9 \"t\") <a href=\"#été\"> #été [z](#étés)\n\n[r]: #été\n";
        let expected = "[x](#summer) [y](#summer \"t\") <a href=\"#summer\"> #été [z](#étés)\n\n[r]: #summer\n";
        assert_eq!(renamed(text, &moved), expected);
        assert_eq!(percent_decoded("a%2"), "a%2");
        assert_eq!(percent_decoded("%FF"), "%FF");
    }
}
