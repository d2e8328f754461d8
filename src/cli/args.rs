//! What was typed. What it means is for [`super::settings`] to say.

mod batch;

use std::path::PathBuf;

pub use batch::{BatchArgs, MemoryArgs};
use clap::builder::{PossibleValuesParser, RangedU64ValueParser};
use clap::{Args, Parser, Subcommand, ValueHint};

use super::config::BatchTokens;
use super::settings::{BILINGUAL, CLOCK, COMPUTE, CURRENCY, MOST_BEAM, QUOTES, SPELLING, STOPS, WRAPPED, parse_device};
use crate::error::Result;

/// What one may choose, for clap to check, and for completions to offer.
fn names<T>(choices: &[(&'static str, T)]) -> PossibleValuesParser {
    PossibleValuesParser::new(choices.iter().map(|(name, _)| *name))
}

/// A text that is checked when it is typed and read later.
fn checked<T>(parse: fn(&str) -> Result<T>) -> impl Fn(&str) -> Result<String> + Clone + Send + Sync {
    move |text| parse(text).map(|_| text.to_owned())
}

/// Translates French documents into English on this machine, and keeps their shape.
#[derive(Debug, Parser)]
#[command(
    name = "fr2en",
    version,
    max_term_width = 100,
    args_conflicts_with_subcommands = true,
    after_help = "Without FILE, or with -, reads standard input. Exit codes: 0 all went well; 1 some input failed (the rest is written); 2 wrong usage; 130 interrupted. Defaults come from config.toml (see `fr2en doctor`) and from variables: FR2EN_BEAM for --beam, and so on."
)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,

    #[command(flatten)]
    pub translate: TranslateArgs,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Translate many documents, or very large files of records, in a job that can be interrupted and goes on where it was
    Batch(Box<BatchArgs>),
    /// Show how text is split into sentences, with their places, kinds and quotation depth
    Split(SplitArgs),
    /// List, fetch, describe and check models
    Models(ModelsArgs),
    /// Measure how fast this machine translates the lines of a file
    Bench(BenchArgs),
    /// Show what this build and machine have, and which model, device and arithmetic would be used and why
    Doctor(DoctorArgs),
    /// Print a completion script for a shell
    Completions {
        /// bash, zsh, fish, elvish or powershell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man,
}

/// Files, where the English goes, and how it is made.
#[derive(Debug, Args)]
pub struct TranslateArgs {
    /// French documents; - is standard input
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub files: Vec<PathBuf>,

    /// Write the English to this file (one input only)
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with = "out_dir", help_heading = "Output")]
    pub output: Option<PathBuf>,

    /// Write each document under its own name in this directory
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = "Output")]
    pub out_dir: Option<PathBuf>,

    /// Write sentences and their translations side by side, with scores, instead of the document: tsv, tmx or html
    #[arg(long, value_name = "KIND", value_parser = names(BILINGUAL), ignore_case = true, hide_possible_values = true, help_heading = "Output")]
    pub bilingual: Option<String>,

    /// Write a report in JSON: every segment with its score and what was done to it, and timings
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Output")]
    pub report: Option<PathBuf>,

    #[command(flatten)]
    pub reading: ReadArgs,

    #[command(flatten)]
    pub engine: EngineArgs,

    #[command(flatten)]
    pub style: StyleArgs,

    #[command(flatten)]
    pub memory: MemoryArgs,

    #[command(flatten)]
    pub verbosity: VerbosityArgs,
}

/// How documents are read.
#[derive(Debug, Default, Args)]
pub struct ReadArgs {
    /// plain, markdown, html, srt, vtt, jsonl, csv, tsv, po, xliff, docx, odt or epub [default: by the file's extension, else plain]
    #[arg(long, value_name = "FORMAT", help_heading = "Input")]
    pub format: Option<String>,

    /// The input's encoding, such as windows-1252 or utf-16; without it, only UTF-8 is accepted
    #[arg(long, value_name = "NAME", help_heading = "Input")]
    pub encoding: Option<String>,

    /// Plain text: whether paragraphs are wrapped by hand over several lines: auto, yes or no [default: auto]
    #[arg(long, value_name = "WHEN", value_parser = names(WRAPPED), ignore_case = true, hide_possible_values = true, num_args = 0..=1, default_missing_value = "yes", require_equals = true, help_heading = "Input")]
    pub wrapped: Option<String>,

    /// JSONL, CSV, TSV: a field to translate; may be given several times [default: text]
    #[arg(long, value_name = "NAME", help_heading = "Input")]
    pub field: Vec<String>,

    /// JSONL, CSV, TSV: the field that gets the translation, so that the source stays
    #[arg(long, value_name = "NAME", help_heading = "Input")]
    pub into: Option<String>,

    /// Markdown: the fields of the front matter to translate [default: title, description, summary and the like]
    #[arg(long, value_name = "NAMES", value_delimiter = ',', help_heading = "Input")]
    pub front_matter: Vec<String>,

    /// Subtitles: the longest line, in characters [default: 42]
    #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<usize>::new().range(1..), help_heading = "Input")]
    pub columns: Option<usize>,

    /// Subtitles: the most lines of a cue, where the source has no more [default: 2]
    #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<usize>::new().range(1..), help_heading = "Input")]
    pub lines: Option<usize>,
}

/// The model and the machine.
#[derive(Debug, Default, Args)]
pub struct EngineArgs {
    /// A model: a name from `fr2en models list`, a directory, or a name on the hub such as Helsinki-NLP/opus-mt-fr-en
    #[arg(short, long, value_name = "MODEL", help_heading = "Translation")]
    pub model: Option<String>,

    /// Never open a network connection
    #[arg(long, help_heading = "Translation")]
    pub offline: bool,

    /// How many hypotheses to keep while searching; 1 is fastest, 64 the most [default: the model's, mostly 4]
    #[arg(short, long, value_name = "N", value_parser = RangedU64ValueParser::<usize>::new().range(1..=MOST_BEAM), help_heading = "Translation")]
    pub beam: Option<usize>,

    /// Longer (above 1) or shorter (below 1) translations among those of a beam [default: the model's]
    #[arg(long, value_name = "X", help_heading = "Translation")]
    pub length_penalty: Option<f32>,

    /// How many batches to work on at a time [default: one a core]
    #[arg(short, long, value_name = "N", help_heading = "Machine")]
    pub threads: Option<usize>,

    /// auto, cpu, cuda, cuda:N, cuda:N,M (a worker each) or metal [default: auto]
    #[arg(short, long, value_name = "DEVICE", value_parser = checked(parse_device), help_heading = "Machine")]
    pub device: Option<String>,

    /// Arithmetic: auto, int8, f32, bf16 or f16 [default: auto, which is int8 on a CPU and f16 on a GPU]
    #[arg(long, value_name = "KIND", value_parser = names(COMPUTE), ignore_case = true, hide_possible_values = true, help_heading = "Machine")]
    pub compute: Option<String>,

    /// Source tokens of a batch, padding counted; auto is 2048 on a CPU, 1024 with a beam, and what a GPU has memory for [default: auto]
    #[arg(long, value_name = "N|auto", help_heading = "Machine")]
    pub batch_tokens: Option<BatchTokens>,

    /// Choose only among the words that the model's shortlist gives for a sentence: faster, and now and then another word
    #[arg(long, help_heading = "Machine")]
    pub shortlist: bool,
}

/// How the English is written.
#[derive(Debug, Default, Args)]
pub struct StyleArgs {
    /// Quotation marks: auto (straight where the French has straight ones, curly elsewhere), curly, straight, or source (the
    /// French ones) [default: auto]
    #[arg(long, value_name = "STYLE", value_parser = names(QUOTES), ignore_case = true, hide_possible_values = true, help_heading = "Style")]
    pub quotes: Option<String>,

    /// Where a full stop or comma stands beside a closing quotation mark: us (inside), uk (outside) or keep (as
    /// the model wrote it) [default: us]
    #[arg(long, value_name = "ORDER", value_parser = names(STOPS), ignore_case = true, hide_possible_values = true, help_heading = "Style")]
    pub stops: Option<String>,

    /// Words that America and Britain spell differently: us (defense), uk (defence) or keep (as the model wrote them) [default: us]
    #[arg(long, value_name = "COUNTRY", value_parser = names(SPELLING), ignore_case = true, hide_possible_values = true, help_heading = "Style")]
    pub spelling: Option<String>,

    /// Times such as 15 h 30: 24 (15:30), 12 (3:30 p.m.) or keep (15:30, or what the model wrote) [default: keep]
    #[arg(long, value_name = "HOURS", value_parser = names(CLOCK), ignore_case = true, hide_possible_values = true, help_heading = "Style")]
    pub clock: Option<String>,

    /// Amounts such as 12 000 €: before (€12,000) or after (12,000 €) [default: before]
    #[arg(long, value_name = "PLACE", value_parser = names(CURRENCY), ignore_case = true, hide_possible_values = true, help_heading = "Style")]
    pub currency: Option<String>,

    /// Terms to honour: a file of lines SOURCE<TAB>TARGET, or SOURCE alone for what stays as it is
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Style")]
    pub glossary: Option<PathBuf>,

    /// The glossary's terms count in the plural and the feminine too: journal for journaux, directeur for directrices
    #[arg(long, help_heading = "Style")]
    pub glossary_inflected: bool,

    /// Treat a segment that a guard is not content with as an error
    #[arg(long, help_heading = "Style")]
    pub strict: bool,
}

#[derive(Debug, Default, Args)]
pub struct VerbosityArgs {
    /// Say nothing but errors
    #[arg(short, long, global = true, conflicts_with = "verbose", help_heading = "Messages")]
    pub quiet: bool,

    /// Say more: what was loaded, what was retried; twice for causes of errors
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = "Messages")]
    pub verbose: u8,
}

#[derive(Debug, Args)]
pub struct SplitArgs {
    /// Documents; - is standard input
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub files: Vec<PathBuf>,

    /// One JSON object a segment
    #[arg(long, conflicts_with = "jsonl")]
    pub json: bool,

    /// Read lines {"id": …, "text": …}, write lines {"id": …, "sentences": […]}
    #[arg(long)]
    pub jsonl: bool,

    #[command(flatten)]
    pub reading: ReadArgs,
}

#[derive(Debug, Args)]
pub struct BenchArgs {
    /// A text with one French sentence a line
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: PathBuf,

    /// How often to translate it; the median is printed
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub reps: usize,

    /// One sentence at a time instead of batches
    #[arg(long)]
    pub latency: bool,

    /// Least target tokens of a sentence, for models that do not know when to stop
    #[arg(long, value_name = "N")]
    pub min_length: Option<usize>,

    /// Most target tokens of a sentence
    #[arg(long, value_name = "N")]
    pub max_length: Option<usize>,

    /// Ask for alignments, as the translation of documents does
    #[arg(long)]
    pub alignment: bool,

    /// Ask for scores, as the translation of documents does
    #[arg(long)]
    pub scores: bool,

    /// Write what the model said, a line each, with nothing done to it
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,

    #[command(flatten)]
    pub engine: EngineArgs,
}

#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// One JSON object
    #[arg(long)]
    pub json: bool,

    #[command(flatten)]
    pub engine: EngineArgs,
}

#[derive(Debug, Args)]
pub struct ModelsArgs {
    #[command(subcommand)]
    pub command: super::models::ModelsCommand,

    /// Never open a network connection
    #[arg(long, global = true)]
    pub offline: bool,
}
