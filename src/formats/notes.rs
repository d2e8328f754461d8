//! References to notes: a figure, a figure in brackets or an asterisk right behind a word, with markup of its own. They are no
//! text: they stand behind the word's translation as they are, and the model does not see them.

use std::ops::Range;

use super::flow::Piece;
use super::weave::Weave;
use crate::document::Block;

/// A reference: its bytes of the block's text and the number of its mark.
type Reference = (Range<usize>, usize);

/// Takes the references to notes out of a block's text; their marks stand between two characters from then on.
pub(crate) fn anchor(source: &str, block: &mut Block, weave: &mut Weave) {
    let mut found: Vec<Reference> = Vec::new();
    // What has no end of its own in the source cannot be written whole.
    let ended = |piece: &&Piece| !piece.close.is_empty() || piece.format.is_some();
    for mark in block.marks.iter().filter(|mark| !mark.verbatim && is_reference(&block.text[mark.range.clone()])) {
        if weave.pieces.get(mark.id).filter(ended).is_none() {
            continue;
        }
        // What stands in a reference is part of it.
        if found.last().is_none_or(|(last, _)| last.end <= mark.range.start) {
            found.push((mark.range.clone(), mark.id));
        }
    }
    // A word goes on behind a figure within it, but for one that another reference begins.
    let mut next = None;
    found.reverse();
    found.retain(|(range, _)| {
        let ends = next == Some(range.end) || !block.text[range.end..].starts_with(char::is_alphanumeric);
        next = if ends { Some(range.start) } else { next };
        ends
    });
    found.reverse();
    // One right behind another belongs to the same word.
    let (mut host, mut end) = (0, None);
    found.retain(|(range, id)| {
        host = if end == Some(range.start) { host } else { range.start };
        let follows = follows(source, block, weave, host, range, *id);
        end = if follows { Some(range.end) } else { end };
        follows
    });
    if !found.is_empty() {
        take(block, weave, &found);
    }
}

/// Whether a text is nothing but what points to a note.
fn is_reference(text: &str) -> bool {
    let figure = |c: char| c.is_ascii_digit();
    let short = || text.split(|c| !figure(c)).all(|number| number.len() < 4);
    text.starts_with(|c| figure(c) || is_sign(c))
        && text.contains(|c| figure(c) || matches!(c, '*' | '†' | '‡' | '§'))
        && text.chars().all(|c| figure(c) || is_sign(c) || matches!(c, ']' | ')' | ',' | ';' | '-' | '–'))
        && short()
}

/// What only a reference to a note begins with, beside a figure.
fn is_sign(c: char) -> bool {
    matches!(c, '[' | '(' | '*' | '†' | '‡' | '§')
}

/// Whether the reference at `range` belongs to what stands right before byte `host`; a figure may be a part of a formula
/// instead.
fn follows(source: &str, block: &Block, weave: &Weave, host: usize, range: &Range<usize>, id: usize) -> bool {
    let before = &block.text[..host];
    let Some(last) = before.chars().next_back() else { return false };
    let whole = extent(&weave.pieces[id]);
    // What stands in a mark was met after it.
    let inside = |piece: &&Piece| piece.open.start < whole.end;
    let linked = || weave.pieces[id..].iter().take_while(inside).any(|piece| is_link(&source[piece.open.clone()]));
    let sure = || block.text[range.clone()].starts_with(is_sign) || linked();
    if last.is_alphanumeric() {
        let word = before.rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
        return is_word(word) || sure();
    }
    let closes = matches!(last, '»' | '”' | '’' | '"' | '.' | ',' | ';' | ':' | '!' | '?' | '…' | '%' | '€');
    closes && (sure() || is_raised(source, weave, id)) || matches!(last, ')' | ']') && sure()
}

/// Whether a word is none of a formula: not the CO of CO₂, the m of m³, the sin of sin².
fn is_word(word: &str) -> bool {
    let small = word.strip_prefix(char::is_uppercase).unwrap_or(word);
    let vowel = |c: char| !c.is_ascii() || "aeiouy".contains(c.to_ascii_lowercase());
    small.chars().all(char::is_lowercase)
        && word.contains(vowel)
        && (small.len() > 2 || small.len() == word.len() && small.len() > 1)
}

/// Whether a mark lifts its text above the line.
fn is_raised(source: &str, weave: &Weave, id: usize) -> bool {
    let piece = &weave.pieces[id];
    let properties = weave.runs.as_ref().zip(piece.format).map(|(runs, format)| runs.properties(format));
    properties.unwrap_or(&source[piece.open.clone()]).contains("sup")
}

/// Whether markup opens a link.
fn is_link(open: &str) -> bool {
    let name =
        open.trim_start_matches('<').split(|c: char| !c.is_alphanumeric() && c != ':').next().unwrap_or_default();
    let local = name.rsplit(':').next().unwrap_or_default();
    open.starts_with('[')
        || open.starts_with('<') && matches!(local, "a" | "A" | "hyperlink")
        || open.contains("HYPERLINK")
}

/// The source bytes of a mark with all that stands in it.
fn extent(piece: &Piece) -> Range<usize> {
    piece.open.start..piece.close.end
}

/// Takes references, which are in order, out of the text.
fn take(block: &mut Block, weave: &mut Weave, references: &[Reference]) {
    let mut text = String::with_capacity(block.text.len());
    // Where each ended, and where that is now.
    let mut cuts: Vec<(usize, usize)> = Vec::new();
    let mut at = 0;
    for (range, id) in references {
        text.push_str(&block.text[at..range.start]);
        at = range.end;
        cuts.push((at, text.len()));
        let whole = extent(&weave.pieces[*id]);
        let piece = &mut weave.pieces[*id];
        (piece.open, piece.close) = (whole.clone(), whole.end..whole.end);
        (piece.closing, piece.format, piece.apart) = (None, None, false);
    }
    text.push_str(&block.text[at..]);
    let moved = |at: usize| {
        let before = cuts.partition_point(|&(end, _)| end <= at);
        let (end, now) = before.checked_sub(1).map_or((0, 0), |i| cuts[i]);
        // Within a reference is where it was.
        let place = now + at - end;
        cuts.get(before).map_or(place, |&(_, next)| place.min(next))
    };
    block.marks.retain(|mark| {
        let own = extent(&weave.pieces[mark.id]);
        let next = references.partition_point(|(_, id)| weave.pieces[*id].open.end < own.end);
        let holds = |id: usize| id != mark.id && weave.pieces[id].open.start <= own.start;
        !references.get(next).is_some_and(|(_, id)| holds(*id))
    });
    for mark in &mut block.marks {
        mark.range = moved(mark.range.start)..moved(mark.range.end);
    }
    for line_end in &mut weave.breaks {
        line_end.at = moved(line_end.at);
    }
    block.text = text;
}

#[cfg(test)]
mod tests {
    use crate::formats::Format;
    use crate::formats::laws::{read, render, reversed};

    #[test]
    fn references_to_notes_are_no_text() {
        for (source, text) in [
            ("une maison<a href=\"#n1\"><sup>1</sup></a>.", "une maison."),
            ("une étude<sup>1</sup><sup>2</sup>, et", "une étude, et"),
            ("à Rouen<a epub:type=\"noteref\" href=\"#n\">1</a> en", "à Rouen en"),
            ("détruite<sup>[<a href=\"#r\">2</a>]</sup> en 1944<a href=\"#r\">3</a>", "détruite en 1944"),
            ("le « mot »<sup>3</sup> et la livraison<b>*</b>", "le « mot » et la livraison"),
        ] {
            let document = read(Format::Html, source);
            assert_eq!(document.document().blocks()[0].text, text);
        }
        let document = read(Format::Markdown, "une maison[<sup>1</sup>](#n) et un");
        assert_eq!(document.document().blocks()[0].text, "une maison et un");
    }

    #[test]
    fn figures_of_formulas_and_of_sentences_are_text() {
        let tag = regex::Regex::new("<[^>]*>").expect("a pattern");
        for source in [
            "CO<sub>2</sub> et CaCl<sub>2</sub>",
            "30 m<sup>3</sup> ou 10<sup>8</sup>",
            "voir <a href=\"#n1\">1</a> et",
            "(a + b)<sup>2</sup> est",
            "en <b>2024</b>, le n°<b>12</b>",
            "<b>une étude<sup>1</b> et",
            "chat<b>(s)</b> et H<b>2</b>O",
        ] {
            let document = read(Format::Html, source);
            assert_eq!(document.document().blocks()[0].text, tag.replace_all(source, ""));
        }
    }

    #[test]
    fn a_reference_is_written_whole_where_its_word_went() {
        let document =
            read(Format::Html, "la <b>maison<a href=\"#n1\" title=\"Une note\"><sup>1</sup></a></b> est vide");
        let written = render(document.as_ref(), reversed);
        assert!(written.contains("<a href=\"#n1\" title=\"note Une\"><sup>1</sup></a>"), "{written}");
    }
}
