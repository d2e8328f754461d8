//! What was typed, what the environment and the config file say, and what it all means.
//!
//! The command line wins over the environment, the environment over the config file, that over the defaults.

use std::path::Path;

use encoding_rs::UTF_8;

use super::args::{EngineArgs, MemoryArgs, ReadArgs, StyleArgs};
use super::config::{BatchTokens, ConfigFile};
use super::input::Input;
use crate::batch::Handling;
use crate::error::{Error, Result};
use crate::formats::{self, Bilingual, Format, Wrapped, encoding};
use crate::memory::MemorySettings;
use crate::protect::glossary::Glossary;
use crate::restore::{Clock, Currency, QuoteStyle, Stops, Style};
use crate::store::{ModelSpec, StoreSettings};
use crate::translator::{Builder, Compute, DeviceChoice, Translator};

/// Everything that decides how a translator is built.
pub fn builder(engine: &EngineArgs, style: &StyleArgs, config: &ConfigFile) -> Result<Builder> {
    let mut builder = Translator::builder()
        .store(store(engine.offline || config.offline.unwrap_or(false)))
        .model(model(engine, config)?)
        .device(device(engine, config)?)
        .compute(compute(engine, config)?);
    if let Some(beam) = engine.beam.or(config.beam) {
        builder = builder.beam(beam);
    }
    if let Some(penalty) = engine.length_penalty.or(config.length_penalty) {
        builder = builder.length_penalty(penalty);
    }
    if let Some(threads) = engine.threads.or(config.threads) {
        builder = builder.threads(threads);
    }
    if let Some(BatchTokens::Tokens(tokens)) = engine.batch_tokens.or(config.batch_tokens) {
        builder = builder.batch_tokens(tokens);
    }
    builder = builder.shortlist(engine.shortlist || config.shortlist.unwrap_or(false));
    if let Some(path) = style.glossary.as_ref().or(config.glossary.as_ref()) {
        let text = Input::from_arg(path).read_text()?;
        let glossary = Glossary::parse(&text, &path.to_string_lossy())?;
        builder = builder.glossary(glossary.inflected(is_glossary_inflected(style, config)));
    }
    Ok(builder.style(self::style(style, config)?).strict(style.strict || config.strict.unwrap_or(false)))
}

/// Whether the glossary's terms count in other forms too.
pub fn is_glossary_inflected(style: &StyleArgs, config: &ConfigFile) -> bool {
    style.glossary_inflected || config.glossary_inflected.unwrap_or(false)
}

/// The translation memory, if one is wanted.
pub fn memory(args: &MemoryArgs, config: &ConfigFile) -> Result<Option<MemorySettings>> {
    let Some(path) = args.memory.as_ref().or(config.memory.as_ref()) else { return Ok(None) };
    let limit = args.memory_limit.as_ref().or(config.memory_limit.as_ref());
    let limit = limit.map(|text| size(text)).transpose()?.unwrap_or(MemorySettings::LIMIT);
    Ok(Some(MemorySettings { path: path.clone(), limit }))
}

/// Bytes from a number such as `500M` or `2G`.
fn size(text: &str) -> Result<u64> {
    let number = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match text[number.len()..].to_ascii_uppercase().trim_end_matches('B').trim_end_matches('I') {
        "" => Some(0),
        "K" => Some(10),
        "M" => Some(20),
        "G" => Some(30),
        "T" => Some(40),
        _ => None,
    };
    let bytes = unit.and_then(|unit| number.trim().parse::<u64>().ok()?.checked_mul(1 << unit));
    // Below this, SQLite's own tables would be most of it.
    bytes.filter(|&bytes| bytes >= 1 << 20).ok_or_else(|| {
        Error::settings(format!("--memory-limit takes a size of at least 1M, such as 500M or 2G, not '{text}'"))
    })
}

/// Where models are kept, from the environment that the Hugging Face tools share.
pub fn store(offline: bool) -> StoreSettings {
    let mut store = StoreSettings::from_variables(|name| std::env::var_os(name));
    store.offline |= offline;
    store
}

fn style(args: &StyleArgs, config: &ConfigFile) -> Result<Style> {
    let mut style = Style::default();
    if let Some(quotes) = args.quotes.as_ref().or(config.quotes.as_ref()) {
        let choices = [
            ("auto", QuoteStyle::Auto),
            ("curly", QuoteStyle::Curly),
            ("straight", QuoteStyle::Straight),
            ("source", QuoteStyle::Source),
        ];
        style.quotes = choose("quotes", quotes, &choices)?;
    }
    if let Some(stops) = args.stops.as_ref().or(config.stops.as_ref()) {
        style.stops = choose("stops", stops, &[("us", Stops::Us), ("uk", Stops::Uk), ("keep", Stops::Keep)])?;
    }
    if let Some(clock) = args.clock.as_ref().or(config.clock.as_ref()) {
        style.clock =
            choose("clock", clock, &[("keep", Clock::Keep), ("24", Clock::TwentyFour), ("12", Clock::Twelve)])?;
    }
    if let Some(currency) = args.currency.as_ref().or(config.currency.as_ref()) {
        style.currency = choose("currency", currency, &[("before", Currency::Before), ("after", Currency::Keep)])?;
    }
    Ok(style)
}

/// Which model.
pub fn model(engine: &EngineArgs, config: &ConfigFile) -> Result<ModelSpec> {
    engine.model.as_ref().or(config.model.as_ref()).map_or(Ok(ModelSpec::Bundled), |model| ModelSpec::parse(model))
}

/// Where to compute.
pub fn device(engine: &EngineArgs, config: &ConfigFile) -> Result<DeviceChoice> {
    let Some(text) = engine.device.as_ref().or(config.device.as_ref()) else { return Ok(DeviceChoice::Auto) };
    match text.split_once(':') {
        Some(("cuda", numbers)) => {
            let number = |text: &str| {
                text.trim().parse().map_err(|_| Error::settings(format!("no CUDA device is called '{text}'")))
            };
            Ok(DeviceChoice::Cuda(numbers.split(',').map(number).collect::<Result<_>>()?))
        }
        _ => choose(
            "device",
            text,
            &[
                ("auto", DeviceChoice::Auto),
                ("cpu", DeviceChoice::Cpu),
                ("cuda", DeviceChoice::Cuda(vec![0])),
                ("metal", DeviceChoice::Metal),
            ],
        ),
    }
}

/// With what arithmetic.
pub fn compute(engine: &EngineArgs, config: &ConfigFile) -> Result<Compute> {
    let Some(text) = engine.compute.as_ref().or(config.compute.as_ref()) else { return Ok(Compute::Auto) };
    choose(
        "compute",
        text,
        &[
            ("auto", Compute::Auto),
            ("int8", Compute::Int8),
            ("f32", Compute::F32),
            ("bf16", Compute::Bf16),
            ("f16", Compute::F16),
        ],
    )
}

/// How documents are read.
pub struct Reading {
    format: Option<Format>,
    pub options: formats::Options,
}

impl Reading {
    /// What was asked for, else what the name says. A table in which no field was named is read as plain text with
    /// tabs, all of whose cells are translated.
    ///
    /// # Errors
    /// When the name is one of another format, which would be ruined as plain text.
    pub fn format(&self, name: &Path) -> Result<Format> {
        if let Some(format) = self.format {
            return Ok(format);
        }
        match Format::from_path(name) {
            Some(Format::Tsv) if !self.fields_named() => Ok(Format::Plain),
            Some(format) => Ok(format),
            None => match Format::unsupported(name) {
                Some(ext) => Err(Error::input(format!(
                    "the format of .{ext} files is not supported; --format plain takes one as plain text; there are {}",
                    Format::NAMES.join(", ")
                ))
                .at(name)),
                None => Ok(Format::default()),
            },
        }
    }

    /// Whether a file is read row by row, so that it may be of any size, and whether its rows can be shared out.
    pub fn handling(&self, name: &Path) -> Handling {
        match self.format(name) {
            // The shares are put together by the lines of the source itself.
            Ok(Format::Jsonl) if self.options.encoding.is_none_or(|encoding| encoding == UTF_8) => Handling::SharedRows,
            Ok(Format::Jsonl | Format::Csv | Format::Tsv) => Handling::Rows,
            _ => Handling::Whole,
        }
    }

    fn fields_named(&self) -> bool {
        self.options.fields != formats::Options::default().fields
    }
}

/// From the options that say how documents are read.
pub fn reading(args: &ReadArgs) -> Result<Reading> {
    let format =
        args.format.as_ref().map(|name| Format::from_name(name).ok_or_else(|| unknown_format(name))).transpose()?;
    let mut options = formats::Options {
        encoding: args.encoding.as_deref().map(encoding::by_name).transpose()?,
        language: true,
        into: args.into.clone(),
        ..formats::Options::default()
    };
    if let Some(wrapped) = &args.wrapped {
        let choices = [("auto", Wrapped::Auto), ("yes", Wrapped::Yes), ("no", Wrapped::No)];
        options.wrapped = choose("wrapped", wrapped, &choices)?;
    }
    if !args.field.is_empty() {
        options.fields.clone_from(&args.field);
    }
    if !args.front_matter.is_empty() {
        options.front_matter.clone_from(&args.front_matter);
    }
    options.subtitle_columns = args.columns.unwrap_or(options.subtitle_columns);
    options.subtitle_lines = args.lines.unwrap_or(options.subtitle_lines);
    Ok(Reading { format, options })
}

/// What is written instead of documents.
pub fn bilingual(kind: Option<&str>) -> Result<Option<Bilingual>> {
    let choices = [("tsv", Bilingual::Tsv), ("tmx", Bilingual::Tmx), ("html", Bilingual::Html)];
    kind.map(|kind| choose("bilingual", kind, &choices)).transpose()
}

fn unknown_format(name: &str) -> Error {
    Error::settings(format!("no format is called '{name}'; there are {}", Format::NAMES.join(", ")))
}

fn choose<T: Clone>(option: &str, text: &str, choices: &[(&str, T)]) -> Result<T> {
    let found = choices.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
    found.map(|(_, value)| value.clone()).ok_or_else(|| {
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        Error::settings(format!("--{option} cannot be '{text}'; it is one of {}", names.join(", ")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_other_formats_are_refused_unless_a_format_is_named() {
        let reading = |format| Reading { format, options: formats::Options::default() };
        for name in ["film.ass", "a/b.JSON", "fichier.properties", "these.tex", "lettre.doc"] {
            let error = reading(None).format(Path::new(name)).expect_err(name).to_string();
            assert!(error.contains("--format plain") && error.contains(name), "{error}");
            assert_eq!(reading(Some(Format::Plain)).format(Path::new(name)).ok(), Some(Format::Plain), "{name}");
        }
        for name in ["lettre.fr", "notes", "LISEZMOI.1", "<standard input>"] {
            assert_eq!(reading(None).format(Path::new(name)).ok(), Some(Format::Plain), "{name}");
        }
    }
}
