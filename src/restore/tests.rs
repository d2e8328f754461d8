//! The whole way of a sentence: prepared, translated (by a stand-in for the model), restored.

use std::ops::Range;
use std::sync::Arc;

use super::*;
use crate::document::{QuoteMark, QuoteRole};
use crate::engine::{Alignment, Engine, Identity, Options, Progress};
use crate::error::Result;
use crate::protect::glossary::Glossary;
use crate::protect::{ProtectOptions, SpanKind, prepare};

/// An engine of ASCII and a few French letters, as the public models are.
struct Narrow;

impl Engine for Narrow {
    fn translate(
        &self,
        sources: &[String],
        options: &Options,
        progress: &dyn Progress,
    ) -> Vec<Result<Vec<Hypothesis>>> {
        Identity.translate(sources, options, progress)
    }
    fn reads(&self, c: char) -> bool {
        c.is_ascii() || "àâéèêëîïôùûüçÉÀœ²°".contains(c)
    }
    fn writes(&self, c: char) -> bool {
        c.is_ascii() || "é".contains(c)
    }
}

/// A hypothesis whose words come from the source words that `pairs` name (by index, one list for each target word).
fn hypothesis(source: &str, text: &str, pairs: &[usize]) -> Hypothesis {
    let words = |t: &str| -> Vec<Range<usize>> {
        let mut at = 0;
        t.split(' ')
            .map(|w| {
                let r = at..at + w.len();
                at = r.end + 1;
                r
            })
            .collect()
    };
    let (source, target) = (words(source), words(text));
    let mut weights = vec![0.0; source.len() * target.len()];
    for (t, &s) in pairs.iter().enumerate() {
        weights[t * source.len() + s] = 0.9;
    }
    let alignment = Some(Alignment { source, target, weights });
    Hypothesis { text: text.to_owned(), score: -0.3, token_scores: Vec::new(), alignment, finished: true }
}

fn unaligned(text: &str) -> Hypothesis {
    Hypothesis { text: text.to_owned(), score: -0.3, finished: true, ..Hypothesis::default() }
}

/// Options that leave the model nothing to copy: all hangs on the alignment.
fn bare() -> ProtectOptions {
    ProtectOptions { stand_ins: Vec::new(), ..ProtectOptions::default() }
}

fn shown(source: &str) -> String {
    prepare(source, &[], &[], &Identity, &ProtectOptions::default()).text().to_owned()
}

/// What becomes of `source` when the model says `text`.
fn said(source: &str, text: &str) -> String {
    with(&Identity, source, text, &Style::default())
}

fn with(engine: &dyn Engine, source: &str, text: &str, style: &Style) -> String {
    let p = prepare(source, &[], &[], engine, &ProtectOptions::default());
    restore(&p, Some(&unaligned(text)), style, &mut |_| {}).text().to_owned()
}

fn copied(source: &str) -> String {
    let p = prepare(source, &[], &[], &Identity, &ProtectOptions::default());
    assert_ne!(p.route(), Route::Model, "{source}");
    restore(&p, None, &Style::default(), &mut |_| {}).text().to_owned()
}

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
fn a_stop_before_a_low_quotation_s_end_stays() {
    assert_eq!(said("„Hm.“", "Hm."), "Hm.");
}

#[test]
fn numbers_and_versions_stay_as_they_are() {
    assert_eq!(said("Il y a 1 234 morts.", "There are 1 234 dead."), "There are 1,234 dead.");
    assert_eq!(said("Il y a 1 234 morts.", "There are 1,243 dead."), "There are 1,234 dead.");
    assert_eq!(said("Le taux est de 3,5 %.", "The rate is 3.5 %."), "The rate is 3.5%.");
    assert_eq!(said("Le taux est de 3,5 %.", "The rate is 3,5%."), "The rate is 3.5%.");
    assert_eq!(said("Cela coûte 12 000 €.", "It costs 12,000 €."), "It costs €12,000.");
    assert_eq!(said("Cela coûte 3 M€.", "It costs 3 million euros."), "It costs €3 million.");
    assert_eq!(said("À 15 h 30, il part.", "At 15h30, he leaves."), "At 15:30, he leaves.");
    assert_eq!(said("À 15 h 30, il part.", "At 3:30 p.m., he leaves."), "At 3:30 p.m., he leaves.");
    assert_eq!(said("À 15 h 30, il part.", "At 15, 30, he leaves."), "At 15:30, he leaves.");
    assert_eq!(said("Voir le n° 5.", "See No 5."), "See No. 5.");
    assert_eq!(said("La version 2.4.1 du 12/03/2024.", "Version 2.4.1 of 12/03/2024."), "Version 2.4.1 of 12/03/2024.");
    assert_eq!(said("En 2024, il y a 3 chats.", "In 2024 there are three cats."), "In 2024 there are three cats.");
    assert_eq!(said("3 milliards de gens", "3 billion people"), "3 billion people");
    assert_eq!(said("1 500 millions de gens", "1.5 billion people"), "1.5 billion people");
    assert_eq!(said("Les années 90.", "The 1990s."), "The 1990s.");
    assert_eq!(said("Au XXe siècle.", "In the 20th century."), "In the 20th century.");
    assert_eq!(said("Au XXe siècle.", "In the XXe century."), "In the 20th century.");
    assert_eq!(
        said("Les IIe et IIIe armées, la 12e, la 21e.", "The II and IIIth armies, the 12e, the 21st."),
        "The II and 3rd armies, the 12th, the 21st."
    );
    assert_eq!(
        said("Sous François Ier, au Ier siècle.", "Under Francis Ier, in the Ier century."),
        "Under Francis I, in the 1st century."
    );
    assert_eq!(said("Le 1er mai, la 2e fois.", "On May 1, the second time."), "On May 1, the second time.");
}

#[test]
fn list_numbers_are_put_back_and_not_missed() {
    let p = prepare("2. Travaux", &[], &[], &Identity, &ProtectOptions::default());
    assert_eq!(p.text(), "Travaux");
    let draft = restore(&p, Some(&unaligned("Works")), &Style::default(), &mut |_| {});
    assert_eq!((draft.text(), draft.notes.len()), ("2. Works", 0));
}

#[test]
fn a_lost_number_is_reported() {
    let p = prepare("Il y a 27 chats ici.", &[], &[], &Identity, &ProtectOptions::default());
    let draft = restore(&p, Some(&unaligned("There are cats here.")), &Style::default(), &mut |_| {});
    assert!(draft.notes.iter().any(|n| n.code == "number_lost" && n.detail.contains("27")));
}

#[test]
fn clocks_follow_the_style() {
    let twelve = Style { clock: Clock::Twelve, ..Style::default() };
    let source = "Le train part à 20 h 05.";
    assert_eq!(with(&Identity, source, "The train leaves at 20:05.", &twelve), "The train leaves at 8:05 p.m.");
    let twenty_four = Style { clock: Clock::TwentyFour, ..Style::default() };
    assert_eq!(with(&Identity, source, "The train leaves at 8:05 p.m.", &twenty_four), "The train leaves at 20:05.");
    assert_eq!(said("Un film de 2 h.", "A film of 2 h."), "A film of 2 hours.");
}

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
fn titles_that_were_copied_become_english() {
    assert_eq!(said("Mlle Roux et Mme Petit", "Mlle Roux and Mme Petit"), "Miss Roux and Mrs Petit");
    assert_eq!(said("Le Pr Blanc et le Pr. Noir", "Pr Blanc and Pr. Noir"), "Prof. Blanc and Prof. Noir");
    assert_eq!(said("Tél. : 12, tél. 13", "Tél.: 12, tél. 13"), "Tel.: 12, tel. 13");
    // A name, and what the source does not have.
    assert_eq!(said("Le Mlle est un bateau", "The Mlle is a boat"), "The Mlle is a boat");
    assert_eq!(said("Madame Roux", "Mme Roux"), "Mme Roux");
}

#[test]
fn whose_dollars_they_are_stands_before_the_sign() {
    assert_eq!(
        said("Il paie 50 $ US, 20 $ CAN et 5 $.", "He pays $50, 20 dollars and $5."),
        "He pays US$50, CA$20 and $5."
    );
    assert_eq!(said("3 M$ CA pour lui", "$3 million for him"), "CA$3 million for him");
}

#[test]
fn the_first_letter_follows_the_source() {
    assert_eq!(said("le chat dort", "The cat sleeps"), "the cat sleeps");
    assert_eq!(said("je dors", "I sleep"), "I sleep");
    assert_eq!(said("lundi", "Monday"), "Monday");
    assert_eq!(said("Le chat", "the cat"), "The cat");
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
        ("Selon Marine Le Pen et lui", "According Marine the Pen and him"),
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

const HOSTILE: [&str; 40] = [
    "",
    " ",
    "Le\u{a0}chat\u{202f}dort\u{2009}ici\u{200b}!\u{3000}Oui\u{ad}.",
    "L'e\u{301}te\u{301} a\u{300} Orle\u{301}ans",
    "« Le chat », dit-il « oui ».",
    "LE MINISTRE A ANNONCÉ",
    "— Tu sors ?",
    "Une famille 👨‍👩‍👧‍👦 arrive 🏳️‍🌈 !",
    "Il dit שלום עולם et مرحبا بالعالم.",
    "\u{202e}Texte inversé\u{202c} fin.",
    "Zalgo: l̷̢͝e̵ c̶h̸a̷t̵.",
    "Le signe \u{1D11E} et \u{e000}\u{e001}\u{f8ff}\u{f0000} \u{2063}\u{2060} reste.",
    "Le chat __PH0__ dort.",
    "Le chat ⟦0⟧ dort ⟦1⟧.",
    "Le chat {0} dort %s %1$d.",
    "Le chat [[Q1]] dort [Q1].",
    "Le chat \u{2}\u{3} dort.",
    "Le chat @@@0@@@ dort.",
    "\u{2997} q0 \u{2998} \u{fff9} \u{fffa} \u{fffb}",
    "Le chat ##NUM1## XQXQ0 dort.",
    "Le▁chat▁dort ▁ sur ▁▁ le tapis.",
    "Le chat </s> dort <s> ici <unk> ou <pad> là.",
    ">>eng<< Bonjour <mask> le monde. <0x0A> <eos> [CLS] <|endoftext|>",
    "Le chat\u{1} dort\u{7} \u{1b}[31men rouge\u{1b}[0m \u{7f}.",
    "L'oﬃce ﬁnancier coûte １２３ ｅｕｒｏｓ. Œuvre, cœur, Ǆ.",
    "1 234,56 € et 3,5 % à 20 °C, n° 5, 15 h 30",
    "<p class=x>Le <b>chat</p> dort</b> &amp; rêve&nbsp;!",
    "\\section{Le chat} Soit $x^2 + y_1 = 3{,}5$ et \\emph{le chien}. % commentaire",
    "{\"titre\": \"Le chat dort\", \"n\": [1, 2.5, null]}",
    "« « « « Le chat » » »",
    "\"\"\"'''’’’“““",
    "İSTANBUL ŞEHRİ ẞ ǅ",
    "Voir https://a.fr, a.fr, b@a.fr et www.a.fr/a.fr.",
    "é\u{301}\u{301}\u{301}°€$£¥%",
    "n°€5°C%h15 h 30 h",
    "\u{301}a",
    "- - - — — –",
    "1) 2) 3. a) Le chat",
    "🇫🇷🇫🇷 1️⃣ #️⃣ ©️",
    "%%%s{{}}``$a$#é@é",
];

fn marks(text: &str) -> Vec<QuoteMark> {
    let role = |c| match c {
        '«' | '“' => Some(QuoteRole::Open),
        '»' | '”' => Some(QuoteRole::Close),
        _ => None,
    };
    let found = text.char_indices().filter_map(|(i, c)| role(c).map(|role| (i..i + c.len_utf8(), role)));
    found.map(|(range, role)| QuoteMark { range, role, depth: 0 }).collect()
}

/// Everything that must hold for a text, whatever a model makes of it.
fn hold(source: &str, replies: &[&str], options: &ProtectOptions, engine: &dyn Engine) {
    let quotes = marks(source);
    let p = prepare(source, &quotes, &[], engine, options);
    assert_eq!(p.source(), source);
    let mut last = 0;
    for (i, _) in p.text().char_indices() {
        let r = p.to_segment(i..p.text().len());
        assert!(source.get(r.clone()).is_some() && r.start >= last, "{source:?}: {r:?}");
        last = r.start;
    }
    let echo =
        engine.translate(&[p.text().to_owned()], &Options::default(), &()).remove(0).expect("never fails").remove(0);
    let draft = restore(&p, Some(&echo), &Style::verbatim(), &mut |_| {});
    assert_eq!(draft.text(), source, "identity");
    if p.route() != Route::Model {
        let _ = restore(&p, None, &Style::default(), &mut |_| {});
        return;
    }
    let mut all = vec![echo];
    all.extend(replies.iter().map(|r| unaligned(r)));
    // A reply with an alignment that leads anywhere.
    all.extend(replies.iter().map(|r| {
        let n = p.text().split(' ').count();
        let pairs: Vec<usize> = (0..r.split(' ').count()).map(|i| (i * 7) % n).collect();
        hypothesis(p.text(), r, &pairs)
    }));
    for h in all {
        let _ = crate::check::judge(&p, &h);
        let draft = restore(&p, Some(&h), &Style::default(), &mut |_| {});
        for link in draft.links() {
            assert!(draft.text().get(link.target).is_some());
        }
        let mut bare = Draft::new(&h, |r| p.to_segment(r));
        placeholders::put_back(&mut bare, &p);
        for span in p.spans() {
            let count = |t: &str| t.matches(span.write.as_str()).count();
            assert!(
                count(bare.text()) >= 1 && count(draft.text()) >= 1,
                "{source:?}: {:?} lost in {:?}",
                span.write,
                draft.text()
            );
            let first: String = span.write.chars().take(1).collect();
            if matches!(span.kind, SpanKind::Emoji | SpanKind::Sign) {
                // Runs of signs may come to stand side by side; none is lost and none is new.
                let count = |t: &str| t.matches(&first).count();
                assert!(count(bare.text()) >= 1, "{source:?} {first:?} in {:?}", bare.text());
            } else if span.write.chars().any(|c| !c.is_alphabetic()) && span.write.len() > 1 {
                let protected: usize = p.spans().iter().map(|s| count(&s.write)).sum();
                let (least, most) = (protected, if protected < count(source) { usize::MAX } else { protected });
                let n = count(bare.text());
                assert!(least <= n && n <= most, "{source:?} {:?} {n} times in {:?}", span.write, bare.text());
            }
        }
    }
}

#[test]
fn hostile_text_keeps_the_laws() {
    let stand_ins = ProtectOptions { stand_ins: vec!["XQ".into(), "ZX".into()], ..ProtectOptions::default() };
    let replies =
        ["", " ", "Hello.", "XQ XQ ZX!", "the the the the", "\"“”’'.,", "é€ 12,34 %", "a.fr a.fr https://a.fr"];
    for source in HOSTILE {
        for options in [&bare(), &stand_ins] {
            hold(source, &replies, options, &Identity);
            hold(source, &replies, options, &Narrow);
        }
    }
}

#[test]
fn a_very_long_segment_takes_no_time_to_speak_of() {
    let start = std::time::Instant::now();
    for source in [
        "é".repeat(100_000),
        "un deux 3 € à 4 % ".repeat(400),
        "Ah ".to_owned() + &"!".repeat(5000),
        "«".repeat(5000),
        "bla ".repeat(3000),
    ] {
        let p = prepare(&source, &marks(&source), &[], &Narrow, &ProtectOptions::default());
        let h = Narrow
            .translate(&[p.text().to_owned()], &Options { alignment: false, ..Options::default() }, &())
            .remove(0);
        let h = Hypothesis { alignment: None, ..h.expect("never fails").remove(0) };
        let _ = crate::check::judge(&p, &h);
        let _ = restore(&p, Some(&h), &Style::default(), &mut |_| {});
    }
    assert!(start.elapsed().as_secs() < 60, "{:?}", start.elapsed());
}

#[test]
fn many_times_of_day_are_found_in_no_time() {
    let start = std::time::Instant::now();
    let source = "le train de 15 h 30 part ".repeat(150);
    let p = prepare(&source, &[], &[], &Identity, &ProtectOptions::default());
    let target = "the 15:30 train leaves ".repeat(300);
    let h = hypothesis(p.text(), target.trim_end(), &vec![0; 1200]);
    let out = restore(&p, Some(&h), &Style::default(), &mut |_| {});
    assert_eq!(out.text().matches("15:30").count(), 300);
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
}

mod random {
    use proptest::prelude::*;

    use super::*;

    /// Texts made of pieces that are known to make trouble together.
    fn text() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            proptest::sample::select(HOSTILE.to_vec()).prop_map(str::to_owned),
            proptest::sample::select(vec![
                "le ",
                "Le ",
                "chat",
                "CHAT ",
                " ",
                "\u{a0}",
                "« ",
                " »",
                "\"",
                "'",
                "’",
                ".",
                ",",
                "...",
                "…",
                " ?",
                "!",
                "5",
                "1 234",
                "3,5 %",
                "12 €",
                "15 h 30",
                "n° ",
                "20 °C",
                "XXe",
                "https://a.fr/b",
                "a@b.fr",
                "#x",
                "@y",
                "🎉",
                "— ",
                "-",
                "XQ",
                "ZX",
                "foo_bar()",
                "%s",
                "{x}",
                "<b>",
                "é",
                "É",
                "Molière ",
                "(",
                ")",
                "\u{301}",
                "\u{200d}",
                "\u{e000}",
                "שלום",
                "東京"
            ])
            .prop_map(str::to_owned),
            "\\PC{0,6}",
        ];
        proptest::collection::vec(piece, 0..10).prop_map(|v| v.concat())
    }

    proptest! {
        #[test]
        fn any_text_and_any_reply(source in text(), reply in text(), shown in any::<bool>()) {
            let options = if shown { bare() } else { ProtectOptions::default() };
            hold(&source, &[&reply], &options, &Identity);
            hold(&source, &[&reply], &options, &Narrow);
        }
    }
}
