//! Puts what the source says in the place of what the model wrote for [other words](crate::protect::wording).

use std::collections::HashSet;
use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::draft::{Draft, Edit};
use super::text::occurrences;
use crate::protect::Prepared;
use crate::text::capitalised;

/// Writes the English of every wording that is not that of the words shown.
pub fn write(draft: &mut Draft, p: &Prepared) {
    for wording in p.wordings().iter().filter(|wording| !wording.instead.is_empty()) {
        let Some((place, new)) =
            wording.instead.iter().find_map(|(theirs, ours)| Some((place(draft, theirs, &wording.range)?, ours)))
        else {
            continue;
        };
        let here = &draft.text()[place.clone()];
        let new = if here.starts_with(char::is_uppercase) { capitalised(new) } else { new.clone() };
        if here != new {
            draft.replace(place, &new, Some(wording.range.clone()));
        }
    }
}

/// Makes small the first letter of who speaks behind a quotation that ends with a mark of its own: the model begins a sentence there.
pub fn go_on(draft: &mut Draft, p: &Prepared) {
    static BEHIND: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r#"[!?…]["”’']\s+(\p{Lu})(\p{Ll}*)"#).expect("a valid pattern"));
    let first = |words: &str| words.split(' ').next().unwrap_or_default().to_lowercase();
    let said: HashSet<String> =
        p.wordings().iter().flat_map(|wording| &wording.instead).map(|(_, ours)| first(ours)).collect();
    if said.is_empty() {
        return;
    }
    let edits: Vec<Edit> = BEHIND
        .captures_iter(draft.text())
        .filter_map(|found| {
            let (capital, rest) = (found.get(1)?, found.get(2)?);
            let word = format!("{}{}", capital.as_str().to_lowercase(), rest.as_str());
            said.contains(&word).then(|| Edit {
                range: capital.range(),
                new: capital.as_str().to_lowercase(),
                source: None,
            })
        })
        .collect();
    draft.replace_all(&edits);
}

/// Where the text has `words`, whatever their case, for what stands at `source`.
fn place(draft: &Draft, words: &str, source: &Range<usize>) -> Option<Range<usize>> {
    let text = draft.text().to_lowercase();
    if text.len() != draft.text().len() {
        return None;
    }
    let tie = |range: &Range<usize>| draft.tie(range.clone(), source.clone());
    let words = words.to_lowercase();
    let free = occurrences(&text, &words).filter(|range| draft.is_free(range.clone()));
    free.filter(|range| tie(range) > 0.2 || !draft.is_aligned()).max_by(|a, b| tie(a).total_cmp(&tie(b)))
}
