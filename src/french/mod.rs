//! What more rooms than one ask of French words.

pub(crate) mod verbs;

/// Whether a stretch of French ends with a word that nothing ends with: it goes on.
pub(crate) fn leaves_open(text: &str) -> bool {
    const OPEN: &[&str] = &[
        "le", "la", "les", "un", "une", "des", "de", "du", "à", "au", "aux", "et", "ou", "où", "que", "qui", "dont",
        "dans", "par", "pour", "sur", "sous", "avec", "sans", "en", "ce", "cet", "cette", "ces", "mon", "ma", "mes",
        "ton", "ta", "tes", "son", "sa", "ses", "notre", "nos", "votre", "vos", "leur", "leurs", "se", "ne", "est",
        "sont", "ont", "était", "très", "si", "comme", "mais", "ni", "car", "avant", "entre", "vers", "chez", "contre",
        "depuis", "pendant", "plus",
    ];
    let word = text.rsplit(|c: char| !c.is_alphabetic()).next().unwrap_or_default().to_lowercase();
    OPEN.contains(&word.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn articles_and_prepositions_are_no_ends() {
        for (text, open) in
            [("Il a vu la", true), ("À", true), ("d'où", true), ("la Seine", false), ("", false), ("de.", false)]
        {
            assert_eq!(leaves_open(text), open, "{text}");
        }
    }
}
