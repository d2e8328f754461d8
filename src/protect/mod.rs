//! Decides what the model sees of a sentence: what must pass through untouched is kept out of its hands, what it cannot
//! read is written so that it can, and what is no sentence never reaches it.

pub mod abbreviated;
pub mod capitals;
mod credits;
pub mod dictionary;
pub mod glossary;
pub mod idioms;
pub mod known;
mod look;
pub(crate) mod names;
pub mod numbers;
mod parts;
pub mod patterns;
pub mod people;
pub mod route;
pub mod sight;
pub mod speech;
pub mod stand_in;
pub mod statutes;
pub mod times;
pub mod wording;

use std::collections::HashSet;
use std::ops::Range;
use std::sync::{Arc, LazyLock};

use regex::Regex;
use unicode_normalization::char::is_combining_mark;

use crate::document::QuoteMark;
use crate::engine::Engine;
use capitals::Capitals;
use dictionary::{Dictionary, Lookup};
use glossary::Glossary;
use idioms::Idioms;
pub use names::Name;
use numbers::{Number, overlaps_any};
pub use patterns::SpanKind;
pub use route::Route;
use sight::Sight;
use wording::Wording;

/// What to protect and how.
#[derive(Clone, Debug)]
pub struct ProtectOptions {
    pub glossary: Option<Arc<Glossary>>,
    /// Whether the [known names](known) are written as English has them. A glossary goes before.
    pub known_names: bool,
    /// What the model does not know well.
    pub dictionary: Option<Arc<Dictionary>>,
    /// What the model is to see in plainer words; with such a list, verbs of speech as well.
    pub idioms: Option<Arc<Idioms>>,
    /// Words that this model copies as they stand, for things it must not see: [`stand_in::COMMON`] or, measured for one
    /// model, what [`stand_in::choose`] gives. What the model does not copy after all is put back by alignment.
    pub stand_ins: Vec<String>,
    pub spans: SpanSight,
    pub quotes: QuoteSight,
    /// Whether words in capitals are shown in small letters and written in capitals again.
    pub true_case: bool,
    /// Whether a segment that is English already is left alone.
    pub keep_english: bool,
}

/// How the model sees protected spans.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SpanSight {
    /// As a stand-in where one is left, as they are where the model can read them, else not at all.
    #[default]
    Auto,
    /// As they are where the model can read them.
    Shown,
    /// Not at all: the alignment says where they go. For a second try.
    Hidden,
}

/// How the model sees quotation marks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuoteSight {
    /// `"` without the spaces of French; marks that stand at an edge of the sentence or open nothing are not shown.
    #[default]
    Straight,
    /// “ and ”, where the model can read them.
    Curly,
    /// As they stand.
    Source,
    /// Not at all.
    Hidden,
}

impl Default for ProtectOptions {
    fn default() -> Self {
        Self {
            glossary: None,
            known_names: true,
            dictionary: None,
            idioms: None,
            stand_ins: stand_in::COMMON.map(str::to_owned).to_vec(),
            spans: SpanSight::Auto,
            quotes: QuoteSight::Straight,
            true_case: true,
            keep_english: true,
        }
    }
}

/// A segment made ready for the model.
#[derive(Clone, Debug)]
pub struct Prepared {
    source: String,
    route: Route,
    sight: Sight,
    spans: Vec<Span>,
    numbers: Vec<Number>,
    wordings: Vec<Wording>,
    capitals: Capitals,
    quotes: Vec<QuoteMark>,
    lead: usize,
    names: Vec<Name>,
    lookups: Vec<Lookup>,
}

/// A stretch of the segment that the translation must hold as it is told to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// Bytes of the segment.
    pub range: Range<usize>,
    pub kind: SpanKind,
    pub look: Look,
    /// What the translation must hold: the source's own bytes, or a glossary's translation.
    pub write: String,
}

/// How the model sees a protected span.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// As it stands.
    Shown,
    /// As this word, which does not occur in the segment.
    StandIn(String),
    /// Not at all.
    Hidden,
}

impl Prepared {
    /// The text that the model is to see; empty where it is not to be asked.
    pub fn text(&self) -> &str {
        if self.route == Route::Model { self.sight.text() } else { "" }
    }

    /// Whether the model is asked, and why not.
    pub fn route(&self) -> Route {
        self.route
    }

    /// The segment as it stands in the document.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Bytes of the segment that a range of [`Self::text`] came from.
    pub fn to_segment(&self, shown: Range<usize>) -> Range<usize> {
        self.sight.to_segment(shown)
    }

    /// The protected spans, in order.
    pub fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// The numbers outside protected spans, in order.
    pub fn numbers(&self) -> &[Number] {
        &self.numbers
    }

    /// What was shown in small letters.
    pub fn capitals(&self) -> &Capitals {
        &self.capitals
    }

    /// The quotation marks of the segment.
    pub fn quotes(&self) -> &[QuoteMark] {
        &self.quotes
    }

    /// What stood before the first word and was taken off: a dialogue dash, a bullet, a list number, spaces included.
    pub fn lead(&self) -> &str {
        &self.source[..self.lead]
    }

    /// Words with a capital that the model may not get right, in order.
    pub fn names(&self) -> &[Name] {
        &self.names
    }

    /// What the model sees in other words, in order.
    pub fn wordings(&self) -> &[Wording] {
        &self.wordings
    }

    /// Words and terms that the model may not know, in order.
    pub fn lookups(&self) -> &[Lookup] {
        &self.lookups
    }
}

static LEAD: LazyLock<Regex> = LazyLock::new(|| {
    let lead = r"^(?:(?:[—–―]|--|-\s)\s*|[•◦▪‣·*+»>→]\s+|\(?\d{1,3}\)\s+|\d{1,3}\.\s+|\(?[a-zA-Z]\)\s+)+";
    Regex::new(lead).expect("a valid pattern")
});

/// Compiles the patterns that nearly every text needs: some milliseconds, which [`prepare`] does not have to wait for if they
/// pass while a model is read.
pub(crate) fn warm_up() {
    let usual = "Le 3 mai (au soir), peut-être : oui.";
    patterns::find(usual, &[]);
    numbers::read(usual, &[]);
    abbreviated::find(usual);
    known::find(usual);
    people::find(usual);
    speech::find("« Oui », dit-il.");
    LazyLock::force(&LEAD);
}

/// Makes `text`, one segment, ready for `engine`. `quotes` are its quotation marks and `verbatim` the ranges its format
/// declares untouchable, both in bytes of `text`; ranges that do not fit are ignored.
pub fn prepare(
    text: &str,
    quotes: &[QuoteMark],
    verbatim: &[Range<usize>],
    engine: &dyn Engine,
    options: &ProtectOptions,
) -> Prepared {
    let quotes: Vec<QuoteMark> = quotes.iter().filter(|q| text.get(q.range.clone()).is_some()).cloned().collect();
    let mut found = patterns::find(text, verbatim);
    let credits = credits::find(text);
    found.retain(|(range, _)| !overlaps_any(&credits, range));
    found.extend(credits.into_iter().map(|range| (range, SpanKind::Verbatim)));
    found.sort_by_key(|(range, _)| range.start);
    strangers(text, engine, &quotes, &mut found);
    let mut spans: Vec<Span> = found
        .into_iter()
        .map(|(range, kind)| Span {
            write: patterns::english(&text[range.clone()], kind),
            range,
            kind,
            look: Look::Hidden,
        })
        .collect();
    if let Some(glossary) = &options.glossary {
        let terms = glossary.find(text).into_iter().map(|term| (term.range, SpanKind::Term, term.write));
        add_words(&mut spans, terms);
    }
    if options.known_names {
        let name = |known: known::Known| (known.range, SpanKind::Name { bare: known.bare }, known.english);
        add_words(&mut spans, known::find(text).into_iter().map(name));
        let part = parts::find(text).map(|(range, english)| (range, SpanKind::Name { bare: true }, english));
        add_words(&mut spans, part.into_iter());
        let person = |name: Range<usize>| (name.clone(), SpanKind::Name { bare: true }, text[name].to_owned());
        add_words(&mut spans, people::find(text).into_iter().map(person));
    }
    dress(text, &mut spans, engine, options);
    let taken: Vec<Range<usize>> = spans.iter().map(|s| s.range.clone()).collect();
    let lead = LEAD.find(text).map_or(0, |m| m.end());
    let lead = if lead < text.len() && !overlaps_any(&taken, &(0..lead)) { lead } else { 0 };
    let mut wordings = abbreviated::find(text);
    wordings.extend(times::spoken(text).into_iter().map(|(range, shown)| Wording::same(range, shown)));
    wordings.extend(statutes::find(text));
    // A model that needs no help with idioms needs none with verbs of speech.
    if let Some(idioms) = &options.idioms {
        wordings.extend(speech::find(text));
        wordings.extend(idioms.find(text, &taken));
    }
    let mut counted = taken.clone();
    wordings.retain(|wording| {
        let free = !overlaps_any(&counted, &wording.range);
        if free {
            let at = counted.partition_point(|range| range.start < wording.range.start);
            counted.insert(at, wording.range.clone());
        }
        free
    });
    wordings.sort_by_key(|wording| wording.range.start);
    let mut numbers = numbers::read(text, &counted);
    numbers.retain(|n| n.range.start >= lead);
    let route = route::choose(text, lead, &spans, &numbers, options.keep_english);
    let capitals = if options.true_case && route == Route::Model {
        capitals::find(text, &taken, engine)
    } else {
        Capitals::default()
    };
    let mut prepared = Prepared {
        source: text.to_owned(),
        route,
        sight: Sight::default(),
        spans,
        numbers,
        wordings,
        capitals,
        quotes,
        lead,
        names: names::find(text, &taken, engine),
        lookups: options.dictionary.as_ref().map_or_else(Vec::new, |dictionary| dictionary.find(text, &counted)),
    };
    prepared.sight = look::look(&prepared, engine, options);
    if prepared.route == Route::Model && prepared.sight.text().is_empty() {
        prepared.route = Route::NoWords;
    }
    prepared
}

/// Adds words that have a translation of their own, where no span is yet.
fn add_words(spans: &mut Vec<Span>, words: impl Iterator<Item = (Range<usize>, SpanKind, String)>) {
    let taken: Vec<Range<usize>> = spans.iter().map(|s| s.range.clone()).collect();
    for (range, kind, write) in words.filter(|(range, ..)| !overlaps_any(&taken, range)) {
        spans.push(Span { range, kind, look: Look::Shown, write });
    }
    spans.sort_by_key(|s| s.range.start);
}

/// Adds runs of characters that `engine` cannot read in any guise.
fn strangers(text: &str, engine: &dyn Engine, quotes: &[QuoteMark], found: &mut Vec<(Range<usize>, SpanKind)>) {
    let taken: Vec<Range<usize>> = found.iter().map(|(r, _)| r.clone()).collect();
    let marks: HashSet<usize> = quotes.iter().map(|q| q.range.start).collect();
    let mut runs: Vec<(Range<usize>, SpanKind)> = Vec::new();
    for (start, c) in text.char_indices() {
        let range = start..start + c.len_utf8();
        let plain =
            c.is_whitespace() || sight::is_invisible(c) || is_combining_mark(c) || numbers::CURRENCIES.contains(&c);
        // A mark that the quote stack read is the quote restorer's.
        if plain || c == '°' || overlaps_any(&taken, &range) || marks.contains(&start) {
            continue;
        }
        if sight::shown(c, engine).is_some() {
            continue;
        }
        let kind = if c.is_alphabetic() { SpanKind::Foreign } else { SpanKind::Sign };
        match runs.last_mut() {
            // Words of one script stay together, with the spaces and marks between their letters.
            Some((last, k)) if *k == kind && joins(&text[last.end..start], kind) => last.end = range.end,
            _ => runs.push((range, kind)),
        }
    }
    for (run, _) in &mut runs {
        let marks = text[run.end..].chars().take_while(|&c| is_combining_mark(c)).map(char::len_utf8).sum::<usize>();
        run.end += marks;
    }
    runs.retain(|(r, _)| !overlaps_any(&taken, r));
    found.extend(runs);
    found.sort_by_key(|(r, _)| r.start);
}

/// Whether what lies between two unreadable characters belongs to their run.
fn joins(between: &str, kind: SpanKind) -> bool {
    between.chars().all(|c| is_combining_mark(c) || sight::is_invisible(c) || (kind == SpanKind::Foreign && c == ' '))
        && between.len() < 8
}

/// Decides how the model sees each span.
fn dress(text: &str, spans: &mut [Span], engine: &dyn Engine, options: &ProtectOptions) {
    let folded = text.to_lowercase();
    let knows = |s: &str| s.chars().all(|c| engine.reads(c) && engine.writes(c));
    let mut left = options.stand_ins.iter().filter(|s| knows(s) && !folded.contains(&s.to_lowercase()));
    for span in spans {
        let s = &text[span.range.clone()];
        // What looks like a model's own token must not reach its tokenizer.
        let odd = s.starts_with(['<', '>', '▁', '[']) || span.kind == SpanKind::Foreign;
        let readable = !odd && s.chars().all(|c| engine.reads(c));
        let shown = if readable { Look::Shown } else { Look::Hidden };
        span.look = match (span.kind, options.spans) {
            (kind, _) if kind.is_words() => Look::Shown,
            (SpanKind::Emoji | SpanKind::Sign, _) | (_, SpanSight::Hidden) => Look::Hidden,
            // A figure that the model reads shows it what stands there; a tokenizer may fold others (10⁶ is no 106).
            (SpanKind::Figure, _) if readable && s.is_ascii() => Look::Shown,
            (_, SpanSight::Shown) => shown,
            (_, SpanSight::Auto) => left.next().map_or(shown, |s| Look::StandIn(s.clone())),
        };
    }
}
