//! Wires the rooms together; the only place that knows all of them.

mod builder;
mod pieces;
mod pipeline;
mod report;
#[cfg(test)]
mod tests;
mod tuning;

pub use crate::marian::device::{Compute, DeviceChoice};
pub use builder::Builder;
pub(crate) use builder::load;
pub use report::{DocumentReport, SegmentReport, Stages, Totals};

use crate::check::confidence::Confidence;
use crate::document::Target;
use crate::engine::{Engine, Options};
use crate::error::{Error, ErrorKind, Result};
use crate::formats::{self, Format, Parsed};
use crate::protect::ProtectOptions;
use crate::restore::Style;

/// Translates French text and documents into English. `Send + Sync`: one translator serves any number of threads.
pub struct Translator {
    engine: Box<dyn Engine>,
    description: String,
    machine: String,
    digest: String,
    options: Options,
    style: Style,
    protect: ProtectOptions,
    strict: bool,
    guards: bool,
    confidence: Confidence,
}

/// Hears how far the work is. Every method has an empty default.
pub trait Monitor: Sync {
    /// So many more sentences are going to be translated.
    fn planned(&self, _sentences: usize) {}

    /// So many more are done, with so many target tokens; `false` asks to stop.
    fn done(&self, _sentences: usize, _tokens: usize) -> bool {
        true
    }
}

impl Monitor for () {}

/// A translated document and the report on it.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// One for each block, to be written by the document's format.
    pub targets: Vec<Target>,
    pub report: DocumentReport,
}

impl Outcome {
    /// The first segment that could not be translated, as an error.
    pub fn error(&self) -> Option<Error> {
        let failed = |s: &&SegmentReport| s.error.is_some();
        let first = self.report.segments.iter().find(failed)?;
        let count = self.report.segments.iter().filter(failed).count();
        let reason = first.error.as_deref().unwrap_or_default();
        let message = format!("{count} segments kept their French text; the first, at byte {}: {reason}", first.offset);
        Some(Error::new(ErrorKind::Quality, message))
    }
}

impl Translator {
    /// A translator is built with the bundled model unless told otherwise.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Translates plain text, keeping its lines, blank lines, indentation and quotations.
    ///
    /// # Errors
    /// When a segment could not be translated at all. [`Translator::translate_documents`] gives the rest even then.
    pub fn translate(&self, text: &str) -> Result<String> {
        self.translate_batch(&[text]).pop().unwrap_or_else(|| Ok(String::new()))
    }

    /// Translates several texts at once, which is faster than one by one: their sentences share batches.
    /// The results are those of [`Translator::translate`] on each.
    pub fn translate_batch(&self, texts: &[&str]) -> Vec<Result<String>> {
        let parse = |text: &&str| formats::parse_text(Format::Plain, (*text).to_owned(), &formats::Options::default());
        let parsed: Vec<Box<dyn Parsed>> = match texts.iter().map(parse).collect() {
            Ok(parsed) => parsed,
            Err(error) => return vec![Err(error)],
        };
        let documents: Vec<&dyn Parsed> = parsed.iter().map(Box::as_ref).collect();
        match self.translate_documents(&documents, &()) {
            Ok((outcomes, _)) => outcomes
                .into_iter()
                .zip(&documents)
                .map(|(outcome, document)| outcome.error().map_or_else(|| Ok(document.render(&outcome.targets)), Err))
                .collect(),
            Err(error) => {
                let kind = error.kind();
                texts.iter().map(|_| Err(Error::new(kind, error.to_string()))).collect()
            }
        }
    }

    /// Translates documents of any format; their sentences share batches. A segment that fails keeps its source text
    /// and is named in the report.
    ///
    /// # Errors
    /// [`ErrorKind::Interrupted`] when `monitor` asked to stop.
    pub fn translate_documents(
        &self,
        documents: &[&dyn Parsed],
        monitor: &dyn Monitor,
    ) -> Result<(Vec<Outcome>, Totals)> {
        pipeline::run(self, documents, monitor)
    }

    /// The engine underneath.
    pub fn engine(&self) -> &dyn Engine {
        self.engine.as_ref()
    }

    /// How it searches.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// A digest of the model's files, where the builder was told that it would be asked for or has a memory.
    pub fn model_digest(&self) -> Option<&str> {
        Some(self.digest.as_str()).filter(|digest| !digest.is_empty())
    }

    /// Device, arithmetic and instruction set: what besides the model and the settings may decide the last digits.
    pub fn machine(&self) -> &str {
        &self.machine
    }

    /// How it writes English.
    pub fn style(&self) -> &Style {
        &self.style
    }

    /// Whether a segment that the guards are not content with is an error.
    pub fn is_strict(&self) -> bool {
        self.strict
    }

    /// The model, device and arithmetic, in words.
    pub fn describe(&self) -> &str {
        &self.description
    }
}
