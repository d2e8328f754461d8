//! What stays as it was written: names, signs, addresses, code, terms of a glossary.

use std::sync::Arc;

use super::*;
use crate::protect::glossary::Glossary;

#[test]
fn molière_stays_molière() {
    for made in ["Moliere", "Molire", "Moli re"] {
        let source = "La pièce de Molière est drôle.";
        let text = format!("The play by {made} is funny.");
        let p = prepare(source, &[], &[], &Narrow, &ProtectOptions::default());
        let n = text.split(' ').count();
        let pairs: Vec<usize> = if n == 6 { vec![0, 1, 2, 3, 4, 5] } else { vec![0, 1, 2, 3, 3, 4, 5] };
        let draft = restore(&p, Some(&hypothesis(p.text(), &text, &pairs)), &Style::default(), &mut |_| {});
        assert_eq!(draft.text(), "The play by Molière is funny.", "{made}");
    }
}

#[test]
fn signs_outside_the_alphabet_come_back() {
    let degrees = "Il fait 20 °C.";
    let p = prepare(degrees, &[], &[], &Narrow, &ProtectOptions::default());
    assert_eq!(p.text(), "Il fait 20 degrés C.");
    assert_eq!(with(&Narrow, degrees, "It is 20 degrees C.", &Style::default()), "It is 20 °C.");
    let price = "Cela coûte 12 000 € net.";
    let p = prepare(price, &[], &[], &Narrow, &ProtectOptions::default());
    assert_eq!(p.text(), "Cela coûte 12 000 euros net.");
    assert_eq!(with(&Narrow, price, "It costs 12,000 euros net.", &Style::default()), "It costs €12,000 net.");
    assert_eq!(with(&Narrow, "Une pièce de 12 m².", "A room of 12 m2.", &Style::default()), "A room of 12 m².");
}

#[test]
fn an_accent_is_dropped_only_where_the_model_cannot_read_it() {
    let p = prepare("Ça va être l'Île où été…", &[], &[], &Narrow, &ProtectOptions::default());
    assert_eq!(p.text(), "Ca va être l'Ile où été...");
    let decomposed = prepare("L'e\u{301}te\u{301}", &[], &[], &Narrow, &ProtectOptions::default());
    assert_eq!(decomposed.text(), "L'été");
}

#[test]
fn odd_spaces_and_soft_hyphens_do_not_break_words() {
    let p =
        prepare("Le\u{a0}chat\u{202f}dort\u{2009}i\u{ad}ci\u{200b} !", &[], &[], &Narrow, &ProtectOptions::default());
    assert_eq!(p.text(), "Le chat dort ici !");
}

#[test]
fn emoji_and_foreign_words_come_back() {
    assert_eq!(said("Super 🎉 !", "Great!"), "Great 🎉!");
    assert_eq!(said("Super ! 🎉", "Great!"), "Great! 🎉");
    let source = "Il dit שלום et part.";
    let p = prepare(source, &[], &[], &Narrow, &bare());
    assert_eq!(p.text(), "Il dit et part.");
    let draft =
        restore(&p, Some(&hypothesis(p.text(), "He says and leaves.", &[0, 1, 2, 3])), &Style::default(), &mut |_| {});
    assert_eq!(draft.text(), "He says שלום and leaves.");
}

#[test]
fn addresses_and_code_are_verbatim_whatever_the_model_says() {
    let source = "Voir https://exemple.fr/page et `ls -l`.";
    let p = prepare(source, &[], &[], &Identity, &bare());
    for text in [
        "See https://example.com/page and ls -l.",
        "",
        "See See See",
        "https://exemple.fr/page https://exemple.fr/page",
    ] {
        let draft = restore(&p, Some(&unaligned(text)), &Style::default(), &mut |_| {});
        for span in ["https://exemple.fr/page", "`ls -l`"] {
            assert_eq!(draft.text().matches(span).count(), 1, "{text}: {}", draft.text());
        }
    }
}

#[test]
fn special_tokens_are_ordinary_text() {
    let p = prepare("Le chat </s> dort <unk> là.", &[], &[], &Identity, &bare());
    assert_eq!(p.text(), "Le chat dort là.");
    let draft = restore(
        &p,
        Some(&hypothesis(p.text(), "The cat sleeps there.", &[0, 1, 2, 3])),
        &Style::default(),
        &mut |_| {},
    );
    assert_eq!(draft.text(), "The cat </s> sleeps <unk> there.");
}

#[test]
fn stand_ins_are_not_confused_with_the_users_words() {
    let options = ProtectOptions { stand_ins: vec!["XQ".into(), "ZX".into()], ..ProtectOptions::default() };
    let source = "Le signe XQ et https://a.fr/b ici.";
    let p = prepare(source, &[], &[], &Identity, &options);
    assert_eq!(p.text(), "Le signe XQ et ZX ici.");
    let draft = restore(&p, Some(&unaligned("The sign XQ and ZX here, ZX.")), &Style::default(), &mut |_| {});
    assert_eq!(draft.text(), "The sign XQ and https://a.fr/b here.");
}

#[test]
fn a_word_of_code_is_found_by_alignment() {
    let source = "La variable a change.";
    let p = prepare(source, &[], std::slice::from_ref(&(12..13)), &Identity, &bare());
    let text = "Here is a variable a that changes.";
    let h = hypothesis(p.text(), text, &[0, 1, 0, 1, 2, 3, 3]);
    let draft = restore(&p, Some(&h), &Style::default(), &mut |_| {});
    assert_eq!(draft.text(), text);
    assert_eq!(draft.placed(&(12..13)), Some(19..20));
}

#[test]
fn glossary_terms_are_honoured_every_time() {
    let glossary = Glossary::parse("routeur\tgateway\nLa Poste\n", "terms.tsv").expect("reads");
    let options = ProtectOptions { glossary: Some(Arc::new(glossary)), ..ProtectOptions::default() };
    let source = "Le routeur de La Poste marche.";
    let p = prepare(source, &[], &[], &Identity, &options);
    let h = hypothesis(p.text(), "The Post's router works.", &[0, 3, 1, 5]);
    let draft = restore(&p, Some(&h), &Style::default(), &mut |_| {});
    assert!(draft.text().contains("gateway") && draft.text().contains("La Poste"), "{}", draft.text());
    let h = hypothesis(p.text(), "The La Poste gateway works.", &[0, 3, 4, 1, 5]);
    assert_eq!(restore(&p, Some(&h), &Style::default(), &mut |_| {}).text(), "The La Poste gateway works.");
}

#[test]
fn known_names_are_written_as_english_has_them() {
    let read = |source: &str, text: &str, pairs: &[usize]| {
        let p = prepare(source, &[], &[], &Identity, &bare());
        restore(&p, Some(&hypothesis(p.text(), text, pairs)), &Style::default(), &mut |_| {}).text().to_owned()
    };
    let duck = "Selon Le Canard enchaîné, il dort.";
    let said_so = "According to Le Canard enchaîné, he sleeps.";
    assert_eq!(read(duck, "According to the chained duck, he sleeps.", &[0, 0, 1, 3, 2, 4, 5]), said_so);
    assert_eq!(read(duck, "According to the Canard enchaîné, he sleeps.", &[0, 0, 1, 2, 3, 4, 5]), said_so);
    assert_eq!(read(duck, said_so, &[0, 0, 1, 2, 3, 4, 5]), said_so);
    // An article of the sentence goes only where English has none, and a possessive stays.
    let bank = read("La Société générale ferme.", "The General Society is closing.", &[0, 2, 1, 3, 3]);
    assert_eq!(bank, "Société Générale is closing.");
    let party = read("Le chef du Rassemblement national", "The National Assembly’s leader", &[0, 4, 3, 1]);
    assert_eq!(party, "The National Rally’s leader");
    let minister = read("Le garde des Sceaux dort.", "The Keeper of Seals sleeps.", &[0, 1, 2, 3, 4]);
    assert_eq!(minister, "The justice minister sleeps.");
    let region = read("La région du Pendjab", "The Pendjab region", &[0, 3, 1]);
    assert_eq!(region, "The Punjab region");
    // The article of the source's beginning, where the model has none, and words that lead to the name.
    let start = read("Le Rassemblement national gagne", "Rassemblement national wins", &[1, 2, 3]);
    assert_eq!(start, "The National Rally wins");
    let to = read("Il va à la Société générale", "He goes to the General Company", &[0, 1, 4, 4, 5, 4]);
    assert_eq!(to, "He goes to Société Générale");
    let both = read(
        "De la Société générale au Rassemblement national",
        "From the General Society to the Assembly",
        &[0, 2, 3, 3, 3, 4, 5],
    );
    assert!(both.contains(" to the National Rally"), "{both}");
    // A stop may come to stand beside a name.
    assert_eq!(
        said("Il lit « Le Canard enchaîné ».", "He reads “Le Canard enchaîné”."),
        "He reads “Le Canard enchaîné.”"
    );
    // Nothing tells the place.
    assert_eq!(said(duck, "He sleeps."), "He sleeps.");
}

#[test]
fn a_glossary_goes_before_the_known_names() {
    let glossary = Glossary::parse("Le Canard enchaîné\tThe Duck\n", "terms.tsv").expect("reads");
    let options = ProtectOptions { glossary: Some(Arc::new(glossary)), ..bare() };
    let p = prepare("Selon Le Canard enchaîné, oui.", &[], &[], &Identity, &options);
    let h = hypothesis(p.text(), "According to the chained duck, yes.", &[0, 0, 1, 3, 2, 4]);
    assert_eq!(restore(&p, Some(&h), &Style::default(), &mut |_| {}).text(), "According to The Duck, yes.");
}
