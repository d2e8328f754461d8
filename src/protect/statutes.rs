//! Parts of laws, which French names by their number alone: "le 3° du II de l'article 5".

use std::sync::LazyLock;

use regex::Regex;

use super::wording::Wording;

/// The numbers of parts of an article, shown with what they are: a model leaves out or mixes up bare ones.
pub fn find(text: &str) -> Vec<Wording> {
    static PART: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"\b(?:[Ll]e|[Dd]u|[Aa]u) (?:([IVX]{1,5})|(\d{1,2}°|[a-h]\))) (?:bis |ter )?(?:du (?:[IVX]+|\d{1,2}°|même|présent) ?|de l['’]article|de cet article)")
            .expect("a valid pattern")
    });
    if !text.contains("article") {
        return Vec::new();
    }
    let mut out = Vec::new();
    let mut at = 0;
    // The end of one part may begin the next.
    while let Some(found) = PART.captures_at(text, at) {
        let (paragraph, point) = (found.get(1), found.get(2));
        let Some(part) = paragraph.or(point) else { break };
        let kind = if paragraph.is_some() { "paragraphe" } else { "point" };
        out.push(Wording::same(part.range(), format!("{kind} {}", part.as_str())));
        at = part.end();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_laws_are_shown_with_what_they_are() {
        let shown = |text: &str| {
            let mut out = text.to_owned();
            find(text).into_iter().rev().for_each(|wording| out.replace_range(wording.range, &wording.shown));
            out
        };
        assert_eq!(
            shown("Le III de l'article L. 131-1 est abrogé."),
            "Le paragraphe III de l'article L. 131-1 est abrogé."
        );
        assert_eq!(
            shown("Le 3° du II de l’article 5, au b) du 2° de l'article 6"),
            "Le point 3° du paragraphe II de l’article 5, au point b) du point 2° de l'article 6"
        );
        assert_eq!(shown("Le V de la victoire, l'article du I"), "Le V de la victoire, l'article du I");
    }
}
