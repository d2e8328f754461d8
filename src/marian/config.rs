//! `config.json` and `generation_config.json`.

use std::path::Path;

use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::store::ModelFiles;

/// What the two configuration files of a model say, checked: sizes are within reason and fit each other, token ids lie
/// inside their vocabularies. Fields that are missing have the defaults of `transformers`' `MarianConfig`, except where
/// a field says otherwise.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Width of the network; even or odd, a multiple of both head counts.
    pub d_model: usize,
    pub encoder_layers: usize,
    pub decoder_layers: usize,
    pub encoder_attention_heads: usize,
    pub decoder_attention_heads: usize,
    pub encoder_ffn_dim: usize,
    pub decoder_ffn_dim: usize,
    /// Between the two products of a feed-forward layer.
    pub activation: Activation,
    /// Rows of the source embedding.
    pub vocab_size: usize,
    /// Rows of the target embedding and of the output; `vocab_size` where both share one matrix.
    pub decoder_vocab_size: usize,
    pub pad_token_id: u32,
    pub eos_token_id: u32,
    pub bos_token_id: Option<u32>,
    pub decoder_start_token_id: u32,
    /// The token that ends a hypothesis at the length limit; `None` leaves it open.
    pub forced_eos_token_id: Option<u32>,
    /// Target tokens that may never be produced, ascending: pad, and `bad_words_ids` of one token. Never the end mark.
    pub suppressed: Vec<u32>,
    /// `bad_words_ids` of several tokens, which are not obeyed.
    pub ignored_bad_words: usize,
    /// Whether embeddings are multiplied by √`d_model`.
    pub scale_embedding: bool,
    /// One embedding matrix for source and target.
    pub share_encoder_decoder_embeddings: bool,
    /// The target embedding is the output projection as well.
    pub tie_word_embeddings: bool,
    /// The longest sequence seen in training. The network computes any position.
    pub max_position_embeddings: usize,
    /// The longest target sequence, start token and end mark counted, as `transformers` counts; `max_position_embeddings`
    /// where neither file gives it.
    pub max_length: usize,
    /// The beam width the model asks for, from 1.
    pub num_beams: usize,
    /// Hypotheses are ranked by log-probability / length^`length_penalty`.
    pub length_penalty: f32,
    /// When a beam search may stop before its length limit.
    pub early_stopping: EarlyStopping,
    pub static_position_embeddings: bool,
    pub normalize_before: bool,
    pub normalize_embedding: bool,
    /// Which cross-attention is the alignment: `alignment` in either file, an object of `layer`, `heads` and `next_step`;
    /// without it all heads of the last but one of four and more layers, of the last of fewer.
    pub alignment: AlignmentHeads,
}

/// The heads of the decoder's cross-attention that align best; `scripts/eval/heads.py` finds them for a model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AlignmentHeads {
    /// The decoder layer: from 0, below `decoder_layers`.
    pub layer: usize,
    /// The heads whose mean is taken, in ascending order; all of them where there is none.
    pub heads: Vec<usize>,
    /// Whether a token is aligned by what the decoder attends to one step later, when the token is its input.
    pub next_step: bool,
}

impl AlignmentHeads {
    /// Whether the mean is taken over `head` as well.
    pub fn has(&self, head: usize) -> bool {
        self.heads.is_empty() || self.heads.contains(&head)
    }
}

/// When a beam search stops: `transformers`' `early_stopping`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EarlyStopping {
    /// `false`: when the best open hypothesis, at its present length, is no better than the worst finished one.
    #[default]
    Heuristic,
    /// `true`: as soon as there are as many finished hypotheses as the beam is wide.
    First,
    /// `"never"`: when no open hypothesis can beat the worst finished one at any length up to the limit.
    Never,
}

/// The function between the two products of a feed-forward layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    Relu,
    /// `min(max(x, 0), 6)`
    Relu6,
    /// `max(x, 0)²`
    Relu2,
    /// `x · Φ(x)`, with the error function.
    Gelu,
    /// The approximation of GELU by the hyperbolic tangent.
    GeluTanh,
    /// `x · σ(1.702 x)`
    QuickGelu,
    /// `x · σ(x)`, swish.
    Silu,
    /// `x · tanh(ln(1 + eˣ))`
    Mish,
    Tanh,
    Sigmoid,
    /// `x`, or `0.01 x` below 0.
    LeakyRelu,
    Linear,
}

impl Activation {
    /// The function that `config.json` calls `name` (the names of `transformers`).
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "relu" => Self::Relu,
            "relu6" => Self::Relu6,
            "relu2" => Self::Relu2,
            "gelu" | "gelu_python" => Self::Gelu,
            "gelu_new" | "gelu_fast" | "gelu_accurate" | "gelu_pytorch_tanh" | "gelu_python_tanh" => Self::GeluTanh,
            "quick_gelu" => Self::QuickGelu,
            "silu" | "swish" => Self::Silu,
            "mish" => Self::Mish,
            "tanh" => Self::Tanh,
            "sigmoid" => Self::Sigmoid,
            "leaky_relu" => Self::LeakyRelu,
            "linear" => Self::Linear,
            _ => return None,
        })
    }

    /// The function at one point: the definition that faster forms are held against.
    pub fn at(self, x: f32) -> f32 {
        let sigmoid = |x: f32| 1.0 / (1.0 + (-x).exp());
        match self {
            Self::Relu => x.max(0.0),
            Self::Relu6 => x.clamp(0.0, 6.0),
            Self::Relu2 => x.max(0.0) * x.max(0.0),
            Self::Gelu => 0.5 * x * (1.0 + candle_core::cpu::erf::erf_f32(x * std::f32::consts::FRAC_1_SQRT_2)),
            Self::GeluTanh => {
                let inner = (2.0 / std::f32::consts::PI).sqrt() * x * (1.0 + 0.044_715 * x * x);
                0.5 * x * (1.0 + inner.tanh())
            }
            Self::QuickGelu => x * sigmoid(1.702 * x),
            Self::Silu => x * sigmoid(x),
            Self::Mish => x * (if x > 20.0 { x } else { x.exp().ln_1p() }).tanh(),
            Self::Tanh => x.tanh(),
            Self::Sigmoid => sigmoid(x),
            Self::LeakyRelu => {
                if x < 0.0 {
                    0.01 * x
                } else {
                    x
                }
            }
            Self::Linear => x,
        }
    }
}

/// Sizes beyond these are a damaged file, not a model, and would ask for terabytes.
const MOST_LAYERS: usize = 512;
const WIDEST: usize = 1 << 20;
const LARGEST_VOCABULARY: usize = 1 << 26;

impl Config {
    /// Reads the bytes of `config.json` and, where the model has one, of `generation_config.json`, whose fields win.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::Model`], naming the file and the field: not JSON, another `model_type`, a field of the
    /// wrong type, a size of zero or beyond reason, heads that do not divide the width, an id outside the vocabulary, a
    /// form of network that is not supported.
    pub fn read(config: &[u8], generation: Option<&[u8]>) -> Result<Self> {
        Self::read_named(
            (Path::new("config.json"), config),
            generation.map(|bytes| (Path::new("generation_config.json"), bytes)),
        )
    }

    /// [`Config::read`] on the files of a model; errors name them by their full paths.
    pub fn load(files: &ModelFiles) -> Result<Self> {
        let generation = files.generation_config.as_ref().map(|blob| (blob.path(), &blob[..]));
        Self::read_named((files.config.path(), &files.config), generation)
    }

    fn read_named(config: (&Path, &[u8]), generation: Option<(&Path, &[u8])>) -> Result<Self> {
        let network = Fields::parse(config.1).map_err(|e| e.at(config.0))?;
        let search = match generation {
            Some((path, bytes)) => Some(Fields::parse(bytes).map_err(|e| e.at(path))?),
            None => None,
        };
        let mut this = Self::network(&network).map_err(|e| e.at(config.0))?;
        // Both files may hold what follows, and the second one wins.
        this.search(&network).map_err(|e| e.at(config.0))?;
        if let (Some(search), Some((path, _))) = (&search, generation) {
            this.search(search).map_err(|e| e.at(path))?;
        }
        this.suppressed.push(this.pad_token_id);
        this.suppressed.retain(|&id| id != this.eos_token_id);
        this.suppressed.sort_unstable();
        this.suppressed.dedup();
        // The file that says it last is the one to blame.
        let blamed = |field: &str| match (&search, generation) {
            (Some(search), Some((path, _))) if search.get(field).is_some() => path,
            _ => config.0,
        };
        this.check_ids().map_err(|(field, e)| e.at(blamed(field)))?;
        Ok(this)
    }

    /// What only `config.json` says.
    fn network(fields: &Fields) -> Result<Self> {
        match fields.text("model_type")? {
            Some("marian") => {}
            Some(other) => {
                return Err(Error::model(format!(
                    "`model_type` is {other:?}, not \"marian\": this is not a Marian model; give a directory that holds one"
                )));
            }
            None => {
                return Err(Error::model(
                    "`model_type` is missing: this is not the configuration of a Marian model in the Hugging Face layout",
                ));
            }
        }
        let size = |name: &str, default: usize, most: usize| -> Result<usize> {
            let value = fields.size(name)?.unwrap_or(default);
            if value == 0 || value > most {
                return Err(Error::model(format!("`{name}` is {value}; it must be from 1 to {most}")));
            }
            Ok(value)
        };
        let vocab_size = size("vocab_size", 58_101, LARGEST_VOCABULARY)?;
        let share_encoder_decoder_embeddings = fields.flag("share_encoder_decoder_embeddings")?.unwrap_or(true);
        let decoder_vocab_size = match share_encoder_decoder_embeddings {
            true => vocab_size,
            false => size("decoder_vocab_size", vocab_size, LARGEST_VOCABULARY)?,
        };
        let name = fields.text("activation_function")?.unwrap_or("gelu");
        let activation = Activation::named(name)
            .ok_or_else(|| Error::model(format!("`activation_function` is {name:?}, which is not known")))?;
        let decoder_layers = size("decoder_layers", 12, MOST_LAYERS)?;
        let max_position_embeddings = size("max_position_embeddings", 1024, 1 << 24)?;
        let this = Self {
            d_model: size("d_model", 1024, WIDEST)?,
            encoder_layers: size("encoder_layers", 12, MOST_LAYERS)?,
            decoder_layers,
            encoder_attention_heads: size("encoder_attention_heads", 16, WIDEST)?,
            decoder_attention_heads: size("decoder_attention_heads", 16, WIDEST)?,
            encoder_ffn_dim: size("encoder_ffn_dim", 4096, WIDEST)?,
            decoder_ffn_dim: size("decoder_ffn_dim", 4096, WIDEST)?,
            activation,
            vocab_size,
            decoder_vocab_size,
            pad_token_id: 58_100,
            eos_token_id: 0,
            bos_token_id: None,
            decoder_start_token_id: 58_100,
            forced_eos_token_id: Some(0),
            suppressed: Vec::new(),
            ignored_bad_words: 0,
            scale_embedding: fields.flag("scale_embedding")?.unwrap_or(false),
            share_encoder_decoder_embeddings,
            tie_word_embeddings: fields.flag("tie_word_embeddings")?.unwrap_or(true),
            max_position_embeddings,
            max_length: max_position_embeddings,
            num_beams: 1,
            length_penalty: 1.0,
            early_stopping: EarlyStopping::default(),
            static_position_embeddings: fields.flag("static_position_embeddings")?.unwrap_or(true),
            normalize_before: fields.flag("normalize_before")?.unwrap_or(false),
            normalize_embedding: fields.flag("normalize_embedding")?.unwrap_or(false),
            alignment: AlignmentHeads {
                layer: if decoder_layers >= 4 { decoder_layers - 2 } else { decoder_layers - 1 },
                ..AlignmentHeads::default()
            },
        };
        for (name, heads) in [
            ("encoder_attention_heads", this.encoder_attention_heads),
            ("decoder_attention_heads", this.decoder_attention_heads),
        ] {
            if !this.d_model.is_multiple_of(heads) {
                return Err(Error::model(format!(
                    "`{name}` is {heads}, which does not divide `d_model`, {}",
                    this.d_model
                )));
            }
        }
        // `transformers` runs none of these either, whatever the file says; to run them otherwise would be silently wrong.
        let unsupported = [
            ("normalize_before", this.normalize_before),
            ("normalize_embedding", this.normalize_embedding),
            ("add_final_layer_norm", fields.flag("add_final_layer_norm")?.unwrap_or(false)),
            ("is_encoder_decoder", !fields.flag("is_encoder_decoder")?.unwrap_or(true)),
            ("static_position_embeddings", !this.static_position_embeddings),
        ];
        if let Some((name, _)) = unsupported.iter().find(|(_, set)| *set) {
            let value = fields.flag(name)?.unwrap_or_default();
            return Err(Error::model(format!(
                "`{name}` is {value}: this form of the network is not supported (only encoder and decoder with \
                 post-norm layers and sinusoidal positions are)"
            )));
        }
        Ok(this)
    }

    /// What either file may say. A field that is missing leaves what stands there.
    fn search(&mut self, fields: &Fields) -> Result<()> {
        let set = |name: &str, to: &mut u32| -> Result<()> {
            *to = fields.id(name)?.flatten().unwrap_or(*to);
            Ok(())
        };
        let eos_before = self.eos_token_id;
        set("pad_token_id", &mut self.pad_token_id)?;
        set("eos_token_id", &mut self.eos_token_id)?;
        set("decoder_start_token_id", &mut self.decoder_start_token_id)?;
        if let Some(id) = fields.id("bos_token_id")? {
            self.bos_token_id = id;
        }
        match fields.id("forced_eos_token_id")? {
            Some(id) => self.forced_eos_token_id = id,
            // Not said, and so far the default: it goes with the end mark.
            None if self.forced_eos_token_id == Some(eos_before) => self.forced_eos_token_id = Some(self.eos_token_id),
            None => {}
        }
        if let Some(words) = fields.bad_words()? {
            self.ignored_bad_words = words.iter().filter(|word| word.len() > 1).count();
            self.suppressed = words.into_iter().filter(|word| word.len() == 1).flatten().collect();
        }
        if let Some(length) = fields.size("max_length")? {
            if length < 2 {
                return Err(Error::model(format!(
                    "`max_length` is {length}; it must leave room for a token, so 2 or more"
                )));
            }
            self.max_length = length;
        }
        if let Some(beams) = fields.size("num_beams")? {
            if beams == 0 || beams > 1024 {
                return Err(Error::model(format!("`num_beams` is {beams}; it must be from 1 to 1024")));
            }
            self.num_beams = beams;
        }
        if let Some(penalty) = fields.number("length_penalty")? {
            if !(penalty as f32).is_finite() {
                return Err(Error::model(format!("`length_penalty` is {penalty:e}, which is beyond all reason")));
            }
            self.length_penalty = penalty as f32;
        }
        match fields.get("early_stopping") {
            None => {}
            Some(Value::Bool(false)) => self.early_stopping = EarlyStopping::Heuristic,
            Some(Value::Bool(true)) => self.early_stopping = EarlyStopping::First,
            Some(Value::String(word)) if word == "never" => self.early_stopping = EarlyStopping::Never,
            Some(other) => return Err(mistyped("early_stopping", "true, false or \"never\"", other)),
        }
        if let Some(value) = fields.get("alignment") {
            self.alignment = self.alignment_heads(value)?;
        }
        Ok(())
    }

    fn alignment_heads(&self, value: &Value) -> Result<AlignmentHeads> {
        let (layers, heads) = (self.decoder_layers, self.decoder_attention_heads);
        let below =
            |value: &Value, most: usize| value.as_u64().and_then(|n| usize::try_from(n).ok()).filter(|&n| n < most);
        let read = || -> Option<AlignmentHeads> {
            let fields = value.as_object()?;
            let layer = below(fields.get("layer")?, layers)?;
            let mut chosen: Vec<usize> = match fields.get("heads") {
                Some(list) => list.as_array()?.iter().map(|head| below(head, heads)).collect::<Option<_>>()?,
                None => Vec::new(),
            };
            chosen.sort_unstable();
            chosen.dedup();
            let next_step = fields.get("next_step").map_or(Some(false), Value::as_bool)?;
            Some(AlignmentHeads { layer, heads: chosen, next_step })
        };
        let wanted =
            format!("{{\"layer\": below {layers}, \"heads\": [below {heads}, …], \"next_step\": true or false}}");
        read().ok_or_else(|| mistyped("alignment", &wanted, value))
    }

    /// Whether all ids lie inside their vocabularies; else which field is wrong.
    fn check_ids(&self) -> Result<(), (&'static str, Error)> {
        let target = self.decoder_vocab_size;
        let check = |name: &'static str, id: u32, size: usize| {
            if (id as usize) < size {
                return Ok(());
            }
            let message =
                format!("`{name}` is {id}, outside the vocabulary of {size}: the configuration does not fit the model");
            Err((name, Error::model(message)))
        };
        check("pad_token_id", self.pad_token_id, self.vocab_size.min(target))?;
        check("eos_token_id", self.eos_token_id, self.vocab_size.min(target))?;
        check("decoder_start_token_id", self.decoder_start_token_id, target)?;
        check("forced_eos_token_id", self.forced_eos_token_id.unwrap_or(0), target)?;
        self.suppressed.iter().try_for_each(|&id| check("bad_words_ids", id, target))
    }
}

/// The fields of a JSON object, read by name. `null` counts as missing.
struct Fields(Map<String, Value>);

fn mistyped(name: &str, wanted: &str, found: &Value) -> Error {
    let mut found = found.to_string();
    if found.chars().count() > 40 {
        found = found.chars().take(40).chain(['…']).collect();
    }
    Error::model(format!("`{name}` should be {wanted}, not {found}"))
}

impl Fields {
    fn parse(bytes: &[u8]) -> Result<Self> {
        match serde_json::from_slice(bytes) {
            Ok(Value::Object(fields)) => Ok(Self(fields)),
            Ok(_) => Err(Error::model("this is not a JSON object, as the configuration of a model is")),
            Err(error) => Err(Error::model(format!("this is not JSON: {error}; fetch the model again")).because(error)),
        }
    }

    fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    fn size(&self, name: &str) -> Result<Option<usize>> {
        self.get(name)
            .map(|value| {
                let size = value.as_u64().and_then(|n| usize::try_from(n).ok());
                size.ok_or_else(|| mistyped(name, "a whole number from 0", value))
            })
            .transpose()
    }

    fn number(&self, name: &str) -> Result<Option<f64>> {
        self.get(name).map(|value| value.as_f64().ok_or_else(|| mistyped(name, "a number", value))).transpose()
    }

    fn flag(&self, name: &str) -> Result<Option<bool>> {
        self.get(name).map(|value| value.as_bool().ok_or_else(|| mistyped(name, "true or false", value))).transpose()
    }

    fn text(&self, name: &str) -> Result<Option<&str>> {
        self.get(name).map(|value| value.as_str().ok_or_else(|| mistyped(name, "a string", value))).transpose()
    }

    /// A token id; `Some(None)` where the file says `null`. A list of one id, as some generation configurations have it,
    /// is that id.
    fn id(&self, name: &str) -> Result<Option<Option<u32>>> {
        let Some(value) = self.0.get(name) else { return Ok(None) };
        let one = match value {
            Value::Null => return Ok(Some(None)),
            Value::Array(ids) if ids.len() == 1 => &ids[0],
            other => other,
        };
        token(one).map(|id| Some(Some(id))).ok_or_else(|| mistyped(name, "one token id", value))
    }

    fn bad_words(&self) -> Result<Option<Vec<Vec<u32>>>> {
        const NAME: &str = "bad_words_ids";
        self.get(NAME)
            .map(|value| {
                let words = value
                    .as_array()
                    .and_then(|words| words.iter().map(|word| word.as_array()?.iter().map(token).collect()).collect());
                words.ok_or_else(|| mistyped(NAME, "a list of lists of token ids", value))
            })
            .transpose()
    }
}

fn token(value: &Value) -> Option<u32> {
    value.as_u64().and_then(|id| u32::try_from(id).ok())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
#[path = "config_tests.rs"]
mod tests;
