use proptest::prelude::*;

use super::*;
use crate::formats::laws::{hold, hostile, read, render, reversed, upper};
use crate::formats::{Format, parse};

const SRT: &str = "\u{feff}1\r\n00:00:01,000 --> 00:00:03,000 X1:2\r\n<i>Je ne sais pas</i>\r\npourquoi il est parti\r\n\r\n2\r\n00:00:03,100 --> 00:00:05,000\r\nsans rien dire à personne.\r\n\r\n3\r\n00:00:06,000 --> 00:00:07,000\r\n- Tu viens ?\r\n- Non, <b>jamais</b>.\r\n\r\n4\r\n00:00:08,000 --> 00:00:09,000\r\n♪\r\n";

const VTT: &str = "WEBVTT - Un titre\n\nSTYLE\n::cue { color: red }\n\nNOTE une note\n\ndébut\n00:01.000 --> 00:02.000 align:start\n<v Anne>Bonjour &amp; bienvenue !\n\n00:02.000 --> 00:03.500\nOn y va.\n";

fn texts(format: Format, source: &str) -> Vec<String> {
    read(format, source).document().blocks().iter().map(|b| b.text.clone()).collect()
}

#[test]
fn a_sentence_over_two_cues_is_one_block() {
    let expected = ["Je ne sais pas pourquoi il est parti\nsans rien dire à personne.", "Tu viens ?", "Non, jamais."];
    assert_eq!(texts(Format::Srt, SRT), expected);
    let out = render(&*read(Format::Srt, SRT), upper);
    assert!(out.contains("X1:2\r\n<i>JE NE SAIS PAS</i> POURQUOI IL EST PARTI\r\n\r\n2\r\n"), "{out}");
    assert!(out.contains("\r\nSANS RIEN DIRE à PERSONNE.\r\n\r\n3\r\n"), "{out}");
    assert!(out.contains("- TU VIENS ?\r\n- NON, <b>JAMAIS</b>.\r\n"), "{out}");
}

#[test]
fn notes_styles_and_settings_are_left_alone() {
    assert_eq!(texts(Format::Vtt, VTT), ["Bonjour & bienvenue !", "On y va."]);
    let out = render(&*read(Format::Vtt, VTT), upper);
    assert_eq!(out, VTT.replace("Bonjour &amp; bienvenue", "BONJOUR &amp; BIENVENUE").replace("On y va", "ON Y VA"));
}

#[test]
fn a_time_line_begins_a_cue_without_a_blank_line_before_it() {
    let source = "1\n00:00:01,000 --> 00:00:02,000\nOui.\n2\n00:00:02,000 --> 00:00:03,000\nNon.\n";
    assert_eq!(texts(Format::Srt, source), ["Oui.", "Non."]);
    let source = "WEBVTT\n\n00:01.000 --> 00:02.000\n00:01.000 --> 00:02.000\nOui.\n00:02.000 --> 00:03.000\nNon.\n";
    assert_eq!(texts(Format::Vtt, source), ["Oui.", "Non."]);
}

#[test]
fn long_cues_get_two_even_lines() {
    let parsed = read(Format::Srt, "1\n00:00:01,000 --> 00:00:03,000\nOui.\n");
    let text = "I really do not know why he has left us here alone in the rain".to_owned();
    let out = parsed.render(&[Target { text, marks: vec![] }]);
    assert!(out.ends_with("\nI really do not know why he has\nleft us here alone in the rain\n"), "{out}");
    let options = Options { subtitle_columns: 24, subtitle_lines: 3, ..Options::default() };
    let source = "1\n00:00:01,000 --> 00:00:03,000\nOui.\n".to_owned();
    let parsed = crate::formats::parse_with(Format::Srt, source, &options).expect("subtitles");
    let text = "I really do not know why he has left us here alone in the rain".to_owned();
    let out = parsed.render(&[Target { text, marks: vec![] }]);
    assert!(out.ends_with("\nI really do not know\nwhy he has left us\nhere alone in the rain\n"), "{out}");
}

#[test]
fn tags_stay_on_their_words() {
    let out = render(&*read(Format::Srt, SRT), reversed);
    assert!(out.contains("- .<b>jamais</b> Non,\r\n"), "{out}");
    assert_eq!(out.matches("<i>").count(), 1);
    assert_eq!(out.matches("</i>").count(), 1);
}

#[test]
fn what_is_no_subtitles_is_refused() {
    let error = parse(Format::Srt, "Bonjour.\n".to_owned()).map(|_| ()).expect_err("no time line");
    assert!(error.to_string().contains("line 1"), "{error}");
    assert!(parse(Format::Srt, String::new()).is_ok());
}

/// Cues a tenth of a second apart, or at these times.
fn cues(cues: &[&str]) -> String {
    let cue = |(i, text): (usize, &&str)| format!("{}\n00:00:{:02},000 --> 00:00:{:02},900\n{text}\n", i + 1, i, i);
    cues.iter().enumerate().map(cue).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_sentence_goes_on_only_where_nothing_speaks_against_it() {
    let joined = |last: &str, next: &str| texts(Format::Srt, &cues(&[last, next])).len() == 1;
    for (last, next) in [
        ("Elle continue", "encore et encore"),
        ("Si tu viens,", "Marie viendra aussi."),
        ("Il est parti avec", "Marie."),
        ("Je n'en peux plus...", "...de cette maison."),
        ("{\\an8}Elle continue", "{\\an8}encore et encore"),
    ] {
        assert!(joined(last, next), "{last} | {next}");
    }
    for (last, next) in [
        ("Nous sommes en 1920", "Tu ne sais pas"),
        ("Tu ne sais pas", "PARIS, 1943"),
        ("UNE ÉCOLE DANS", "la ville endormie"),
        ("[un chien aboie]", "et puis rien"),
        ("et puis", "(rires)"),
        ("♪ sur le pont ♪", "on y danse"),
        ("Je pense que tu devrais", "- non, jamais."),
        ("Il dit que", "PAUL : viens"),
        ("Il dit que", ">> bonsoir"),
        ("Il dit que", "{\\an8}tout est fermé"),
    ] {
        assert!(!joined(last, next), "{last} | {next}");
    }
    let late = cues(&["Elle continue", "encore"]).replace("00:00:01", "00:05:01");
    assert_eq!(texts(Format::Srt, &late).len(), 2);
}

#[test]
fn speakers_in_a_cue_are_texts_by_themselves() {
    let said = |cue: &str| texts(Format::Srt, &cues(&[cue]));
    for (cue, expected) in [
        ("HOMME 1 : Allez !\nFEMME : Attendez-moi !", &["HOMME 1 :", "Allez !", "FEMME :", "Attendez-moi !"][..]),
        ("[Anne] Bonsoir.\n[Luc] Bonsoir !", &["Anne", "Bonsoir.", "Luc", "Bonsoir !"]),
        (">> Bonsoir Paul.\n>> Bonsoir.", &["Bonsoir Paul.", "Bonsoir."]),
        ("<i>- Allô ?</i>\n<i>- C'est moi.</i>", &["Allô ?", "C'est moi."]),
        ("- Tu es qui ?\n<i>- La police.</i>", &["Tu es qui ?", "La police."]),
        ("<v Paul>Salut !\n<v Marie>Bonjour !", &["Salut !", "Bonjour !"]),
        ("(Téléphone) Allô ?\n(Elle raccroche.)", &["Téléphone", "Allô ?", "Elle raccroche."]),
        ("# Frère Jacques, #\n# dormez-vous ? #", &["Frère Jacques,", "dormez-vous ?"]),
        ("(Il soupire)\nJe n'en peux plus", &["Il soupire", "Je n'en peux plus"]),
    ] {
        assert_eq!(said(cue), expected, "{cue}");
        let out = render(&*read(Format::Srt, &cues(&[cue])), upper);
        let shouted = expected.iter().fold(cues(&[cue]), |all, text| all.replace(text, &text.to_ascii_uppercase()));
        assert_eq!(out, shouted);
    }
    assert_eq!(said("Il est venu hier\n(avec sa sœur)."), ["Il est venu hier (avec sa sœur)."]);
}

#[test]
fn a_tag_is_closed_and_opened_again_at_the_edge_of_a_cue() {
    let parsed = read(Format::Srt, &cues(&["C'est <i>très", "beau</i> ici."]));
    let text = "It is very fine in here.".to_owned();
    let marks = vec![Mark { range: 6..15, id: 0, verbatim: false }];
    let out = parsed.render(&[Target { text, marks }]);
    assert!(out.contains("\nIt is <i>very</i>\n"), "{out}");
    assert!(out.contains("\n<i>fine</i> in here.\n"), "{out}");
}

#[test]
fn tags_over_the_end_of_a_line_are_one() {
    let source = cues(&["<i>Je ne savais pas</i>\n<i>tout cela.</i>", "Bonjour,\\NMarie."]);
    assert_eq!(texts(Format::Srt, &source), ["Je ne savais pas tout cela.", "Bonjour, Marie."]);
    let out = render(&*read(Format::Srt, &source), reversed);
    assert!(out.contains("\n<i>cela. tout pas savais ne Je</i>\n"), "{out}");
    let options = Options { subtitle_columns: 8, ..Options::default() };
    let parsed = Subtitles::parse(source, &options, false).expect("subtitles");
    let out = render(&parsed, upper);
    assert!(out.contains("BONJOUR,\\NMARIE."), "{out}");
}

#[test]
fn an_arrow_may_lack_a_dash_and_what_has_no_times_is_told() {
    let source = cues(&["Oui.", "Non."]).replacen("-->", "->", 1);
    assert_eq!(texts(Format::Srt, &source), ["Oui.", "Non."]);
    let source = cues(&["Oui.\n\nEt là.", "Non."]);
    assert_eq!(texts(Format::Srt, &source), ["Oui.", "Et là.", "Non."]);
    let source = cues(&["Oui.", "Non."]).replace("01,000 -->", "01,000 =");
    let parsed = read(Format::Srt, &source);
    assert_eq!(parsed.document().blocks().len(), 1);
    assert!(parsed.faults()[0].to_string().contains("line 5"), "{:?}", parsed.faults());
}

const PARTS: &[&str] = &[
    "1\n",
    "2\r\n",
    "00:00:01,000 --> 00:00:02,000\n",
    "00:01.000 --> 00:02.000 align:start\n",
    "-->",
    "99999999999999:1 --> 0\n",
    "- ",
    "– Oui",
    "<i>",
    "</i>",
    "<v Anne>",
    "<i>- ",
    "{\\i1}",
    "{\\i0}",
    "\\N",
    ">> ",
    "(rires)",
    "PAUL : ",
    "# ",
    "{\\an8}",
    "<00:01.500>",
    "&amp;",
    "NOTE ",
    "STYLE\n",
    "WEBVTT\n",
    "♪ ",
    "...",
    "… ",
    ", ",
    "et puis",
    "\n\n",
];

proptest! {
    #[test]
    fn laws(body in hostile(PARTS), web in any::<bool>()) {
        let source = format!("WEBVTT\n\n1\n00:00:01,000 --> 00:00:02,000\n{body}");
        hold(&Subtitles::parse(source.clone(), &Options::default(), web).expect("it has a time line"), &source)?;
    }
}
