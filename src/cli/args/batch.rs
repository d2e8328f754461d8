//! What is typed after `fr2en batch`, and about the translation memory.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::super::settings::size;
use super::{EngineArgs, ReadArgs, StyleArgs, checked};

/// A job: what to translate, where to, which share of it.
#[derive(Debug, Args)]
#[command(
    after_help = "Run it again after an interruption: it does what is left. Exit codes: 0 all went well; 1 some documents or rows failed (the rest is written); 2 wrong usage; 75 not finished (stopped, the disk is full, or another process works on the job): run it again."
)]
pub struct BatchArgs {
    /// Documents, directories of them, and files of JSON lines
    #[arg(value_name = "INPUT", value_hint = ValueHint::AnyPath, required_unless_present = "stdin_jsonl")]
    pub inputs: Vec<PathBuf>,

    /// Write the English to this file (one input only)
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with = "out_dir", help_heading = "Output")]
    pub output: Option<PathBuf>,

    /// Write into this directory, in which the tree of the inputs is mirrored
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, required_unless_present_any = ["output", "stdin_jsonl"], help_heading = "Output")]
    pub out_dir: Option<PathBuf>,

    /// Answer each line of JSON on standard input with one on standard output, as soon as it is there
    #[arg(long, conflicts_with_all = ["inputs", "output", "out_dir", "glob", "shard", "join", "restart", "report"], help_heading = "Input")]
    pub stdin_jsonl: bool,

    /// In directories, take files that match, such as '*.md', or leave them, such as '!drafts/**'; several may be given
    #[arg(short, long, value_name = "GLOB", help_heading = "Input")]
    pub glob: Vec<String>,

    /// The field by which rows are told apart
    #[arg(long, value_name = "FIELD", default_value = "id", help_heading = "Input")]
    pub id: String,

    /// Do the i-th of n shares: by the id of rows in files of JSON lines that are named, else by the path of files
    #[arg(long, value_name = "I/N", help_heading = "Job")]
    pub shard: Option<String>,

    /// Put together what N processes with --shard made of a file of JSON lines, in its order; nothing is translated
    #[arg(long, value_name = "N", requires = "output", conflicts_with = "shard", help_heading = "Job")]
    pub join: Option<u64>,

    /// Forget what was done, and begin again
    #[arg(long, help_heading = "Job")]
    pub restart: bool,

    /// Write a report in JSON lines: segments to look at, documents, totals
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Output")]
    pub report: Option<PathBuf>,

    /// How progress and errors are told on standard error: text, or json with an object a line
    #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = ["text", "json"], help_heading = "Messages")]
    pub log_format: String,

    #[command(flatten)]
    pub reading: ReadArgs,

    #[command(flatten)]
    pub engine: EngineArgs,

    #[command(flatten)]
    pub style: StyleArgs,

    #[command(flatten)]
    pub memory: MemoryArgs,
}

/// What was translated before.
#[derive(Debug, Default, Args)]
pub struct MemoryArgs {
    /// Keep translations in this file and look there first; several processes may share it, on a local disk
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Translation")]
    pub memory: Option<PathBuf>,

    /// How large that file may grow, such as 500M; what was not used for longest is forgotten [default: 2G]
    #[arg(long, value_name = "SIZE", value_parser = checked(size), help_heading = "Translation")]
    pub memory_limit: Option<String>,
}
