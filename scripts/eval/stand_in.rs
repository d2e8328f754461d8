//! Translates documents with an engine that stands in for a model:
//!
//! `cargo run --release --example stand_in -- same|backwards OUT_DIR FILE…`
//!
//! `same` returns every sentence as it is, so that each document must come out byte for byte. `backwards` returns the words
//! of every sentence in the opposite order, aligned, so that all markup has to move and none may be lost.

use std::path::PathBuf;

use fr2en::engine::{Alignment, Engine, Hypothesis, Identity, Options, Progress};
use fr2en::error::{Error, Result};
use fr2en::formats::{self, Format};
use fr2en::restore::Style;
use fr2en::translator::Translator;

/// The words of a sentence backwards.
struct Backwards;

impl Engine for Backwards {
    fn translate(&self, sources: &[String], _: &Options, _: &dyn Progress) -> Vec<Result<Vec<Hypothesis>>> {
        sources.iter().map(|source| Ok(vec![backwards(source)])).collect()
    }
}

fn backwards(source: &str) -> Hypothesis {
    let words: Vec<&str> = source.split_whitespace().collect();
    let start = |word: &str| word.as_ptr() as usize - source.as_ptr() as usize;
    let (mut text, mut target) = (String::new(), Vec::new());
    for word in words.iter().rev() {
        if !text.is_empty() {
            text.push(' ');
        }
        target.push(text.len()..text.len() + word.len());
        text.push_str(word);
    }
    let n = words.len();
    let mut weights = vec![0.0; n * n];
    (0..n).for_each(|t| weights[t * n + n - 1 - t] = 1.0);
    let places = words.iter().map(|word| start(word)..start(word) + word.len()).collect();
    let alignment = Some(Alignment { source: places, target, weights });
    Hypothesis { text, score: 0.0, token_scores: vec![0.0; n + 1], alignment, finished: true }
}

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let usage = || Error::settings("same|backwards OUT_DIR FILE…");
    let engine: Box<dyn Engine> = match args.next().as_deref() {
        Some("same") => Box::new(Identity),
        Some("backwards") => Box::new(Backwards),
        _ => return Err(usage()),
    };
    let out = PathBuf::from(args.next().ok_or_else(usage)?);
    let translator = Translator::builder().engine(engine).style(Style::verbatim()).guards(false).build()?;
    for path in args.map(PathBuf::from) {
        let written = || {
            let bytes = std::fs::read(&path).map_err(|e| Error::io(&path, "read", e))?;
            let parsed = formats::parse(Format::from_path(&path).unwrap_or_default(), bytes)?;
            let (outcomes, _) = translator.translate_documents(&[parsed.as_ref()], &())?;
            let target = out.join(path.file_name().unwrap_or_default());
            std::fs::write(&target, parsed.to_bytes(&outcomes[0].targets)?).map_err(|e| Error::io(&target, "write", e))
        };
        if let Err(error) = written() {
            eprintln!("error: {}", error.at(&path));
        }
    }
    Ok(())
}
