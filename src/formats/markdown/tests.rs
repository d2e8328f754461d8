use proptest::prelude::*;

use super::*;
use crate::document::{Mark, Target};
use crate::formats::laws::{hold, hostile, read, render, reversed, upper};
use crate::formats::{Format, Parsed};

fn document(source: &str) -> Box<dyn Parsed> {
    read(Format::Markdown, source)
}

fn texts(source: &str) -> Vec<String> {
    document(source).document().blocks().iter().map(|b| b.text.clone()).collect()
}

fn shouted(source: &str) -> String {
    render(&*document(source), upper)
}

fn turned(source: &str) -> String {
    render(&*document(source), reversed)
}

#[test]
fn blocks_are_found_and_code_is_not() {
    let source = "Un *petit* titre\n===\n\n> cité\n> encore\n\n- [x] fait\n- fini\n\n  suite\n\n| a | b |\n|---|---|\n| c \\| d | 12 |\n\n    code\n\n```sh\necho\n```\n\n[^1]: Une note.\n\n[ref]: http://x.fr\n";
    let expected = ["Un petit titre", "cité\nencore", "fait", "fini", "suite", "a", "b", "c | d", "Une note."];
    assert_eq!(texts(source), expected);
}

#[test]
fn marks_stand_round_their_words() {
    assert_eq!(turned("un **deux** `ls -l` *trois _quatre_* cinq\n"), "cinq *_quatre_ trois* `ls -l` **deux** un\n");
    assert_eq!(turned("un [deux trois](u \"t\") quatre"), "quatre [trois deux](u \"t\") un");
    assert_eq!(turned("voir <http://a.fr/é> ici"), "ici <http://a.fr/é> voir");
    assert_eq!(turned("eau[^1] et vin.\n\n[^1]: n"), "vin. et [^1]eau\n\n[^1]: n");
    assert_eq!(turned("un <b>mot</b> de trop"), "trop de <b>mot</b> un");
}

#[test]
fn a_reference_keeps_its_name() {
    let links = "un [mot][r] et [nom][] ou [Sens] là\n\n[r]: /r\n[nom]: /n\n[sens]: /s\n";
    let out = shouted(links);
    assert!(out.starts_with("UN [MOT][r] ET [NOM][nom] OU [SENS][Sens] Là\n\n[r]: /r"), "{out}");
}

#[test]
fn titles_and_alternative_texts_are_fields() {
    let source = "![Une *soupe*](s.jpg 'La soupe')\n\nVoir [ici](u \"Le titre\") et ![un chat](c.png) là.\n";
    assert_eq!(texts(source), ["La soupe", "Voir ici et  là.", "Le titre", "un chat"].map(|s| s.replace("  ", " ")));
    assert_eq!(
        shouted(source),
        "![Une *soupe*](s.jpg 'LA SOUPE')\n\nVOIR [ICI](u \"LE TITRE\") ET ![UN CHAT](c.png) Là.\n"
    );
}

#[test]
fn a_paragraph_keeps_its_lines_and_their_prefixes() {
    let source = "> - un mot\n>   deux mots\n>   trois mots et plus\n";
    assert_eq!(shouted(source), source.to_ascii_uppercase());
    let parsed = document(source);
    let target = Target { text: "one two three four five six seven - eight".to_owned(), marks: vec![] };
    let out = parsed.render(&[target]);
    assert_eq!(out.lines().count(), 3);
    assert!(out.lines().skip(1).all(|l| l.starts_with(">   ") && !l.starts_with(">   -")), "{out}");
}

#[test]
fn brackets_in_a_link_do_not_end_it() {
    let parsed = document("[un mot](u)\n");
    for text in ["a] b", "a [b] c", "a [b", "[a](b) c"] {
        let out = parsed.render(&[Target { text: text.to_owned(), marks: vec![] }]);
        assert_eq!(texts(&out), [text], "{out}");
        assert!(out.ends_with("](u)\n"));
    }
}

#[test]
fn line_breaks_set_by_hand_stay() {
    assert_eq!(
        texts("Première ligne.  \nDeuxième\\\nsuite *ici  \nou là*\n"),
        ["Première ligne.", "Deuxième suite ici ou là"]
    );
    let source = "Oui.  \nNon\\\nsuite *ici  \nou là*\n";
    assert_eq!(shouted(source), "OUI.  \nNON\\\nSUITE *ICI  \nOU Là*\n");
}

#[test]
fn other_programs_markup_passes_through() {
    let source = ":::note\nAttention ici.\n:::\n\n{% if x %}\nLe site {{ site.nom }} est *neuf*{.x}.\n{% endif %}\n{: .classe}\n";
    assert_eq!(texts(source), ["Attention ici.", "Le site {{ site.nom }} est neuf."]);
    let out = ":::note\nATTENTION ICI.\n:::\n\n{% if x %}\nLE SITE {{ site.nom }} EST *NEUF*{.x}.\n{% endif %}\n{: .classe}\n";
    assert_eq!(shouted(source), out);
}

#[test]
fn named_fields_of_the_front_matter_are_translated() {
    let source = "---\ntitle: Le *chat* : une vie\nauthor: Jean\nsummary: >\n  Il dort\n  beaucoup.\ndescription: 'l''été'\nseo:\n  title: non\nexcerpt: \"dit \\\"oui\\\"\" # note\n---\n# Haut\n";
    assert_eq!(texts(source), ["Le *chat* : une vie", "Il dort\nbeaucoup.", "l'été", "dit \"oui\"", "Haut"]);
    let out = shouted(source);
    assert!(
        out.contains("title: \"LE *CHAT* : UNE VIE\"\nauthor: Jean\nsummary: >\n  IL DORT\n  BEAUCOUP.\n"),
        "{out}"
    );
    assert!(out.contains("'L''éTé'\nseo:\n  title: non\nexcerpt: \"DIT \\\"OUI\\\"\" # note\n"), "{out}");
    let toml = "+++\ntitle = \"Le chat\"\ndraft = true\n+++\nOui.\n";
    assert_eq!(shouted(toml), "+++\ntitle = \"LE CHAT\"\ndraft = true\n+++\nOUI.\n");
}

#[test]
fn html_in_markdown_is_read_as_html() {
    let source = "<div class=\"a\">\n  <p>Un <b>mot</b>&nbsp;!</p>\n</div>\n\nUn *mot*.\n";
    assert_eq!(texts(source), ["Un mot\u{a0}!", "Un mot."]);
    assert_eq!(shouted(source), "<div class=\"a\">\n  <p>UN <b>MOT</b>&nbsp;!</p>\n</div>\n\nUN *MOT*.\n");
}

#[test]
fn a_dash_at_the_start_is_a_turn_of_speech() {
    let parsed = document("> — Oui.\n> — Non *mais*.\n");
    let found: Vec<_> = parsed.document().blocks().iter().map(|b| (b.kind, b.text.as_str())).collect();
    assert_eq!(found, [(BlockKind::Dialogue, "Oui."), (BlockKind::Dialogue, "Non mais.")]);
}

#[test]
fn emphasis_in_a_word_takes_asterisks() {
    let parsed = document("un _mot_ là");
    let mark = |range| Mark { range, id: 0, verbatim: false };
    let target = Target { text: "wording here".to_owned(), marks: vec![mark(0..4)] };
    assert_eq!(parsed.render(&[target]), "*word*ing here");
    let target = Target { text: "a word here".to_owned(), marks: vec![mark(1..7)] };
    assert_eq!(parsed.render(&[target]), "a _word_ here");
}

#[test]
fn marks_that_are_lost_or_out_of_place_do_no_harm() {
    let parsed = document("un **deux** [trois](u) quatre");
    let mark = |range, id| Mark { range, id, verbatim: false };
    let target = Target { text: "é b c".to_owned(), marks: vec![mark(1..4, 0), mark(3..99, 1)] };
    assert_eq!(parsed.render(&[target]), "**é [b](u)** c");
    let target = Target { text: "abc".to_owned(), marks: vec![] };
    // Four asterisks would be text.
    assert_eq!(parsed.render(&[target]), "abc[](u)");
}

#[test]
fn abbreviations_keep_their_lines_and_what_they_stand_for_is_translated() {
    let source = "Un texte.\n*[GSS]: un générateur\n*[i18n]: Internationalisation\n:::\n";
    assert_eq!(texts(source), ["Un texte.", "un générateur", "Internationalisation"]);
    assert_eq!(shouted(source), "UN TEXTE.\n*[GSS]: UN GéNéRATEUR\n*[i18n]: INTERNATIONALISATION\n:::\n");
}

#[test]
fn boxes_keep_their_heads_and_their_bodies_are_markdown() {
    let source = "!!! danger \"Le titre\"\n    Texte *un*.\n\n    - a\n    - b\n\n            code\n\n??? note\n\n    Texte deux.\n\n    !!! tip\n        Dedans.\n=== \"Sous Linux\"\n    Ici.\n\nFin.\n\n!!! Attention\n";
    assert_eq!(
        texts(source),
        ["Le titre", "Texte un.", "a", "b", "Texte deux.", "Dedans.", "Sous Linux", "Ici.", "Fin.", "!!! Attention"]
    );
    let out = shouted(source);
    assert!(
        out.starts_with(
            "!!! danger \"LE TITRE\"\n    TEXTE *UN*.\n\n    - A\n    - B\n\n            code\n\n??? note\n"
        )
    );
    assert!(out.contains("\n    !!! tip\n        DEDANS.\n=== \"SOUS LINUX\"\n    ICI.\n\nFIN.\n"), "{out}");
    let kinds: Vec<_> = document(source).document().blocks().iter().map(|b| b.kind).take(3).collect();
    assert_eq!(kinds, [BlockKind::Heading, BlockKind::Paragraph, BlockKind::ListItem]);
}

#[test]
fn titles_of_boxes_are_texts_by_themselves() {
    for (source, expected) in [
        ("> [!note] Une remarque\n> Un mot.\n", "Une remarque|Un mot."),
        ("> [!bug]-\n> Un mot.\n", "Un mot."),
        (":::note Une remarque\nUn mot.\n:::\n", "Une remarque|Un mot."),
        (":::info[Une remarque]{#x}\nUn mot.\n:::\n", "Une remarque|Un mot."),
        ("::: {.classe}\nUn mot.\n:::\n", "Un mot."),
        (":::{image} a/b.png\n:alt: x\n:::\n", ""),
        ("```{admonition} Une *remarque*\n:class: x\n\nUn mot.\n```\n\n```\ncode\n```\n", "Une remarque|Un mot."),
        ("````{note}\nUn mot.\n```{tip}\nDeux.\n```\n```sh\ncode\n```\nTrois.\n````\n", "Un mot.|Deux.|Trois."),
        ("```{code} sh\nls\n```\n", ""),
    ] {
        assert_eq!(texts(source).join("|"), expected, "{source}");
    }
}

#[test]
fn code_of_other_programs_is_left_alone() {
    for source in [
        "{% highlight sh %}\nls\n\n# Un mot\n{% endhighlight %}\n",
        "{{< mermaid >}}\n  A[Début] --> B\n{{< /mermaid >}}\n",
        "export const couleur = {\n  nom: 'rouge',\n};\nimport Un from 'deux';\n",
        "{/* un mot,\ndeux mots */}\n",
        "\\[\nE = mc^2 \\text{ où c}\n\\]\n",
    ] {
        assert_eq!(texts(source), [""; 0], "{source}");
    }
    assert_eq!(texts("Un \\(x^2\\) et \\(deux mots\\)."), ["Un \\(x^2\\) et (deux mots)."]);
    assert_eq!(texts("un {% raw %}{% a %}{% endraw %} mot"), ["un {% raw %}{% a %}{% endraw %} mot"]);
}

#[test]
fn paired_templates_part_texts() {
    assert_eq!(texts("Bonjour {% if x %}cher ami{% endif %}, ça va ?"), ["Bonjour", "cher ami", ", ça va ?"]);
    assert_eq!(texts("{{% note %}}Un mot.{{% /note %}}"), ["Un mot."]);
}

#[test]
fn components_keep_their_values() {
    let source =
        "Un <Chart titre=\"x\" c={'#fff'} /> mot.\n\n<Card f={() => \"x > y\"} title={t('un mot')}>Deux</Card>\n";
    assert_eq!(texts(source), ["Un mot.", "Deux"]);
    assert!(shouted(source).starts_with("UN <Chart titre=\"x\" c={'#fff'} /> MOT."));
}

#[test]
fn emphasis_in_html_is_emphasis() {
    let source = "<div>\nUn **mot** et `ici`, [là](u).\n</div>\n";
    assert_eq!(texts(source), ["Un mot et ici, là."]);
    assert_eq!(shouted(source), "<div>\nUN **MOT** ET `ici`, [Là](u).\n</div>\n");
}

#[test]
fn signs_of_other_programs_stay() {
    for (source, expected, out) in [
        ("Bravo :tada: à 12:30:45\n", "Bravo à 12:30:45", "BRAVO :tada: à 12:30:45\n"),
        ("eau H~2~O, 1^er^ mai\n", "eau H~2~O, 1er mai", "EAU H~2~O, 1^ER^ MAI\n"),
        ("[[Page|un mot]] et [[Accueil]]\n", "un mot et Accueil", "[[Page|UN MOT]] ET [[Accueil]]\n"),
        ("un [mot](u){:.btn}{:target=\"_blank\"} ici\n", "un mot ici", "UN [MOT](u){:.btn}{:target=\"_blank\"} ICI\n"),
    ] {
        assert_eq!(texts(source), [expected]);
        assert_eq!(shouted(source), out);
    }
    let note = "un mot^[une note] ici\n";
    assert_eq!(texts(note), ["un mot ici", "une note"]);
    assert_eq!(shouted(note), "UN MOT^[UNE NOTE] ICI\n");
}

#[test]
fn titles_of_references_are_fields() {
    let source = "Un [mot][1].\n\n[1]: http://a.fr \"Le titre\"\n\nFin.\n";
    assert_eq!(texts(source), ["Un mot.", "Le titre", "Fin."]);
    assert!(shouted(source).contains("[1]: http://a.fr \"LE TITRE\"\n"));
}

#[test]
fn links_follow_the_headings_they_lead_to() {
    let parsed = document("# Un été\n\n[ici](#un-été), [là](#autre)\n\n## Un mot {#autre}\n");
    let say = |text: &str, block: usize| Target {
        text: text.to_owned(),
        marks: parsed.document().blocks()[block].marks.clone(),
    };
    let out = parsed.render(&[say("A Summer", 0), say("ici, là", 1), say("A Word", 2)]);
    assert_eq!(out, "# A Summer\n\n[ici](#a-summer), [là](#autre)\n\n## A Word {#autre}\n");
}

#[test]
fn no_space_stands_before_a_line_break() {
    let parsed = document("un,\\\ndeux mots\n");
    let mark = Mark { range: 4..4, ..parsed.document().blocks()[0].marks[0].clone() };
    assert_eq!(parsed.render(&[Target { text: "one two words".to_owned(), marks: vec![mark] }]), "one\\\ntwo words\n");
}

#[test]
fn front_matter_may_be_json_and_toml_may_have_several_lines() {
    let json = "{\n  \"title\": \"Le \\\"chat\\\"\",\n  \"tags\": [\"a\"]\n}\nOui.\n";
    assert_eq!(texts(json), ["Le \"chat\"", "Oui."]);
    assert_eq!(shouted(json), "{\n  \"title\": \"LE \\\"CHAT\\\"\",\n  \"tags\": [\"a\"]\n}\nOUI.\n");
    let toml = "+++\ndescription = \"\"\"\nun\ntitle = deux\"\"\"\ntitle = '''Le chat'''\n+++\nOui.\n";
    assert_eq!(texts(toml), ["un\ntitle = deux", "Le chat", "Oui."]);
}

#[test]
fn the_language_of_the_front_matter_is_changed_when_asked() {
    let options = Options { language: true, ..Options::default() };
    let source = "---\nlang: fr\nlocale: \"fr_FR\"\nlanguage: frison\n---\nlang: fr\n".to_owned();
    let parsed = parse(source, &options).expect("is text");
    let expected = "---\nlang: en\nlocale: \"en_US\"\nlanguage: frison\n---\nlang: fr\n";
    assert_eq!(parsed.document().source(), expected);
}

const PARTS: &[&str] = &[
    "*[HTML]: un sens\n",
    "!!! note \"Titre\"\n    ",
    "\n=== \"Titre\"\n    ",
    "> [!note] Titre\n",
    ":::note Titre\n",
    "```{note} Titre\n",
    "{% raw %}",
    "{% endraw %}",
    "{% if x %}",
    "{% endif %}",
    "{/*",
    "*/}",
    "<A b={",
    "}>",
    "export const a = {\n",
    "\\(",
    "\\)",
    "\\[",
    "\\]",
    "x^2^",
    "1^er^",
    "^[",
    "[[a|",
    "]]",
    ":ok:",
    "[r]: /u \"Le titre\"\n",
    "(#le-chat)",
    "*",
    "**",
    "_",
    "~~",
    "`",
    "```\n",
    "[",
    "](u)",
    "](u \"le titre\")",
    "![",
    "[^1]",
    "[^1]: ",
    "# ",
    "- ",
    "1. ",
    "> ",
    "| ",
    "|",
    "|---|---|\n",
    "---\n",
    "===\n",
    "    ",
    "  \n",
    "\\\n",
    "<b>",
    "</b>",
    "<br>",
    "<div>",
    "</div>\n",
    "<img alt='un chat'>",
    "<!--",
    "-->",
    "&amp;",
    "&nbsp;",
    "{{ x }}",
    "{% y %}",
    "{.c}",
    "\n:::note\n",
    ":::\n",
    "\n\n",
    "title: ",
    "+++\n",
    "<http://a.fr>",
    "$x$",
    "[r]: /u\n",
    "[r]",
    ": ",
    "[ ] ",
    "— ",
];

/// Words and signs that could be markup, in texts that a translation might be.
const SIGNS: &[&str] = &[
    "word",
    "a*b",
    "*a*",
    "_a_",
    "a_b",
    "**",
    "* b",
    "[a]",
    "[a](b)",
    "[^1]",
    "`x`",
    "`",
    "<b>",
    "a < b",
    "&amp;",
    "&",
    "1.",
    "2) ",
    "-",
    "+",
    "#",
    "##",
    "> ",
    "|",
    "\\",
    "\\*",
    "~~a~~",
    "~",
    "$a$",
    "$5",
    "===",
    "---",
    "!",
    "![a](b)",
    "http://a.fr/b_c",
    "é",
    "(",
    ")",
    "]",
    "::",
    ": a",
    "{x}",
    "***",
    "\u{a0}",
    "<!--",
    "&#35;",
    "]: b",
];

proptest! {
    #[test]
    fn laws(source in hostile(PARTS)) {
        hold(&*document(&source), &source)?;
    }

    #[test]
    fn laws_with_front_matter(head in hostile(PARTS), body in hostile(PARTS)) {
        let source = format!("---\ntitle: {head}\ndescription: |\n  {head}\n---\n{body}");
        hold(&*document(&source), &source)?;
    }

    #[test]
    fn text_stays_text(
        words in proptest::collection::vec(proptest::sample::select(SIGNS), 1..8),
        frame in proptest::sample::select(&["{}\n", "# {}\n", "- {}\n", "> {}\n", "| {} |\n|---|\n", "a **{}** b\n", "[{}](u) b\n"][..]),
    ) {
        let text = format!("Mot {}", words.join(" ")).split_whitespace().collect::<Vec<_>>().join(" ");
        for text in [text.clone(), text.trim_start_matches("Mot ").to_owned() + " mot"] {
            let parsed = document(&frame.replace("{}", "un mot"));
            let block = &parsed.document().blocks()[0];
            let from = if frame.starts_with("a **") { 2 } else { 0 };
            let (before, after) = (&block.text[..from], &block.text[from + 6..]);
            let full = format!("{before}{text}{after}");
            let range = from..from + text.len();
            let marks = block.marks.iter().map(|m| Mark { range: range.clone(), ..m.clone() }).collect();
            let out = parsed.render(&[Target { text: full.clone(), marks }]);
            let again = document(&out);
            prop_assert_eq!(again.document().blocks().len(), 1, "{:?}", out);
            let found = again.document().blocks()[0].text.split_whitespace().collect::<Vec<_>>().join(" ");
            prop_assert_eq!(found, full.split_whitespace().collect::<Vec<_>>().join(" "), "{:?}", out);
        }
    }
}
