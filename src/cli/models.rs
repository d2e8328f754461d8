//! `fr2en models`: what models there are, fetching them, and checking them.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use clap::Subcommand;
use indicatif::{ProgressBar, ProgressStyle};

use crate::engine::{self, Options};
use crate::error::{Error, Result};
use crate::marian::device::{Compute, DeviceChoice, Plan};
use crate::marian::shortlist::Limits;
use crate::marian::{Config, quantised};
use crate::store::inventory::Place;
use crate::store::{self, BUNDLED, ModelSpec, PullProgress, StoreSettings};
use crate::translator;

use super::input::Input;
use super::output;
use super::progress::Silent;

/// What to do with models.
#[derive(Clone, Debug, Subcommand)]
pub enum ModelsCommand {
    /// List the bundled model, the known ones and those in the cache
    List,
    /// Fetch a model from the Hugging Face hub
    Pull {
        /// Its name: organisation/name, with @revision if you like
        model: String,
        /// Look for a newer version than the one that was pinned when it was first fetched
        #[arg(long)]
        update: bool,
    },
    /// Show what a model is
    Show {
        /// A name as `list` gives it, or a directory
        #[arg(default_value = BUNDLED)]
        model: String,
    },
    /// Hold the files of a model against their noted checksums
    Verify {
        /// A name as `list` gives it, or a directory
        #[arg(default_value = BUNDLED)]
        model: String,
    },
    /// Print the directory that a model lies in
    Path {
        /// A name as `list` gives it, or a directory
        model: String,
    },
    /// Write a model with its weights in bytes: a quarter of the size, the same translations in int8, quicker to start
    Quantize {
        /// A name as `list` gives it, or a directory
        model: String,
        /// The directory to make
        #[arg(short, long, value_name = "DIR")]
        output: PathBuf,
    },
    /// Make the table that `--shortlist` needs, from translations of a French text by the model itself
    Shortlist {
        /// A name as `list` gives it, or a directory
        model: String,
        /// A text with one French sentence a line: the more, the better; some hundred thousand are enough
        #[arg(long, value_name = "FILE")]
        corpus: PathBuf,
        /// Where it goes [default: shortlist.bin beside the model's other files]
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
        /// How many of the most frequent target pieces every sentence may have
        #[arg(long, value_name = "N", default_value_t = 1000)]
        common: usize,
        /// How many others each source piece may become
        #[arg(long, value_name = "N", default_value_t = 30)]
        each: usize,
    },
}

/// A table of fewer sentences would forbid most words.
const FEWEST: usize = 100;

/// Carries out `command`; results go to `out`.
///
/// # Errors
/// Those of [`crate::store`]; `ErrorKind::Model` where `verify` found something wrong; `ErrorKind::Io` from `out`.
pub fn run(
    command: &ModelsCommand,
    settings: &StoreSettings,
    out: &mut dyn Write,
    progress: &dyn PullProgress,
) -> Result<()> {
    match command {
        ModelsCommand::List => list(settings, out),
        ModelsCommand::Pull { model, update } => {
            let spec = ModelSpec::parse(model)?;
            let snapshot = store::pull(&spec, *update, settings, progress)?;
            // A model that fr2en cannot read should be told now, not at the first translation.
            store::open(&ModelSpec::Directory(snapshot.directory.clone()), settings, progress)?;
            print(out, format_args!("{spec} {}\n{}\n", snapshot.commit, snapshot.directory.display()))
        }
        ModelsCommand::Show { model } => show(&ModelSpec::parse(model)?, settings, out),
        ModelsCommand::Verify { model } => verify(&ModelSpec::parse(model)?, settings, out),
        ModelsCommand::Path { model } => {
            let path = store::path(&ModelSpec::parse(model)?, settings)?;
            print(out, format_args!("{}\n", path.display()))
        }
        ModelsCommand::Quantize { model, output } => {
            store::check_place(output)?;
            let spec = ModelSpec::parse(model)?;
            let files = quantised::quantise(&store::open(&spec, settings, progress)?)?;
            store::save(&files, store::show(&spec, settings)?.card.as_deref(), output)?;
            print(out, format_args!("{} {}\n", output.display(), mebibytes(files.weights.len() as u64)))
        }
        ModelsCommand::Shortlist { model, corpus, output, common, each } => {
            let spec = ModelSpec::parse(model)?;
            let path = match output {
                Some(path) => path.clone(),
                None => store::path(&spec, settings)?.join(store::SHORTLIST),
            };
            let path = output::plain("a shortlist", &path)?;
            output::distinct(&[("--corpus", corpus)], &[("the shortlist", &path)])?;
            output::check(&path)?;
            let lines: Vec<String> = Input::from_arg(corpus).read_text()?.lines().map(str::to_owned).collect();
            let count = lines.iter().filter(|line| !line.trim().is_empty()).count();
            if count < FEWEST {
                let message =
                    format!("has {count} sentences, a line each; a shortlist needs {FEWEST} at the very least");
                return Err(Error::input(message).at(corpus));
            }
            let files = store::open(&spec, settings, progress)?;
            let config = Config::load(&files)?;
            let plan = Plan::new(&DeviceChoice::Auto, Compute::Auto, &config)?;
            let engine = translator::load(&files, &config, &plan, false)?;
            let threads = std::thread::available_parallelism().map_or(1, usize::from);
            let options = Options { threads, ..Options::default() };
            let limits = Limits { common: *common, each: *each };
            let table = engine::shortlist(&engine, &files, &lines, &options, limits, &Silent)?;
            let bytes = table.to_bytes(&files);
            output::write(&path, &bytes)?;
            store::note(&path, &bytes)?;
            let (common, each) = table.sizes();
            let kib = bytes.len() / 1024;
            print(out, format_args!("{} {kib} KiB: {common} common, {each:.1} for each source piece\n", path.display()))
        }
    }
}

fn print(out: &mut dyn Write, text: std::fmt::Arguments<'_>) -> Result<()> {
    out.write_fmt(text).map_err(|error| Error::io(Path::new("<standard output>"), "write", error))
}

fn list(settings: &StoreSettings, out: &mut dyn Write) -> Result<()> {
    let listed = store::list(settings)?;
    let width = listed.iter().map(|model| model.name.len()).max().unwrap_or(0);
    for model in listed {
        let place = match model.place {
            Place::Bundled => "bundled".to_owned(),
            Place::Cached { commit, checked } => {
                format!("{}{}", &commit[..12.min(commit.len())], if checked { "" } else { " (not checked)" })
            }
            Place::Hub => "not fetched".to_owned(),
        };
        let size = if model.size > 0 { mebibytes(model.size) } else { String::new() };
        print(out, format_args!("{:width$}  {place:>12}  {size:>9}  {}\n", model.name, model.about))?;
    }
    Ok(())
}

fn show(spec: &ModelSpec, settings: &StoreSettings, out: &mut dyn Write) -> Result<()> {
    let shown = store::show(spec, settings)?;
    print(out, format_args!("{}\n", shown.name))?;
    if let Some(directory) = &shown.directory {
        print(out, format_args!("directory: {}\n", directory.display()))?;
    }
    if let Some(commit) = &shown.commit {
        print(out, format_args!("commit: {commit}\n"))?;
    }
    for (key, value) in &shown.network {
        print(out, format_args!("{key}: {value}\n"))?;
    }
    for (file, size) in &shown.files {
        print(out, format_args!("{file}: {size} bytes\n"))?;
    }
    match &shown.card {
        Some(card) => print(out, format_args!("\n{}\n", card.trim_end())),
        None => Ok(()),
    }
}

fn verify(spec: &ModelSpec, settings: &StoreSettings, out: &mut dyn Write) -> Result<()> {
    let checked = store::verify(spec, settings)?;
    for file in &checked {
        let word = match (&file.found, &file.expected) {
            (None, _) => "missing",
            (Some(_), None) => "no checksum noted",
            (found, expected) if found == expected => "good",
            _ => "differs",
        };
        let sum = file.found.as_ref().map_or("", |record| &record.sha256);
        print(out, format_args!("{:64}  {}  {word}\n", sum, file.file))?;
    }
    let bad: Vec<&str> = checked.iter().filter(|file| !file.is_good()).map(|file| file.file.as_str()).collect();
    if checked.iter().all(|file| file.expected.is_none()) {
        let remedy = match spec {
            ModelSpec::Hub { .. } => format!("run `fr2en models pull {spec}`"),
            _ => "a manifest.json would say what its files must be".to_owned(),
        };
        return Err(Error::model(format!("{spec}: nothing was verified, because no checksum is noted; {remedy}")));
    }
    if bad.is_empty() {
        return Ok(());
    }
    let remedy = match spec {
        ModelSpec::Hub { .. } => format!("run `fr2en models pull {spec}`"),
        _ => "fetch it again".to_owned(),
    };
    Err(Error::model(format!("{spec}: {} not as noted; {remedy}", bad.join(", "))))
}

fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / (1u64 << 20) as f64)
}

/// A bar on standard error that shows how a download goes on.
#[derive(Debug, Default)]
pub struct PullBar {
    state: Mutex<Option<State>>,
}

#[derive(Debug)]
struct State {
    bar: ProgressBar,
    /// The file that comes at the moment, and how much of it is there.
    file: String,
    done: u64,
}

impl PullProgress for PullBar {
    fn start(&self, model: &str, _files: usize, bytes: u64) {
        let style = ProgressStyle::with_template("{prefix} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta}")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressBar::new(bytes).with_style(style).with_prefix(model.to_owned());
        if let Ok(mut state) = self.state.lock() {
            *state = Some(State { bar, file: String::new(), done: 0 });
        }
    }

    fn advance(&self, file: &str, done: u64, _total: u64) -> bool {
        if let Ok(mut state) = self.state.lock()
            && let Some(state) = state.as_mut()
        {
            if state.file != file {
                state.file = file.to_owned();
                state.done = 0;
            }
            // A transfer that is begun again goes backwards.
            let position = state.bar.position().saturating_sub(state.done) + done;
            state.bar.set_position(position);
            state.done = done;
        }
        true
    }

    fn finish(&self) {
        if let Ok(mut state) = self.state.lock()
            && let Some(state) = state.take()
        {
            state.bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    fn output(command: &ModelsCommand, settings: &StoreSettings) -> Result<String> {
        let mut out = Vec::new();
        run(command, settings, &mut out, &())?;
        Ok(String::from_utf8(out).unwrap())
    }

    fn empty_cache() -> (tempfile::TempDir, StoreSettings) {
        let cache = tempfile::tempdir().unwrap();
        let settings = StoreSettings { cache: cache.path().into(), offline: true, ..StoreSettings::default() };
        (cache, settings)
    }

    #[test]
    fn the_list_names_the_known_models() {
        let (_cache, settings) = empty_cache();
        let text = output(&ModelsCommand::List, &settings).unwrap();
        let line = |name: &str| text.lines().find(|line| line.starts_with(name)).unwrap().to_owned();
        assert!(line("Helsinki-NLP/opus-mt-tc-big-fr-en").contains("not fetched"), "{text}");
        #[cfg(feature = "bundled")]
        assert!(line(BUNDLED).contains("bundled"), "{text}");
    }

    #[cfg(feature = "bundled")]
    #[test]
    fn the_bundled_model_shows_itself_and_is_good() {
        let (_cache, settings) = empty_cache();
        let text = output(&ModelsCommand::Show { model: BUNDLED.into() }, &settings).unwrap();
        assert!(text.contains("d_model: ") && text.contains("model.safetensors: "), "{text}");
        let text = output(&ModelsCommand::Verify { model: BUNDLED.into() }, &settings).unwrap();
        assert!(text.lines().count() == 9 && text.lines().all(|line| line.ends_with("  good")), "{text}");
    }

    #[test]
    fn what_is_not_there_is_an_error() {
        let (_cache, settings) = empty_cache();
        let model = || "Helsinki-NLP/opus-mt-fr-en".to_owned();
        for command in [
            ModelsCommand::Show { model: model() },
            ModelsCommand::Verify { model: model() },
            ModelsCommand::Path { model: model() },
            ModelsCommand::Pull { model: model(), update: false },
        ] {
            let error = output(&command, &settings).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Hub, "{error}");
            assert!(error.to_string().contains("models pull"), "{error}");
        }
        let path = ModelsCommand::Path { model: "bundled".into() };
        assert_eq!(output(&path, &settings).unwrap_err().kind(), ErrorKind::Settings);
    }

    #[cfg(feature = "bundled")]
    #[test]
    fn a_quantised_model_is_a_model() {
        let (_cache, settings) = empty_cache();
        let place = tempfile::tempdir().unwrap();
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let floats = place.path().join("floats");
        std::fs::create_dir(&floats).unwrap();
        for (from, names) in [
            ("tests/data/parity/base".into(), &["config.json", "generation_config.json", "model.safetensors"][..]),
            (format!("models/{BUNDLED}"), &["source.spm", "target.spm", "vocab.json", "README.md"]),
        ] {
            for name in names {
                std::fs::copy(root.join(&from).join(name), floats.join(name)).unwrap();
            }
        }
        let floats = floats.to_string_lossy().into_owned();
        let small = place.path().join("small");
        std::fs::create_dir(&small).unwrap();
        let quantize =
            |model: &str, output: &Path| ModelsCommand::Quantize { model: model.into(), output: output.into() };
        output(&quantize(&floats, &small), &settings).unwrap();
        let name = small.to_string_lossy().into_owned();
        let text = output(&ModelsCommand::Verify { model: name.clone() }, &settings).unwrap();
        assert!(text.lines().count() == 6 && text.lines().all(|line| line.ends_with("  good")), "{text}");
        assert!(output(&ModelsCommand::Show { model: name.clone() }, &settings).unwrap().contains("# "));
        let error = output(&quantize(&floats, &small), &settings).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Settings, "{error}");
        let error = output(&quantize(&name, &place.path().join("other")), &settings).unwrap_err();
        assert!(error.kind() == ErrorKind::Model && error.to_string().contains("in bytes already"), "{error}");
        // What went wrong has left nothing behind.
        assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 2);
    }

    #[cfg(feature = "bundled")]
    #[test]
    fn a_shortlist_of_nothing_is_refused_and_a_check_of_nothing_is_no_success() {
        let (_cache, settings) = empty_cache();
        let place = tempfile::tempdir().unwrap();
        let bundled = Path::new(env!("CARGO_MANIFEST_DIR")).join("models").join(BUNDLED);
        for entry in std::fs::read_dir(bundled).unwrap().flatten().filter(|e| e.file_name() != "manifest.json") {
            std::fs::copy(entry.path(), place.path().join(entry.file_name())).unwrap();
        }
        let model = place.path().to_string_lossy().into_owned();
        let error = output(&ModelsCommand::Verify { model: model.clone() }, &settings).unwrap_err();
        assert!(error.to_string().contains("nothing was verified"), "{error}");
        let table = place.path().join("shortlist.bin");
        let before = std::fs::read(&table).unwrap();
        let corpus = place.path().join("corpus");
        std::fs::write(&corpus, "Bonjour.\n\n".repeat(99)).unwrap();
        let shortlist = |output: &Path| ModelsCommand::Shortlist {
            model: model.clone(),
            corpus: corpus.clone(),
            output: Some(output.to_owned()),
            common: 10,
            each: 3,
        };
        let error = output(&shortlist(&table), &settings).unwrap_err();
        assert!(error.to_string().contains("99 sentences"), "{error}");
        let error = output(&shortlist(&corpus), &settings).unwrap_err();
        assert!(error.kind() == ErrorKind::Settings && error.to_string().contains("--corpus"), "{error}");
        assert!(std::fs::read(&table).unwrap() == before);
    }

    #[test]
    fn the_bar_follows_transfers_that_are_begun_again() {
        let bar = PullBar::default();
        bar.start("x", 2, 100);
        for (file, done) in [("a", 10), ("a", 40), ("b", 5), ("b", 60), ("b", 0), ("b", 60)] {
            assert!(bar.advance(file, done, 60));
        }
        assert_eq!(bar.state.lock().unwrap().as_ref().unwrap().bar.position(), 100);
        bar.finish();
        assert!(bar.state.lock().unwrap().is_none());
    }
}
