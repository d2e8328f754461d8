//! Whether a translation is still French.

use std::collections::HashSet;
use std::sync::LazyLock;

use crate::protect::Prepared;
use crate::protect::sight::fold;

/// Frequent French words that are no English words, without accents.
static FRENCH: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    "le la les des est dans une du et avec aux cette ses sont ont leur leurs nous vous ils elles mais ou donc ete etre avoir comme au \
     ce ces cet il elle je tu ne se sa que qui pas pour par sur tres plus sans sous chez deja aussi alors tout tous toute c'est n'est \
     d'un d'une qu'il qu'elle l'on j'ai n'a"
        .split_whitespace()
        .collect()
});
static ENGLISH: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    "the of and to in is was that for it with are by this from at be have has had he she they we you not his her their which who will \
     would an as or but were been there on no yes my your our its i do does what how when"
        .split_whitespace()
        .collect()
});

/// Says so where `text` is mostly French, or the source again.
pub fn untranslated(p: &Prepared, text: &str) -> Option<String> {
    let split = |t: &str| -> Vec<String> {
        let t = fold(t);
        let words = t.split(|c: char| !c.is_alphanumeric() && c != '\'' && c != '-').filter(|w| !w.is_empty());
        words.map(str::to_owned).collect()
    };
    let (source, target) = (split(p.text()), split(text));
    let french = target.iter().filter(|w| FRENCH.contains(w.as_str())).count();
    let english = target.iter().filter(|w| ENGLISH.contains(w.as_str())).count();
    let theirs = source.iter().filter(|w| FRENCH.contains(w.as_str())).count();
    // A title or a line of verse may be quoted in French: a few words of it are no fault.
    if french >= 3 && french > english && french * 2 >= theirs {
        return Some(format!("{french} French words are left"));
    }
    // Names, cognates and figures come out as they went in; sentences with French words do not.
    let same = source.len() >= 3 && source == target && theirs >= 1;
    let word = source.len() < 3 && source == target && p.source().chars().next().is_some_and(char::is_lowercase);
    let accented = word && p.source().chars().any(|c| c.is_alphabetic() && !c.is_ascii());
    (same || accented).then(|| "the source came out again".to_owned())
}

#[cfg(test)]
mod tests {
    use crate::engine::Identity;
    use crate::protect::{ProtectOptions, prepare};

    #[test]
    fn french_left_over_is_seen() {
        let judge = |source: &str, text: &str| {
            let p = prepare(source, &[], &[], &Identity, &ProtectOptions::default());
            super::untranslated(&p, text).is_some()
        };
        let source = "Le chat dort dans le jardin avec les enfants.";
        assert!(judge(source, source));
        assert!(judge(source, "Le chat dort dans the garden avec les enfants."));
        assert!(!judge(source, "The cat is sleeping in the garden with the children."));
        assert!(!judge("Paris Saint-Germain", "Paris Saint-Germain"));
        assert!(!judge("Il a vu « Les Enfants du paradis ».", "He saw “Les Enfants du paradis”."));
        assert!(!judge("Jean Dupont, Marie Durand", "Jean Dupont, Marie Durand"));
    }
}
