//! Loops: words and phrases that come out more often than they went in.

use std::collections::HashMap;

/// The words of a text in small letters; a text without any gives its signs.
fn words(text: &str) -> Vec<String> {
    let split = |c: char| !c.is_alphanumeric() && c != '\'' && c != '’';
    let found: Vec<String> = text.split(split).filter(|w| !w.is_empty()).map(str::to_lowercase).collect();
    if found.is_empty() { text.chars().filter(|c| !c.is_whitespace()).map(String::from).collect() } else { found }
}

/// The longest run of one word.
fn longest_run(words: &[String]) -> (usize, &str) {
    let mut best = (0, "");
    let mut run = 0;
    for (i, word) in words.iter().enumerate() {
        run = if i > 0 && words[i - 1] == *word { run + 1 } else { 1 };
        if run > best.0 {
            best = (run, word);
        }
    }
    best
}

/// How often the most frequent phrase of `n` words occurs.
fn most_frequent(words: &[String], n: usize) -> (usize, String) {
    let mut counts: HashMap<&[String], usize> = HashMap::new();
    for phrase in words.windows(n) {
        *counts.entry(phrase).or_default() += 1;
    }
    counts
        .into_iter()
        .max_by_key(|(phrase, count)| (*count, std::cmp::Reverse(*phrase)))
        .map_or((0, String::new()), |(p, c)| (c, p.join(" ")))
}

/// A loop in `text` that `source` does not have: what and how bad.
pub fn find(source: &str, text: &str) -> Option<(String, f32)> {
    let (s, t) = (words(source), words(text));
    let (run, word) = longest_run(&t);
    let (theirs, _) = longest_run(&s);
    if run > 2 && run > theirs {
        return Some((format!("“{word}” comes {run} times in a row"), if run > 3 { 0.8 } else { 0.4 }));
    }
    // Short phrases recur in good prose; from the third time on, beyond the source's own, they do not.
    for (n, least) in [(6, 2), (4, 3), (3, 4), (2, 5)] {
        let (count, phrase) = most_frequent(&t, n);
        let (theirs, _) = most_frequent(&s, n);
        let own = theirs.max(most_frequent(&s, n.saturating_sub(1).max(1)).0 * usize::from(theirs > 1));
        if count >= least && count > own.max(1) {
            let severity = (0.3 + 0.15 * (count - own.max(1)) as f32).min(0.9);
            return Some((format!("“{phrase}” comes {count} times"), severity));
        }
    }
    None
}

/// Whether a few words came out twice: "Hallo" as "Hello hello".
pub fn is_doubled(source: &str, text: &str) -> bool {
    let (s, t) = (words(source), words(text));
    let twice = |w: &[String]| w.len() > 1 && w.len().is_multiple_of(2) && w[..w.len() / 2] == w[w.len() / 2..];
    s.len() <= 4 && twice(&t) && !twice(&s)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loops_are_found() {
        let cat = "the cat sleeps on the mat and ".repeat(4);
        assert!(find("Le chat dort sur le tapis rouge.", &cat).is_some());
        assert!(find("Il rit.", "He laughs laughs laughs laughs.").is_some());
        assert!(find("bla bla bla bla", "blah blah blah blah").is_none());
        assert!(find("Il a dit oui, et puis il a dit non.", "He said yes, and then he said no.").is_none());
        assert!(find("", "").is_none());
    }

    #[test]
    fn one_word_doubled() {
        assert!(is_doubled("Bonjour", "Hello hello"));
        assert!(is_doubled("Bonjour !", "Hello! Hello!"));
        assert!(!is_doubled("Non, non !", "No, no!"));
    }
}
