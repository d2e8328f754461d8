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
