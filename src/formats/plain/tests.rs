use proptest::prelude::*;

use super::*;
use crate::formats::Format;
use crate::formats::laws::{hold, hostile, read, render, reversed, same, upper};

fn texts(source: &str) -> Vec<(BlockKind, String)> {
    let parsed = read(Format::Plain, source);
    parsed.document().blocks().iter().map(|b| (b.kind, b.text.clone())).collect()
}

fn shouted(source: &str) -> String {
    render(&*read(Format::Plain, source), upper)
}

fn write_all(source: &str, text: &str) -> String {
    let parsed = read(Format::Plain, source);
    let target = Target { text: text.to_owned(), marks: Vec::new() };
    parsed.document().render(|i| parsed.write(i, &target))
}

const WRAPPED: &str = "La mairie a fait savoir hier que les travaux de la\n\
    place commenceraient au printemps, quand les pluies\n\
    auront cessé. M. Petit s'en est félicité devant les\nhabitants.\n";

const VERSE: &str = "Le vent du nord descend sur la plaine endormie,\n\
    La lune se répand dans les branches des saules,\n\
    Un chien gris aboie au loin, et la nuit est finie,\n\
    Le jour vient déposer sa main sur nos épaules.\n";

#[test]
fn tags_of_html_go_with_their_words() {
    let source = "- Le <b>chat</b> noir\n\nIl est livr\u{e9} : <p>Un mot.</p><p>Deux &amp; trois.</p>\n3 < 4\n";
    let parsed = read(Format::Plain, source);
    let out = render(&*parsed, reversed);
    assert!(out.starts_with("- noir <b>chat</b> Le\n\n"), "{out}");
    assert!(out.contains("<p>mot. Un</p><p>trois. &amp; Deux</p>\n3 < 4\n"), "{out}");
    hold(&*parsed, source).expect("the laws");
}

#[test]
fn markers_and_blanks_stay_in_the_gaps() {
    let source =
        "\u{feff}  1. Titre\r\n\r\n\t- un point ;  \n> cité\n> > — Oui.\r— Non.\n---\n12,5 %\n# Haut\n[ ] fait\n[x]";
    let kinds = [
        (BlockKind::Heading, "Titre"),
        (BlockKind::ListItem, "un point ;"),
        (BlockKind::Paragraph, "cité"),
        (BlockKind::Dialogue, "Oui."),
        (BlockKind::Dialogue, "Non."),
        (BlockKind::Paragraph, "12,5 %"),
        (BlockKind::Heading, "Haut"),
        (BlockKind::ListItem, "fait"),
    ];
    assert_eq!(texts(source)[..8], kinds.map(|(kind, text)| (kind, text.to_owned())));
    let expected =
        "\u{feff}  1. TITRE\r\n\r\n\t- UN POINT ;  \n> CITé\n> > — OUI.\r— NON.\n---\n12,5 %\n# HAUT\n[ ] FAIT\n[x]";
    assert_eq!(shouted(source), expected);
}

#[test]
fn a_wrapped_paragraph_is_one_block_and_wrapped_again() {
    assert_eq!(texts(WRAPPED), [(BlockKind::Paragraph, WRAPPED.trim_end().to_owned())]);
    let quoted: String = WRAPPED.lines().map(|l| format!("> {l}\r\n")).collect();
    assert_eq!(texts(&quoted).len(), 1);
    let out =
        write_all(&quoted, "A word and another word and yet another word, even - a dash, and the last of all words.");
    assert_eq!(
        out,
        "> A word and another word and yet another word, even -\r\n> a dash, and the last of all words.\r\n"
    );
}

#[test]
fn an_item_wrapped_with_a_hanging_indent_keeps_it() {
    let source = "  1. La mairie a fait savoir hier que les travaux de la\n     place commenceraient au printemps, quand les pluies\n     auront cessé, a dit le maire.\n  2. Fin\n";
    let found = texts(source);
    assert_eq!(found.len(), 2);
    assert_eq!(found[0].0, BlockKind::ListItem);
    assert!(found[0].1.starts_with("La mairie") && found[0].1.matches('\n').count() == 2);
    assert!(shouted(source).contains("\n     PLACE"));
}

#[test]
fn paragraphs_told_by_their_first_indent_are_apart() {
    let one = "    La mairie a fait savoir hier que les travaux de\nla place commenceraient au printemps, quand les\npluies auront cessé, et que le marché irait ailleurs.\n";
    let source = format!("{one}{one}    Oui.\n{one}");
    assert_eq!(texts(&source).len(), 4);
}

#[test]
fn verse_addresses_and_lists_are_not_paragraphs() {
    for source in [
        VERSE,
        "Mairie de Sens\n12, rue de la République\n89100 Sens\n",
        "Madame la directrice du musée,\nje vous remercie de votre lettre.\n",
        "pommes de terre nouvelles de l'île de Ré\ncarottes\npoireaux et navets du jardin\n",
        "Présents : M. Roche, Mme Saïd\nExcusée : Mme Nadeau\n",
        "Le ministre a annoncé lundi une hausse.\nLes habitants attendent une réponse depuis 2019.\nLa pluie tombait.\n",
    ] {
        let n = source.lines().filter(|l| has_text(l)).count();
        assert_eq!(texts(source).len(), n, "{source}");
    }
}

#[test]
fn the_user_may_say_what_lines_are() {
    assert_eq!((count(VERSE, Wrapped::Yes), count(WRAPPED, Wrapped::No)), (1, 4));
}

#[test]
fn a_word_divided_at_the_margin_is_made_whole() {
    let source = "Le printemps, disait le maire de la ville, le print-\ntemps viendra bien assez tôt pour nous, et peut-\nêtre même avant que la neige ait fondu partout.\n";
    let text = &texts(&source.replace("print-\ntemps", "prin-\ntemps"))[0].1;
    assert!(text.contains("le printemps viendra") && text.contains("peut-être même"), "{text}");
}

/// How many blocks each way of reading lines makes of `source`.
fn count(source: &str, wrapped: Wrapped) -> usize {
    let options = Options { wrapped, ..Options::default() };
    Plain::parse(source.to_owned(), &options).expect("is text").document().blocks().len()
}

#[test]
fn a_paragraph_of_two_lines_is_told_by_a_word_that_runs_on() {
    for source in [
        "Je vous prie d'agréer, Madame la Directrice, l'expression de mes sen-\ntiments distingués.\n",
        "Le conseil municipal a voté hier soir un budget de\n12,5 millions d'euros.\n",
        "Par la présente, je vous informe que je souhaite résilier mon contrat\nà compter du 1er avril.\n",
        "- Toiture : les travaux de la mairie dureront trois\nsemaines environ.\n",
        "1) Un point assez long pour qu'il faille le couper\n   au bout de la ligne.\n",
    ] {
        assert_eq!(count(source, Wrapped::Auto), 1, "{source}");
    }
    assert_eq!(count("Lyon, le 3 mars\n(signature)\n", Wrapped::Auto), 2);
}

#[test]
fn one_short_line_does_not_undo_a_paragraph() {
    let source = "La population de la commune a augmenté de 3,4 % entre 2015 et 2020,\n\
        soit un rythme supérieur à celui du département. Cette évolu-\n\
        tion s'explique par l'arrivée de jeunes ménages, attirés par les prix\n\
        du foncier, et par la création de la zone d'activités Sainte-\n\
        Marie, qui emploie désormais 1 200 personnes.\n";
    let found = texts(source);
    assert_eq!(found.len(), 1);
    assert!(found[0].1.contains("Cette évolution s'explique") && found[0].1.contains("Sainte-Marie"));
}

#[test]
fn addresses_stay_lines_even_where_text_is_said_to_be_wrapped() {
    let address = "Mairie de Sens\n12, rue de la République\n89100 Sens\nTél. : 03 86\n\n";
    assert_eq!(count(&format!("{address}{WRAPPED}"), Wrapped::Yes), 5);
}

#[test]
fn a_guillemet_repeated_on_every_line_is_no_text() {
    let source = "« Le roi vint hier soir à la grande porte du château et\n\
        » dit qu'il voulait parler à la reine et à son fils avant\n\
        » que la nuit ne tombe sur la plaine. »\n";
    assert_eq!(texts(source)[0].1.matches('»').count(), 1);
    assert!(shouted(source).contains("\n» DIT"));
}

#[test]
fn ornaments_and_signs_of_emphasis_stay() {
    let source = "=== Titre ===\n!! Note\n*Prix TTC.\n\nIl aime **tous** les _mots_.\nSexe : [ ] M   [ ] F\n";
    let found: Vec<String> = texts(source).into_iter().map(|(_, text)| text).collect();
    assert_eq!(found, ["Titre", "Note", "Prix TTC.", "Il aime tous les mots.", "Sexe :", "M", "F"]);
    assert_eq!(shouted(source), source.to_uppercase());
}

#[test]
fn a_lone_line_with_bars_has_no_columns() {
    assert_eq!(write_all("S'abonner | Se connecter | Aide\n", "Go"), "Go | Go | Go\n");
    assert_eq!(
        write_all("S'abonner | Se connecter | Aide\nUn | Deux | Trois\n", "Go").lines().next(),
        Some("Go        | Go           | Go")
    );
}

#[test]
fn columns_keep_their_places() {
    assert_eq!(write_all("| Nom  | Âge  |\n", "Name"), "| Name | Name |\n");
    assert_eq!(write_all("Nom      Prix   Quantité\n", "Cost"), "Cost     Cost   Cost\n");
    assert_eq!(write_all("a\tb\t\tc", "xyz"), "xyz\txyz\t\txyz");
}

#[test]
fn code_between_fences_is_left_alone() {
    assert_eq!(shouted("un\n```\ndeux\n```\ntrois\n```\nquatre"), "UN\n```\ndeux\n```\nTROIS\n```\nQUATRE");
}

#[test]
fn a_line_stays_a_line() {
    assert_eq!(write_all("un\ndeux", "x\r\ny"), "x y\nx y");
}

#[test]
fn long_texts_take_time_in_proportion() {
    let start = std::time::Instant::now();
    let line = "le chat dort sur la table ".repeat(40_000);
    let many = "- Oui.\nLe chat dort\nsur la table - ".repeat(25_000) + &"( \t|".repeat(50_000);
    for source in [line, many, "é-\n".repeat(50_000)] {
        let parsed = read(Format::Plain, &source);
        assert!(render(&*parsed, same) == source);
        render(&*parsed, upper);
    }
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
}

const PARTS: &[&str] = &[
    "- ",
    "* ",
    "<b>",
    "</b>",
    "<p>",
    "&amp;",
    "• ",
    "1. ",
    "a) ",
    "IV. ",
    "[ ] ",
    "> ",
    ">",
    "# ",
    "— ",
    "–",
    "--",
    "| ",
    "|",
    "│",
    "+---+",
    "........",
    "____",
    "__ / __",
    "|__|",
    "[ ]",
    "*",
    "**",
    "_",
    "***",
    "===",
    "<< ",
    " >>",
    "«\u{a0}",
    "» ",
    "mot-\n",
    " : ",
    "```",
    "```\n",
    "~~~\n",
    "Une phrase qui va jusqu'au bout de la ligne et\n",
    "continue encore un peu plus loin que cela,\n",
    "puis finit à la ligne suivante, avec un mot cou-\n",
    "pé en deux.\n",
    "    ",
    "  ",
    "\u{a0}",
    ">>fra<< ",
];

proptest! {
    #[test]
    fn laws(source in hostile(PARTS), wrapped in proptest::sample::select(&[Wrapped::Auto, Wrapped::Yes, Wrapped::No])) {
        let options = Options { wrapped, ..Options::default() };
        hold(&Plain::parse(source.clone(), &options).expect("every text is one"), &source)?;
    }
}
