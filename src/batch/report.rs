//! What is said of a job: counts that add up, and a report in JSON lines that is written as the job goes on.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::error::{Error, Result};
use crate::memory::MemoryUse;
use crate::translator::{DocumentReport, SegmentReport};

/// Counts of a document, or of many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    pub documents: u64,
    pub segments: u64,
    /// Segments that kept their French text because they could not be translated.
    pub failed: u64,
    /// Segments with a warning.
    pub warned: u64,
    /// Source words.
    pub words: u64,
    /// Rows of record files.
    pub rows: u64,
    /// Parts of documents that could not be read and are as they were, such as broken rows.
    pub broken: u64,
}

/// How far a job is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Progress {
    pub documents: u64,
    pub documents_in_all: u64,
    pub bytes: u64,
    pub bytes_in_all: u64,
    /// Of this run.
    pub segments: u64,
    pub words: u64,
    pub seconds: f64,
    pub words_per_second: f64,
    pub seconds_left: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<MemoryUse>,
}

/// Hears what happens.
pub trait Observer: Sync {
    /// Something failed; the rest goes on.
    fn fault(&self, error: &Error);

    /// Something the user may want to know.
    fn detail(&self, message: &str);

    /// Another window of work is done and safely written.
    fn progress(&self, progress: &Progress);
}

impl Counts {
    pub fn add(&mut self, other: &Self) {
        self.change(other, u64::saturating_add);
    }

    /// Takes out what was added before.
    pub fn subtract(&mut self, other: &Self) {
        self.change(other, u64::saturating_sub);
    }

    fn change(&mut self, other: &Self, change: fn(u64, u64) -> u64) {
        let Self { documents, segments, failed, warned, words, rows, broken } = *other;
        self.documents = change(self.documents, documents);
        self.segments = change(self.segments, segments);
        self.failed = change(self.failed, failed);
        self.warned = change(self.warned, warned);
        self.words = change(self.words, words);
        self.rows = change(self.rows, rows);
        self.broken = change(self.broken, broken);
    }

    /// Of what the translator reports of a document, or of a part of one.
    pub fn of(report: &DocumentReport) -> Self {
        let count = |is: fn(&SegmentReport) -> bool| report.segments.iter().filter(|s| is(s)).count() as u64;
        Self {
            segments: report.segments.len() as u64,
            failed: count(|s| s.error.is_some()),
            warned: count(|s| s.notes.iter().any(|n| n.warning)),
            words: report.segments.iter().map(|s| s.source.split_whitespace().count() as u64).sum(),
            ..Self::default()
        }
    }

    /// Whether all went well.
    pub fn is_clean(&self) -> bool {
        self.failed == 0 && self.broken == 0
    }
}

/// Whether a segment is worth a word to whoever did not ask for a report: it kept its French text, or a guard is not content.
pub fn is_doubtful(segment: &SegmentReport) -> bool {
    segment.error.is_some() || segment.notes.iter().any(|note| note.warning)
}

/// The report's file: a line for each segment that someone should look at, one for each document, one with the totals.
pub struct Report {
    file: BufWriter<File>,
    path: PathBuf,
    written: u64,
}

impl Report {
    /// Opens the report of a job of which `kept` bytes are written.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(path: &Path, kept: u64) -> Result<Self> {
        let failed = |e| Error::io(path, "write", e);
        let mut file = OpenOptions::new().write(true).create(true).truncate(false).open(path).map_err(failed)?;
        let kept = kept.min(file.metadata().map_err(failed)?.len());
        file.set_len(kept).and_then(|()| file.seek(SeekFrom::Start(kept))).map_err(failed)?;
        Ok(Self { file: BufWriter::new(file), path: path.to_owned(), written: kept })
    }

    /// Notes the segments of a document, or of a part of one, that someone should look at.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn segments(&mut self, document: &str, report: &DocumentReport) -> Result<()> {
        let doubtful = |s: &&SegmentReport| s.error.is_some() || s.notes.iter().any(|n| n.warning);
        report
            .segments
            .iter()
            .filter(doubtful)
            .try_for_each(|s| self.line(&json!({"document": document, "segment": s})))
    }

    /// # Errors
    /// When it cannot be written.
    pub fn fault(&mut self, document: &str, error: &Error) -> Result<()> {
        self.line(&json!({"document": document, "error": error.to_string()}))
    }

    /// # Errors
    /// When it cannot be written.
    pub fn document(&mut self, document: &str, counts: &Counts) -> Result<()> {
        self.line(&json!({"document": document, "done": counts}))
    }

    /// # Errors
    /// When it cannot be written.
    pub fn line(&mut self, line: &Value) -> Result<()> {
        let text = format!("{line}\n");
        self.written += text.len() as u64;
        self.file.write_all(text.as_bytes()).map_err(|e| Error::io(&self.path, "write", e))
    }

    /// Puts on disk what was noted; answers with the report's size.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn sync(&mut self) -> Result<u64> {
        let synced = self.file.flush().and_then(|()| self.file.get_ref().sync_data());
        synced.map(|()| self.written).map_err(|e| Error::io(&self.path, "write", e))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{BlockKind, Note};

    #[test]
    fn a_low_score_alone_is_not_worth_a_word() {
        let segment = |codes: &[&'static str]| SegmentReport {
            kind: BlockKind::Paragraph,
            block: 0,
            offset: 0,
            quote_depth: 0,
            source: String::new(),
            target: String::new(),
            score: None,
            confidence: None,
            notes: codes.iter().map(|code| Note::warning(code, String::new())).collect(),
            error: None,
        };
        assert!(!is_doubtful(&segment(&[])) && is_doubtful(&segment(&["number_lost"])));
        assert!(is_doubtful(&SegmentReport { error: Some("cut".to_owned()), ..segment(&[]) }));
    }
}
