//! Random and mutated documents of every text format through the whole program, with engines that answer anything at all.
//!
//! A few hundred cases in an ordinary run. `FR2EN_FUZZ_SECONDS=600` goes on for as long; `FR2EN_FUZZ_SEED=N` begins elsewhere;
//! `FR2EN_FUZZ_SEEDS=DIR` mutates the files of a folder as well, by the format of their names.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;
use std::path::Path;
use std::time::{Duration, Instant};

use fr2en::document::{Block, Document, Target};
use fr2en::engine::{Alignment, Engine, Hypothesis, Identity, Options, Progress};
use fr2en::error::{Error, Result};
use fr2en::formats::{self, Format, Parsed};
use fr2en::protect::glossary::Glossary;
use fr2en::restore::{Apostrophes, Clock, Currency, Dashes, QuoteStyle, Stops, Style};
use fr2en::translator::Translator;

/// Cases of an ordinary run.
const CASES: u64 = 400;

/// No case is larger than this; the time limit of a case is made for it.
const LARGEST: usize = 4000;
const SLOWEST: Duration = Duration::from_secs(20);

/// A document of each format, with what the rooms look for.
const DOCUMENTS: [(&str, &str); 9] = [
    (
        "plain",
        "LE TITRE\n\n« Je pars, dit-il. Tu viens ? » À 15 h 30, Mme Dupont (dir. gén.) a payé 1 234,56 € — voir https://a.fr/b?c=d.\n\n  1. Le 1er point\n  2. L'œuvre de Molière\n\n— Oui.\n— « Non “ jamais ” ! »\n",
    ),
    (
        "markdown",
        "---\ntitle: \"Le titre : « ici »\"\ntags: [a, b]\n---\n\n# Le *grand* titre\n\nUn [lien](http://a.fr \"Un titre\") et `du code`, **gras _et_ fin**.\n\n- [ ] à faire\n- ![image](a.png)\n\n```rust\nfn main() {}\n```\n\n| A | B |\n| --- | --- |\n| le chat | 3,5 % |\n\n> Une citation[^1].\n\n[^1]: La note.\n",
    ),
    (
        "html",
        "<!DOCTYPE html><html lang=\"fr\"><head><title>Le titre</title><script>var a = \"<p>\";</script></head><body><p>Le <b>chat</b> <i>noir<br>dort</i> &amp; r&ecirc;ve&nbsp;: <a href='x' title=\"Un titre\">ici</a>.</p><!-- note --><pre>  code </pre><ul><li>Un<li>Deux</ul><img alt='Une image'></body></html>\n",
    ),
    (
        "srt",
        "1\n00:00:01,000 --> 00:00:02,500\n<i>Je ne sais pas\n\n2\n00:00:03,000 --> 00:00:04,000\nce que tu veux.</i>\n- Oui ?\n- Non !\n\n",
    ),
    (
        "vtt",
        "WEBVTT\n\nNOTE une note\n\nun\n00:01.000 --> 00:02.000 align:start\n<v Anne>Bonjour &amp; bienvenue !\n\n00:02.000 --> 00:03.500\nOn y va.\n",
    ),
    (
        "jsonl",
        "{\"id\": 1, \"text\": \"Le chat\\ndort. \\u00c9t\\u00e9 !\"}\n{\"text\":null}\n\n{\"text\": \"« Oui »\", \"n\": 1.0}\n",
    ),
    ("csv", "id,text,n\n1,\"Le chat, \"\"noir\"\", dort.\",2\n2,Bonjour,\n"),
    ("tsv", "id\ttext\n1\tLe chat dort.\n2\tBonjour à tous\n"),
    (
        "po",
        "msgid \"\"\nmsgstr \"\"\n\"Content-Type: text/plain; charset=UTF-8\\n\"\n\n#, c-format\nmsgid \"Le fichier %s a %d lignes.\\n\"\nmsgstr \"\"\n\nmsgid \"un jour\"\nmsgid_plural \"%d jours\"\nmsgstr[0] \"\"\nmsgstr[1] \"\"\n",
    ),
];

/// What is put into documents, and what engines say.
const SNIPPETS: [&str; 64] = [
    "\n",
    "\r\n",
    "\r",
    "\n\n",
    " ",
    "\t",
    "\u{a0}",
    "\u{202f}",
    "\u{feff}",
    "\u{2028}",
    "\0",
    "\u{1b}[31m",
    "« ",
    " »",
    "«",
    "“",
    "”",
    "\"",
    "'",
    "’",
    "‹",
    "„",
    ". ",
    "…",
    "?!",
    " : ",
    " ; ",
    "— ",
    "- ",
    "(",
    ")",
    "[",
    "](",
    "`",
    "```\n",
    "**",
    "_",
    "<b>",
    "</b>",
    "<",
    "&amp;",
    "&#x41;",
    "{{ x }}",
    "{% y %}",
    "%s",
    "\\",
    "\\n",
    "M. ",
    "etc. ",
    "J.-C. ",
    "12 345,6 %",
    "3,5 M€",
    "15 h 30",
    "XXe",
    "le chat",
    "http://a.fr/b",
    "x@y.fr",
    "OUI OUI",
    "e\u{301}",
    "👨‍👩‍👧",
    "日本語",
    "\u{2581}",
    "</s>",
    "XQ QJ",
];

/// Numbers that look random and are the same in every run.
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d)
    }

    /// splitmix64
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())].clone()
    }

    /// A place between two characters.
    fn place(&mut self, text: &str) -> usize {
        let mut at = self.below(text.len() + 1);
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    }

    fn range(&mut self, text: &str) -> Range<usize> {
        let (a, b) = (self.place(text), self.place(text));
        a.min(b)..a.max(b)
    }

    /// Any characters, of all lengths in bytes.
    fn characters(&mut self, most: usize) -> String {
        let n = self.below(most);
        let one = |random: &mut Self| {
            let top = random.pick(&[0x7f, 0x250, 0x2fff, 0x1_f9ff, 0x10_ffff]);
            char::from_u32(random.below(top) as u32).unwrap_or('é')
        };
        (0..n).map(|_| one(self)).collect()
    }

    fn snippets(&mut self, most: usize) -> String {
        let n = self.below(most);
        (0..n).map(|_| self.pick(&SNIPPETS)).collect()
    }

    /// `text` changed in a few places.
    fn mutated(&mut self, text: &str, others: &[(Format, String)]) -> String {
        let mut out = text.to_owned();
        for _ in 0..=self.below(8) {
            let range = self.range(&out);
            let short = range.start..self.place(&out[range.clone()]) + range.start;
            match self.below(9) {
                0 => out.replace_range(short, ""),
                1 => {
                    let at = self.place(&out);
                    out.insert_str(at, self.pick(&SNIPPETS));
                }
                2 => {
                    let (copy, at) = (out[short].to_owned(), self.place(&out));
                    out.insert_str(at, &copy);
                }
                3 => {
                    let upper = out[short.clone()].to_uppercase();
                    out.replace_range(short, &upper);
                }
                4 => {
                    let noise = self.characters(12);
                    out.insert_str(range.start, &noise);
                }
                5 => out.truncate(range.end),
                6 => {
                    let other = self.pick(others).1;
                    let piece = self.range(&other);
                    out.insert_str(range.start, &other[piece]);
                }
                7 => {
                    let n = self.below(60);
                    out.insert_str(range.start, &self.pick(&SNIPPETS).repeat(n));
                }
                _ => {
                    let (from, to) = (self.pick(&SNIPPETS), self.pick(&SNIPPETS));
                    out = out.replacen(from, to, 5);
                }
            }
        }
        let mut end = out.len().min(LARGEST);
        while !out.is_char_boundary(end) {
            end -= 1;
        }
        out.truncate(end);
        out
    }
}

/// An engine that answers whatever its seed and the sentence say, and breaks every promise but that of not panicking.
struct Perverse(u64);

impl Perverse {
    fn random(&self, text: &str) -> Random {
        let mut hasher = DefaultHasher::new();
        (self.0, text).hash(&mut hasher);
        Random::new(hasher.finish())
    }

    fn reply(random: &mut Random, source: &str) -> String {
        let words: Vec<&str> = source.split_whitespace().collect();
        match random.below(11) {
            0 => String::new(),
            1 => source.to_owned(),
            2 => format!("{source} ").repeat(random.below(20)),
            3 => random.characters(200),
            4 => random.snippets(40),
            5 => words.iter().rev().copied().collect::<Vec<_>>().join(" "),
            6 => words.iter().filter(|_| random.below(3) > 0).copied().collect::<Vec<_>>().join(" "),
            7 => format!("{} ", random.pick(&["XQ", "\"", "the", "1 234,5", "’", "http://a.fr/b", "."]))
                .repeat(random.below(50)),
            8 => {
                let mut text = source.to_owned();
                for _ in 0..random.below(6) {
                    let at = random.place(&text);
                    text.insert_str(at, random.pick(&SNIPPETS));
                }
                text
            }
            9 => source.chars().filter(|c| c.is_alphabetic()).collect(),
            _ => "The cat sleeps on the mat at 15, 30 for 12,345.6%.".to_owned(),
        }
    }

    fn ranges(random: &mut Random, text: &str) -> Vec<Range<usize>> {
        if random.below(4) == 0 {
            // Out of order, out of bounds, inside characters.
            return (0..random.below(12)).map(|_| random.below(60)..random.below(60)).collect();
        }
        let mut at = 0;
        let mut out: Vec<Range<usize>> = text.split_inclusive(' ').map(|w| (at, at += w.len()).0..at).collect();
        out.push(text.len()..text.len());
        out
    }

    fn alignment(random: &mut Random, source: &str, text: &str) -> Option<Alignment> {
        if random.below(4) == 0 {
            return None;
        }
        let (source, target) = (Self::ranges(random, source), Self::ranges(random, text));
        let mut weights: Vec<f32> = (0..source.len() * target.len()).map(|_| random.below(1000) as f32 / 1e3).collect();
        match random.below(6) {
            0 => weights.truncate(random.below(weights.len() + 1)),
            1 => weights.iter_mut().for_each(|w| *w = random.pick(&[f32::NAN, f32::INFINITY, -1.0, 0.0])),
            _ => {
                let n = source.len().max(1);
                for row in weights.chunks_mut(n) {
                    let sum: f32 = row.iter().sum::<f32>().max(1e-3);
                    row.iter_mut().for_each(|w| *w /= sum);
                }
            }
        }
        Some(Alignment { source, target, weights })
    }
}

impl Engine for Perverse {
    fn translate(&self, sources: &[String], _: &Options, progress: &dyn Progress) -> Vec<Result<Vec<Hypothesis>>> {
        let one = |source: &String| {
            let mut random = self.random(source);
            progress.done(1, 1);
            if random.below(20) == 0 {
                return Err(Error::input("the engine does not like it"));
            }
            let n = random.below(4);
            let hypothesis = |random: &mut Random| {
                let text = Self::reply(random, source);
                Hypothesis {
                    alignment: Self::alignment(random, source, &text),
                    text,
                    score: random.pick(&[-0.1, -1.0, -9.0, 0.0, f32::NAN, f32::INFINITY, f32::NEG_INFINITY]),
                    token_scores: vec![-0.5; random.below(4)],
                    finished: random.below(4) > 0,
                }
            };
            Ok((0..n).map(|_| hypothesis(&mut random)).collect())
        };
        let mut out: Vec<_> = sources.iter().map(one).collect();
        match self.0 % 16 {
            0 => out.truncate(out.len() / 2),
            1 => out.push(Ok(Vec::new())),
            _ => {}
        }
        out
    }

    fn count_tokens(&self, text: &str) -> usize {
        match self.0 % 7 {
            0 => 0,
            1 => text.len() * 3,
            2 => usize::MAX,
            _ => text.split_whitespace().count() + 1,
        }
    }

    fn max_tokens(&self) -> usize {
        [512, 64, 8, 1, 0][(self.0 / 7 % 5) as usize]
    }

    fn reads(&self, c: char) -> bool {
        match self.0 / 35 % 4 {
            0 => true,
            1 => c.is_ascii() || "éèàùâêîôûçëïü".contains(c),
            2 => c.is_alphanumeric(),
            _ => false,
        }
    }

    fn writes(&self, c: char) -> bool {
        (self.0 / 140).is_multiple_of(2) || c.is_ascii()
    }
}

/// The text of a document with nothing between its words: what no step may lose.
fn solid(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

/// Marks come out once each, nested, on whole characters; what is verbatim is as it was.
fn marks_hold(block: &Block, target: &Target) {
    let ids = |marks: &[fr2en::document::Mark]| {
        let mut ids: Vec<usize> = marks.iter().map(|m| m.id).collect();
        ids.sort_unstable();
        ids
    };
    assert_eq!(ids(&block.marks), ids(&target.marks), "marks of {:?} in {:?}", block.text, target.text);
    let mut open: Vec<usize> = Vec::new();
    for mark in &target.marks {
        let text = target.text.get(mark.range.clone());
        assert!(text.is_some(), "{:?} in {:?}", mark.range, target.text);
        open.retain(|&end| end > mark.range.start);
        assert!(
            open.last().is_none_or(|&end| mark.range.end <= end),
            "marks cross in {:?}: {:?}",
            target.text,
            target.marks
        );
        open.push(mark.range.end);
        if mark.verbatim {
            let own = block.marks.iter().find(|m| m.id == mark.id).map(|m| &block.text[m.range.clone()]);
            assert_eq!(text, own, "verbatim text of {block:?} in {target:?}");
        }
    }
}

/// Every gap of the document stands in the output, in order.
fn gaps_hold(document: &Document, output: &str) {
    let mut rest = output;
    for gap in document.gaps() {
        let at = rest.find(gap);
        assert!(at.is_some(), "{gap:?} is lost in {output:?}");
        rest = &rest[at.unwrap_or(0) + gap.len()..];
    }
}

fn style(random: &mut Random) -> Style {
    let mut style = Style::default();
    style.quotes = random.pick(&[QuoteStyle::Curly, QuoteStyle::Straight, QuoteStyle::Source]);
    style.currency = random.pick(&[Currency::Before, Currency::Keep]);
    style.clock = random.pick(&[Clock::Keep, Clock::Twelve, Clock::TwentyFour]);
    style.stops = random.pick(&[Stops::Us, Stops::Uk, Stops::Keep]);
    style.dashes = random.pick(&[Dashes::EmClosed, Dashes::EmSpaced, Dashes::EnSpaced, Dashes::Keep]);
    style.apostrophes = random.pick(&[Apostrophes::Source, Apostrophes::Straight, Apostrophes::Curly]);
    style
}

/// One document under an engine that returns its input and under one that returns anything.
fn hold(seed: u64, format: Format, source: &str) {
    let Ok(parsed) = formats::parse(format, source.to_owned()) else { return };
    let parsed: &dyn Parsed = parsed.as_ref();
    let document = parsed.document();

    let same = Translator::builder().engine(Box::new(Identity)).style(Style::verbatim()).guards(false);
    let same = same.build().expect("identity needs no model");
    let (outcomes, _) = same.translate_documents(&[parsed], &()).expect("identity");
    assert_eq!(parsed.render(&outcomes[0].targets), source, "what does not change");

    let mut random = Random::new(seed);
    let glossary = Glossary::parse("chat\tfeline\ngrand titre\ngreat heading\nnoir\n", "terms").expect("reads");
    let engine = Perverse(seed);
    // Not one that must be fed letter by letter.
    let sees_words = seed % 7 > 2 && engine.max_tokens() >= 8 && engine.reads('a');
    let builder =
        Translator::builder().engine(Box::new(engine)).style(style(&mut random)).strict(seed.is_multiple_of(5));
    let builder = if seed.is_multiple_of(3) { builder.glossary(glossary) } else { builder };
    let perverse = builder.build().expect("an engine of its own needs no model");
    let (outcomes, totals) = perverse.translate_documents(&[parsed], &()).expect("nobody asked to stop");
    let outcome = &outcomes[0];
    assert_eq!(outcome.targets.len(), document.blocks().len());
    for (index, (block, target)) in document.blocks().iter().zip(&outcome.targets).enumerate() {
        let own = outcome.report.segments.iter().filter(|s| s.block == index);
        let sources: String = own.map(|s| s.source.as_str()).collect();
        assert_eq!(solid(&sources), solid(&block.text), "segments of a block");
        marks_hold(block, target);
    }
    for segment in &outcome.report.segments {
        // Code is not for a glossary, nor is what stands in a tag or a placeholder.
        let code = segment.source.contains(['<', '{', '`', '$'])
            || document.blocks()[segment.block].marks.iter().any(|mark| mark.verbatim);
        let glossed = sees_words && !code && segment.error.is_none() && segment.source.split(' ').any(|w| w == "chat");
        for address in [" http://a.fr/b ", " x@y.fr "].iter().filter(|a| sees_words && segment.source.contains(**a)) {
            assert!(segment.target.contains(address.trim()), "{segment:?}");
        }
        let honoured = segment.target.to_lowercase().contains("feline");
        assert!(!(glossed && seed.is_multiple_of(3)) || honoured, "{segment:?}");
    }
    assert_eq!(totals.segments, outcome.report.segments.len());
    let output = parsed.render(&outcome.targets);
    if format == Format::Plain {
        gaps_hold(document, &output);
    }
}

#[test]
fn nothing_panics_hangs_or_is_lost() {
    let setting = |name: &str| std::env::var(name).ok();
    let number = |name: &str| setting(name).and_then(|value| value.parse::<u64>().ok());
    let mut seeds: Vec<(Format, String)> = DOCUMENTS
        .iter()
        .map(|(name, text)| (Format::from_name(name).expect("a format's own name"), (*text).to_owned()))
        .collect();
    for entry in setting("FR2EN_FUZZ_SEEDS").iter().flat_map(|dir| std::fs::read_dir(Path::new(dir)).expect("a folder"))
    {
        let path = entry.expect("an entry of the folder").path();
        if let (Some(format), Ok(text)) = (Format::from_path(&path), std::fs::read_to_string(&path)) {
            seeds.push((format, text));
        }
    }
    let (first, started) = (number("FR2EN_FUZZ_SEED").unwrap_or(0), Instant::now());
    let time = number("FR2EN_FUZZ_SECONDS").map(Duration::from_secs);
    let mut cases = 0;
    while time.map_or(cases < CASES, |time| started.elapsed() < time) {
        let seed = first + cases;
        let mut random = Random::new(seed);
        let (format, text) = random.pick(&seeds);
        let text = match random.below(10) {
            0 => random.characters(300),
            1 => random.snippets(80),
            2 if text.len() <= LARGEST => text.clone(),
            _ => {
                let part = random.range(&text);
                let whole = text.len() <= LARGEST && random.below(2) == 0;
                random.mutated(if whole { &text } else { &text[part] }, &seeds)
            }
        };
        // Now and then as another format than it was.
        let format = if random.below(8) == 0 { random.pick(&seeds).0 } else { format };
        let timed = || {
            let begun = Instant::now();
            if let Err(fault) = std::panic::catch_unwind(|| hold(seed, format, &text)) {
                eprintln!("FR2EN_FUZZ_SEED={seed}, {format:?}: {text:?}");
                std::panic::resume_unwind(fault);
            }
            begun.elapsed()
        };
        // A busy machine may have stopped the first attempt.
        let slow = timed() >= SLOWEST && timed() >= SLOWEST;
        assert!(!slow, "FR2EN_FUZZ_SEED={seed}, {format:?}: more than {SLOWEST:?} for {text:?}");
        cases += 1;
    }
    eprintln!("{cases} cases in {:.0?}", started.elapsed());
}
