//! Stops, dashes, spaces and first letters.

use super::*;

#[test]
fn a_stop_before_a_low_quotation_s_end_stays() {
    assert_eq!(said("„Hm.“", "Hm."), "Hm.");
}

#[test]
fn dialogue_dashes_and_bullets_are_put_back() {
    assert_eq!(shown("— Tu sors ?"), "Tu sors ?");
    assert_eq!(said("—\u{a0}Tu sors ?", "Are you going out?"), "— Are you going out?");
    assert_eq!(said("- acheter du pain ;", "buy bread;"), "- buy bread;");
    assert_eq!(said("» LIRE AUSSI : Le chat", "Read also: The cat"), "» Read also: The cat");
}

#[test]
fn french_spacing_goes() {
    assert_eq!(said("Ça va ? Oui !", "How are you ? Yes !"), "How are you? Yes!");
    assert_eq!(said("Voici : a ; b", "Here : a ; b"), "Here: a; b");
    assert_eq!(said("Un clin d'œil ;)", "A wink ;)"), "A wink ;)");
}

#[test]
fn the_last_stop_agrees_with_the_source() {
    assert_eq!(said("Le retour du chat", "The return of the cat."), "The return of the cat");
    assert_eq!(said("Le chat dort.", "The cat sleeps"), "The cat sleeps.");
    assert_eq!(said("Le chat dort ?!", "Is the cat asleep?"), "Is the cat asleep?!");
    assert_eq!(said("Des pommes, etc.", "Apples, etc."), "Apples, etc.");
    assert_eq!(said("Départ à 15 h", "Departure at 3 p.m."), "Departure at 3 p.m.");
    assert_eq!(said("du pain ;", "Bread."), "bread;");
    assert_eq!(said("Tous les deux...", "Both of them.."), "Both of them...");
    assert_eq!(said("Le chat dort (ou pas).", "The cat sleeps (or not)"), "The cat sleeps (or not).");
}

#[test]
fn stops_and_closing_marks_in_american_and_british_order() {
    let us = |t: &str| said("Il dit « oui ».", t);
    assert_eq!(us("He says “yes”."), "He says “yes.”");
    assert_eq!(us("He says \"yes\"."), "He says \"yes.\"");
    let inner = said("« Oui », dit-il.", "“Yes”, he said.");
    assert_eq!(inner, "“Yes,” he said.");
    // The quotation began in the segment before.
    assert_eq!(said("Je viens\", dit-il.", "I'm coming\", he said."), "I'm coming,\" he said.");
    assert_eq!(said("« Oui ! », dit-il.", "“Yes!”, he said."), "“Yes!” he said.");
    let uk = Style { stops: Stops::Uk, ..Style::default() };
    assert_eq!(with(&Identity, "Il dit « oui ».", "He says “yes.”", &uk), "He says “yes”.");
    assert_eq!(with(&Identity, "« Il dit oui. »", "“He says yes.”", &uk), "“He says yes.”");
}

#[test]
fn dashes_and_ellipses() {
    assert_eq!(said("Le chat — noir — dort.", "The cat - black - sleeps."), "The cat—black—sleeps.");
    assert_eq!(said("Paris – Le ministre", "Paris - The minister"), "Paris – The minister");
    assert_eq!(
        said("LYON (AFP) - Un chat – noir – dort.", "LYON (AFP) - A cat – black – sleeps."),
        "LYON (AFP) – A cat—black—sleeps."
    );
    assert_eq!(said("NICE, 3 mai (X) — Il dort.", "NICE, May 3 (X) — It sleeps."), "NICE, May 3 (X) — It sleeps.");
    assert_eq!(said("Il (Jean) - mon ami - dort.", "He (John) - my friend - sleeps."), "He (John)—my friend—sleeps.");
    assert_eq!(said("Il fait –12 °C.", "It is –12 °C."), "It is –12 °C.");
    assert_eq!(said("Il fait –2 °C – peu – ici.", "It is –2 °C – little – here."), "It is –2 °C—little—here.");
    assert_eq!(said("Il fait –2 °C, non.", "It is - 2 °C - no."), "It is - 2 °C - no.");
    assert_eq!(
        said("Résultat : - 5 % (–3 points).", "The result is - 5% (–3 points)."),
        "The result is - 5% (–3 points)."
    );
    assert_eq!(said("Le chat - 5 ans - dort.", "The cat - 5 years old - sleeps."), "The cat—5 years old—sleeps.");
    assert_eq!(said("Il dort…", "He sleeps..."), "He sleeps…");
    assert_eq!(said("Bien-être et 10-15 cas.", "Well-being and 10-15 cases."), "Well-being and 10-15 cases.");
}

#[test]
fn the_first_letter_follows_the_source() {
    assert_eq!(said("le chat dort", "The cat sleeps"), "the cat sleeps");
    assert_eq!(said("je dors", "I sleep"), "I sleep");
    assert_eq!(said("lundi", "Monday"), "Monday");
    assert_eq!(said("Le chat", "the cat"), "The cat");
}
