//! `fr2en bench`: how fast this machine translates, stage by stage.

use std::path::Path;
use std::time::Instant;

use serde_json::json;

use super::Ending;
use super::args::BenchArgs;
use super::config::Defaults;
use super::input::Input;
use super::output;
use super::printer::Printer;
use super::settings;
use crate::engine::Engine;
use crate::error::{Error, Result};

/// Translates the lines of a file several times, each line one sentence, and prints the median as one JSON object.
/// Splitting and restoring take no part in it: it measures the engine.
///
/// # Errors
/// When the model or the input cannot be read, or a line cannot be translated.
pub fn run(args: &BenchArgs, config: &Defaults, printer: &Printer) -> Result<Ending> {
    if let Some(output) = &args.output {
        let written = [("the measurement", Path::new("-")), ("--output", output)];
        output::distinct(&[("the input", &args.file)], &written)?;
        output::check(output)?;
    }
    let text = Input::from_arg(&args.file).read_text()?;
    let lines: Vec<String> = text.lines().filter(|l| !l.trim().is_empty()).map(str::to_owned).collect();
    if lines.is_empty() {
        return Err(Error::input("no line to translate").at(&args.file));
    }
    let start = Instant::now();
    let translator = settings::builder(&args.engine, &super::args::StyleArgs::default(), config)?;
    let translator = translator.pull_progress(super::progress::pull(printer)).build()?;
    let load = start.elapsed().as_secs_f64();

    let mut options = translator.options().clone();
    options.min_length = args.min_length;
    options.max_length = args.max_length;
    options.alignment = args.alignment;
    options.scores = args.scores;
    let engine = translator.engine();
    let words: usize = lines.iter().map(|l| l.split_whitespace().count()).sum();
    let start = Instant::now();
    let source_tokens: usize = lines.iter().map(|l| engine.count_tokens(l)).sum();
    let tokenize = start.elapsed().as_secs_f64();

    // Translations that end after their first token take little but the encoder.
    let first = crate::engine::Options { min_length: None, max_length: Some(0), beam: 1, ..options.clone() };
    let start = Instant::now();
    translate(engine, &lines, &first, args.latency)?;
    let encode = (start.elapsed().as_secs_f64() - tokenize).max(0.0);

    let mut seconds = Vec::new();
    let (mut target_tokens, mut said) = (0, Vec::new());
    for _ in 0..args.reps.max(1) {
        let start = Instant::now();
        (target_tokens, said) = translate(engine, &lines, &options, args.latency)?;
        seconds.push(start.elapsed().as_secs_f64());
    }
    if let Some(path) = &args.output {
        output::write(path, said.join("\n") + "\n")?;
    }
    let mut sorted = seconds.clone();
    sorted.sort_by(f64::total_cmp);
    let median = sorted[sorted.len() / 2];
    let line = json!({
        "program": concat!("fr2en ", env!("CARGO_PKG_VERSION")),
        "model": translator.describe(),
        "beam": options.beam,
        "threads": options.threads,
        "batch_tokens": options.batch_tokens,
        "one_at_a_time": args.latency,
        "sentences": lines.len(),
        "words": words,
        "source_tokens": source_tokens,
        "target_tokens": target_tokens,
        "seconds": seconds,
        "median": median,
        "words_per_second": words as f64 / median,
        "target_tokens_per_second": target_tokens as f64 / median,
        "load_seconds": load,
        "stage_seconds": {"tokenize": tokenize, "encode": encode, "decode": (median - tokenize - encode).max(0.0)},
        "peak_memory_mib": peak_memory(),
    });
    printer.result(format!("{line}\n"))?;
    Ok(Ending::Done)
}

/// Translates once; answers with the number of target tokens, and what the model said, a line each.
fn translate(
    engine: &dyn Engine,
    lines: &[String],
    options: &crate::engine::Options,
    one_at_a_time: bool,
) -> Result<(usize, Vec<String>)> {
    let (mut tokens, mut said) = (0, Vec::with_capacity(lines.len()));
    let size = if one_at_a_time { 1 } else { lines.len() };
    for chunk in lines.chunks(size) {
        let count = std::sync::atomic::AtomicUsize::new(0);
        let counter = Counter(&count);
        for answer in engine.translate(chunk, options, &counter) {
            let best = answer?.into_iter().next().unwrap_or_default();
            said.push(best.text.replace('\n', " "));
        }
        tokens += count.into_inner();
    }
    Ok((tokens, said))
}

struct Counter<'a>(&'a std::sync::atomic::AtomicUsize);

impl crate::engine::Progress for Counter<'_> {
    fn done(&self, _: usize, tokens: usize) -> bool {
        self.0.fetch_add(tokens, std::sync::atomic::Ordering::Relaxed);
        !super::progress::INTERRUPTED.load(std::sync::atomic::Ordering::SeqCst)
    }
}

/// The most memory that the process has held, in MiB, where the system tells.
fn peak_memory() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    let kib: f64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some((kib / 1024.0 * 10.0).round() / 10.0)
}
