//! Puts protected spans back: each as often as the source has it, exactly as it stands there.

use std::ops::Range;

use super::draft::Draft;
use super::text::{stands_alone, trimmed, whole_words, words};
use crate::document::Note;
use crate::protect::{Look, Prepared, Span, SpanKind};

/// How many stray copies are taken out before a text is given up as it is.
const MOST_STRAYS: usize = 500;

/// Puts every span of `p` but known names into `draft` and takes out what the model made of them besides.
pub fn put_back(draft: &mut Draft, p: &Prepared) {
    let is_name = |i: usize| p.spans()[i].kind.is_name();
    let mut order: Vec<usize> = (0..p.spans().len()).filter(|&i| !is_name(i)).collect();
    // What is unmistakable first: the place of a word like "a" is clearer once the others are settled.
    order.sort_by_key(|&i| {
        let span = &p.spans()[i];
        (!matches!(span.look, Look::StandIn(_)), std::cmp::Reverse(span.write.len()), i)
    });
    let mut rest: Vec<usize> = order.into_iter().filter(|&i| !claim(draft, p, &p.spans()[i])).collect();
    rest.sort_unstable();
    for i in rest {
        let span = &p.spans()[i];
        if !replace(draft, p, span) {
            insert(draft, p, span);
        }
        if span.kind != SpanKind::Emoji && span.kind != SpanKind::Sign {
            draft.notes.push(Note::info("span_restored", format!("“{}” was put back by alignment", span.write)));
        }
    }
    remove_strays(draft, p);
}

/// Finds the span, or what stood in for it, in the text, and settles it there.
fn claim(draft: &mut Draft, p: &Prepared, span: &Span) -> bool {
    let shown = &p.source()[span.range.clone()];
    let (needle, sure) = match &span.look {
        Look::StandIn(word) => (word.as_str(), true),
        Look::Shown if span.kind == SpanKind::Term => (span.write.as_str(), false),
        Look::Shown | Look::Hidden => (span.write.as_str(), is_distinct(span)),
    };
    let found = find(draft, needle, span, sure, true).or_else(|| {
        let again = matches!(span.look, Look::StandIn(_)).then(|| is_distinct(span));
        again.and_then(|sure| find(draft, &span.write, span, sure, true))
    });
    // A term may stand there with another case, or be left in French.
    let found = found.or_else(|| {
        let term = span.kind == SpanKind::Term;
        term.then(|| find(draft, &span.write, span, false, false).or_else(|| find(draft, shown, span, false, false)))?
    });
    let Some(found) = found else { return false };
    let cased = if span.kind == SpanKind::Term && span.write != shown {
        let here = &draft.text()[found.clone()];
        if here.to_lowercase() == span.write.to_lowercase() { here.to_owned() } else { span.write.clone() }
    } else {
        span.write.clone()
    };
    settle(draft, span, found, &cased);
    true
}

/// Writes the span. A translated term may still have its case changed; everything else is final.
fn settle(draft: &mut Draft, span: &Span, at: Range<usize>, text: &str) {
    draft.put(at, text, span.range.clone());
}

/// The free occurrence of `needle` that is tied most to the span. Where the needle is an ordinary word, only an
/// occurrence that the alignment confirms, or the only one, counts.
pub(super) fn find(draft: &Draft, needle: &str, span: &Span, sure: bool, exact: bool) -> Option<Range<usize>> {
    if needle.is_empty() {
        return None;
    }
    let text = draft.text();
    let (hay, needle) = if exact {
        (text.to_owned(), needle.to_owned())
    } else {
        // Only where lowering keeps the bytes in place.
        let hay = text.to_lowercase();
        if hay.len() != text.len() {
            return None;
        }
        (hay, needle.to_lowercase())
    };
    let mut best: Option<(f32, Range<usize>)> = None;
    let mut count = 0;
    for (start, _) in hay.match_indices(needle.as_str()).take(1000) {
        let range = start..start + needle.len();
        let apart = span.kind.is_words() || is_apart(text, &range);
        if text.get(range.clone()).is_none() || !stands_alone(text, &range) || !apart || !draft.is_free(range.clone()) {
            continue;
        }
        count += 1;
        let tie = draft.tie(range.clone(), span.range.clone());
        if best.as_ref().is_none_or(|(t, _)| tie > *t) {
            best = Some((tie, range));
        }
    }
    let (tie, range) = best?;
    (sure || tie >= 0.2 || (count == 1 && needle.chars().count() > 3)).then_some(range)
}

/// Whether a string is no part of a longer address or name: "a.fr" is not to be found in "https://a.fr/b".
fn is_apart(text: &str, range: &Range<usize>) -> bool {
    let sign = |c: char| "@/_.:#$%&=?+-~\\".contains(c);
    let before = text[..range.start].chars().next_back();
    let mut after = text[range.end..].chars();
    let (next, second) = (after.next(), after.next());
    // A stop after it may be the sentence's.
    let goes_on = next.is_some_and(sign) && second.is_some_and(char::is_alphanumeric);
    !before.is_some_and(sign) && !goes_on
}

/// Whether what a span holds cannot be taken for a word of the translation.
fn is_distinct(span: &Span) -> bool {
    let s = span.write.as_str();
    span.kind == SpanKind::Foreign || s.chars().any(|c| !c.is_alphabetic() && c != '\'' && c != ' ') && s.len() > 1
}

/// Writes the span over the words that the alignment says the model made of it.
fn replace(draft: &mut Draft, p: &Prepared, span: &Span) -> bool {
    if span.look == Look::Hidden {
        return false;
    }
    let Some(target) = draft.target_of(span.range.clone()) else { return false };
    let off = |c: char| c.is_whitespace() || (!c.is_alphanumeric() && !span.write.contains(c));
    let target = trimmed(draft.text(), whole_words(draft.text(), target), off);
    // One span does not make a whole sentence: alignment that says so is wrong.
    let most = 8 * span.range.len().max(8);
    let all = p.source().len() > 2 * span.range.len() && target.len() * 10 > draft.text().len() * 8;
    if target.is_empty() || target.len() > most || all || !draft.is_free(target.clone()) {
        return false;
    }
    settle(draft, span, target, &span.write);
    true
}

/// Puts the span between the words that translate its neighbours.
fn insert(draft: &mut Draft, p: &Prepared, span: &Span) {
    let at = slot(draft, p, &span.range);
    let at = outside(draft, at);
    let source = p.source();
    let (before, after) = (&source[p.lead().len().min(span.range.start)..span.range.start], &source[span.range.end..]);
    let text = draft.text();
    let (left, right) = (text[..at].chars().next_back(), text[at..].chars().next());
    let glues =
        |a: Option<char>, b: Option<char>| a.is_some_and(char::is_alphanumeric) && b.is_some_and(char::is_alphanumeric);
    let (first, last) = (span.write.chars().next(), span.write.chars().next_back());
    let mut new = String::new();
    let spaced = before.ends_with(char::is_whitespace) || glues(left, first);
    if spaced && left.is_some_and(|c| !c.is_whitespace() && !"([\"“‘".contains(c)) {
        new.push(' ');
    }
    let start = at + new.len();
    new.push_str(&span.write);
    let end = at + new.len();
    let spaced = after.starts_with(char::is_whitespace) || glues(last, right);
    if spaced && right.is_some_and(|c| !c.is_whitespace() && !".,;:!?)]\"”’".contains(c)) {
        new.push(' ');
    }
    draft.replace(at..at, &new, Some(span.range.clone()));
    draft.put(start..end, &span.write, span.range.clone());
}

/// The place in the text that corresponds to the place of `range` in the source.
pub(crate) fn slot(draft: &Draft, p: &Prepared, range: &Range<usize>) -> usize {
    let (source, text) = (p.source(), draft.text());
    let lead = p.lead().len().min(range.start);
    let has_words = |s: &str| s.contains(char::is_alphanumeric);
    // A neighbour that is protected too, with nothing but signs between: right beside it.
    for other in p.spans().iter().rev().filter(|s| s.range.end <= range.start) {
        if has_words(&source[other.range.end..range.start]) {
            break;
        }
        if let Some(placed) = draft.placed(&other.range) {
            return placed.end;
        }
    }
    for other in p.spans().iter().filter(|s| s.range.start >= range.end) {
        if has_words(&source[range.end..other.range.start]) {
            break;
        }
        if let Some(placed) = draft.placed(&other.range) {
            return placed.start;
        }
    }
    if !has_words(&source[lead..range.start]) {
        return 0;
    }
    if !has_words(&source[range.end..]) {
        let tail = |s: &str| s.len() - s.trim_end_matches(|c: char| !c.is_alphanumeric()).len();
        let stop = source[range.end..].contains(['.', '!', '?', '…', ':', ';', ',']);
        return if stop { text.len() - tail(text) } else { text.trim_end().len() };
    }
    let all = words(source);
    let left = all.iter().rev().filter(|w| w.end <= range.start).take(3);
    let right = all.iter().filter(|w| w.start >= range.end).take(3);
    for (k, (l, r)) in left.zip(right).enumerate() {
        // With a comma between it and the word before, the span goes with the word after.
        let parted = k == 0 && source[l.end..range.start].contains([',', ';', ':', '(', '«', '"']);
        let ahead = draft.target_of(r.clone()).map(|t| whole_words(text, t).start);
        let behind = draft.target_of(l.clone()).map(|t| whole_words(text, t).end);
        let found = if parted { ahead.or(behind) } else { behind.or(ahead) };
        if let Some(at) = found {
            return at;
        }
    }
    let guess = text.len() * range.start / source.len().max(1);
    let guess = (0..=guess).rev().find(|&i| text.is_char_boundary(i)).unwrap_or(0);
    text[guess..].find(' ').map_or(text.trim_end().len(), |i| guess + i)
}

/// `at`, or the end of the span that it would part.
fn outside(draft: &Draft, at: usize) -> usize {
    let frozen = draft.frozen();
    frozen.iter().find(|f| f.start < at && at < f.end).map_or(at, |f| f.end)
}

/// Takes out stand-ins that no span answers for, and copies of a span that the source does not have.
fn remove_strays(draft: &mut Draft, p: &Prepared) {
    let mut strays: Vec<&str> = Vec::new();
    for span in p.spans() {
        if let Look::StandIn(word) = &span.look {
            strays.push(word);
        }
        let in_source = p.source().matches(span.write.as_str()).count();
        let protected = p.spans().iter().map(|s| s.write.matches(span.write.as_str()).count()).sum::<usize>();
        let lone = matches!(span.kind, SpanKind::Emoji | SpanKind::Sign);
        if !span.kind.is_words() && (lone || is_distinct(span)) && protected >= in_source {
            strays.push(&span.write);
        }
    }
    strays.sort_unstable_by_key(|s| (std::cmp::Reverse(s.len()), *s));
    strays.dedup();
    let mut budget = MOST_STRAYS;
    let mut again = true;
    while std::mem::take(&mut again) && budget > 0 {
        for stray in &strays {
            while let Some(range) = stray_in(draft, stray).filter(|_| budget > 0) {
                let text = draft.text();
                let space = text[..range.start].ends_with(' ')
                    && !text[range.end..].starts_with(char::is_alphanumeric)
                    && draft.is_free(range.start - 1..range.start);
                draft.replace(range.start - usize::from(space)..range.end, "", None);
                budget -= 1;
                // What stood on either side may make another one.
                again = true;
            }
        }
    }
}

/// The free part of an occurrence of `stray` that is not all protected.
fn stray_in(draft: &Draft, stray: &str) -> Option<Range<usize>> {
    let frozen = draft.frozen();
    draft.text().match_indices(stray).find_map(|(i, s)| {
        let Range { mut start, end } = i..i + s.len();
        for f in &frozen[frozen.partition_point(|f| f.end <= start)..] {
            if f.start > start {
                return Some(start..f.start.min(end));
            }
            start = f.end;
            if start >= end {
                return None;
            }
        }
        Some(start..end)
    })
}
