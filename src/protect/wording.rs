//! Other words for a stretch of the segment, which a model reads better.

use std::ops::Range;

/// A stretch of the segment that the model is shown in other words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wording {
    /// Bytes of the segment.
    pub range: Range<usize>,
    pub shown: String,
    /// What the model may write for the words shown, each with what is to stand there instead, as that is what the source says:
    /// it is shown "tasses" for "cuillères à soupe", and its “cups” are tablespoons. Empty where its translation is right.
    pub instead: Vec<(String, String)>,
}

impl Wording {
    /// Words that mean the same.
    pub fn same(range: Range<usize>, shown: impl Into<String>) -> Self {
        Self { range, shown: shown.into(), instead: Vec::new() }
    }
}
