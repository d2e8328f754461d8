//! What the model was shown in other words.

use std::sync::Arc;

use super::*;

#[test]
fn who_speaks_gets_the_verb_of_the_source() {
    let helped = ProtectOptions { idioms: Some(Arc::default()), ..ProtectOptions::default() };
    let said = |source: &str, text: &str| {
        let p = prepare(source, &[], &[], &Identity, &helped);
        assert!(p.text().contains("déclar"), "{}", p.text());
        restore(&p, Some(&unaligned(text)), &Style::default(), &mut |_| {}).text().to_owned()
    };
    assert_eq!(said("« Non », martèle la ministre.", "“No,” the minister says."), "“No,” the minister insists.");
    assert_eq!(said("« Non », a-t-elle tonné.", "“No,” it said."), "“No,” she thundered.");
    assert_eq!(said("« Oui ? » demanda-t-il.", "“Yes?” He said."), "“Yes?” he asked.");
    assert!(shown("« Non », martèle la ministre.").contains("martèle"), "a model without idioms knows its verbs");
}

#[test]
fn measures_and_eras_are_those_of_the_source() {
    assert_eq!(said("Ajoutez 2 c. à soupe d'huile.", "Add 2 cups of oil."), "Add 2 tablespoons of oil.");
    assert_eq!(said("1 cuillère à café de sel.", "1 cups of salt."), "1 teaspoon of salt.");
    assert_eq!(
        said("Il mourut en 14 apr. J.-C. à Rome.", "He died in 14 after Jesus-Christ in Rome."),
        "He died in 14 AD in Rome."
    );
}

#[test]
fn amounts_are_read_as_french_writes_them() {
    assert_eq!(said("Le café est à 2 €50.", "Coffee is €2.50."), "Coffee is €2.50.");
    assert_eq!(said("Il a payé 20 euros 50.", "He paid 20.50 euros."), "He paid 20.50 euros.");
    assert_eq!(said("Une perte de -450 k€.", "A loss of -450,000 euros."), "A loss of -€450,000.");
    assert_eq!(said("Entre 12 et 15 M€.", "Between 12 and 15 million euros."), "Between €12 million and €15 million.");
    assert_eq!(said("Deux prix, 3 €5 et 20 € 15 €.", "Two prices."), "Two prices.");
}

#[test]
fn first_has_its_ending_but_in_dates_and_chapters() {
    assert_eq!(said("Il est arrivé 1er.", "He came 1."), "He came 1st.");
    assert_eq!(said("L'article 1er et le 1er mai.", "Article 1 and May 1."), "Article 1 and May 1.");
}

#[test]
fn figures_with_signs_come_through() {
    for text in ["10⁶", "1,67 × 10⁻²⁷", "5√2", "Ba²⁺", "p < 0,05", "L. 131-1", "FR 40 123456824"] {
        let p = prepare(&format!("Voici {text} ici."), &[], &[], &Identity, &bare());
        assert!(p.spans().iter().any(|span| p.source()[span.range.clone()] == *text), "{text}: {:?}", p.spans());
    }
    let p = prepare("Par 48° 51' N et 2° 21' O.", &[], &[], &Identity, &bare());
    assert_eq!(p.spans().iter().map(|span| span.write.as_str()).collect::<Vec<_>>(), ["48° 51' N", "2° 21' W"]);
}

#[test]
fn by_so_much_is_parted_from_to_so_much() {
    assert!(shown("Il a progressé de 4,7 % à 850 M€.").contains("de 4,7 %, à"));
    assert!(shown("Il passe de 4,7 % à 5 %.").contains("de 4,7 % à"));
}
