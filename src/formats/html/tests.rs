use proptest::prelude::*;

use super::*;
use crate::document::Target;
use crate::formats::laws::{hold, hostile, read, render, reversed, upper};
use crate::formats::{Format, Parsed};

fn document(source: &str) -> Box<dyn Parsed> {
    read(Format::Html, source)
}

pub(super) fn texts(source: &str) -> Vec<String> {
    document(source).document().blocks().iter().map(|b| b.text.clone()).collect()
}

fn shouted(source: &str) -> String {
    render(&*document(source), upper)
}

fn turned(source: &str) -> String {
    render(&*document(source), reversed)
}

#[test]
fn blocks_are_found_and_the_rest_is_left_alone() {
    let source = "<!doctype html><html lang=\"fr\"><head><title>Un &amp; deux</title><style>p{}</style></head>\n<body><!-- non -->\n<h1>Titre</h1><p>Texte<ul><li>un<li>deux</ul><table><tr><td>case<td>12</table><pre>code</pre><script>var a='p'</script><div>fin<div>là</div></div>";
    assert_eq!(texts(source), ["Un & deux", "Titre", "Texte", "un", "deux", "case", "fin", "là"]);
    assert!(shouted(source).contains("<title>UN &amp; DEUX</title><style>p{}</style>"));
    let kinds: Vec<_> = document(source).document().blocks().iter().map(|b| b.kind).collect();
    use BlockKind::*;
    assert_eq!(kinds, [Heading, Heading, Paragraph, ListItem, ListItem, Cell, Paragraph, Paragraph]);
}

#[test]
fn tags_stand_round_their_words() {
    assert_eq!(
        turned("<p>un <b>deux <i>trois</i></b> <a href='x'>quatre</a></p>"),
        "<p><a href='x'>quatre</a> <b><i>trois</i> deux</b> un</p>"
    );
    assert_eq!(turned("<p><b>un deux</b></p>"), "<p><b>deux un</b></p>");
    assert_eq!(
        turned("<p>un <code>ls  -l</code> <i class=z></i> deux</p>"),
        "<p>deux <i class=z></i> <code>ls  -l</code> un</p>"
    );
    assert_eq!(turned("a <b>b <i>c</b> d</i> e"), "e </i>d <b>c<i> b</b> a");
}

#[test]
fn attributes_that_people_read_are_fields() {
    let source = "<meta name=description content=\"Le site\"><meta name=viewport content=\"width=3\"><p>Voir <img src=a.png alt='Un chat &amp; moi' title=oui> là</p><input placeholder=\"Nom\" value=\"Jean\"><input type=submit value=Envoyer>";
    assert_eq!(texts(source), ["Le site", "Voir là", "Un chat & moi", "oui", "Nom", "Envoyer"]);
    let out = shouted(source);
    assert!(out.contains("content=\"LE SITE\"") && out.contains("content=\"width=3\""), "{out}");
    assert!(out.contains("VOIR <img src=a.png alt='UN CHAT &amp; MOI' title=\"OUI\"> Là"), "{out}");
    assert!(out.contains("placeholder=\"NOM\" value=\"Jean\"") && out.contains("value=\"ENVOYER\""), "{out}");
}

#[test]
fn what_must_not_be_translated_is_not() {
    let source = "<p translate=no>un</p><p class='a notranslate'>deux <b>x</b></p><p>trois <span translate=\"no\">le <b>nom</b></span> quatre</p>";
    assert_eq!(texts(source), ["trois le nom quatre"]);
    assert_eq!(
        turned("<p>un <span translate=\"no\">le <b>nom</b></span> deux</p>"),
        "<p>deux <span translate=\"no\">le <b>nom</b></span> un</p>"
    );
}

#[test]
fn text_stays_text() {
    let parsed = document("<p title='un'>deux &lt; 3 &gt; 1</p>");
    let targets = ["it's \"&amp;\"", "a <b> & c &lt; d < e <"].map(|t| Target { text: t.to_owned(), marks: vec![] });
    let out = parsed.render(&targets);
    assert_eq!(out, "<p title='it&#39;s \"&amp;amp;\"'>a &lt;b&gt; & c &amp;lt; d &lt; e &lt;</p>");
    assert_eq!(texts(&out), ["it's \"&amp;\"", "a <b> & c &lt; d < e <"]);
}

#[test]
fn lines_stay_where_they_are() {
    let source = "<p>\n  Une phrase\n  sur <b>deux</b> lignes.\n</p>";
    assert_eq!(texts(source), ["Une phrase\nsur deux lignes."]);
    assert_eq!(shouted(source), "<p>\n  UNE PHRASE\n  SUR <b>DEUX</b> LIGNES.\n</p>");
}

#[test]
fn line_breaks_end_a_block_unless_the_sentence_goes_on() {
    assert_eq!(texts("<p>Un.<br>Deux<br/>trois <i>quatre<br>Cinq</i></p>"), ["Un.", "Deux trois quatre Cinq"]);
    assert_eq!(shouted("Deux<br>\n trois"), "DEUX<br>\n TROIS");
}

#[test]
fn the_language_is_changed_when_asked() {
    let options = Options { language: true, ..Options::default() };
    let source = "<html xml:lang='fr-FR' lang=fr><p lang=\"de\"><meta property='og:locale' content=fr_FR>x".to_owned();
    let parsed = parse(source, &options).expect("is text");
    let expected = "<html xml:lang='en' lang=en><p lang=\"de\"><meta property='og:locale' content=en_US>x";
    assert_eq!(parsed.document().source(), expected);
}

#[test]
fn controls_of_a_form_are_texts_by_themselves() {
    let source = "<label>Prénom</label><label>Nom</label> <input> suite <select><optgroup label=Un><option>deux</option><option>trois</option></select><textarea>quatre</textarea>";
    assert_eq!(texts(source), ["Prénom", "Nom", "suite", "Un", "deux", "trois", "quatre"]);
}

#[test]
fn what_is_seen_of_pictures_and_without_scripts_is_translated() {
    let source = "<noscript><p>Un <b>mot</b></p></noscript><svg><title>deux</title><style>p</style><text>trois</text></svg><iframe title=quatre>non</iframe>";
    assert_eq!(texts(source), ["Un mot", "deux", "trois", "quatre"]);
    assert!(shouted(source).starts_with("<noscript><p>UN <b>MOT</b></p></noscript><svg><title>DEUX</title>"));
}

#[test]
fn entities_stay_entities() {
    let source = "<p title='a &gt; b'>&copy;&nbsp;a &lt; b &amp; c & d</p>";
    assert_eq!(shouted(source), "<p title='A &gt; B'>&copy;&nbsp;A &lt; B &amp; C &amp; D</p>");
}

#[test]
fn tags_that_are_shown_pass_through() {
    let source = "<p>un &lt;script&gt;alert(1)&lt;/script&gt; deux</p>";
    assert_eq!(shouted(source), "<p>UN &lt;script&gt;alert(1)&lt;/script&gt; DEUX</p>");
}

#[test]
fn paired_templates_part_texts() {
    assert_eq!(
        texts("<p>Bonjour {% if x %}cher ami{% endif %} {{ nom }} ici</p>"),
        ["Bonjour", "cher ami", "{{ nom }} ici"]
    );
}

const PARTS: &[&str] = &[
    "<p>",
    "</p>",
    "<b>",
    "</b>",
    "<i>",
    "</i>",
    "<a href='x' title='un lien'>",
    "</a>",
    "<br>",
    "<br/>",
    "<img alt=\"un chat\">",
    "<img alt=chat/>",
    "<div class=notranslate>",
    "<span translate=no>",
    "</span>",
    "</div>",
    "<pre>",
    "</pre>",
    "<code>",
    "</code>",
    "<script>",
    "</script>",
    "<!--",
    "-->",
    "<![CDATA[",
    "]]>",
    "<?x ?>",
    "&amp;",
    "&nbsp",
    "&#10;",
    "&",
    "&#x;",
    "<",
    "</",
    "<p",
    "<a b='",
    "<title>",
    "</title>",
    "<td>",
    "<li>",
    "{{ x }}",
    "{%",
    "%}",
    "<!doctype html>",
    "<meta name=description content='le'>",
    "<textarea>",
    "<html lang=fr>",
    "<svg>",
    "</svg>",
    "<plaintext>",
    "<noscript>",
    "</noscript>",
    "<span class=x>",
    " | ",
    "&lt;b&gt;",
    "{% if x %}",
    "{% endif %}",
];

#[test]
fn a_tag_right_after_the_dash_of_a_turn_is_not_doubled() {
    let source = "<p>— <b>Oui</b>, dit-il.</p>";
    assert_eq!(render(&*read(Format::Html, source), upper), "<p>— <b>OUI</b>, DIT-IL.</p>");
}

proptest! {
    #[test]
    fn laws(source in hostile(PARTS)) {
        hold(&*document(&source), &source)?;
    }

    /// Turning the words round loses, doubles and crosses no tag.
    #[test]
    fn tags_are_kept(parts in proptest::collection::vec(proptest::sample::select(
        &["un", "deux", " ", " ", "trois. ", "<b>", "</b>", "<i>", "</i>", "<img>", "<br>", "<code>x</code>"][..]), 0..24))
    {
        let source = format!("<p>{}</p>", parts.concat());
        let out = turned(&source);
        let tags = |text: &str| {
            let mut tags: Vec<String> = text.match_indices('<').map(|(i, _)| text[i..].split('>').next().unwrap_or_default().to_owned()).collect();
            tags.sort();
            tags
        };
        prop_assert_eq!(tags(&source), tags(&out), "{} {}", source, out);
    }
}
