//! The command line: one file a subcommand.

mod args;
mod batch;
mod bench;
mod config;
mod doctor;
mod input;
pub mod models;
mod output;
mod printer;
mod progress;
mod settings;
mod split;
mod translate;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use crate::error::{Error, ErrorKind, Result};
use args::{Cli, Command};
use config::ConfigFile;
use printer::Printer;

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    Done,
    /// Some input failed; the rest is written.
    Partly,
    /// Not everything is done; run again for the rest.
    Again,
}

/// `EX_TEMPFAIL` of `sysexits.h`, which schedulers know.
const TRY_AGAIN: u8 = 75;

/// Runs the program; the whole of `main`.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let verbosity = &cli.translate.verbosity;
    let json = matches!(&cli.command, Some(Command::Batch(args)) if args.log_format == "json");
    let printer = Printer::new(verbosity.quiet, verbosity.verbose, json);
    progress::watch_interrupts();
    match run(&cli, &printer) {
        Ok(Ending::Done) => ExitCode::SUCCESS,
        Ok(Ending::Partly) => ExitCode::from(1),
        Ok(Ending::Again) => ExitCode::from(TRY_AGAIN),
        Err(error) => {
            printer.error(&error);
            ExitCode::from(match error.kind() {
                ErrorKind::Settings => 2,
                ErrorKind::Interrupted => 130,
                // A job goes on where it was, once there is room.
                _ if matches!(cli.command, Some(Command::Batch(_))) && error.is_temporary() => TRY_AGAIN,
                _ => 1,
            })
        }
    }
}

fn run(cli: &Cli, printer: &Printer) -> Result<Ending> {
    match &cli.command {
        None => translate::run(&cli.translate, &ConfigFile::load()?, printer),
        Some(Command::Batch(args)) => batch::run(args, &ConfigFile::load()?, printer),
        Some(Command::Split(args)) => split::run(args, printer),
        Some(Command::Bench(args)) => bench::run(args, &ConfigFile::load()?, printer),
        Some(Command::Doctor(args)) => doctor::run(args, printer),
        Some(Command::Models(args)) => {
            let store = settings::store(args.offline || ConfigFile::load()?.offline.unwrap_or(false));
            let mut out = Vec::new();
            let ran = models::run(&args.command, &store, &mut out, progress::pull(printer).as_ref());
            // What a failed check found is worth reading as well.
            printer.result(out)?;
            ran.map(|()| Ending::Done)
        }
        Some(Command::Completions { shell }) => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "fr2en", &mut script);
            printer.result(script)?;
            Ok(Ending::Done)
        }
        Some(Command::Man) => {
            let mut page = Vec::new();
            let rendered = clap_mangen::Man::new(Cli::command()).render(&mut page);
            rendered.map_err(|e| Error::io("<manual page>", "write", e))?;
            printer.result(page)?;
            Ok(Ending::Done)
        }
    }
}
