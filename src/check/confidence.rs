//! How likely a translation is to be good, from what the model and the lengths say.

use serde::Deserialize;

/// The chance that a translation agrees with a human one to chrF 50 or more, as a logistic function of the mean
/// log-probability of a token, the source's length and the ratio of lengths. `scripts/eval/calibrate.py` fits it for a
/// model, in whose `generation_config.json` it stands as `confidence`.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub struct Confidence {
    pub bias: f64,
    /// Of the mean log-probability of a token.
    pub score: f64,
    /// Of the logarithm of the number of source words.
    pub words: f64,
    /// Of the logarithm of how much longer or shorter the translation is than usual.
    pub length: f64,
}

impl Default for Confidence {
    /// The bundled model's. For a model without its own it ranks segments; as a chance it is a guess.
    fn default() -> Self {
        Self { bias: 1.266, score: 4.424, words: 0.556, length: -3.597 }
    }
}

impl Confidence {
    /// From 0 to 1, for a translation with `score` (see [`crate::document::Translation::score`]).
    pub fn of(&self, source: &str, target: &str, score: f32) -> f32 {
        let chars = |text: &str| text.chars().count() as f64;
        let words = source.split_whitespace().count().max(1) as f64;
        let length = ((chars(target) + 5.0) / (0.87 * chars(source) + 5.0)).ln().abs();
        let sum = self.bias + self.score * f64::from(score) + self.words * words.ln() + self.length * length;
        // Three places are more than it is worth.
        ((1000.0 / (1.0 + (-sum).exp())).round() / 1000.0) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn confidence_falls_with_the_score_and_with_an_odd_length() {
        let of = |target: &str, score| Confidence::default().of("Le chat dort dans le jardin.", target, score);
        let good = of("The cat sleeps in the garden.", -0.2);
        assert!(good > 0.6 && good < 1.0, "{good}");
        assert!(of("The cat sleeps in the garden.", -1.5) < 0.1);
        assert!(of("The cat.", -0.2) < good - 0.2);
        assert!((0.0..=1.0).contains(&of("", -1e9)));
    }
}
