//! What was measured on a model, beside it in `generation_config.json`.

use serde::Deserialize;

use crate::check::confidence::Confidence;
use crate::error::{Error, Result};
use crate::protect::QuoteSight;
use crate::store::ModelFiles;

/// What the file may say besides what [`crate::marian::Config`] reads; everything has a default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct Tuning {
    /// `scripts/eval/calibrate.py` finds it.
    pub confidence: Confidence,
    /// How the model is to see quotation marks; `hidden` for one that translates better without.
    pub quotation_marks: QuoteSight,
}

impl Tuning {
    /// Of a model's files; the default where there is no such file.
    ///
    /// # Errors
    /// When a field is not what it should be.
    pub fn load(files: &ModelFiles) -> Result<Self> {
        let Some(blob) = &files.generation_config else { return Ok(Self::default()) };
        serde_json::from_slice(blob).map_err(|e| Error::model(e.to_string()).at(blob.path()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_is_the_default() {
        let read = |json: &str| serde_json::from_str::<Tuning>(json);
        assert_eq!(read(r#"{"num_beams": 4}"#).expect("reads"), Tuning::default());
        assert_eq!(read(r#"{"quotation_marks": "hidden"}"#).expect("reads").quotation_marks, QuoteSight::Hidden);
        assert!(read(r#"{"quotation_marks": 3}"#).is_err() && read(r#"{"confidence": {"bias": 1}}"#).is_err());
    }
}
