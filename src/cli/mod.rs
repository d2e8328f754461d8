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

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use crate::error::{Error, ErrorKind, Result};
use args::{Cli, Command};
use config::Defaults;
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
    let defaults = || {
        for name in Defaults::strangers(std::env::vars_os().map(|(name, _)| name)) {
            printer.notice(&format!("warning: {name} means nothing to fr2en"));
        }
        Defaults::load()
    };
    match &cli.command {
        None => {
            refuse_subcommand(&cli.translate.files)?;
            translate::run(&cli.translate, &defaults()?, printer)
        }
        Some(Command::Batch(args)) => batch::run(args, &defaults()?, printer),
        Some(Command::Split(args)) => split::run(args, printer),
        Some(Command::Bench(args)) => bench::run(args, &defaults()?, printer),
        Some(Command::Doctor(args)) => doctor::run(args, printer),
        Some(Command::Models(args)) => {
            let store = settings::store(settings::is_offline(args.offline, &defaults()?));
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

/// After an option, the name of a subcommand is taken for that of a file.
fn refuse_subcommand(files: &[PathBuf]) -> Result<()> {
    let Some(first) = files.first().filter(|file| !file.is_file()) else { return Ok(()) };
    match first.to_str().filter(|name| Cli::command().find_subcommand(name).is_some()) {
        Some(name) => {
            let message = format!("there is no file called {name}; put options behind the subcommand: fr2en {name} …");
            Err(Error::settings(message))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_subcommand_behind_options_is_no_file() {
        for line in [&["fr2en", "--quiet", "split", "a.txt"][..], &["fr2en", "--offline", "models", "pull", "x"]] {
            let cli = Cli::try_parse_from(line).expect("files");
            let error = refuse_subcommand(&cli.translate.files).expect_err("a subcommand");
            assert!(error.kind() == ErrorKind::Settings && error.to_string().contains(line[2]), "{error}");
        }
        assert!(refuse_subcommand(&["Cargo.toml".into(), "split".into()]).is_ok());
    }

    #[test]
    fn completions_offer_what_options_take() {
        let mut script = Vec::new();
        clap_complete::generate(clap_complete::Shell::Bash, &mut Cli::command(), "fr2en", &mut script);
        let script = String::from_utf8_lossy(&script);
        assert!(script.contains("auto curly straight source") && script.contains("us uk keep"));
        assert!(Cli::try_parse_from(["fr2en", "--quotes", "CURLY"]).is_ok());
        for wrong in [["--beam", "65"], ["--beam", "0"], ["--columns", "0"], ["--lines", "0"], ["--memory-limit", "1"]]
        {
            assert!(Cli::try_parse_from([&["fr2en"][..], &wrong].concat()).is_err(), "{wrong:?}");
        }
    }
}
