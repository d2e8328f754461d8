use super::Translator;
use crate::engine::{Engine, Hypothesis, Options, Progress};
use crate::error::Result;
use crate::formats::{Format, parse};

/// Says nothing to everything.
struct Mute;

impl Engine for Mute {
    fn translate(&self, sources: &[String], _: &Options, _: &dyn Progress) -> Vec<Result<Vec<Hypothesis>>> {
        sources.iter().map(|_| Ok(vec![Hypothesis::default()])).collect()
    }
}

#[test]
fn something_said_never_becomes_nothing() {
    let translator = Translator::builder().engine(Box::new(Mute)).build().expect("a translator");
    let parsed = parse(Format::Plain, "Le chat dort là-bas.\n").expect("a text");
    let (outcomes, _) = translator.translate_documents(&[parsed.as_ref()], &()).expect("translated");
    assert_eq!(outcomes[0].targets[0].text, "Le chat dort là-bas.");
    assert!(outcomes[0].report.segments[0].notes.iter().any(|note| note.warning && note.code == "kept_source"));
}
