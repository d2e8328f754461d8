//! Guards: what is wrong with a hypothesis, how badly, and what to try next.

pub mod confidence;
mod language;
mod negation;
mod quoted;
mod repetition;

use crate::document::Note;
use crate::engine::Hypothesis;
use crate::protect::{Look, Prepared, QuoteSight, SpanSight};
use crate::restore::draft::Draft;
use crate::restore::{numbers, placeholders};

/// Something that is wrong with a hypothesis.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    pub kind: ProblemKind,
    /// 0 (a blemish) to 1 (useless); the sum over problems ranks hypotheses.
    pub severity: f32,
    /// In words.
    pub detail: String,
}

/// What can be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProblemKind {
    Empty,
    /// The length limit ended it, not the model.
    Unfinished,
    Repetition,
    TooLong,
    TooShort,
    /// French came out as it went in.
    Untranslated,
    NumberLost,
    NumberInvented,
    SpanLost,
    Doubled,
    NegationLost,
    /// What stands inside or outside a quotation has no words in the translation.
    PartLost,
    /// The model itself finds it unlikely.
    LowScore,
}

impl ProblemKind {
    /// The stable name of the problem in reports.
    pub fn code(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Unfinished => "unfinished",
            Self::Repetition => "repetition",
            Self::TooLong => "too_long",
            Self::TooShort => "too_short",
            Self::Untranslated => "untranslated",
            Self::NumberLost => "number_lost",
            Self::NumberInvented => "number_invented",
            Self::SpanLost => "span_lost",
            Self::Doubled => "doubled",
            Self::NegationLost => "negation_lost",
            Self::PartLost => "part_lost",
            Self::LowScore => "low_score",
        }
    }
}

/// What may help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Remedy {
    /// Another beam: 4 where it was smaller, else 1, which repeats differently.
    OtherBeam,
    /// Cut the segment at its clauses and translate these.
    Split,
    /// Cut it where quotations begin and end.
    SplitQuotes,
    /// Prepare again with [`SpanSight::Hidden`] and [`QuoteSight::Hidden`].
    HideSpans,
}

impl Remedy {
    /// The protection to prepare with for another try.
    pub fn sight(self) -> Option<(SpanSight, QuoteSight)> {
        (self == Self::HideSpans).then_some((SpanSight::Hidden, QuoteSight::Hidden))
    }
}

/// Mean log-probability of a token below which a translation is mostly guessing: a token is worth less than one in
/// seven. Only reported where the model gave scores.
const LOW_SCORE: f32 = -2.0;

/// Compiles the patterns that nearly every text needs, as [`crate::protect::warm_up`] does.
pub(crate) fn warm_up() {
    negation::lost("Il n'est pas là.", "He is there.");
    numbers::warm_up();
}

/// All that is wrong with `hypothesis` as a translation of `p`; empty where nothing is. What restoring puts right by
/// itself (a span that alignment brings back, a name's accents) counts little.
pub fn judge(p: &Prepared, hypothesis: &Hypothesis) -> Vec<Problem> {
    let mut out = Vec::new();
    let mut add = |kind, severity, detail: String| out.push(Problem { kind, severity, detail });
    let (source, text) = (p.text(), hypothesis.text.as_str());
    if !text.contains(char::is_alphanumeric) {
        if source.contains(char::is_alphanumeric) {
            add(ProblemKind::Empty, 1.0, "there is no word in the translation".to_owned());
        }
        return out;
    }
    if !hypothesis.finished {
        add(ProblemKind::Unfinished, 0.7, "the length limit cut the translation".to_owned());
    }
    if let Some((detail, severity)) = repetition::find(source, text) {
        add(ProblemKind::Repetition, severity, detail);
    }
    length(source, text, &mut add);
    if let Some(detail) = language::untranslated(p, text) {
        add(ProblemKind::Untranslated, 0.6, detail);
    }
    let mut draft = Draft::new(hypothesis, |r| p.to_segment(r));
    for span in p.spans() {
        let look = match &span.look {
            Look::Hidden => continue,
            Look::StandIn(word) => word,
            Look::Shown => &span.write,
        };
        let times = text.matches(look.as_str()).count();
        if times == 0 && !span.kind.is_words() {
            add(ProblemKind::SpanLost, 0.15, format!("“{}” did not come through", span.write));
        }
    }
    placeholders::put_back(&mut draft, p);
    for part in quoted::lost(&draft, p) {
        add(ProblemKind::PartLost, 0.4, format!("nothing translates “{part}”"));
    }
    for number in numbers::lost(&draft, p) {
        add(ProblemKind::NumberLost, 0.3, format!("“{number}” is not in the translation"));
    }
    for number in numbers::invented(&draft, p) {
        add(ProblemKind::NumberInvented, 0.2, format!("“{number}” is not in the source"));
    }
    if let Some(negation) = negation::lost(source, text) {
        add(ProblemKind::NegationLost, 0.3, format!("nothing denies what “{negation}” denies"));
    }
    if repetition::is_doubled(source, text) {
        add(ProblemKind::Doubled, 0.1, "the same words came out twice".to_owned());
    }
    let mean = hypothesis.mean_score();
    if mean.is_finite() && mean < LOW_SCORE {
        add(ProblemKind::LowScore, 0.2, format!("the model gives a token {mean:.2} (log-probability)"));
    }
    out
}

/// How bad problems are together: 0 is fine; hypotheses of one segment are ranked by it, the score settles ties.
pub fn penalty(problems: &[Problem]) -> f32 {
    problems.iter().map(|p| p.severity).sum()
}

/// Whether a second try is worth its time.
pub fn wants_retry(problems: &[Problem]) -> bool {
    penalty(problems) >= 0.3
}

/// What to try, the likeliest first.
pub fn remedies(p: &Prepared, problems: &[Problem]) -> Vec<Remedy> {
    use ProblemKind as K;
    if !wants_retry(problems) {
        return Vec::new();
    }
    let has = |kinds: &[K]| problems.iter().any(|p| kinds.contains(&p.kind));
    let hides = !p.spans().is_empty() || !p.quotes().is_empty();
    let long = p.text().split_whitespace().count() > 12;
    let mut out = Vec::new();
    if has(&[K::PartLost]) {
        out.push(Remedy::SplitQuotes);
    }
    if has(&[K::SpanLost]) && hides {
        out.push(Remedy::HideSpans);
    }
    if long && has(&[K::Unfinished, K::TooShort, K::Repetition, K::TooLong]) {
        out.push(Remedy::Split);
    }
    out.push(Remedy::OtherBeam);
    if hides && !out.contains(&Remedy::HideSpans) {
        out.push(Remedy::HideSpans);
    }
    if long && !out.contains(&Remedy::Split) {
        out.push(Remedy::Split);
    }
    out
}

/// Where [`Remedy::SplitQuotes`] cuts a segment, in order.
pub fn quote_edges(p: &Prepared) -> Vec<usize> {
    quoted::edges(p)
}

/// A problem that stayed, for the report.
pub fn note(problem: &Problem) -> Note {
    Note { code: problem.kind.code(), warning: problem.severity >= 0.2, detail: problem.detail.clone() }
}

/// English is about 0.87 of French in characters. A sentence of n characters keeps within these bounds in all but about
/// one of two hundred reference translations of news (7 000 pairs, three test sets); the longer, the closer.
fn length(source: &str, text: &str, add: &mut dyn FnMut(ProblemKind, f32, String)) {
    let (s, t) = (source.chars().count() as f32, text.chars().count() as f32);
    let (least, most) = (0.68 * s - 15.0, 1.25 * s + 25.0);
    if t < least {
        add(ProblemKind::TooShort, 0.5 + 0.3 * (1.0 - t / least), format!("{t} characters for {s}"));
    } else if t > most {
        add(ProblemKind::TooLong, (0.4 + 0.1 * t / most).min(0.9), format!("{t} characters for {s}"));
    }
}
