//! How letters begin and end, of which no model makes English: « Je vous prie d'agréer, Madame, l'expression de mes salutations
//! distinguées. »

use std::sync::LazyLock;

use regex::Regex;

use super::draft::Draft;
use crate::document::Note;
use crate::protect::Prepared;

/// A polite request to accept greetings, feelings or esteem; before it perhaps that a reply is awaited (1) or thanks (2), and nothing else.
static CLOSING: LazyLock<Regex> = LazyLock::new(|| {
    let awaited = r"dans l['’]attente d(?:e votre|['’]une) réponse[^,.]{0,30},|dans l['’]attente de (?:vous lire|votre retour)[^,.]{0,30},";
    let thanks = r"(?:en )?vous remerciant[^,.]{0,60},|avec mes remerciements[^,.]{0,30},";
    let asks = r"(?:je vous prie|nous vous prions|veuillez)\b[^.!?;]*\b(?:agréer|recevoir|accepter|croire)|(?:recevez|agréez)[\s,]";
    let what = r"(?:salutations|sentiments|considération|respects?|hommages)(?:\s+\p{L}+){0,5}";
    let closing = format!(r#"(?i)^\W*(?:({awaited})|({thanks}))?\s*(?:{asks})[^.!?;]*\b{what}\s*[.,!]?[\s»”’")]*$"#);
    Regex::new(&closing).expect("a valid pattern")
});

/// What stands alone at the head of a letter or a speech.
const OPENINGS: [(&str, &str); 6] = [
    ("Madame, Monsieur,", "Dear Sir or Madam,"),
    ("Monsieur, Madame,", "Dear Sir or Madam,"),
    ("Madame,", "Dear Madam,"),
    ("Monsieur,", "Dear Sir,"),
    ("Mesdames, Messieurs,", "Ladies and gentlemen,"),
    ("Messieurs,", "Gentlemen,"),
];

/// What English writes in the place of a sentence that is one of these.
fn english(source: &str) -> Option<&'static str> {
    if let Some((_, opening)) = OPENINGS.iter().find(|(french, _)| *french == source.trim()) {
        return Some(opening);
    }
    let found = CLOSING.captures(source).filter(|_| source.len() < 400)?;
    Some(match (found.get(1), found.get(2)) {
        (Some(_), _) => "I look forward to hearing from you. Yours sincerely",
        (_, Some(_)) => "Thank you in advance. Yours sincerely",
        _ => "Yours sincerely",
    })
}

/// Writes the English for such a sentence, unless the model has found something of the kind.
pub fn write(draft: &mut Draft, p: &Prepared) {
    let Some(english) = english(p.source()) else { return };
    let here = draft.text().to_lowercase();
    let whole = 0..draft.text().len();
    if !draft.is_free(whole.clone())
        || ["dear ", "gentlemen", "sincerely", "faithfully", "regards", "truly"].iter().any(|word| here.contains(word))
    {
        return;
    }
    draft.notes.push(Note::info("letter_known", format!("“{}” became “{english}”", draft.text())));
    draft.replace(whole, english, Some(0..p.source().len()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_begin_and_end_as_in_english() {
        assert_eq!(english("Madame, Monsieur,"), Some("Dear Sir or Madam,"));
        assert_eq!(english("Madame, Monsieur, bonjour"), None);
        for text in [
            "Je vous prie d’agréer, Madame, Monsieur, l’expression de mes salutations distinguées.",
            "Veuillez agréer, Monsieur le Directeur, l'assurance de ma considération la plus distinguée.",
            "Nous vous prions de croire, cher Monsieur, à l'expression de nos sentiments les meilleurs.",
            "Recevez, Madame, mes salutations respectueuses.",
            "Veuillez recevoir mes sincères salutations",
        ] {
            assert_eq!(english(text), Some("Yours sincerely"), "{text}");
        }
        let awaited = "Dans l’attente de votre réponse, je vous prie d’agréer, Monsieur, mes salutations distinguées.";
        assert_eq!(english(awaited), Some("I look forward to hearing from you. Yours sincerely"));
        let thanks = "En vous remerciant par avance, nous vous prions de recevoir nos salutations distinguées.";
        assert_eq!(english(thanks), Some("Thank you in advance. Yours sincerely"));
        for text in [
            "Veuillez agréer notre offre.",
            "Recevez-vous nos hommages ?",
            "Il lui envoie ses salutations distinguées.",
            "Je vous prie d'accepter mes excuses.",
            "Je vous prie d'agréer mes salutations et de me répondre avant lundi.",
            "Croyez-vous à ses sentiments ?",
            "Veuillez prendre en considération ma demande.",
        ] {
            assert_eq!(english(text), None, "{text}");
        }
    }
}
