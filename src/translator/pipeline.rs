//! The way of a document through the rooms: split, protect, translate, check, restore, join.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::pieces::{cut_at, pieces};
use super::report::{SegmentReport, Totals, Watch};
use super::{Monitor, Outcome, Translator};
use crate::check::{self, Problem, ProblemKind, Remedy};
use crate::document::{Block, Link, Note, QuoteMark, QuoteRole, Segment, Target, Translation};
use crate::engine::{Hypothesis, Options, Progress};
use crate::error::{Error, ErrorKind, Result};
use crate::formats::Parsed;
use crate::protect::{self, Prepared, ProtectOptions, Route};
use crate::restore::markup::{Placed, place_marks};
use crate::restore::{self, QuoteStyle};
use crate::split;
use crate::spread::spread;

/// A segment of one of the documents.
struct Member {
    document: usize,
    segment: Segment,
    quotes: QuoteStyle,
}

/// What the model sees at a time: a segment, or a piece of one that is longer than the model takes.
struct Part<'a> {
    block: &'a Block,
    /// The quotation marks of the whole segment.
    quotes: &'a [QuoteMark],
    /// Index of its segment among all of the run.
    segment: usize,
    /// Bytes of the block's text.
    range: Range<usize>,
    prepared: Prepared,
    /// Index of its sentence among the different ones; `None` for what the model need not see.
    sentence: Option<usize>,
    answer: Answer,
}

/// What became of a part so far.
enum Answer {
    /// The model is not asked.
    Copy,
    Waiting,
    Found {
        hypothesis: Hypothesis,
        problems: Vec<Problem>,
        notes: Vec<Note>,
    },
    Failed(String),
}

/// Translates documents; the body of [`Translator::translate_documents`].
pub(super) fn run(
    translator: &Translator,
    documents: &[&dyn Parsed],
    monitor: &dyn Monitor,
) -> Result<(Vec<Outcome>, Totals)> {
    let mut totals = Totals { documents: documents.len(), ..Totals::default() };
    let mut watch = Watch::start();

    let mut members: Vec<Member> = Vec::new();
    for (document, parsed) in documents.iter().enumerate() {
        let blocks = parsed.document().blocks();
        for text in parsed.texts() {
            let mut quotes = translator.style.quotes;
            for segment in split::split_texts(blocks, [text]) {
                // A quotation closes with marks of the kind that it opened with.
                if segment.depth == 0 {
                    let marks = segment.quotes.iter().map(|mark| &blocks[segment.block].text[mark.range.clone()]);
                    quotes = translator.style.quotes.settled(marks);
                }
                members.push(Member { document, segment, quotes });
            }
        }
    }
    totals.seconds.split = watch.lap();

    let threads = translator.options.threads;
    let most = translator.engine.max_tokens().min(LONG);
    let block_of = |member: &Member| &documents[member.document].document().blocks()[member.segment.block];
    let parts = spread(members.iter().enumerate().collect(), threads, |(index, member)| {
        let (block, segment) = (block_of(member), &member.segment);
        let part = |range| Part::new(translator, &translator.protect, block, &segment.quotes, index, range);
        let whole = part(segment.range.clone());
        match whole.pieces(translator, most) {
            ranges if ranges.len() > 1 => ranges.into_iter().map(part).collect(),
            _ => vec![whole],
        }
    });
    let mut parts: Vec<Part<'_>> = parts.into_iter().flatten().collect();
    totals.seconds.protect = watch.lap();

    let relay = Relay::new(monitor);
    totals.sentences_translated = ask(translator, &mut parts, &translator.options, &relay)?;
    totals.seconds.translate = watch.lap();

    if translator.guards {
        retry(translator, &mut parts, &relay)?;
    }
    totals.seconds.retry = watch.lap();
    totals.target_tokens = relay.tokens();

    let mut parts_of: Vec<Vec<Part<'_>>> = members.iter().map(|_| Vec::new()).collect();
    for part in parts {
        parts_of[part.segment].push(part);
    }
    let restored = spread(members.iter().zip(parts_of).collect(), threads, |(member, parts)| {
        let (block, segment) = (block_of(member), &member.segment);
        let (translation, error) = finish(translator, block, segment, member.quotes, parts);
        (report(translator, block, segment, &translation, error), translation)
    });
    let mut restored = members.iter().zip(restored).peekable();
    let mut outcomes: Vec<Outcome> = documents.iter().map(|_| Outcome::default()).collect();
    for (index, parsed) in documents.iter().enumerate() {
        for (number, block) in parsed.document().blocks().iter().enumerate() {
            let mut joined = Joiner::new(block);
            let here = |member: &Member| (member.document, member.segment.block) == (index, number);
            while let Some((member, (report, translation))) = restored.next_if(|(member, _)| here(member)) {
                totals.count(&report);
                outcomes[index].report.segments.push(report);
                joined.add(translator, &member.segment, translation);
            }
            outcomes[index].targets.push(joined.finish());
        }
    }
    totals.seconds.restore = watch.lap();
    totals.rate();
    Ok((outcomes, totals))
}

/// Segments of more tokens than this are cut at clauses: models are trained on sentences, and what they were never
/// shown they end too early.
const LONG: usize = 128;

impl<'a> Part<'a> {
    fn new(
        translator: &Translator,
        protect: &ProtectOptions,
        block: &'a Block,
        quotes: &'a [QuoteMark],
        segment: usize,
        range: Range<usize>,
    ) -> Self {
        let verbatim = block.marks.iter().filter(|m| m.verbatim).filter_map(|m| within(&m.range, &range));
        let verbatim: Vec<Range<usize>> = verbatim.collect();
        let text = &block.text[range.clone()];
        let own = own_quotes(quotes, &range);
        let prepared = protect::prepare(text, &own, &verbatim, translator.engine.as_ref(), protect);
        let answer = if prepared.route() == Route::Model { Answer::Waiting } else { Answer::Copy };
        Self { block, quotes, segment, range, prepared, sentence: None, answer }
    }

    /// Itself in pieces of which the model sees at most about `most` tokens each, in bytes of the block's text.
    fn pieces(&self, translator: &Translator, most: usize) -> Vec<Range<usize>> {
        let base = self.range.start;
        let pieces = pieces(&self.prepared, translator.engine.as_ref(), most).into_iter();
        pieces.map(|r| base + r.start..base + r.end).collect()
    }

    /// How bad the guards find what was found; 0 is without fault.
    fn penalty(&self) -> f32 {
        match &self.answer {
            Answer::Copy => 0.0,
            Answer::Found { problems, .. } => check::penalty(problems),
            Answer::Waiting | Answer::Failed(_) => f32::INFINITY,
        }
    }

    /// What the guards have against it, in words.
    fn reasons(&self) -> String {
        match &self.answer {
            Answer::Found { problems, .. } => problems.iter().map(|p| p.detail.as_str()).collect::<Vec<_>>().join("; "),
            _ => String::new(),
        }
    }
}

/// The part of `inner` that lies in `outer`, counted from its start; `None` where they do not meet.
fn within(inner: &Range<usize>, outer: &Range<usize>) -> Option<Range<usize>> {
    let start = inner.start.max(outer.start);
    let end = inner.end.min(outer.end);
    (start < end).then(|| start - outer.start..end - outer.start)
}

/// The quotation marks of a segment that stand in one of its parts, counted from the part's start.
fn own_quotes(quotes: &[QuoteMark], part: &Range<usize>) -> Vec<QuoteMark> {
    let inside = |q: &&QuoteMark| part.start <= q.range.start && q.range.end <= part.end;
    let moved = |q: &QuoteMark| QuoteMark { range: q.range.start - part.start..q.range.end - part.start, ..q.clone() };
    quotes.iter().filter(inside).map(moved).collect()
}

/// Asks the model for every waiting part, each different sentence once. Answers how many there were.
fn ask(translator: &Translator, parts: &mut [Part<'_>], options: &Options, relay: &Relay<'_>) -> Result<usize> {
    let mut sentences: Vec<String> = Vec::new();
    let mut known: HashMap<String, usize> = HashMap::new();
    for part in parts.iter_mut() {
        part.sentence = None;
        if matches!(part.answer, Answer::Waiting) {
            let text = part.prepared.text();
            part.sentence = Some(*known.entry(text.to_owned()).or_insert_with(|| {
                sentences.push(text.to_owned());
                sentences.len() - 1
            }));
        }
    }
    if sentences.is_empty() {
        return Ok(0);
    }
    relay.plan(sentences.len());
    let answers = translator.engine.translate(&sentences, options, relay);
    if let Some(Err(error)) = answers.iter().find(|a| matches!(a, Err(e) if e.kind() == ErrorKind::Interrupted)) {
        return Err(Error::new(ErrorKind::Interrupted, error.to_string()));
    }
    spread(parts.iter_mut().collect(), translator.options.threads, |part: &mut Part<'_>| {
        let Some(sentence) = part.sentence else { return };
        part.answer = match answers.get(sentence) {
            Some(Ok(hypotheses)) => best(part, hypotheses),
            Some(Err(error)) => Answer::Failed(error.to_string()),
            None => Answer::Failed("the engine gave no answer".to_owned()),
        };
    });
    Ok(sentences.len())
}

/// The hypothesis that the guards like best; the first of those they like equally.
fn best(part: &Part<'_>, hypotheses: &[Hypothesis]) -> Answer {
    let judged = hypotheses.iter().map(|hypothesis| {
        let problems = check::judge(&part.prepared, hypothesis);
        (check::penalty(&problems), problems, hypothesis)
    });
    match judged.min_by(|a, b| a.0.total_cmp(&b.0)) {
        Some((_, problems, hypothesis)) => {
            Answer::Found { hypothesis: hypothesis.clone(), problems, notes: Vec::new() }
        }
        None => Answer::Failed("the search found no translation".to_owned()),
    }
}

/// Parts that the guards are not content with are tried again: with another beam, with protected things hidden from the
/// model, in smaller pieces; whatever the guards advise. What they like best is kept, and what was done is noted.
fn retry(translator: &Translator, parts: &mut Vec<Part<'_>>, relay: &Relay<'_>) -> Result<()> {
    let usual = &translator.options;
    let other = Options { beam: if usual.beam < WIDE { WIDE } else { 1 }, ..usual.clone() };
    let other = Options { n_best: other.beam, ..other };
    let whole = |part: &Part<'_>| vec![part.range.clone()];
    again(translator, parts, &other, relay, Remedy::OtherBeam, &translator.protect, &whole)?;
    if let Some((spans, quotes)) = Remedy::HideSpans.sight() {
        let hidden = ProtectOptions { spans, quotes, ..translator.protect.clone() };
        again(translator, parts, usual, relay, Remedy::HideSpans, &hidden, &whole)?;
    }
    again(translator, parts, usual, relay, Remedy::SplitQuotes, &translator.protect, &|part| {
        let base = part.range.start;
        let pieces = cut_at(&part.prepared, check::quote_edges(&part.prepared).into_iter()).into_iter();
        pieces.map(|r| base + r.start..base + r.end).collect()
    })?;
    for _ in 0..HALVINGS {
        again(translator, parts, usual, relay, Remedy::Split, &translator.protect, &|part| {
            let half = translator.engine.count_tokens(part.prepared.text()) / 2;
            // A piece of a few words has less to go by than the whole.
            part.pieces(translator, half.max(SHORT))
        })?;
    }
    Ok(())
}

/// The beam of a retry.
const WIDE: usize = 4;

/// Pieces of a retry are not cut below so many tokens.
const SHORT: usize = 12;

/// How often a doubtful part is cut in two.
const HALVINGS: usize = 3;

/// One more attempt at every part for which the guards advise `remedy`, in the pieces that `cut` makes of it.
fn again<'a>(
    translator: &Translator,
    parts: &mut Vec<Part<'a>>,
    options: &Options,
    relay: &Relay<'_>,
    remedy: Remedy,
    protect: &ProtectOptions,
    cut: &dyn Fn(&Part<'a>) -> Vec<Range<usize>>,
) -> Result<()> {
    // Per doubtful part: its index and how many pieces it became.
    let mut tried: Vec<(usize, usize)> = Vec::new();
    let mut pieces: Vec<Part<'a>> = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        let Answer::Found { problems, .. } = &part.answer else { continue };
        if !check::remedies(&part.prepared, problems).contains(&remedy) {
            continue;
        }
        let ranges = cut(part);
        if !matches!(remedy, Remedy::Split | Remedy::SplitQuotes) || ranges.len() > 1 {
            tried.push((index, ranges.len()));
            let piece = |range| Part::new(translator, protect, part.block, part.quotes, part.segment, range);
            pieces.extend(ranges.into_iter().map(piece));
        }
    }
    if pieces.is_empty() {
        return Ok(());
    }
    ask(translator, &mut pieces, options, relay)?;
    let mut pieces = pieces.into_iter();
    let mut replaced: HashMap<usize, Vec<Part<'a>>> = HashMap::new();
    for (index, count) in tried {
        let mut attempt: Vec<Part<'a>> = pieces.by_ref().take(count).collect();
        // Half a segment that is wrong counts half.
        let length: usize = attempt.iter().map(|part| part.range.len()).sum();
        let share = |part: &Part<'_>| part.penalty() * part.range.len() as f32 / length.max(1) as f32;
        let penalty: f32 = attempt.iter().map(share).sum();
        if penalty < parts[index].penalty() {
            let note = Note::info(code(remedy), parts[index].reasons());
            if let Some(Part { answer: Answer::Found { notes, .. }, .. }) = attempt.first_mut() {
                notes.push(note);
            }
            replaced.insert(index, attempt);
        }
    }
    if !replaced.is_empty() {
        let old = std::mem::take(parts);
        parts.extend(
            old.into_iter().enumerate().flat_map(|(i, part)| replaced.remove(&i).unwrap_or_else(|| vec![part])),
        );
    }
    Ok(())
}

/// The stable name of a remedy in reports.
fn code(remedy: Remedy) -> &'static str {
    match remedy {
        Remedy::OtherBeam => "retried_beam",
        Remedy::HideSpans => "retried_hidden",
        Remedy::Split => "retried_split",
        Remedy::SplitQuotes => "retried_quotes",
    }
}

/// A segment's translation from those of its parts, and why it has none if it has none.
fn finish(
    translator: &Translator,
    block: &Block,
    segment: &Segment,
    quote_style: QuoteStyle,
    parts: Vec<Part<'_>>,
) -> (Translation, Option<String>) {
    let mut out = Translation::default();
    let mut scores: Vec<f32> = Vec::new();
    let mut end = segment.range.start;
    for part in parts {
        out.text.push_str(&block.text[end..part.range.start]);
        end = part.range.end;
        let quotes = own_quotes(&segment.quotes, &part.range);
        let before = segment.quotes.iter().filter(|q| q.range.start < part.range.start);
        let depth = before.fold(segment.depth, |depth, q| match q.role {
            QuoteRole::Open => depth + 1,
            QuoteRole::Close => depth.saturating_sub(1),
            QuoteRole::Continue => depth,
        });
        let hypothesis = match part.answer {
            Answer::Copy => None,
            Answer::Found { hypothesis, problems, notes } => {
                out.notes.extend(notes);
                // Whether a number is lost is for the restorer to say: it puts many of them right.
                let stayed = problems.iter().filter(|p| p.kind != ProblemKind::NumberLost);
                out.notes.extend(stayed.map(check::note));
                scores.push(hypothesis.mean_score());
                Some(hypothesis)
            }
            Answer::Failed(why) => return kept(block, segment, why),
            Answer::Waiting => return kept(block, segment, "the engine gave no answer".to_owned()),
        };
        let style = &translator.style;
        let source = &block.text[part.range.clone()];
        let draft = restore::restore(&part.prepared, hypothesis.as_ref(), style, &mut |draft| {
            restore::quotes::restore(draft, source, &quotes, depth, quote_style);
        });
        let (to, from) = (out.text.len(), part.range.start - segment.range.start);
        out.links.extend(draft.links().into_iter().map(|link| Link {
            target: to + link.target.start..to + link.target.end,
            source: from + link.source.start..from + link.source.end,
            ..link
        }));
        out.text.push_str(draft.text());
        out.notes.extend(draft.notes);
    }
    // Something said is never nothing.
    if out.text.trim().is_empty() {
        let (source, _) = kept(block, segment, "nothing was left of the translation".to_owned());
        (out.text, out.links) = (source.text, source.links);
        out.notes.extend(source.notes);
    }
    let mut seen = HashSet::new();
    out.notes.retain(|note| seen.insert((note.code, note.detail.clone())));
    if !scores.is_empty() {
        out.score = Some(scores.iter().sum::<f32>() / scores.len() as f32).filter(|s| s.is_finite());
    }
    let bad = out.notes.iter().find(|n| n.warning);
    match bad {
        Some(note) if translator.strict => {
            let why = format!("--strict: {}", note.detail);
            kept(block, segment, why)
        }
        _ => (out, None),
    }
}

/// What there is to tell of a segment.
fn report(
    translator: &Translator,
    block: &Block,
    segment: &Segment,
    translation: &Translation,
    error: Option<String>,
) -> SegmentReport {
    let source = &block.text[segment.range.clone()];
    let confidence = |score| translator.confidence.of(source, &translation.text, score);
    SegmentReport {
        kind: block.kind,
        block: segment.block,
        offset: block.range.start,
        quote_depth: segment.depth,
        source: source.to_owned(),
        target: translation.text.clone(),
        score: translation.score,
        confidence: translation.score.map(confidence),
        notes: translation.notes.clone(),
        error,
    }
}

/// A segment that keeps its source text.
fn kept(block: &Block, segment: &Segment, why: String) -> (Translation, Option<String>) {
    let text = block.text[segment.range.clone()].to_owned();
    let whole = Link { target: 0..text.len(), source: 0..text.len(), weight: 1.0 };
    let notes = vec![Note::warning("kept_source", why.clone())];
    (Translation { text, links: vec![whole], score: None, notes }, Some(why))
}

/// Puts a block together from its segments and the gaps between them.
struct Joiner<'a> {
    block: &'a Block,
    text: String,
    /// Where in the source the next gap starts.
    end: usize,
    /// Source bytes of the block, target bytes, and what ties them together.
    placed: Vec<(Range<usize>, Range<usize>, Vec<Link>)>,
}

impl<'a> Joiner<'a> {
    fn new(block: &'a Block) -> Self {
        Self { block, text: String::with_capacity(block.text.len()), end: 0, placed: Vec::new() }
    }

    fn add(&mut self, translator: &Translator, segment: &Segment, translation: Translation) {
        let gap = &self.block.text[self.end..segment.range.start];
        self.text.push_str(gap);
        // English wants a space between sentences where the source forgot it.
        if gap.is_empty() && !self.placed.is_empty() && !translator.style.is_verbatim() {
            self.text.push(' ');
        }
        let start = self.text.len();
        self.text.push_str(&translation.text);
        let target = start..self.text.len();
        self.placed.push((segment.range.clone(), target, translation.links));
        self.end = segment.range.end;
    }

    fn finish(mut self) -> Target {
        self.text.push_str(&self.block.text[self.end..]);
        let placed: Vec<Placed<'_>> =
            self.placed.iter().map(|(s, t, links)| (s.clone(), t.clone(), links.as_slice())).collect();
        place_marks(self.block, &placed, self.text)
    }
}

/// Passes the engine's progress on to the caller's monitor, and counts target tokens on the way.
struct Relay<'a> {
    monitor: &'a dyn Monitor,
    tokens: AtomicUsize,
}

impl<'a> Relay<'a> {
    fn new(monitor: &'a dyn Monitor) -> Self {
        Self { monitor, tokens: AtomicUsize::new(0) }
    }

    fn plan(&self, sentences: usize) {
        self.monitor.planned(sentences);
    }

    fn tokens(&self) -> usize {
        self.tokens.load(Ordering::Relaxed)
    }
}

impl Progress for Relay<'_> {
    fn done(&self, n: usize, tokens: usize) -> bool {
        self.tokens.fetch_add(tokens, Ordering::Relaxed);
        self.monitor.done(n, tokens)
    }
}
