//! Names get back the letters that the model cannot write, and words the signs that its tokenizer folds.

use std::ops::Range;

use unicode_normalization::UnicodeNormalization;

use super::draft::Draft;
use super::text::{occurrences, trimmed, whole_words, words};
use crate::document::Note;
use crate::protect::Prepared;
use crate::protect::names::exonym;
use crate::protect::sight::fold;

/// Puts the source's spelling in the place of what the model made of a name with letters it cannot write.
pub fn restore(draft: &mut Draft, p: &Prepared) {
    let source = p.source();
    let first = source.find(char::is_alphanumeric);
    for name in p.names().iter().filter(|name| name.unwritable) {
        let name = &name.range;
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
    for name in p.names().iter().filter(|name| name.rare) {
        respell(draft, source, &name.range);
    }
    for name in p.names().iter().filter(|name| name.acronym) {
        abbreviate(draft, source, &name.range);
    }
    for word in words(source) {
        if first != Some(word.start) {
            accents(draft, source, &word);
        }
        inner_capitals(draft, source, &word);
        signs(draft, p, word);
    }
}

/// Puts a name with accents in the place of what differs from it by an accent or two letters and has accents as well: Elysé
/// for Élysée. No English form of a name has any.
fn accents(draft: &mut Draft, source: &str, name: &Range<usize>) {
    let word = &source[name.clone()];
    if word.is_ascii() || !word.starts_with(char::is_uppercase) || !word.chars().all(char::is_alphabetic) {
        return;
    }
    let Some(target) = spelt(draft, name, word) else { return };
    let made = &draft.text()[target.clone()];
    if !made.is_ascii() && made.chars().all(char::is_alphabetic) {
        put(draft, target, word, name);
    }
}

/// Gives a word in capitals its own letters again where the model wrote it with some of them small: DuVAL for DUVAL.
fn inner_capitals(draft: &mut Draft, source: &str, word: &Range<usize>) {
    let right = &source[word.clone()];
    if right.chars().count() < 3 || right.contains(char::is_lowercase) || !right.contains(char::is_alphabetic) {
        return;
    }
    let text = draft.text();
    let loud = |made: &str| made.chars().filter(|c| c.is_uppercase()).count();
    let mixed = |made: &str| loud(made) > 1 && made.contains(char::is_lowercase);
    let like = |made: &Range<usize>| mixed(&text[made.clone()]) && text[made.clone()].to_uppercase() == right;
    if let Some(made) = words(text).into_iter().find(|made| like(made) && draft.is_free(made.clone())) {
        put(draft, made, right, word);
    }
}

/// Puts a rare name in the place of what the model garbled: the word with a capital that the alignment leads to, spelt in
/// pieces like the name, and like it only in its first letter and some others. What may be an English form of the name (it
/// begins with most of it, and ends otherwise) stays.
fn respell(draft: &mut Draft, source: &str, name: &Range<usize>) {
    let (text, word) = (draft.text(), &source[name.clone()]);
    let right = exonym(word).unwrap_or(word);
    let has = |needle: &str| occurrences(text, needle).next().is_some();
    if has(word) || has(right) || has(&fold_accents(word)) {
        return;
    }
    let Some(target) = made_of(draft, name) else { return };
    let made = &text[target.clone()];
    let spelt = draft.ties(name.clone()).filter(|(t, _)| t.start < target.end && t.end > target.start).count();
    let (a, b) = (fold(made), fold(word));
    if !made.starts_with(char::is_uppercase) || !made.chars().all(char::is_alphabetic) {
        return;
    }
    // Another word of the source may have come out here.
    if words(source).into_iter().any(|w| w != *name && fold(&source[w]) == a) {
        return;
    }
    let cut_short = b.starts_with(&a) && b.len() >= a.len() + 3 && a.len() > 1;
    let shared = a.bytes().zip(b.bytes()).take_while(|(x, y)| x == y).count();
    let garbled = spelt > 1 && a.chars().next() == b.chars().next() && shared * 2 < a.len().min(b.len());
    if cut_short || garbled {
        put(draft, target, right, name);
    }
}

/// Puts an abbreviation in the place of the one that the model made of it, letter by letter: SNCF became CDSF.
fn abbreviate(draft: &mut Draft, source: &str, name: &Range<usize>) {
    let (text, word) = (draft.text(), &source[name.clone()]);
    let has = |text: &str, word: &str| occurrences(text, word).next().is_some();
    if has(text, word) {
        return;
    }
    let Some(target) = made_of(draft, name) else { return };
    let made = &text[target.clone()];
    let short = made.len() > 1 && made.bytes().all(|b| b.is_ascii_uppercase());
    if short && !has(source, made) {
        put(draft, target, word, name);
    }
}

/// The whole words that the model made of a name, where the alignment leads, if they may be changed.
fn made_of(draft: &Draft, name: &Range<usize>) -> Option<Range<usize>> {
    let text = draft.text();
    let target = trimmed(text, whole_words(text, draft.target_of(name.clone())?), |c| !c.is_alphanumeric());
    draft.is_free(target.clone()).then_some(target)
}

/// Puts the right name in the place of what the model made of it, and says so.
fn put(draft: &mut Draft, target: Range<usize>, right: &str, name: &Range<usize>) {
    let note = format!("{} became {right}", &draft.text()[target.clone()]);
    draft.replace(target, right, Some(name.clone()));
    draft.notes.push(Note::info("name_restored", note));
}

/// The word without its accents, its case kept.
fn fold_accents(word: &str) -> String {
    word.nfd().filter(|c| !unicode_normalization::char::is_combining_mark(*c)).collect()
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
    let best = occurrences(text, &folded)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Alignment, Engine, Hypothesis, Identity, Options, Progress};
    use crate::error::Result;
    use crate::protect::{ProtectOptions, prepare};
    use crate::text::runs;

    /// An engine that spells long words in pieces and writes ASCII.
    struct Spelling;

    impl Engine for Spelling {
        fn translate(&self, s: &[String], o: &Options, p: &dyn Progress) -> Vec<Result<Vec<Hypothesis>>> {
            Identity.translate(s, o, p)
        }
        fn count_tokens(&self, text: &str) -> usize {
            // Capitals one by one.
            text.chars().count().div_ceil(4).max(text.chars().filter(|c| c.is_uppercase()).count()) + 1
        }
        fn max_tokens(&self) -> usize {
            512
        }
        fn reads(&self, _: char) -> bool {
            true
        }
        fn writes(&self, c: char) -> bool {
            c.is_ascii()
        }
    }

    /// An engine that writes every letter.
    struct Writing;

    impl Engine for Writing {
        fn translate(&self, s: &[String], o: &Options, p: &dyn Progress) -> Vec<Result<Vec<Hypothesis>>> {
            Identity.translate(s, o, p)
        }
    }

    fn restored(source: &str, reply: &str) -> String {
        with(&Spelling, source, reply)
    }

    /// What becomes of `reply`, whose words are those of `source` in order; `|` parts the pieces of one word.
    fn with(engine: &dyn Engine, source: &str, reply: &str) -> String {
        let p = prepare(source, &[], &[], engine, &ProtectOptions::default());
        let shown = runs(p.text(), |_, c, _| !c.is_whitespace());
        let (mut text, mut target, mut from) = (String::new(), Vec::new(), Vec::new());
        for (i, word) in reply.split(' ').enumerate() {
            text.push_str(if i > 0 { " " } else { "" });
            for piece in word.split('|') {
                target.push(text.len()..text.len() + piece.len());
                from.push(i);
                text.push_str(piece);
            }
        }
        let mut weights = vec![0.0; shown.len() * target.len()];
        from.iter().enumerate().for_each(|(t, s)| weights[t * shown.len() + s] = 1.0);
        let alignment = Some(Alignment { source: shown, target, weights });
        let hypothesis = Hypothesis { text, alignment, finished: true, ..Hypothesis::default() };
        let mut draft = Draft::new(&hypothesis, |r| p.to_segment(r));
        restore(&mut draft, &p);
        draft.text().to_owned()
    }

    #[test]
    fn names_get_their_letters_back() {
        assert_eq!(restored("Hier Molière dort", "Yesterday Moliere sleeps"), "Yesterday Molière sleeps");
        assert_eq!(restored("Hier Molière dort", "Yesterday Moli|re sleeps"), "Yesterday Molière sleeps");
        assert_eq!(restored("Évidemment Jean dort", "Evidently Jean sleeps"), "Evidently Jean sleeps");
    }

    #[test]
    fn what_a_model_makes_of_rare_names_is_put_right() {
        // Cut short, and garbled.
        assert_eq!(restored("Le ministre Lecornu parle", "The minister Leco speaks"), "The minister Lecornu speaks");
        assert_eq!(restored("Le maire Bardella parle", "The mayor Bur|nett speaks"), "The mayor Bardella speaks");
        // English has names of its own.
        assert_eq!(restored("Le président Poutine parle", "The president Pout speaks"), "The president Putin speaks");
        assert_eq!(restored("Le président Poutine parle", "The president Putin speaks"), "The president Putin speaks");
    }

    #[test]
    fn accents_are_the_source_s_where_there_are_any() {
        for (source, reply, expected) in [
            ("Hier Élysée dort", "Yesterday Elys|é sleeps", "Yesterday Élysée sleeps"),
            ("Hier Élysée dort", "Yesterday Elysée sleeps", "Yesterday Élysée sleeps"),
            ("Hier Québec dort", "Yesterday Quebec sleeps", "Yesterday Quebec sleeps"),
            ("Hier Église dort", "Yesterday café sleeps", "Yesterday café sleeps"),
        ] {
            assert_eq!(with(&Writing, source, reply), expected);
        }
    }

    #[test]
    fn abbreviations_stay_what_they_are() {
        assert_eq!(restored("Hier la SNCF annule", "Yesterday the CD|SF cancels"), "Yesterday the SNCF cancels");
        assert_eq!(restored("Hier notre OM gagne", "Yesterday our W|HO wins"), "Yesterday our OM wins");
        for (source, reply) in [
            ("Hier la SNCF annule", "Yesterday the railway cancels"),
            ("Hier le PNB monte", "Yesterday the G|NP rises"),
            ("Hier cette UE vote", "Yesterday this E|U votes"),
            ("La BNP et la SNCF", "The BNP and the BNP"),
            ("Il est TROP tard", "It is TOO late"),
        ] {
            assert_eq!(restored(source, reply), reply.replace('|', ""));
        }
    }

    #[test]
    fn english_forms_of_names_stay() {
        for (source, reply) in [
            ("Le prince Maximilien dort", "The prince Maxim|ilian sleeps"),
            ("Le chat Bardella dort", "The cat Smith sleeps"),
            ("La ville Alexandrie dort", "The city Alexandria sleeps"),
        ] {
            assert_eq!(restored(source, reply), reply.replace('|', ""));
        }
    }
}
