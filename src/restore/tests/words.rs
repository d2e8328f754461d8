//! Whole lines, words and titles.

use super::*;

#[test]
fn all_caps_lines_are_translated_as_sentences_and_capitalised_again() {
    assert_eq!(shown("LE MINISTRE A ANNONCÉ LUNDI UNE HAUSSE."), "Le ministre a annoncé lundi une hausse.");
    assert_eq!(
        said("LE MINISTRE A ANNONCÉ LUNDI UNE HAUSSE.", "The minister announced a rise on Monday."),
        "THE MINISTER ANNOUNCED A RISE ON MONDAY."
    );
    assert_eq!(
        said("VOIR https://a.fr/b POUR EN SAVOIR PLUS", "See https://a.fr/b to learn more"),
        "SEE https://a.fr/b TO LEARN MORE"
    );
}

#[test]
fn symbol_only_lines_are_copied() {
    for line in [
        "...",
        "!?!?",
        "* * *",
        "()",
        "🎉🎉🎉",
        "👍🏽",
        "01 23 45 67 89",
        "12/05/2024",
        "L E   T I T R E",
        "これは日本語の文です。",
    ] {
        assert_eq!(copied(line), line);
    }
    assert_eq!(copied("1 234,56 €"), "€1,234.56");
    assert_eq!(copied("15 h 30"), "15:30");
    assert_eq!(copied("20 °C"), "20 °C");
    assert_eq!(copied("3,5 Mo"), "3.5 MB");
}

#[test]
fn one_word_comes_out_once() {
    assert_eq!(said("Bonjour", "Hello hello"), "Hello");
    assert_eq!(said("Menu principal", "Main menu main menu"), "Main menu");
    assert_eq!(said("Non, non !", "No, no!"), "No, no!");
}

#[test]
fn a_name_begun_twice_comes_out_once() {
    let read = |source: &str, text: &str, pairs: &[usize]| {
        let p = prepare(source, &[], &[], &Identity, &bare());
        restore(&p, Some(&hypothesis(source, text, pairs)), &Style::default(), &mut |_| {}).text().to_owned()
    };
    assert_eq!(read("Vladimir Poutine dort", "Vladimir Put Putin sleeps", &[0, 1, 1, 2]), "Vladimir Putin sleeps");
    assert_eq!(
        read("Trafalgar Square dort", "Trafalgar Square Square sleeps", &[0, 1, 1, 2]),
        "Trafalgar Square sleeps"
    );
    // Two words of the source, however alike.
    assert_eq!(read("Le Théâtre dort", "The Theatre sleeps", &[0, 1, 2]), "The Theatre sleeps");
    assert_eq!(read("San Sancho dort", "San Sancho sleeps", &[0, 1, 2]), "San Sancho sleeps");
    assert_eq!(read("le chat dort", "the Theo sleeps", &[1, 1, 2]), "the Theo sleeps");
}

#[test]
fn titles_that_were_copied_become_english() {
    assert_eq!(said("Mlle Roux et Mme Petit", "Mlle Roux and Mme Petit"), "Miss Roux and Mrs Petit");
    assert_eq!(said("Le Pr Blanc et le Pr. Noir", "Pr Blanc and Pr. Noir"), "Prof. Blanc and Prof. Noir");
    assert_eq!(said("Tél. : 12, tél. 13", "Tél.: 12, tél. 13"), "Tel.: 12, tel. 13");
    // A name, and what the source does not have.
    assert_eq!(said("Le Mlle est un bateau", "The Mlle is a boat"), "The Mlle is a boat");
    assert_eq!(said("Madame Roux", "Mme Roux"), "Mme Roux");
}

#[test]
fn an_article_with_a_capital_begins_a_text_behind_a_name() {
    let aligned = |source: &str, text: &str| {
        let p = prepare(source, &[], &[], &Identity, &bare());
        let pairs: Vec<usize> = (0..text.split(' ').count()).collect();
        restore(&p, Some(&hypothesis(source, text, &pairs)), &Style::default(), &mut |_| {}).text().to_owned()
    };
    let caption = aligned("Photo de Reuters Le roi salue la reine", "Photo by Reuters the king greets the queen");
    assert_eq!(caption, "Photo by Reuters The king greets the queen");
    for (source, text) in [
        ("Il lit dans Le monde entier", "He reads in the whole world"),
        ("Selon Dupont Le Pen et lui", "According Dupont the Pen and him"),
        ("Voilà Reuters. Le roi salue", "There's Reuters. the king greets"),
        ("Photo de Reuters Le roi salue", "Photo by Reuters a king greets"),
    ] {
        assert_eq!(aligned(source, text), text);
    }
}

#[test]
fn a_failed_segment_keeps_its_source() {
    let p = prepare("Le chat dort.", &[], &[], &Identity, &ProtectOptions::default());
    let draft = restore(&p, None, &Style::default(), &mut |_| {});
    assert_eq!(draft.text(), "Le chat dort.");
    assert_eq!(draft.notes[0].code, "kept_source");
}

#[test]
fn known_names_have_one_article_and_people_their_names() {
    let aligned = |source: &str, text: &str, pairs: &[usize]| {
        let p = prepare(source, &[], &[], &Identity, &ProtectOptions::default());
        restore(&p, Some(&hypothesis(source, text, pairs)), &Style::default(), &mut |_| {}).text().to_owned()
    };
    for (source, text, pairs, expected) in [
        ("Ici La Nuit étoilée dort", "Gogh's Night starry sleeps", &[0, 2, 3, 4][..], "Gogh's Starry Night sleeps"),
        (
            "Il dort au Kremlin aujourd'hui",
            "He sleeps in Kremlin on",
            &[0, 1, 2, 3, 4][..],
            "He sleeps in the Kremlin on",
        ),
        ("Il dort au Kremlin russe", "He sleeps in Kremlin walls", &[0, 1, 2, 3, 4][..], "He sleeps in Kremlin walls"),
        ("Claire dort", "Light sleeps", &[0, 1][..], "Light sleeps"),
        ("Claire est là", "Light is there", &[0, 1, 2][..], "Claire is there"),
        ("Hier Rose MARTIN dort", "Yesterday Pink MRTIN sleeps", &[0, 1, 2, 3][..], "Yesterday Rose MARTIN sleeps"),
        ("Chapitre premier", "First Point", &[1, 0][..], "Chapter One"),
    ] {
        assert_eq!(aligned(source, text, pairs), expected);
    }
}
