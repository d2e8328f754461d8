//! Puts what the source says in the place of what the model wrote for [other words](crate::protect::wording).

use std::ops::Range;

use super::draft::Draft;
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

/// Where the text has `words`, whatever their case, for what stands at `source`.
fn place(draft: &Draft, words: &str, source: &Range<usize>) -> Option<Range<usize>> {
    let text = draft.text().to_lowercase();
    if text.len() != draft.text().len() {
        return None;
    }
    let tie = |range: &Range<usize>| draft.tie(range.clone(), source.clone());
    let free = occurrences(&text, words).filter(|range| draft.is_free(range.clone()));
    free.filter(|range| tie(range) > 0.2 || !draft.is_aligned()).max_by(|a, b| tie(a).total_cmp(&tie(b)))
}
