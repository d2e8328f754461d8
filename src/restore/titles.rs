//! French abbreviations before names and numbers that a model copies, where English has its own.

use super::draft::Draft;
use super::text::words;
use crate::protect::Prepared;

/// As French and as English write them.
const COPIED: [(&str, &str); 6] =
    [("Mlle", "Miss"), ("Mme", "Mrs"), ("Mmes", "Mrs"), ("Pr", "Prof."), ("Tél", "Tel"), ("tél", "tel")];

/// Puts the English ones in the place of those that stand in the source as well.
pub fn translate(draft: &mut Draft, p: &Prepared) {
    let source = words(p.source());
    if !source.iter().any(|word| english(&p.source()[word.clone()]).is_some()) {
        return;
    }
    for word in words(draft.text()).into_iter().rev() {
        let text = draft.text();
        let Some((french, new)) = english(&text[word.clone()]) else { continue };
        let rest = &text[word.end..];
        let named = rest.trim_start_matches(['.', ' ', '\u{a0}']).starts_with(char::is_uppercase);
        let copied = source.iter().any(|range| &p.source()[range.clone()] == french);
        // A title stands before a name; "Pr" alone may be anything.
        if !copied || !draft.is_free(word.clone()) || !(named || new.eq_ignore_ascii_case("tel")) {
            continue;
        }
        let stop = new.ends_with('.') && rest.starts_with('.');
        let new = if stop { new.trim_end_matches('.') } else { new };
        draft.replace(word, new, None);
    }
}

fn english(word: &str) -> Option<(&'static str, &'static str)> {
    COPIED.into_iter().find(|(french, _)| *french == word)
}
