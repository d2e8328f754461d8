//! The network on preallocated buffers: packed products in int8 or f32, everything between them in fused loops.
//!
//! * `simd`: sixteen lanes on every machine; `avx512`, `amx`, `avx2`, `neon` and the portable twin;
//! * `matrix`: packed weights; `product`: activations times weights, and what is done to the sums at once;
//! * `crew`: threads that share products where there are fewer batches than threads;
//! * `cells`: keys and values that are kept; `attention` over them; `top`: the best tokens of the output layer;
//! * `wanted`: the part of the output layer that a shortlist leaves;
//! * `session`: a batch through all of it.
//!
//! Sources stand one behind the other without padding, and every sum of a row is taken in an order that depends on that row
//! alone: so results do not depend on neighbours.

#[cfg(target_arch = "x86_64")]
mod amx;
mod attention;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[doc(hidden)]
pub mod bench;
mod cells;
mod crew;
#[cfg(test)]
mod kernel_tests;
mod matrix;
#[cfg(target_arch = "aarch64")]
mod neon;
mod product;
mod session;
#[cfg(test)]
mod shortlist_tests;
mod simd;
#[cfg(test)]
mod tests;
mod top;
mod wanted;

use std::borrow::Cow;

use super::shortlist::Shortlist;
use super::{Config, Network, Session, Weights};
use crate::error::{Error, Result};
#[cfg(target_arch = "x86_64")]
pub use amx::present as has_amx;
use cells::{Bytes, Floats};
pub use matrix::Compute;
use matrix::{Matrix, Part, Recipe};
use session::CpuSession;
use simd::{Isa, PANEL};

/// A Marian network for CPUs.
pub struct CpuNetwork {
    config: Config,
    compute: Compute,
    isa: Isa,
    encoder: Vec<EncoderLayer>,
    decoder: Vec<DecoderLayer>,
    /// The different ones among source embedding, target embedding and output projection; and which is which.
    vocabularies: Vec<Matrix>,
    source: usize,
    target: usize,
    output: usize,
    shortlist: Option<Shortlist>,
}

struct EncoderLayer {
    attention: SelfAttention,
    feed: Feed,
}

struct DecoderLayer {
    attention: SelfAttention,
    cross: CrossAttention,
    feed: Feed,
}

struct SelfAttention {
    /// Queries, keys and values in one product.
    all: Matrix,
    out: Matrix,
    norm: Norm,
}

struct CrossAttention {
    query: Matrix,
    /// Keys and values, of the encoder's output.
    kept: Matrix,
    out: Matrix,
    norm: Norm,
}

struct Feed {
    up: Matrix,
    down: Matrix,
    norm: Norm,
}

struct Norm {
    gain: Vec<f32>,
    bias: Vec<f32>,
}

impl CpuNetwork {
    /// Whether this form of the network can run a model; the tensor form runs all. Heads must be a power of two up to 16
    /// and divide the width so that 16 lanes hold whole groups of them; widths must be multiples of 64.
    pub fn supports(config: &Config) -> bool {
        let heads = |n: usize| n.is_power_of_two() && n <= simd::LANES;
        heads(config.encoder_attention_heads)
            && heads(config.decoder_attention_heads)
            && [config.d_model, config.encoder_ffn_dim, config.decoder_ffn_dim].iter().all(|n| n.is_multiple_of(PANEL))
    }

    /// Packs the weights (in [`Compute::Int8`] rounds them, with a scale an output channel) for the best instruction set
    /// that the machine has, on all cores.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::Model`] where tensors are missing or of another shape than `config` says;
    /// [`crate::error::ErrorKind::Settings`] where [`CpuNetwork::supports`] says no; [`crate::error::ErrorKind::Device`]
    /// where there is no memory.
    pub fn load(weights: &Weights, config: Config, compute: Compute) -> Result<Self> {
        Self::load_for(weights, config, compute, Isa::best())
    }

    fn load_for(weights: &Weights, config: Config, compute: Compute, isa: Isa) -> Result<Self> {
        if !Self::supports(&config) {
            return Err(Error::settings(format!(
                "a network of width {} with {} and {} heads has no fast form for CPUs; use `--compute f32`",
                config.d_model, config.encoder_attention_heads, config.decoder_attention_heads
            ))
            .at(weights.path()));
        }
        let mut plan = Plan { weights, width: config.d_model, recipes: Vec::new() };
        let mut norms = Vec::new();
        for i in 0..config.encoder_layers {
            let at = format!("model.encoder.layers.{i}");
            norms.push(plan.self_attention(&format!("{at}.self_attn"), config.encoder_attention_heads)?);
            norms.push(plan.feed(&at, config.encoder_ffn_dim)?);
        }
        for i in 0..config.decoder_layers {
            let at = format!("model.decoder.layers.{i}");
            norms.push(plan.self_attention(&format!("{at}.self_attn"), config.decoder_attention_heads)?);
            norms.push(plan.cross_attention(&format!("{at}.encoder_attn"), config.decoder_attention_heads)?);
            norms.push(plan.feed(&at, config.decoder_ffn_dim)?);
        }
        let names =
            [weights.source_embedding(&config), weights.target_embedding(&config), weights.output_projection(&config)];
        let sizes = [config.vocab_size, config.decoder_vocab_size, config.decoder_vocab_size];
        let mut distinct: Vec<&str> = Vec::new();
        // From the back, so that a shared matrix is packed with the bias of the output.
        for (i, (name, size)) in names.into_iter().zip(sizes).enumerate().rev() {
            if !distinct.contains(&name) {
                distinct.push(name);
                plan.vocabulary(name, size, i == 2)?;
            }
        }
        let [source, target, output] = names.map(|name| distinct.iter().position(|n| *n == name).unwrap_or(0));

        let mut matrices = matrix::pack(plan.recipes, compute, isa, &|| weights.forget())?.into_iter();
        let mut norms = norms.into_iter();
        // The plan above asked for exactly these, in this order.
        let mut next = || matrices.next().ok_or_else(|| Error::model("a layer is missing").at(weights.path()));
        let mut norm = || norms.next().ok_or_else(|| Error::model("a layer is missing").at(weights.path()));
        let mut encoder = Vec::with_capacity(config.encoder_layers);
        for _ in 0..config.encoder_layers {
            encoder.push(EncoderLayer {
                attention: SelfAttention { all: next()?, out: next()?, norm: norm()? },
                feed: Feed { up: next()?, down: next()?, norm: norm()? },
            });
        }
        let mut decoder = Vec::with_capacity(config.decoder_layers);
        for _ in 0..config.decoder_layers {
            decoder.push(DecoderLayer {
                attention: SelfAttention { all: next()?, out: next()?, norm: norm()? },
                cross: CrossAttention { query: next()?, kept: next()?, out: next()?, norm: norm()? },
                feed: Feed { up: next()?, down: next()?, norm: norm()? },
            });
        }
        let vocabularies = matrices.collect();
        Ok(Self { config, compute, isa, encoder, decoder, vocabularies, source, target, output, shortlist: None })
    }

    /// Translations are made only of the tokens that `shortlist` gives for their sources.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::Model`] where it is of another model.
    pub fn with_shortlist(self, shortlist: Shortlist) -> Result<Self> {
        if !shortlist.fits(&self.config) {
            return Err(Error::model("the shortlist is of a model with another vocabulary"));
        }
        Ok(Self { shortlist: Some(shortlist), ..self })
    }

    /// What products are computed in.
    pub fn compute(&self) -> Compute {
        self.compute
    }

    fn output(&self) -> &Matrix {
        &self.vocabularies[self.output]
    }
}

impl Network for CpuNetwork {
    fn config(&self) -> &Config {
        &self.config
    }

    fn session_on(&self, threads: usize) -> Box<dyn Session + '_> {
        match self.compute {
            Compute::Int8 => Box::new(CpuSession::<Bytes>::new(self, threads)),
            Compute::F32 => Box::new(CpuSession::<Floats>::new(self, threads)),
        }
    }

    fn describe(&self) -> String {
        let shortlist = if self.shortlist.is_some() { ", shortlist" } else { "" };
        format!("{}{shortlist}", describe_on(self.compute, self.isa))
    }
}

/// The name of the kernels that suit this processor.
pub fn kernels() -> &'static str {
    Isa::best().name()
}

/// What a network that computes in `compute` would run on here, in words, as [`Network::describe`] gives it.
pub(super) fn describe(compute: Compute) -> String {
    describe_on(compute, Isa::best())
}

fn describe_on(compute: Compute, isa: Isa) -> String {
    let compute = match compute {
        Compute::Int8 => "int8",
        Compute::F32 => "f32",
    };
    format!("cpu {compute} ({})", isa.name())
}

/// The matrices to pack, in the order in which the layers take them.
struct Plan<'w> {
    weights: &'w Weights,
    width: usize,
    recipes: Vec<Recipe<'w>>,
}

impl<'w> Plan<'w> {
    fn part(&self, name: &str, outputs: usize, inputs: usize) -> Result<Part<'w>> {
        Ok(Part {
            weights: self.weights.matrix(&format!("{name}.weight"), [outputs, inputs])?,
            bias: Some(self.weights.f32(&format!("{name}.bias"), &[outputs])?),
            factor: 1.0,
            heads: None,
        })
    }

    fn push(&mut self, inputs: usize, parts: Vec<Part<'w>>, input_heads: Option<usize>) {
        self.recipes.push(Recipe { inputs, parts, input_heads });
    }

    fn norm(&self, name: &str) -> Result<Norm> {
        let get = |what| self.weights.f32(&format!("{name}.{what}"), &[self.width]).map(Cow::into_owned);
        Ok(Norm { gain: get("weight")?, bias: get("bias")? })
    }

    /// A projection whose outputs are interleaved by head.
    fn projection(&self, at: &str, which: char, heads: usize) -> Result<Part<'w>> {
        let mut part = self.part(&format!("{at}.{which}_proj"), self.width, self.width)?;
        part.heads = Some(heads);
        if which == 'q' {
            part.factor = 1.0 / ((self.width / heads) as f32).sqrt();
        }
        Ok(part)
    }

    fn self_attention(&mut self, at: &str, heads: usize) -> Result<Norm> {
        let parts =
            vec![self.projection(at, 'q', heads)?, self.projection(at, 'k', heads)?, self.projection(at, 'v', heads)?];
        self.push(self.width, parts, None);
        self.push(self.width, vec![self.part(&format!("{at}.out_proj"), self.width, self.width)?], Some(heads));
        self.norm(&format!("{at}_layer_norm"))
    }

    fn cross_attention(&mut self, at: &str, heads: usize) -> Result<Norm> {
        self.push(self.width, vec![self.projection(at, 'q', heads)?], None);
        self.push(self.width, vec![self.projection(at, 'k', heads)?, self.projection(at, 'v', heads)?], None);
        self.push(self.width, vec![self.part(&format!("{at}.out_proj"), self.width, self.width)?], Some(heads));
        self.norm(&format!("{at}_layer_norm"))
    }

    fn feed(&mut self, at: &str, hidden: usize) -> Result<Norm> {
        self.push(self.width, vec![self.part(&format!("{at}.fc1"), hidden, self.width)?], None);
        self.push(hidden, vec![self.part(&format!("{at}.fc2"), self.width, hidden)?], None);
        self.norm(&format!("{at}.final_layer_norm"))
    }

    fn vocabulary(&mut self, name: &str, size: usize, output: bool) -> Result<()> {
        let bias = match output && self.weights.has("final_logits_bias") {
            true => Some(self.weights.f32("final_logits_bias", &[1, size])?),
            false => None,
        };
        let weights = self.weights.matrix(name, [size, self.width])?;
        self.push(self.width, vec![Part { weights, bias, factor: 1.0, heads: None }], None);
        Ok(())
    }
}
