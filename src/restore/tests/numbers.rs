//! Numbers, units, times of day.

use super::*;

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
    assert_eq!(
        said("Les 22e, 101e et 12e tomes.", "The 22th, 101th and 12th tomes."),
        "The 22nd, 101st and 12th tomes."
    );
    assert_eq!(said("Le 1001e jour.", "The 1,001th day."), "The 1,001st day.");
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
fn hours_in_full_are_on_one_clock() {
    let source = "Rendez-vous à 18 heures.";
    for text in ["See you at 6 p.m.", "See you at 18:00."] {
        assert_eq!(said(source, text), text);
    }
    assert_eq!(said(source, "See you at 18 p.m. here."), "See you at 6 p.m. here.");
    assert_eq!(said("La séance de 14 heures 30.", "The 14:30 p.m. session."), "The 2:30 p.m. session.");
    let day = "See you on November 14, 10 a.m.";
    assert_eq!(said("Rendez-vous le 14 novembre à 10 heures.", day), day);
    let late = "Il arrive vers 23 heures";
    let p = prepare(late, &[], &[], &Identity, &bare());
    let wrong = hypothesis(p.text(), "He arrives around 10 p.m.", &[0, 1, 2, 3, 4]);
    assert_eq!(restore(&p, Some(&wrong), &Style::default(), &mut |_| {}).text(), "He arrives around 11 p.m.");
    assert_eq!(said("Il passe sur France 2.", "He is on France 2.00."), "He is on France 2.");
}

#[test]
fn whose_dollars_they_are_stands_before_the_sign() {
    assert_eq!(
        said("Il paie 50 $ US, 20 $ CAN et 5 $.", "He pays $50, 20 dollars and $5."),
        "He pays US$50, CA$20 and $5."
    );
    assert_eq!(
        said("Chiffré à 15 M€, il est prêt.", "Valued at €15M million, it is ready."),
        "Valued at €15 million, it is ready."
    );
    assert_eq!(said("Il manque 150 Mds€.", "€150 billion."), "€150 billion.");
    assert_eq!(said("Il manque 150 Mds€.", "€150bn billion is missing."), "€150 billion is missing.");
    assert_eq!(said("3 M$ CA pour lui", "$3 million for him"), "CA$3 million for him");
}
