//! What happened to every segment, and how long each stage took.

use std::time::{Duration, Instant};

use serde::Serialize;

use crate::document::{BlockKind, Note};

/// The report of one document.
#[derive(Clone, Debug, Default, Serialize)]
pub struct DocumentReport {
    /// The document's name, where it has one.
    pub name: Option<String>,
    pub segments: Vec<SegmentReport>,
}

/// The report of one segment.
#[derive(Clone, Debug, Serialize)]
pub struct SegmentReport {
    pub kind: BlockKind,
    /// Index of the block in the document, from 0.
    pub block: usize,
    /// Byte offset in the document of the block that holds the segment.
    pub offset: usize,
    /// How many quotations are open where it starts.
    pub quote_depth: usize,
    pub source: String,
    pub target: String,
    /// Mean log-probability of a target token; absent where the model was not asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<f32>,
    /// 0 to 1, the chance that the translation is good: see [`crate::check::confidence::Confidence`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f32>,
    /// What was changed, retried or given up.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Note>,
    /// Why the segment kept its French text, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Counts and times of a run over any number of documents.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Totals {
    pub documents: usize,
    pub segments: usize,
    /// Segments that kept their French text because they could not be translated.
    pub failed: usize,
    /// Segments with a warning.
    pub warned: usize,
    /// Source words: runs without white space.
    pub words: usize,
    /// Different sentences that the model was asked for.
    pub sentences_translated: usize,
    pub target_tokens: usize,
    /// Seconds by stage, in the order of the pipeline.
    pub seconds: Stages,
    /// Source words a second of the translate stage.
    pub words_per_second: f64,
}

/// Seconds by stage.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Stages {
    pub split: f64,
    pub protect: f64,
    pub translate: f64,
    pub retry: f64,
    pub restore: f64,
}

impl Totals {
    /// Adds the counts and times of another run.
    pub fn add(&mut self, other: &Totals) {
        self.documents += other.documents;
        self.segments += other.segments;
        self.failed += other.failed;
        self.warned += other.warned;
        self.words += other.words;
        self.sentences_translated += other.sentences_translated;
        self.target_tokens += other.target_tokens;
        self.seconds.split += other.seconds.split;
        self.seconds.protect += other.seconds.protect;
        self.seconds.translate += other.seconds.translate;
        self.seconds.retry += other.seconds.retry;
        self.seconds.restore += other.seconds.restore;
        self.rate();
    }

    pub(super) fn count(&mut self, segment: &SegmentReport) {
        self.segments += 1;
        self.failed += usize::from(segment.error.is_some());
        self.warned += usize::from(segment.notes.iter().any(|n| n.warning));
        self.words += segment.source.split_whitespace().count();
    }

    pub(super) fn rate(&mut self) {
        let seconds = self.seconds.translate + self.seconds.retry;
        self.words_per_second = if seconds > 0.0 { self.words as f64 / seconds } else { 0.0 };
    }
}

/// Reads the clock between stages.
pub(super) struct Watch(Instant);

impl Watch {
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Seconds since the last lap.
    pub fn lap(&mut self) -> f64 {
        let now = Instant::now();
        let spent: Duration = now - std::mem::replace(&mut self.0, now);
        spent.as_secs_f64()
    }
}
