//! The whole way of a sentence: prepared, translated (by a stand-in for the model), restored.

mod dictionary;
mod laws;
mod numbers;
mod spans;
mod typography;
mod wordings;
mod words;

use std::ops::Range;

use super::*;
use crate::engine::{Alignment, Engine, Identity, Options, Progress};
use crate::error::Result;
use crate::protect::{ProtectOptions, prepare};

/// An engine of ASCII and a few French letters, as the public models are.
struct Narrow;

impl Engine for Narrow {
    fn translate(
        &self,
        sources: &[String],
        options: &Options,
        progress: &dyn Progress,
    ) -> Vec<Result<Vec<Hypothesis>>> {
        Identity.translate(sources, options, progress)
    }
    fn reads(&self, c: char) -> bool {
        c.is_ascii() || "àâéèêëîïôùûüçÉÀœ²°".contains(c)
    }
    fn writes(&self, c: char) -> bool {
        c.is_ascii() || "é".contains(c)
    }
}

/// A hypothesis whose words come from the source words that `pairs` name (by index, one list for each target word).
fn hypothesis(source: &str, text: &str, pairs: &[usize]) -> Hypothesis {
    let words = |t: &str| -> Vec<Range<usize>> {
        let mut at = 0;
        t.split(' ')
            .map(|w| {
                let r = at..at + w.len();
                at = r.end + 1;
                r
            })
            .collect()
    };
    let (source, target) = (words(source), words(text));
    let mut weights = vec![0.0; source.len() * target.len()];
    for (t, &s) in pairs.iter().enumerate() {
        weights[t * source.len() + s] = 0.9;
    }
    let alignment = Some(Alignment { source, target, weights });
    Hypothesis { text: text.to_owned(), score: -0.3, token_scores: Vec::new(), alignment, finished: true }
}

fn unaligned(text: &str) -> Hypothesis {
    Hypothesis { text: text.to_owned(), score: -0.3, finished: true, ..Hypothesis::default() }
}

/// Options that leave the model nothing to copy: all hangs on the alignment.
fn bare() -> ProtectOptions {
    ProtectOptions { stand_ins: Vec::new(), ..ProtectOptions::default() }
}

fn shown(source: &str) -> String {
    prepare(source, &[], &[], &Identity, &ProtectOptions::default()).text().to_owned()
}

/// What becomes of `source` when the model says `text`.
fn said(source: &str, text: &str) -> String {
    with(&Identity, source, text, &Style::default())
}

fn with(engine: &dyn Engine, source: &str, text: &str, style: &Style) -> String {
    let p = prepare(source, &[], &[], engine, &ProtectOptions::default());
    restore(&p, Some(&unaligned(text)), style, &mut |_| {}).text().to_owned()
}

fn copied(source: &str) -> String {
    let p = prepare(source, &[], &[], &Identity, &ProtectOptions::default());
    assert_ne!(p.route(), Route::Model, "{source}");
    restore(&p, None, &Style::default(), &mut |_| {}).text().to_owned()
}
