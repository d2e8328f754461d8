//! Words that a model copies as they stand, found by trying them.

use crate::engine::{Engine, Options};
use crate::error::Result;

/// Words to try: short, of capitals that no French or English word is made of, unlike one another.
const CANDIDATES: [&str; 16] =
    ["XQ", "ZX", "QJ", "WX", "KZ", "JX", "XK", "VQ", "QZ", "ZW", "XJ", "KQ", "XQ1", "ZX2", "QJ3", "WX4"];

/// Words that even a small model copies: with the pilot model (greedy search) each came through exactly once in 12 of the
/// 12 trial sentences, where an address came through in none and a file name in 9.
pub const COMMON: [&str; 9] = ["XQ", "QJ", "XK", "QZ", "XJ", "KQ", "XQ1", "ZX2", "QJ3"];

/// Sentences with a place for one, in the roles that protected spans play.
const FRAMES: [&str; 12] = [
    "La commande {} affiche la liste des fichiers.",
    "Consultez la page {} pour en savoir plus.",
    "Écrivez à {} avant la fin du mois.",
    "Le fichier {} contient les réglages du programme.",
    "Si la valeur de {} est vide, le programme s'arrête.",
    "Pour plus d'informations, voir {}.",
    "{} est une fonction qui renvoie un nombre.",
    "On utilise {} quand le nom est inconnu.",
    "Merci à {} pour son aide précieuse.",
    "Il faut ajouter {} à la fin de chaque ligne.",
    "Dans ce cas, {} ne change rien au résultat.",
    "Le paramètre de {} n'est pas obligatoire.",
];

/// The candidates that `engine` copies exactly once in at least `share` (0 to 1) of the trial sentences, the best first.
/// Asks the engine for a few hundred short sentences: do it once for a model and keep the answer.
///
/// # Errors
/// When the engine fails.
pub fn choose(engine: &dyn Engine, options: &Options, share: f32) -> Result<Vec<String>> {
    Ok(measure(engine, options)?.into_iter().filter(|(_, s)| *s >= share).map(|(word, _)| word.to_owned()).collect())
}

/// Each candidate with the share of trial sentences in which it is copied exactly once, the best first.
///
/// # Errors
/// When the engine fails.
pub fn measure(engine: &dyn Engine, options: &Options) -> Result<Vec<(&'static str, f32)>> {
    let readable = |w: &str| w.chars().all(|c| engine.reads(c) && engine.writes(c));
    let mut out = Vec::new();
    for word in CANDIDATES.into_iter().filter(|w| readable(w)) {
        let sources: Vec<String> = FRAMES.iter().map(|f| f.replace("{}", word)).collect();
        let mut copied = 0u16;
        for result in engine.translate(&sources, options, &()) {
            let once = result?.first().is_some_and(|h| h.text.matches(word).count() == 1);
            copied += u16::from(once);
        }
        out.push((word, f32::from(copied) / 12.0));
    }
    out.sort_by(|a, b| b.1.total_cmp(&a.1));
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Identity;

    #[test]
    fn an_engine_that_copies_takes_them_all() {
        assert_eq!(choose(&Identity, &Options::default(), 1.0).expect("identity never fails").len(), CANDIDATES.len());
        assert_eq!(FRAMES.len(), 12);
    }
}
