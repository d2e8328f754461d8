//! Elements that follow each other in a line without words between them: menus, breadcrumbs, rows of labels. Each is a text.

use std::ops::Range;

use html5gum::Token;

use super::{INLINE, VOID, decode, name_of};

/// What stands between the elements of a row, besides white space.
const SEPARATORS: &[char] =
    &['|', '/', '\\', '>', '<', '·', '•', '∙', '●', '›', '‹', '»', '→', '▸', '▶', '—', '–', '-', ','];
/// Elements that are often laid out side by side; the others mark words of a sentence.
const BOXES: &[&str] = &["a", "data", "output", "small", "span", "time"];
/// Elements that belong to the word beside them.
const PARTS: &[&str] = &["rb", "rp", "rt", "ruby", "sub", "sup", "wbr"];

/// A token as it concerns rows.
enum Piece {
    Text(String),
    Start {
        name: String,
        class: Option<Vec<u8>>,
        /// The token that ends it; `None` where it is void or nothing does.
        end: Option<usize>,
    },
    Other,
}

/// An element with words in it.
struct Item<'a> {
    tokens: Range<usize>,
    name: &'a str,
    class: Option<&'a [u8]>,
}

/// What stands between two elements.
#[derive(Default)]
struct Gap {
    blank: bool,
    sign: bool,
}

/// Pieces of a line, and where the words are.
struct Row {
    pieces: Vec<Piece>,
    /// For each piece the first one from there on, and the last one up to there, that has words.
    next: Vec<usize>,
    last: Vec<Option<usize>>,
}

/// The tokens before which a text ends, in order.
pub(super) fn cuts(source: &str, tokens: &[(Token<usize>, Range<usize>)]) -> Vec<usize> {
    let mut out = Vec::new();
    let mut start = 0;
    for i in 0..=tokens.len() {
        let inside = tokens.get(i).is_some_and(|(token, _)| match token {
            Token::StartTag(tag) => INLINE.contains(&name_of(&tag.name).as_str()),
            Token::EndTag(tag) => INLINE.contains(&name_of(&tag.name).as_str()),
            Token::String(_) | Token::Comment(_) => true,
            _ => false,
        });
        if !inside {
            // A row has two elements at least.
            if i >= start + 4 {
                Row::new(source, &tokens[start..i]).cuts(start, &mut out);
            }
            start = i + 1;
        }
    }
    out.sort_unstable();
    out
}

impl Row {
    fn new(source: &str, tokens: &[(Token<usize>, Range<usize>)]) -> Self {
        let mut pieces: Vec<Piece> = Vec::with_capacity(tokens.len());
        let mut open: Vec<(String, usize)> = Vec::new();
        for (i, (token, place)) in tokens.iter().enumerate() {
            let piece = match token {
                Token::String(_) => Piece::Text(decode(&source[place.clone()])),
                Token::StartTag(tag) => {
                    let name = name_of(&tag.name);
                    if !tag.self_closing && !VOID.contains(&name.as_str()) {
                        open.push((name.clone(), i));
                    }
                    let class = tag.attributes.get(&b"class"[..]).map(|value| value.to_vec());
                    Piece::Start { name, class, end: None }
                }
                Token::EndTag(tag) => {
                    let name = name_of(&tag.name);
                    if let Some(depth) = open.iter().rposition(|(open, _)| *open == name) {
                        if let Piece::Start { end, .. } = &mut pieces[open[depth].1] {
                            *end = Some(i);
                        }
                        open.truncate(depth);
                    }
                    Piece::Other
                }
                _ => Piece::Other,
            };
            pieces.push(piece);
        }
        let words = |piece: &Piece| matches!(piece, Piece::Text(text) if text.contains(char::is_alphanumeric));
        let mut next = vec![pieces.len(); pieces.len() + 1];
        let mut last = Vec::with_capacity(pieces.len());
        for (i, piece) in pieces.iter().enumerate() {
            last.push(if words(piece) { Some(i) } else { last.last().copied().flatten() });
        }
        for (i, piece) in pieces.iter().enumerate().rev() {
            next[i] = if words(piece) { i } else { next[i + 1] };
        }
        Self { pieces, next, last }
    }

    /// Appends the cuts, counted from `from`. A level without words of its own may be a row; so may what its elements hold.
    fn cuts(&self, from: usize, out: &mut Vec<usize>) {
        let mut levels: Vec<Range<usize>> = std::iter::once(0..self.pieces.len()).collect();
        while let Some(level) = levels.pop() {
            let Some(items) = self.items(level) else { continue };
            for pair in items.windows(2) {
                let ((_, before), (gap, behind)) = (&pair[0], &pair[1]);
                if self.apart(before, gap, behind) {
                    out.extend([from + before.tokens.end, from + behind.tokens.start]);
                }
            }
            levels.extend(items.into_iter().map(|(_, item)| item.tokens.start + 1..item.tokens.end - 1));
        }
    }

    /// The elements of a level with what stands before each; `None` where there is something else than separators between them.
    fn items(&self, level: Range<usize>) -> Option<Vec<(Gap, Item<'_>)>> {
        let mut items = Vec::new();
        let mut gap = Gap::default();
        let mut i = level.start;
        while i < level.end {
            match &self.pieces[i] {
                Piece::Text(text) => {
                    gap.blank |= text.contains(char::is_whitespace);
                    gap.sign |= separates(text)?;
                }
                Piece::Start { name, class, end } if !PARTS.contains(&name.as_str()) => {
                    let end = match end {
                        None if VOID.contains(&name.as_str()) => i,
                        end => (*end)?,
                    };
                    if self.next[i] <= end {
                        let item = Item { tokens: i..end + 1, name, class: class.as_deref() };
                        items.push((std::mem::take(&mut gap), item));
                    } else {
                        // An icon.
                        for piece in &self.pieces[i..end] {
                            if let Piece::Text(text) = piece {
                                separates(text)?;
                            }
                        }
                        gap.sign = true;
                    }
                    i = end;
                }
                Piece::Start { .. } => return None,
                Piece::Other => {}
            }
            i += 1;
        }
        Some(items)
    }

    /// Whether two elements are no words of one sentence.
    fn apart(&self, before: &Item<'_>, gap: &Gap, behind: &Item<'_>) -> bool {
        let text = |piece: usize| match &self.pieces[piece] {
            Piece::Text(text) => text.as_str(),
            _ => "",
        };
        let head = text(self.next[behind.tokens.start]);
        let tail = self.last[before.tokens.end - 1].map_or("", text);
        let inner = tail.ends_with(char::is_whitespace) || head.starts_with(char::is_whitespace);
        let links = before.name == "a" && behind.name == "a";
        if gap.sign || links {
            return true;
        }
        let boxes = [before, behind].iter().all(|item| BOXES.contains(&item.name));
        let alike = boxes && before.name == behind.name && before.class.is_some() && before.class == behind.class;
        let first = head.trim_start().chars().next().unwrap_or_default();
        let end = tail.trim_end().chars().next_back().unwrap_or_default();
        if gap.blank {
            return boxes && (alike || first.is_uppercase() || first.is_ascii_digit());
        }
        // Without white space between them, they stand side by side by their layout, or they are one word.
        let capital = first.is_uppercase() && !end.is_uppercase() && (end.is_alphanumeric() || ".!?…:)".contains(end));
        let figure = boxes && first.is_ascii_digit() && end.is_lowercase();
        !inner && (alike || capital || figure)
    }
}

/// Whether a text is a separator; `None` where it is something else than that and white space.
fn separates(text: &str) -> Option<bool> {
    let signs = text.trim();
    let known = signs.chars().all(|c| SEPARATORS.contains(&c) || c.is_whitespace());
    // A hyphen joins words.
    (known && !(signs == "-" && text.len() == 1)).then_some(!signs.is_empty())
}

#[cfg(test)]
mod tests {
    use super::super::tests::texts;

    #[test]
    fn elements_side_by_side_are_texts_by_themselves() {
        for (source, expected) in [
            ("<div><span>Publié le 3 mai</span><span>Par Anne Martin</span></div>", "Publié le 3 mai|Par Anne Martin"),
            ("<a>Précédent</a><a>Suivant</a>", "Précédent|Suivant"),
            ("<nav><a>Accueil</a> <a>À <b>propos</b></a>\n<a>contact</a></nav>", "Accueil|À propos|contact"),
            ("<a>Un</a> · <a>deux</a> &gt; <span>trois</span>", "Un|deux|trois"),
            ("<a>Un</a> <i class=x></i> <b>deux</b>", "Un|deux"),
            ("<span class=t>sport</span><span class=t>ville</span>", "sport|ville"),
            ("<span><a>Un</a> | <a>deux</a></span>", "Un|deux"),
        ] {
            assert_eq!(texts(source).join("|"), expected);
        }
    }

    #[test]
    fn words_of_a_sentence_stay_together() {
        for source in [
            "<p>Voir <a>un</a> <a>deux</a></p>",
            "<p><span>Le </span><span>Chat</span><span> dort</span></p>",
            "<p><b>anti</b><i>constitutionnel</i></p>",
            "<p><b>É</b><i>TÉ</i></p>",
            "<p><strong>le</strong> <em>chat</em></p>",
            "<p><i>H</i><sub>Deux</sub></p>",
            "<p><b>Jean</b>-<b>Paul</b></p>",
            "<p>Voir <span><a>Un</a> <a>Deux</a></span> ici</p>",
        ] {
            assert_eq!(texts(source).len(), 1, "{source}");
        }
    }
}
