//! Names get back the letters that the model cannot write, and words the signs that its tokenizer folds.

use std::ops::Range;

use unicode_normalization::UnicodeNormalization;

use super::draft::Draft;
use super::text::{stands_alone, whole_words, words};
use crate::protect::Prepared;
use crate::protect::sight::fold;

/// Puts the source's spelling in the place of what the model made of a name with letters it cannot write.
pub fn restore(draft: &mut Draft, p: &Prepared) {
    let source = p.source();
    let first = source.find(char::is_alphanumeric);
    for name in p.unwritable() {
        let word = &source[name.clone()];
        // "Évidemment" at the start is no name for its capital; nor is the É what a reader misses in it.
        let head = word.chars().next().map_or(0, char::len_utf8);
        if first == Some(name.start) && word[head..].is_ascii() {
            continue;
        }
        if let Some(target) = spelt(draft, name, word) {
            draft.replace(target, word, Some(name.clone()));
        }
    }
    for word in words(source) {
        signs(draft, p, word);
    }
}

/// Where the text has the name, misspelt in the way of a model that lacks its letters.
fn spelt(draft: &Draft, name: &Range<usize>, word: &str) -> Option<Range<usize>> {
    let text = draft.text();
    let folded = fold(word);
    if text.contains(word) {
        return None;
    }
    let same = words(text).into_iter().flat_map(|w| parts(text, w)).filter(|w| draft.is_free(w.clone()));
    let same = same.filter(|w| fold(&text[w.clone()]) == folded && text[w.clone()].starts_with(char::is_uppercase));
    if let Some(found) =
        same.max_by(|a, b| draft.tie(a.clone(), name.clone()).total_cmp(&draft.tie(b.clone(), name.clone())))
    {
        return Some(found);
    }
    // The letters missing ("Moli re", "Molire"): only where the alignment leads there, and what is left agrees.
    let target = whole_words(text, draft.target_of(name.clone())?);
    let made: String = text[target.clone()].chars().filter(|c| c.is_alphanumeric()).collect();
    let kept: String = word.chars().filter(char::is_ascii).collect();
    let (made, kept) = (fold(&made), fold(&kept));
    let close = made == kept || made == folded || (made.len() > 4 && distance(&made, &folded) <= 1 + folded.len() / 6);
    let same_start = made.chars().next() == folded.chars().next() || made == kept;
    (close && same_start && draft.is_free(target.clone())).then_some(target)
}

/// The parts of a hyphenated word, and the word.
fn parts(text: &str, word: Range<usize>) -> Vec<Range<usize>> {
    let mut out = vec![word.clone()];
    let mut start = word.start;
    for (i, c) in text[word.clone()].char_indices() {
        if !c.is_alphanumeric() {
            out.push(start..word.start + i);
            start = word.start + i + c.len_utf8();
        }
    }
    if start > word.start {
        out.push(start..word.end);
    }
    out
}

/// m² comes back where the tokenizer made it m2.
fn signs(draft: &mut Draft, p: &Prepared, word: Range<usize>) {
    let written = &p.source()[word.clone()];
    if !written.contains(['²', '³', '¹', '₂', '₃', '½', '¼', '¾']) {
        return;
    }
    let folded: String = written.nfkc().collect();
    let text = draft.text();
    let found = text.match_indices(&folded).map(|(i, s)| i..i + s.len()).filter(|r| stands_alone(text, r));
    let best = found
        .filter(|r| draft.is_free(r.clone()))
        .max_by(|a, b| draft.tie(a.clone(), word.clone()).total_cmp(&draft.tie(b.clone(), word.clone())));
    if let Some(range) = best {
        let written = written.to_owned();
        draft.replace(range, &written, Some(word));
    }
}

/// Edits between two short words.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, &cb) in b.iter().enumerate() {
            let next = (diagonal + usize::from(ca != cb)).min(row[j] + 1).min(row[j + 1] + 1);
            diagonal = row[j + 1];
            row[j + 1] = next;
        }
    }
    row[b.len()]
}
