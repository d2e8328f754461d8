use proptest::prelude::*;

use super::*;
use crate::document::{Block, BlockKind};
use crate::engine::{Alignment, Hypothesis};

/// The marks of `source` as the splitter reads them.
fn marks(source: &str) -> Vec<QuoteMark> {
    let block = Block::plain(source, 0..source.len(), BlockKind::Paragraph);
    crate::split::quotes::read(&[block]).remove(0).marks
}

/// A draft of `target` whose words come from the words of `source` with the given numbers (from 0), -1 for none.
fn draft(source: &str, target: &str, from: &[i32]) -> Draft {
    let (source, words) = (words(source), words(target));
    assert_eq!(words.len(), from.len(), "one number a word of {target:?}");
    let mut weights = vec![0.0; words.len() * source.len()];
    for (t, &s) in from.iter().enumerate() {
        match usize::try_from(s) {
            Ok(s) => weights[t * source.len() + s] = 1.0,
            Err(_) => weights[t * source.len()..(t + 1) * source.len()].fill(1.0 / source.len() as f32),
        }
    }
    let alignment = Some(Alignment { source, target: words, weights });
    Draft::new(&Hypothesis { text: target.to_owned(), alignment, ..Hypothesis::default() }, |range| range)
}

#[track_caller]
fn restored(source: &str, target: &str, from: &[i32], style: QuoteStyle) -> String {
    let mut draft = draft(source, target, from);
    restore(&mut draft, source, &marks(source), 0, style);
    draft.text().to_owned()
}

#[test]
fn straight_marks_stay_straight_where_a_sentence_has_no_others() {
    let settled = |marks: &[&str]| QuoteStyle::Auto.settled(marks.iter().copied());
    assert_eq!(settled(&["\"", "\"", "'"]), QuoteStyle::Straight);
    assert_eq!(settled(&["\"", "\"", "«", "»"]), QuoteStyle::Curly);
    assert_eq!(settled(&["“", "”"]), QuoteStyle::Curly);
    assert_eq!(QuoteStyle::Source.settled(["«"].into_iter()), QuoteStyle::Source);
}

#[test]
fn marks_of_the_model_that_agree_are_kept() {
    let source = "« Je pars », dit-il.";
    for target in [
        "\"I'm leaving\", he said.",
        "“I'm leaving”, he said.",
        "''I'm leaving'', he said.",
        "« I'm leaving », he said.",
    ] {
        assert_eq!(restored(source, target, &[0, 1, 2, 2], QuoteStyle::Curly), "“I'm leaving”, he said.");
    }
    assert_eq!(
        restored(source, "“I'm leaving,” he said.", &[0, 1, 2, 2], QuoteStyle::Straight),
        "\"I'm leaving,\" he said."
    );
    assert_eq!(
        restored(source, "'I'm leaving', he said.", &[0, 1, 2, 2], QuoteStyle::Curly),
        "“I'm leaving”, he said."
    );
}

#[test]
fn no_quotation_ends_with_the_beginning_of_another_phrase() {
    let source = "Ils ont mené « des exercices conjoints » hier soir.";
    assert_eq!(
        restored(source, "They led joint exercises in the evening.", &[0, 2, 5, 4, 5, 5, 7], QuoteStyle::Curly),
        "They led “joint exercises” in the evening."
    );
    assert_eq!(
        restored(source, "They led joint exercises in the evening.", &[0, 2, 5, 4, 5, 7, 7], QuoteStyle::Curly),
        "They led “joint exercises” in the evening."
    );
    // A word that is quoted stays quoted, and so does what breaks off.
    assert_eq!(
        restored(
            "Il a dit « je vais à la » sans finir.",
            "He said I go to the unfinished.",
            &[0, 2, 3, 4, 5, 6, 8],
            QuoteStyle::Curly
        ),
        "He said “I go to the” unfinished."
    );
    assert_eq!(
        restored("Le mot « le » manque.", "The word the is missing.", &[0, 1, 2, 3, 3], QuoteStyle::Curly),
        "The word “the” is missing."
    );
}

#[test]
fn dropped_marks_come_back_round_the_right_words() {
    let source = "Il a vu « le grand film » hier.";
    let from = [0, 1, 3, 4, 5, 6];
    assert_eq!(
        restored(source, "He saw the great film yesterday.", &from, QuoteStyle::Curly),
        "He saw “the great film” yesterday."
    );
    let mut draft = draft(source, "He saw the great film” yesterday.", &from);
    restore(&mut draft, source, &marks(source), 0, QuoteStyle::Curly);
    assert_eq!(draft.text(), "He saw “the great film” yesterday.");
    assert_eq!(draft.notes.len(), 1);
    assert_eq!(draft.notes[0].code, "quote_restored");
    // The words may stand elsewhere.
    assert_eq!(
        restored(source, "Yesterday he saw the great film.", &[6, 0, 1, 3, 4, 5], QuoteStyle::Curly),
        "Yesterday he saw “the great film”."
    );
}

#[test]
fn reported_speech_that_the_model_turned_round_still_closes() {
    let source = "« Nous partirons demain », a dit Paul.";
    assert_eq!(
        restored(source, "Paul said we will leave tomorrow.", &[5, 4, 0, 1, 1, 2], QuoteStyle::Curly),
        "Paul said “we will leave tomorrow”."
    );
}

#[test]
fn the_stop_stands_where_the_source_has_it() {
    assert_eq!(
        restored("« Viens ! » cria-t-il.", "Come! he cried.", &[0, 1, 1], QuoteStyle::Curly),
        "“Come!” he cried."
    );
    assert_eq!(restored("Il dit : « Viens. »", "He says: come.", &[0, 1, 2], QuoteStyle::Curly), "He says: “Come.”");
    assert_eq!(restored("Il dit « viens ».", "He says come.", &[0, 1, 2], QuoteStyle::Curly), "He says “come”.");
    assert_eq!(restored("Est-ce « ça » ?", "Is it that?", &[0, 0, 1], QuoteStyle::Curly), "Is it “that”?");
}

#[test]
fn nested_quotations_take_turns() {
    let source = "Il lit « l'essai “La fin” », puis dort.";
    let target = "He reads the essay The End, then sleeps.";
    let from = [0, 1, 2, 2, 3, 4, 5, 6];
    assert_eq!(restored(source, target, &from, QuoteStyle::Curly), "He reads “the essay ‘The End’”, then sleeps.");
    assert_eq!(restored(source, target, &from, QuoteStyle::Straight), "He reads \"the essay 'The End'\", then sleeps.");
    assert_eq!(
        restored(source, "He reads \"the essay \"The End\",\" then sleeps.", &from, QuoteStyle::Curly),
        "He reads “the essay ‘The End’,” then sleeps."
    );
}

#[test]
fn single_marks_outside_stay_single() {
    assert_eq!(restored("'Bon.'", "Good.", &[0], QuoteStyle::Curly), "‘Good.’");
    assert_eq!(restored("‹ Ah ›", "Ah", &[0], QuoteStyle::Straight), "'Ah'");
}

#[test]
fn what_the_model_invented_goes() {
    assert_eq!(restored("Il dort.", "He “sleeps.”", &[0, 1], QuoteStyle::Curly), "He sleeps.");
    assert_eq!(restored("Il dort.", "He « sleeps ».", &[0, 1], QuoteStyle::Straight), "He sleeps.");
    assert_eq!(restored("Il a dit « oui ».", "He “said” “yes”.", &[0, 1, 3], QuoteStyle::Curly), "He said “yes”.");
    // Apostrophes are none of ours.
    let text = "The workers' rights in the '80s weren't 'em.";
    assert_eq!(restored("Il dort.", text, &[-1; 8], QuoteStyle::Curly), text);
}

#[test]
fn a_mark_whose_partner_is_elsewhere_stands_alone() {
    let source = "« Je pars demain.";
    assert_eq!(restored(source, "\"I leave tomorrow.\"", &[0, 1, 2], QuoteStyle::Curly), "“I leave tomorrow.");
    assert_eq!(restored(source, "I leave tomorrow.", &[0, 1, 2], QuoteStyle::Curly), "“I leave tomorrow.");
    let mut draft = draft("Il part. »", "He leaves.", &[0, 1]);
    let close = [QuoteMark { range: 9..11, role: QuoteRole::Close, depth: 1 }];
    restore(&mut draft, "Il part. »", &close, 2, QuoteStyle::Curly);
    assert_eq!(draft.text(), "He leaves.’");
    let source = "Il répondit : « Je pars.";
    assert_eq!(restored(source, "He answered: I leave.", &[0, 1, 2, 3], QuoteStyle::Curly), "He answered: “I leave.");
}

#[test]
fn a_dash_after_the_opening_mark_stays_inside() {
    assert_eq!(restored("« – Tu viens ?", "– Are you coming?", &[0, 0, 1], QuoteStyle::Curly), "“– Are you coming?");
    assert_eq!(restored("– « Oui. »", "– Yes.", &[0], QuoteStyle::Curly), "– “Yes.”");
}

#[test]
fn without_alignment_the_proportion_decides() {
    let source = "Il a vu « le grand film » hier soir.";
    let mut draft = Draft::new(
        &Hypothesis { text: "He saw the great film last night.".to_owned(), ..Hypothesis::default() },
        |range| range,
    );
    restore(&mut draft, source, &marks(source), 0, QuoteStyle::Curly);
    assert_eq!(draft.text().matches(['“', '”']).count(), 2);
    assert!(draft.text().contains("film” last") || draft.text().contains("great film”"), "{}", draft.text());
}

#[test]
fn a_quotation_that_ends_with_an_exclamation_mark_ends_with_it() {
    let (source, target) = ("« Le cachemire ! » pensa Frédéric.", "The cache! Father Father Frederic.");
    assert_eq!(restored(source, target, &[0, 1, 1, 1, 3], QuoteStyle::Curly), "“The cache!” Father Father Frederic.");
}

#[test]
fn words_that_come_from_nowhere_are_quoted_between_their_neighbours() {
    let (source, target) =
        ("Il lui transmet les « salutations cordiales » du roi.", "He sends the the screams of the king.");
    let from = [0, 2, 3, 3, -1, 6, 6, 7];
    assert_eq!(restored(source, target, &from, QuoteStyle::Curly), "He sends the the “screams” of the king.");
}

#[test]
fn the_sources_own_signs() {
    let source = "Il a dit « oui\u{a0}» puis \"non\".";
    assert_eq!(
        restored(source, "He said “yes” then “no”.", &[0, 1, 3, 4, 5], QuoteStyle::Source),
        "He said « yes\u{a0}» then \"no\"."
    );
}

#[test]
fn a_text_without_words_has_its_marks_too() {
    assert_eq!(restored("« … »", "...", &[], QuoteStyle::Curly), "“...”");
    assert_eq!(restored("« ? »", "", &[], QuoteStyle::Curly), "“”");
}

fn bits(list: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(list), 0..24).prop_map(|bits| bits.concat())
}

const SOURCE: &[&str] = &[
    "« ", " »", "“", "”", "\"", "'", "‘", "’", " ", " ", "le", "mot", "É", ".", " ?", ",", "(", ")", "– ", "l'", "12",
    "…", "„", "‹", "›", "\u{301}",
];
const TARGET: &[&str] = &[
    "“", "”", "\"", "'", "’", "‘", "« ", " »", "''", "``", " ", " ", "the", "word", "I", ".", "?", ",", "(", ")", "—",
    "'s", "12", "...", "\u{301}",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn the_marks_are_the_sources(source in bits(SOURCE), target in bits(TARGET), seed in any::<u64>(), straight: bool) {
        let quotes = marks(&source);
        let (from, to) = (words(&source), words(&target));
        let mut state = seed | 1;
        let weights: Vec<f32> = (0..from.len() * to.len()).map(|_| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            f32::from(u8::from(state >> 62 == 0))
        }).collect();
        let alignment = Some(Alignment { source: from, target: to, weights });
        let mut draft = Draft::new(&Hypothesis { text: target.clone(), alignment, ..Hypothesis::default() }, |range| range);
        let letters = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).collect::<String>();
        let style = if straight { QuoteStyle::Straight } else { QuoteStyle::Curly };
        restore(&mut draft, &source, &quotes, 0, style);
        let text = draft.text();
        prop_assert_eq!(letters(text), letters(&target));
        prop_assert!(!text.contains(['«', '»']));
        if !straight {
            // As many of each sign as the source has marks for it; what is over are apostrophes of the target.
            let singles = singles(&source, &quotes);
            let count = |open: bool| quotes.iter().zip(&singles).filter(|(m, single)| opens(m) == open && !**single).count();
            prop_assert_eq!(text.matches('“').count(), count(true), "{:?} -> {:?}", source, text);
            prop_assert_eq!(text.matches('”').count(), count(false), "{:?} -> {:?}", source, text);
        }
        prop_assert!(draft.links().iter().all(|link| draft.text().get(link.target.clone()).is_some()));
    }
}

#[test]
fn what_began_before_closes_last_and_a_quoted_sentence_has_its_capital() {
    let (before, segment) = ("« Non. ", "J'ai dit : “Peut-être.” »");
    let all = marks(&format!("{before}{segment}"));
    let moved = |mark: &QuoteMark| QuoteMark {
        range: mark.range.start - before.len()..mark.range.end - before.len(),
        ..mark.clone()
    };
    let own: Vec<QuoteMark> = all.iter().filter(|mark| mark.range.start >= before.len()).map(moved).collect();
    let mut draft = draft(segment, "I said: maybe.", &[0, 1, 2]);
    restore(&mut draft, segment, &own, 1, QuoteStyle::Curly);
    assert_eq!(draft.text(), "I said: ‘Maybe.’”");
}
