//! What a model's dictionary puts right.

use std::sync::Arc;

use super::*;
use crate::protect::dictionary::Dictionary;
use crate::store::Blob;

const LINES: &str = "amiraux\tadmirals|flag officers\navec accusé de réception\twith acknowledgement of receipt\ncarillon\tcarillon|chime\n\
    coup d'envoi\tkick-off\ncrampons\tcrampons|stud\ncrise\t=crisis\ncédant\tyielding\ndénommé\treferred to as|called\npoids:\tweight|load\npris part\ttaken^took part\nétat de droit\trule of law\n";

/// What becomes of `source` when the model says `text`, each word of which comes from the word of the source that `pairs` names.
fn corrected(source: &str, text: &str, pairs: &[usize], log_prob: f32) -> (String, usize) {
    let dictionary = Dictionary::load(Blob::new("d.tsv", LINES.into())).unwrap();
    let options = ProtectOptions { dictionary: Some(Arc::new(dictionary)), ..bare() };
    let p = prepare(source, &[], &[], &Identity, &options);
    let scores = vec![log_prob; pairs.len()];
    let said = Hypothesis { token_scores: scores, ..hypothesis(source, text, pairs) };
    let draft = restore(&p, Some(&said), &Style::default(), &mut |_| {});
    (draft.text().to_owned(), draft.notes.iter().filter(|note| note.code == "word_known").count())
}

#[test]
fn what_the_model_does_not_know_is_written_as_its_dictionary_has_it() {
    let unsure = |source, text, pairs: &[usize]| corrected(source, text, pairs, -1.0).0;
    assert_eq!(unsure("Les amiraux sont là", "The admirers are there", &[0, 1, 2, 3]), "The admirals are there");
    assert_eq!(unsure("Amiraux et marins", "Admirers and sailors", &[0, 1, 2]), "Admirals and sailors");
    // The article goes with the new word, and a term is one wherever its words came out.
    assert_eq!(unsure("Un carillon sonne", "An cariole rings", &[0, 1, 2]), "A carillon rings");
    assert_eq!(unsure("Le coup d'envoi", "The sending blow", &[0, 2, 1]), "The kick-off");
    assert_eq!(unsure("Un état de droit local", "A state of law local", &[0, 1, 2, 3, 4]), "A rule of law local");
    assert_eq!(unsure("Ainsi dénommé Paul", "So named to as Paul", &[0, 1, 2, 2, 2]), "So referred to as Paul");
    assert_eq!(unsure("Il a pris part", "He seized side", &[0, 2, 3]), "He took part");
    assert_eq!(
        unsure("Il a déjà pris part", "He has already seized side", &[0, 1, 2, 3, 4]),
        "He has already taken part"
    );
    let letter = "Par lettre avec accusé de réception";
    assert_eq!(
        unsure(letter, "By letter with a receipt accused", &[0, 1, 2, 2, 5, 3]),
        "By letter with acknowledgment of receipt"
    );
    assert_eq!(
        unsure(letter, "By letter with receipt accused", &[0, 1, 1, 5, 3]),
        "By letter with acknowledgment of receipt"
    );
}

#[test]
fn a_right_translation_stays() {
    let same = |source, text: &str, pairs: &[usize], sure| {
        assert_eq!(corrected(source, text, pairs, sure), (text.to_owned(), 0))
    };
    same("Les amiraux sont là", "The flag officers are there", &[0, 1, 1, 2, 3], -1.0);
    same("Les crampons", "The studded", &[0, 1], -1.0);
    // What the model is sure of is a translation that the dictionary lacks; a name is none of its words.
    same("Les crampons", "The spikes", &[0, 1], -0.1);
    same("Les crampons de Nike", "The Nike Tiempo", &[0, 3, 1], -1.0);
    // A term in places apart, and a word that nothing came of.
    same("Le coup d'envoi hier", "The blow yesterday sent", &[0, 1, 3, 2], -1.0);
    same("Les amiraux sont là", "They are there", &[0, 2, 3], -1.0);
}

#[test]
fn labels_are_known_where_they_stand_alone() {
    let sure = |source, text, pairs: &[usize]| corrected(source, text, pairs, -0.1).0;
    assert_eq!(sure("Poids : lourd", "Poids: heavy", &[0, 2]), "Weight: heavy");
    assert_eq!(sure("Poids", "Pods", &[0]), "Weight");
    assert_eq!(sure("Le poids : lourd", "The fishes: heavy", &[0, 1, 3]), "The fishes: heavy");
    // Copied is wrong however sure the model is.
    assert_eq!(sure("Un cédant", "A cédant", &[0, 1]), "A yielding");
    assert_eq!(sure("Une crise ici", "A crise here", &[0, 1, 2]), "A crisis here");
    assert_eq!(sure("Une crise ici", "A fit here", &[0, 1, 2]), "A fit here");
}
