//! Headings of the numbered parts of a book, a play or a law: “Chapitre II”, “Acte premier”.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

static PART: LazyLock<Regex> = LazyLock::new(|| {
    let number = r"premier|première|PREMIER|PREMIÈRE|Ier|IER|1er|Ire|1re|[IVXLC]+|\d+";
    let part = format!(r"^\W*((\p{{Lu}}\p{{L}}+)\s({number})|(Première|PREMIÈRE)\s(partie|PARTIE))\s*(?:[:.—–-]|$)");
    Regex::new(&part).expect("a valid pattern")
});

/// French words for parts, and the English ones.
const PARTS: [(&str, &str); 10] = [
    ("chapitre", "Chapter"),
    ("titre", "Title"),
    ("livre", "Book"),
    ("tome", "Volume"),
    ("acte", "Act"),
    ("scène", "Scene"),
    ("partie", "Part"),
    ("section", "Section"),
    ("article", "Article"),
    ("annexe", "Annex"),
];

/// Where `text` begins with such a heading, and what English has for it.
pub(super) fn find(text: &str) -> Option<(Range<usize>, String)> {
    let found = PART.captures(text)?;
    let french = found.get(2).or(found.get(5))?.as_str();
    let (_, part) = PARTS.iter().find(|(name, _)| *name == french.to_lowercase())?;
    let number = found.get(3).map_or("premier", |number| number.as_str());
    let first = number.to_lowercase().starts_with("premi") || number.ends_with(['r', 'R', 'e']);
    let number = match *part {
        "Article" | "Annex" if first => "1",
        _ if first => "One",
        _ => number,
    };
    let english = format!("{part} {number}");
    let loud = !french.contains(char::is_lowercase);
    Some((found.get(1)?.range(), if loud { english.to_uppercase() } else { english }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbered_parts_are_named() {
        let english = |text| find(text).map(|(_, english)| english);
        for (text, expected) in [
            ("Chapitre premier", "Chapter One"),
            ("CHAPITRE II", "CHAPTER II"),
            ("Chapitre Ier. — La fuite", "Chapter One"),
            ("Tome 2 : Le retour", "Volume 2"),
            ("PREMIÈRE PARTIE", "PART ONE"),
            ("Article 1er", "Article 1"),
        ] {
            assert_eq!(english(text).as_deref(), Some(expected), "{text}");
        }
        for text in ["Chapitre", "Article 12 du code civil", "Titre du livre", "au chapitre II", "Louis XIV", ""] {
            assert_eq!(english(text), None, "{text}");
        }
    }
}
