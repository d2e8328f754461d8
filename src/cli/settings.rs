//! What was typed, what the environment and the config file say, and what it all means.
//!
//! The command line wins over the environment, the environment over the config file, that over the defaults.

use std::path::Path;

use encoding_rs::UTF_8;

use super::args::{EngineArgs, MemoryArgs, ReadArgs, StyleArgs};
use super::config::{BatchTokens, Defaults};
use super::input::Input;
use super::output;
use crate::batch::Handling;
use crate::error::{Error, Result};
use crate::formats::{self, Bilingual, Format, Wrapped, encoding};
use crate::memory::MemorySettings;
use crate::protect::glossary::Glossary;
use crate::restore::{Clock, Currency, QuoteStyle, Spelling, Stops, Style};
use crate::store::{ModelSpec, StoreSettings};
use crate::translator::{Builder, Compute, DeviceChoice, Translator};

/// What the choices of each option are called.
pub const QUOTES: &[(&str, QuoteStyle)] = &[
    ("auto", QuoteStyle::Auto),
    ("curly", QuoteStyle::Curly),
    ("straight", QuoteStyle::Straight),
    ("source", QuoteStyle::Source),
];
pub const SPELLING: &[(&str, Spelling)] = &[("us", Spelling::Us), ("uk", Spelling::Uk), ("keep", Spelling::Keep)];
pub const STOPS: &[(&str, Stops)] = &[("us", Stops::Us), ("uk", Stops::Uk), ("keep", Stops::Keep)];
pub const CLOCK: &[(&str, Clock)] = &[("keep", Clock::Keep), ("24", Clock::TwentyFour), ("12", Clock::Twelve)];
pub const CURRENCY: &[(&str, Currency)] = &[("before", Currency::Before), ("after", Currency::Keep)];
pub const COMPUTE: &[(&str, Compute)] = &[
    ("auto", Compute::Auto),
    ("int8", Compute::Int8),
    ("f32", Compute::F32),
    ("bf16", Compute::Bf16),
    ("f16", Compute::F16),
];
pub const WRAPPED: &[(&str, Wrapped)] = &[("auto", Wrapped::Auto), ("yes", Wrapped::Yes), ("no", Wrapped::No)];
pub const BILINGUAL: &[(&str, Bilingual)] =
    &[("tsv", Bilingual::Tsv), ("tmx", Bilingual::Tmx), ("html", Bilingual::Html)];

/// A wider beam costs much and gains nothing.
pub const MOST_BEAM: u64 = 64;

/// Whether what one source of defaults says makes sense by itself, so that it can be blamed.
///
/// # Errors
/// When it does not; the message names the key.
pub fn check(defaults: &Defaults) -> Result<()> {
    fn named<T>(key: &str, read: Result<T>) -> Result<()> {
        read.map(drop).map_err(|e| Error::new(e.kind(), format!("{key}: {e}")))
    }
    style(&StyleArgs::default(), defaults)?;
    compute(&EngineArgs::default(), defaults)?;
    let Defaults { beam, threads, batch_tokens, length_penalty, model, device, memory_limit, .. } = defaults;
    named("model", model.as_deref().map(ModelSpec::parse).transpose())?;
    named("device", device.as_deref().map(parse_device).transpose())?;
    named("memory-limit", memory_limit.as_deref().map(size).transpose())?;
    if beam.is_some_and(|beam| !(1..=MOST_BEAM).contains(&(beam as u64))) {
        return Err(Error::settings(format!("beam: {} is not from 1 to {MOST_BEAM}", beam.unwrap_or_default())));
    }
    if *threads == Some(0) || *batch_tokens == Some(BatchTokens::Tokens(0)) {
        let key = if *threads == Some(0) { "threads" } else { "batch-tokens" };
        return Err(Error::settings(format!("{key}: it must be at least 1")));
    }
    if length_penalty.is_some_and(|penalty| !penalty.is_finite()) {
        return Err(Error::settings("length-penalty: it must be a number"));
    }
    Ok(())
}

/// Everything that decides how a translator is built.
pub fn builder(engine: &EngineArgs, style: &StyleArgs, config: &Defaults) -> Result<Builder> {
    let mut builder = Translator::builder()
        .store(store(is_offline(engine.offline, config)))
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
pub fn is_glossary_inflected(style: &StyleArgs, config: &Defaults) -> bool {
    style.glossary_inflected || config.glossary_inflected.unwrap_or(false)
}

/// The translation memory, if one is wanted.
pub fn memory(args: &MemoryArgs, config: &Defaults) -> Result<Option<MemorySettings>> {
    let Some(path) = args.memory.as_ref().or(config.memory.as_ref()) else {
        return match args.memory_limit {
            Some(_) => Err(Error::settings("--memory-limit needs --memory FILE")),
            None => Ok(None),
        };
    };
    let limit = args.memory_limit.as_ref().or(config.memory_limit.as_ref());
    let limit = limit.map(|text| size(text)).transpose()?.unwrap_or(MemorySettings::LIMIT);
    Ok(Some(MemorySettings { path: output::plain("--memory", path)?, limit }))
}

/// Bytes from a number such as `500M` or `2G`.
pub fn size(text: &str) -> Result<u64> {
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
    bytes
        .filter(|&bytes| bytes >= 1 << 20)
        .ok_or_else(|| Error::settings(format!("'{text}' is no size of at least 1M, such as 500M or 2G")))
}

/// Whether no connection may be opened.
pub fn is_offline(asked: bool, config: &Defaults) -> bool {
    asked || config.offline.unwrap_or(false)
}

/// Where models are kept, from the environment that the Hugging Face tools share.
pub fn store(offline: bool) -> StoreSettings {
    let mut store = StoreSettings::from_variables(|name| std::env::var_os(name));
    store.offline |= offline;
    store
}

fn style(args: &StyleArgs, config: &Defaults) -> Result<Style> {
    let mut style = Style::default();
    if let Some(quotes) = args.quotes.as_ref().or(config.quotes.as_ref()) {
        style.quotes = choose("quotes", quotes, QUOTES)?;
    }
    if let Some(stops) = args.stops.as_ref().or(config.stops.as_ref()) {
        style.stops = choose("stops", stops, STOPS)?;
    }
    if let Some(spelling) = args.spelling.as_ref().or(config.spelling.as_ref()) {
        style.spelling = choose("spelling", spelling, SPELLING)?;
    }
    if let Some(clock) = args.clock.as_ref().or(config.clock.as_ref()) {
        style.clock = choose("clock", clock, CLOCK)?;
    }
    if let Some(currency) = args.currency.as_ref().or(config.currency.as_ref()) {
        style.currency = choose("currency", currency, CURRENCY)?;
    }
    Ok(style)
}

/// Which model.
pub fn model(engine: &EngineArgs, config: &Defaults) -> Result<ModelSpec> {
    engine.model.as_ref().or(config.model.as_ref()).map_or(Ok(ModelSpec::Bundled), |model| ModelSpec::parse(model))
}

/// Where to compute.
pub fn device(engine: &EngineArgs, config: &Defaults) -> Result<DeviceChoice> {
    let device = engine.device.as_ref().or(config.device.as_ref());
    device.map_or(Ok(DeviceChoice::Auto), |text| parse_device(text))
}

/// A device by its name.
pub fn parse_device(text: &str) -> Result<DeviceChoice> {
    let number =
        |text: &str| text.trim().parse().map_err(|_| Error::settings(format!("no CUDA device is called '{text}'")));
    Ok(match text.to_ascii_lowercase().as_str() {
        "auto" => DeviceChoice::Auto,
        "cpu" => DeviceChoice::Cpu,
        "cuda" => DeviceChoice::Cuda(vec![0]),
        "metal" => DeviceChoice::Metal,
        lower => match lower.strip_prefix("cuda:") {
            Some(numbers) => DeviceChoice::Cuda(numbers.split(',').map(number).collect::<Result<_>>()?),
            None => {
                let message = format!("'{text}' is none of auto, cpu, cuda, cuda:N, cuda:N,M and metal");
                return Err(Error::settings(message));
            }
        },
    })
}

/// With what arithmetic.
pub fn compute(engine: &EngineArgs, config: &Defaults) -> Result<Compute> {
    let compute = engine.compute.as_ref().or(config.compute.as_ref());
    compute.map_or(Ok(Compute::Auto), |text| choose("compute", text, COMPUTE))
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
        options.wrapped = choose("wrapped", wrapped, WRAPPED)?;
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
    kind.map(|kind| choose("bilingual", kind, BILINGUAL)).transpose()
}

fn unknown_format(name: &str) -> Error {
    Error::settings(format!("no format is called '{name}'; there are {}", Format::NAMES.join(", ")))
}

fn choose<T: Clone>(option: &str, text: &str, choices: &[(&str, T)]) -> Result<T> {
    let found = choices.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
    found.map(|(_, value)| value.clone()).ok_or_else(|| {
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        Error::settings(format!("{option}: '{text}' is none of {}", names.join(", ")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_other_formats_are_refused_unless_a_format_is_named() {
        let reading = |format| Reading { format, options: formats::Options::default() };
        for name in ["film.ass", "a/b.PDF", "tableau.xlsx", "lettre.doc"] {
            let error = reading(None).format(Path::new(name)).expect_err(name).to_string();
            assert!(error.contains("--format plain") && error.contains(name), "{error}");
            assert_eq!(reading(Some(Format::Plain)).format(Path::new(name)).ok(), Some(Format::Plain), "{name}");
        }
        for name in ["lettre.fr", "notes", "these.tex", "LISEZMOI.1", "<standard input>"] {
            assert_eq!(reading(None).format(Path::new(name)).ok(), Some(Format::Plain), "{name}");
        }
    }
}
