//! The laws of the design, over real and hostile text.

use std::sync::OnceLock;

use fr2en::document::{Block, Target};
use fr2en::engine::{Alignment, Engine, Hypothesis, Identity, Options, Progress};
use fr2en::error::Result;
use fr2en::formats::{self, Format, Parsed};
use fr2en::protect::glossary::Glossary;
use fr2en::restore::Style;
use fr2en::split;
use fr2en::translator::Translator;
use proptest::prelude::*;

/// Text in which everything that the rooms look for turns up often.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("\n"),
        Just("\r\n"),
        Just("\r"),
        Just("\n\n"),
        Just(" "),
        Just("\t"),
        Just("\u{a0}"),
        Just("\u{202f}"),
        Just("\u{feff}"),
        Just("« "),
        Just(" »"),
        Just("«"),
        Just("»"),
        Just("“"),
        Just("”"),
        Just("\""),
        Just("'"),
        Just("’"),
        Just("‘"),
        Just("‹"),
        Just("›"),
        Just(". "),
        Just("."),
        Just(", "),
        Just("! "),
        Just("? "),
        Just("… "),
        Just(" : "),
        Just(" ; "),
        Just("— "),
        Just("- "),
        Just("* "),
        Just("1. "),
        Just("("),
        Just(")"),
        Just("M. "),
        Just("etc. "),
        Just("J.-C. "),
        Just("12 345,6 %"),
        Just("3,5 €"),
        Just("15 h 30"),
        Just("http://a.fr/b?c=d"),
        Just("x@y.fr"),
        Just("Le chat dort"),
        Just("les élèves"),
        Just("OUI"),
        Just("é"),
        Just("e\u{301}"),
        Just("👨‍👩‍👧"),
        Just("日本"),
        Just("\u{2581}"),
        Just("</s>"),
        Just("a\u{ad}b"),
        Just("\u{200b}"),
        Just("<b>"),
        Just("`code`"),
        Just("{0}"),
        Just("# "),
        Just("| "),
        Just("> "),
        Just("---"),
    ];
    let pieces = prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat());
    prop_oneof![3 => pieces, 1 => "\\PC{0,80}"]
}

fn parse(format: Format, text: &str) -> Box<dyn Parsed> {
    formats::parse(format, text.to_owned()).expect("any text is a document of this format")
}

fn unchanged(block: &Block) -> Target {
    Target { text: block.text.clone(), marks: block.marks.clone() }
}

fn identity() -> &'static Translator {
    static TRANSLATOR: OnceLock<Translator> = OnceLock::new();
    TRANSLATOR.get_or_init(|| {
        let builder = Translator::builder().engine(Box::new(Identity)).style(Style::verbatim()).guards(false);
        builder.build().expect("identity needs no model")
    })
}

proptest! {
    /// Law 1: gaps and blocks are the source, gaps and segments are the block.
    #[test]
    fn nothing_is_lost(text in hostile()) {
        let parsed = parse(Format::Plain, &text);
        let document = parsed.document();
        prop_assert_eq!(document.gaps().count(), document.blocks().len() + 1);
        prop_assert_eq!(&document.render(|i| text[document.blocks()[i].range.clone()].to_owned()), &text);
        let segments = split::split(document.blocks());
        for (index, block) in document.blocks().iter().enumerate() {
            let mut end = 0;
            for segment in segments.iter().filter(|s| s.block == index) {
                let gap = block.text.get(end..segment.range.start);
                prop_assert!(gap.is_some_and(|gap| gap.trim().is_empty()), "lost {:?}", gap);
                prop_assert_eq!(block.text[segment.range.clone()].trim(), &block.text[segment.range.clone()]);
                prop_assert!(!segment.range.is_empty());
                end = segment.range.end;
            }
            prop_assert!(block.text[end..].trim().is_empty(), "lost {:?}", &block.text[end..]);
        }
    }

    /// Law 2: what is not changed comes out byte for byte.
    #[test]
    fn unchanged_blocks_give_the_source(text in hostile()) {
        for name in Format::NAMES {
            let format = Format::from_name(name).expect("a format's own name");
            // A format may refuse a text; it may not change it.
            let Ok(parsed) = formats::parse(format, text.clone()) else { continue };
            let targets: Vec<Target> = parsed.document().blocks().iter().map(unchanged).collect();
            prop_assert_eq!(&parsed.render(&targets), &text, "{}", name);
        }
    }

    /// Law 2 through the whole pipeline.
    #[test]
    fn an_engine_that_returns_its_input_gives_the_source(text in hostile()) {
        prop_assert_eq!(identity().translate(&text).expect("identity"), text);
    }
}

/// An engine that mangles what it is shown, each sentence in one of a few ways, and aligns it with something.
struct Mangler(u64);

impl Mangler {
    /// A number that depends on nothing but the engine's, the text and `n`.
    fn number(&self, text: &str, n: usize) -> usize {
        let bytes = text.bytes().chain(self.0.to_le_bytes()).chain(n.to_le_bytes());
        let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
        (hash >> 24) as usize
    }

    fn mangled(&self, text: &str) -> String {
        let words: Vec<&str> = text.split_whitespace().collect();
        let some = |n: usize| {
            words.iter().enumerate().filter(move |(i, _)| !self.number(text, *i).is_multiple_of(n)).map(|(_, w)| *w)
        };
        match self.number(text, 0) % 8 {
            0 => text.to_owned(),
            1 => words.iter().rev().copied().collect::<Vec<_>>().join(" "),
            2 => some(2).collect::<Vec<_>>().join(" "),
            3 => words.iter().map(|word| format!("{word}, {word}")).collect::<Vec<_>>().join(" "),
            4 => words.iter().map(|_| "the").collect::<Vec<_>>().join(" "),
            5 => text.to_uppercase(),
            6 => String::new(),
            _ => format!("{} {}", some(4).collect::<Vec<_>>().join(" of "), some(3).collect::<String>()),
        }
    }
}

impl Engine for Mangler {
    fn translate(&self, sources: &[String], _: &Options, _: &dyn Progress) -> Vec<Result<Vec<Hypothesis>>> {
        let words = |text: &str| -> Vec<std::ops::Range<usize>> {
            let mut at = 0;
            text.split(' ')
                .map(|word| (at, at += word.len() + 1).0)
                .zip(text.split(' '))
                .map(|(at, w)| at..at + w.len())
                .collect()
        };
        let one = |source: &String| {
            let text = self.mangled(source);
            let (from, to) = (words(source), words(&text));
            let weights = (0..from.len() * to.len()).map(|n| self.number(source, n) as f32 % 100.0 / 100.0).collect();
            let alignment = (!self.0.is_multiple_of(3)).then_some(Alignment { source: from, target: to, weights });
            Ok(vec![Hypothesis { text, score: -0.5, alignment, finished: true, ..Hypothesis::default() }])
        };
        sources.iter().map(one).collect()
    }

    fn count_tokens(&self, text: &str) -> usize {
        Identity.count_tokens(text)
    }

    fn max_tokens(&self) -> usize {
        [512, 16][self.0 as usize % 2]
    }

    fn reads(&self, c: char) -> bool {
        Identity.reads(c)
    }

    fn writes(&self, c: char) -> bool {
        c.is_ascii()
    }
}

const TERMS: [(&str, &str); 6] = [
    ("routeur", "gateway"),
    ("mise à jour", "upgrade"),
    ("Front commun", "Front commun"),
    ("clé", "dongle"),
    ("bureau d'études", "R&D"),
    ("taux d'intérêt", "yield"),
];

/// Sentences with terms of the glossary at any place.
fn with_terms() -> impl Strategy<Value = String> {
    let words = ["le", "la", "chat", "voit", "nouvelle", "de", "1 234,5 €", "http://a.fr/b", "Molière", "pour", "où"];
    let term = (0..TERMS.len(), 0..4).prop_map(|(i, case)| match case {
        0 => TERMS[i].0.to_uppercase(),
        1 => format!("« {} »", TERMS[i].0),
        _ => TERMS[i].0.to_owned(),
    });
    let word = prop::sample::select(words.to_vec()).prop_map(str::to_owned);
    let stop = prop::sample::select(vec![" ", " ", ", ", ". ", " ; ", " ? ", "\n\n- "]).prop_map(str::to_owned);
    let piece = prop_oneof![1 => term, 2 => word];
    prop::collection::vec((piece, stop), 1..24).prop_map(|all| all.into_iter().flat_map(|(a, b)| [a, b]).collect())
}

fn glossary() -> Glossary {
    let lines: String = TERMS.iter().map(|(source, target)| format!("{source}\t{target}\n")).collect();
    Glossary::parse(&lines, "terms").expect("reads")
}

/// How often each term stands in `text`, or in its translation.
fn counted(text: &str, of: impl Fn(&(&'static str, &'static str)) -> &'static str) -> Vec<usize> {
    let lower = text.to_lowercase();
    TERMS.iter().map(|term| lower.matches(&of(term).to_lowercase()).count()).collect()
}

proptest! {
    /// A glossary is honoured wherever its terms stand, whatever the model makes of them.
    #[test]
    fn every_term_is_translated_as_the_glossary_says(text in with_terms(), seed in any::<u64>()) {
        let translator = Translator::builder().engine(Box::new(Mangler(seed))).glossary(glossary());
        let english = translator.build().expect("an engine of its own").translate(&text).expect("translated");
        let (asked, given) = (counted(&text, |term| term.0), counted(&english, |term| term.1));
        for (i, (asked, given)) in asked.iter().zip(&given).enumerate() {
            prop_assert!(given >= asked, "{:?}: {} of {} in {:?}", TERMS[i], given, asked, english);
        }
    }
}

#[test]
fn the_bundled_model_honours_a_glossary_every_time() {
    let sentences = [
        "Le routeur est en panne depuis la dernière mise à jour.",
        "La clé, la clé et encore la clé !",
        "« Le bureau d'études a tort », dit-elle, « et le taux d'intérêt monte. »",
        "LE FRONT COMMUN A VOTÉ LA MISE À JOUR.",
        "Clé",
        "Selon le Front commun, le taux d'intérêt est la clé du problème, et le routeur du bureau d'études n'y peut rien.",
        "Redémarrez le routeur ; branchez la clé ; installez la mise à jour ; appelez le bureau d'études.",
    ];
    let text = sentences.join("\n\n");
    let translator = Translator::builder().beam(1).glossary(glossary()).build().expect("the bundled model");
    let english = translator.translate(&text).expect("translated");
    let (asked, given) = (counted(&text, |term| term.0), counted(&english, |term| term.1));
    assert!(asked.iter().zip(&given).all(|(asked, given)| given >= asked), "{asked:?}, {given:?}: {english}");
}

/// Law 2 on whole documents as programs write them.
#[test]
fn documents_come_out_byte_for_byte() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/formats");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).expect("the fixtures") {
        let path = entry.expect("a file").path();
        let bytes = std::fs::read(&path).expect("read");
        let format = Format::from_path(&path).expect("a known format");
        let parsed = formats::parse(format, bytes.clone()).expect("a document");
        let (outcomes, _) = identity().translate_documents(&[parsed.as_ref()], &()).expect("identity");
        assert!(!outcomes[0].targets.is_empty(), "{}", path.display());
        assert!(parsed.to_bytes(&outcomes[0].targets).expect("written") == bytes, "{}", path.display());
        seen += 1;
    }
    assert!(seen > 3);
}

/// What the bundled model makes of a dozen sentences. `scripts/bundle.py --sentences` writes them down anew when the model, or
/// the program round it, has changed on purpose.
#[test]
fn the_bundled_model_says_what_it_said() {
    let (french, expected) = (include_str!("data/bundled.fr.txt"), include_str!("data/bundled.en.txt"));
    let translator = Translator::builder().build().expect("the bundled model");
    let english = translator.translate(french).expect("translated");
    assert_eq!(english.lines().count(), expected.lines().count());
    let other: Vec<_> = english.lines().zip(expected.lines()).filter(|(now, then)| now != then).collect();
    // Kernels of another processor add in another order, which may decide a near tie otherwise.
    assert!(other.len() < 3, "{other:#?}");
}

/// Law 3: neighbours, batches and threads do not matter.
#[test]
fn neighbours_do_not_matter() {
    let article = include_str!("data/sentences.fr.txt");
    let translate = |batch: usize, threads: usize| {
        let translator = Translator::builder().batch_tokens(batch).threads(threads).build().expect("the bundled model");
        translator.translate(article).expect("translated")
    };
    let expected = translate(4096, 1);
    for threads in [1, 2] {
        for batch in [1, 64, 4096] {
            assert!(translate(batch, threads) == expected, "batches of {batch} tokens on {threads} threads differ");
        }
    }
    let shuffled: Vec<&str> = article.lines().rev().collect();
    let translator = Translator::builder().threads(2).build().expect("the bundled model");
    let back = translator.translate(&shuffled.join("\n")).expect("translated");
    let back: Vec<&str> = back.lines().rev().collect();
    assert!(back == expected.lines().collect::<Vec<_>>(), "the order of sentences changed their translation");
}

/// Law 4: every segment has its translation, in order, or an error that names it.
#[test]
fn one_for_one_in_order() {
    let parsed = parse(Format::Plain, "Un.\n\nDeux. Trois.\n\n***\nQuatre\n");
    let (outcomes, totals) = identity().translate_documents(&[parsed.as_ref()], &()).expect("identity");
    let sources: Vec<&str> = outcomes[0].report.segments.iter().map(|s| s.source.as_str()).collect();
    assert_eq!(sources, ["Un.", "Deux.", "Trois.", "Quatre"]);
    assert_eq!(totals.segments, 4);
}

#[test]
fn a_translator_can_be_shared() {
    fn shared<T: Send + Sync>() {}
    shared::<Translator>();
}
