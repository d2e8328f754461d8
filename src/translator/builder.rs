//! From settings to a translator: finds the model, plans where to compute, loads the network.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::available_parallelism;

use super::Translator;
use super::tuning::Tuning;
use crate::check;
use crate::engine::{Engine, MarianEngine, Options};
use crate::error::{Error, Result};
use crate::marian::device::{Compute, DeviceChoice, Plan};
use crate::marian::shortlist::Shortlist;
use crate::marian::{Config, Weights};
use crate::memory::{MemorySettings, Remembering};
use crate::protect::dictionary::Dictionary;
use crate::protect::glossary::Glossary;
use crate::protect::idioms::Idioms;
use crate::protect::{self, ProtectOptions};
use crate::restore::Style;
use crate::store::{self, ModelFiles, ModelSpec, PullProgress, StoreSettings};
use crate::tokenize::Tokenizer;

/// Settings of a [`Translator`], each with a sensible default.
pub struct Builder {
    model: ModelSpec,
    store: StoreSettings,
    pull: Box<dyn PullProgress>,
    engine: Option<Box<dyn Engine>>,
    device: DeviceChoice,
    compute: Compute,
    threads: Option<usize>,
    beam: Option<usize>,
    length_penalty: Option<f32>,
    batch_tokens: Option<usize>,
    shortlist: bool,
    memory_limit: Option<u64>,
    style: Style,
    glossary: Option<Arc<Glossary>>,
    strict: bool,
    guards: bool,
    memory: Option<MemorySettings>,
    identified: bool,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            model: ModelSpec::Bundled,
            store: StoreSettings::default(),
            pull: Box::new(()),
            engine: None,
            device: DeviceChoice::Auto,
            compute: Compute::Auto,
            threads: None,
            beam: None,
            length_penalty: None,
            batch_tokens: None,
            shortlist: false,
            memory_limit: None,
            style: Style::default(),
            glossary: None,
            strict: false,
            guards: true,
            memory: None,
            identified: false,
        }
    }
}

impl Builder {
    /// The model: bundled (the default), a directory, or a name on the hub.
    #[must_use]
    pub fn model(mut self, model: ModelSpec) -> Self {
        self.model = model;
        self
    }

    /// A directory with a Marian model in the Hugging Face layout.
    #[must_use]
    pub fn model_dir(self, dir: impl Into<PathBuf>) -> Self {
        self.model(ModelSpec::Directory(dir.into()))
    }

    /// Where models are kept and whether they may be downloaded.
    #[must_use]
    pub fn store(mut self, store: StoreSettings) -> Self {
        self.store = store;
        self
    }

    /// Who hears of a download, should the model have to be fetched.
    #[must_use]
    pub fn pull_progress(mut self, progress: Box<dyn PullProgress>) -> Self {
        self.pull = progress;
        self
    }

    /// An engine of your own instead of a model.
    #[must_use]
    pub fn engine(mut self, engine: Box<dyn Engine>) -> Self {
        self.engine = Some(engine);
        self
    }

    #[must_use]
    pub fn device(mut self, device: DeviceChoice) -> Self {
        self.device = device;
        self
    }

    #[must_use]
    pub fn compute(mut self, compute: Compute) -> Self {
        self.compute = compute;
        self
    }

    /// How many batches to work on at a time; without it, one a core.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = Some(threads);
        self
    }

    /// How many hypotheses to keep while searching; 1 is greedy search, the fastest. Without it, the model's own number.
    #[must_use]
    pub fn beam(mut self, beam: usize) -> Self {
        self.beam = Some(beam);
        self
    }

    /// Exponent of the length by which hypotheses are compared; without it, the model's own.
    #[must_use]
    pub fn length_penalty(mut self, penalty: f32) -> Self {
        self.length_penalty = Some(penalty);
        self
    }

    /// Source tokens of a batch, padding counted; without it, as many as a GPU has memory for; 2048 on a
    /// CPU, 1024 with a beam.
    #[must_use]
    pub fn batch_tokens(mut self, tokens: usize) -> Self {
        self.batch_tokens = Some(tokens);
        self
    }

    /// Whether to choose only among the words that the model's shortlist gives for a sentence: faster, and now and then
    /// another word. `false` unless told otherwise; a model without a table is then an error.
    #[must_use]
    pub fn shortlist(mut self, shortlist: bool) -> Self {
        self.shortlist = shortlist;
        self
    }

    /// The most bytes that the batches on a device should take, where [`Builder::batch_tokens`] is not set.
    #[must_use]
    pub fn memory_limit(mut self, bytes: u64) -> Self {
        self.memory_limit = Some(bytes);
        self
    }

    /// How the English is written.
    #[must_use]
    pub fn style(mut self, style: Style) -> Self {
        self.style = style;
        self
    }

    /// Terms to honour.
    #[must_use]
    pub fn glossary(mut self, glossary: Glossary) -> Self {
        self.glossary = Some(Arc::new(glossary));
        self
    }

    /// Whether a segment that the guards are not content with is an error.
    #[must_use]
    pub fn strict(mut self, strict: bool) -> Self {
        self.strict = strict;
        self
    }

    /// Whether to look for bad translations and try again; `true` unless told otherwise.
    #[must_use]
    pub fn guards(mut self, guards: bool) -> Self {
        self.guards = guards;
        self
    }

    /// Where to look up what was translated before, and keep what is new.
    #[must_use]
    pub fn memory(mut self, memory: MemorySettings) -> Self {
        self.memory = Some(memory);
        self
    }

    /// Whether [`Translator::model_digest`] will be asked for; it takes a moment with large models.
    #[must_use]
    pub fn identified(mut self, identified: bool) -> Self {
        self.identified = identified;
        self
    }

    /// Loads the model.
    ///
    /// # Errors
    /// When a setting makes no sense, the model cannot be found or its files do not fit together, or the device is
    /// not there.
    pub fn build(mut self) -> Result<Translator> {
        let (mut machine, mut digest) = (String::new(), String::new());
        let mut tuning = Tuning::default();
        let (mut dictionary, mut idioms) = (None, None);
        let (mut engine, description, options): (Box<dyn Engine>, _, _) = match self.engine.take() {
            Some(engine) => (engine, "custom engine".to_owned(), self.searching(Options::default())?),
            None => {
                let files = store::open(&self.model, &self.store, self.pull.as_ref())?;
                let config = Config::load(&files)?;
                let plan = Plan::new(&self.device, self.compute, &config)?;
                let engine = std::thread::scope(|scope| {
                    scope.spawn(|| {
                        protect::warm_up();
                        check::warm_up();
                    });
                    let named = (self.identified || self.memory.is_some()).then(|| scope.spawn(|| files.digest()));
                    let words = scope.spawn(|| files.dictionary.clone().map(Dictionary::load).transpose());
                    let phrases = scope.spawn(|| files.idioms.as_ref().map(Idioms::load).transpose());
                    let loaded = load(&files, &config, &plan, self.shortlist);
                    if let Some(named) = named {
                        digest = named.join().map_err(|_| Error::model("its digest could not be made"))??;
                    }
                    dictionary = words.join().map_err(|_| Error::model("its dictionary could not be read"))??;
                    idioms = phrases.join().map_err(|_| Error::model("its idioms could not be read"))??;
                    loaded
                })?;
                tuning = Tuning::load(&files)?;
                machine = engine.describe();
                // The device's memory is asked for now that the weights lie where they lie.
                (Box::new(engine), format!("{} on {machine}", files.name), self.options(&config, &plan)?)
            }
        };
        if let Some(memory) = &self.memory {
            if digest.is_empty() {
                return Err(Error::settings("a memory needs a model that can be told from others"));
            }
            engine = Box::new(Remembering::new(engine, memory, &format!("{digest} {machine}"))?);
        }
        let protect = ProtectOptions {
            glossary: self.glossary,
            dictionary: dictionary.map(Arc::new),
            idioms: idioms.map(Arc::new),
            quotes: tuning.quotation_marks,
            ..ProtectOptions::default()
        };
        let (style, strict, guards, confidence) = (self.style, self.strict, self.guards, tuning.confidence);
        Ok(Translator { engine, description, machine, digest, options, style, protect, strict, guards, confidence })
    }
}

impl Builder {
    /// How a model would search by these settings and its own.
    ///
    /// # Errors
    /// When a setting makes no sense.
    pub fn options(&self, config: &Config, plan: &Plan) -> Result<Options> {
        let mut options =
            Options { beam: config.num_beams, length_penalty: config.length_penalty, ..Options::default() };
        let beam = self.beam.unwrap_or(options.beam);
        options.batch_tokens = plan.batch_tokens(config, beam, self.memory_limit);
        self.searching(options)
    }

    /// `options`, changed as these settings say.
    fn searching(&self, options: Options) -> Result<Options> {
        let length_penalty = self.length_penalty.unwrap_or(options.length_penalty);
        if !length_penalty.is_finite() {
            return Err(Error::settings("the length penalty must be a number"));
        }
        let threads = self.threads.unwrap_or_else(|| available_parallelism().map_or(1, usize::from));
        Ok(Options {
            threads: at_least_one("threads", threads)?,
            beam: at_least_one("beam", self.beam.unwrap_or(options.beam))?,
            length_penalty,
            batch_tokens: at_least_one("batch tokens", self.batch_tokens.unwrap_or(options.batch_tokens))?,
            ..options
        })
    }
}

fn at_least_one(name: &str, value: usize) -> Result<usize> {
    if value == 0 { Err(Error::settings(format!("{name} must be at least 1"))) } else { Ok(value) }
}

/// Reads a model's files into an engine.
pub(crate) fn load(files: &ModelFiles, config: &Config, plan: &Plan, shortlist: bool) -> Result<MarianEngine> {
    // The tokenizer and the weights are read side by side: both take long enough to matter for a short text.
    std::thread::scope(|scope| {
        let tokenizer = scope.spawn(|| Tokenizer::load(files, config.eos_token_id));
        let table = if shortlist { Some(table(files, config)?) } else { None };
        let weights = Weights::open(&files.weights)?;
        weights.check_layers(config)?;
        let network = plan.load(&weights, config, table)?;
        let tokenizer = tokenizer.join().map_err(|_| Error::model("the tokenizer could not be read"))??;
        let target = files.target_vocab.as_ref().unwrap_or(&files.vocab);
        for (rows, size, file) in [
            (config.vocab_size, tokenizer.source_size(), &files.vocab),
            (config.decoder_vocab_size, tokenizer.target_size(), target),
        ] {
            let wrong = match size {
                _ if size > rows => format!("has ids up to {}", size - 1),
                // Rows may be rounded up, but most of them have a token.
                _ if size < rows / 2 => format!("has {size} entries"),
                _ => continue,
            };
            let message = format!("{wrong}, but the network has {rows} embeddings; fetch the model again");
            return Err(Error::model(message).at(file.path()));
        }
        Ok(MarianEngine::new(tokenizer, network))
    })
}

/// The shortlist of a model that must have one.
fn table(files: &ModelFiles, config: &Config) -> Result<Shortlist> {
    Shortlist::load(files, config)?.ok_or_else(|| {
        let message = format!("{} has no shortlist; make one with `fr2en models shortlist`", files.name);
        Error::settings(message)
    })
}
