//! The decoder, one position at a time.

use candle_core::{DType, Tensor};

use super::layers::{FeedForward, Loader, Projections, Residual, embed};
use super::state::{Moved, State};
use crate::error::Result;
use crate::marian::Config;

pub(super) struct Decoder {
    /// `target vocabulary × d_model`.
    embedding: Tensor,
    scale: f64,
    heads: usize,
    layers: Vec<Layer>,
    /// `padded × d_model`: the target vocabulary, filled up as [`Loader::vocabulary`] does; one with the embedding where
    /// the checkpoint has them so.
    output: Tensor,
    /// `padded`, f32: -∞ for what is no token.
    bias: Tensor,
    alignment_layer: usize,
    /// The heads of that layer whose mean is the alignment; all where there is none.
    alignment_heads: Option<Tensor>,
}

struct Layer {
    /// To queries, keys and values of the self-attention.
    qkv: Projections,
    out: Residual,
    cross: Cross,
    feed_forward: FeedForward,
}

/// Attention to the source.
struct Cross {
    q: Projections,
    kv: Projections,
    out: Residual,
}

/// What a step gives.
pub(super) struct Step {
    /// `rows × padded`, f32, without [`Decoder::bias`].
    pub logits: Tensor,
    /// `rows × longest`, f32.
    pub attention: Option<Tensor>,
}

impl Decoder {
    pub fn load(from: &Loader<'_>, config: &Config, embedding: Tensor, output: Tensor) -> Result<Self> {
        let d = config.d_model;
        let layer = |i| -> Result<Layer> {
            let from = from.under(format_args!("layers.{i}"));
            let own = from.under("self_attn");
            let cross = from.under("encoder_attn");
            let heads = config.decoder_attention_heads;
            Ok(Layer {
                qkv: own.projections(&["q_proj", "k_proj", "v_proj"], d, heads)?,
                out: from.residual("self_attn.out_proj", "self_attn_layer_norm", d, d)?,
                cross: Cross {
                    q: cross.projections(&["q_proj"], d, heads)?,
                    kv: cross.projections(&["k_proj", "v_proj"], d, heads)?,
                    out: from.residual("encoder_attn.out_proj", "encoder_attn_layer_norm", d, d)?,
                },
                feed_forward: FeedForward::load(&from, d, config.decoder_ffn_dim, config.activation)?,
            })
        };
        let size = config.decoder_vocab_size;
        // Stored as 1 × vocabulary; a checkpoint without one has none.
        let bias = match from.weights.has("final_logits_bias") {
            true => from.weights.tensor("final_logits_bias", &[1, size], DType::F32, from.device)?.reshape(size)?,
            false => Tensor::zeros(size, DType::F32, from.device)?,
        };
        let chosen: Vec<u32> = (0..)
            .zip(0..config.decoder_attention_heads)
            .filter(|(_, h)| config.alignment.has(*h))
            .map(|(n, _)| n)
            .collect();
        let alignment_heads = match chosen.len() < config.decoder_attention_heads {
            true => Some(Tensor::new(chosen, from.device)?),
            false => None,
        };
        let bias = match output.dim(0)? - size {
            // CUDA fills no tensor without elements.
            0 => bias,
            missing => Tensor::cat(&[bias, Tensor::full(f32::NEG_INFINITY, missing, from.device)?], 0)?,
        };
        Ok(Self {
            embedding,
            scale: if config.scale_embedding { (d as f64).sqrt() } else { 1.0 },
            heads: config.decoder_attention_heads,
            layers: (0..config.decoder_layers).map(layer).collect::<Result<_>>()?,
            output,
            bias,
            alignment_layer: config.alignment.layer,
            alignment_heads,
        })
    }

    /// Projects the sources' keys and values. `encoded`: `sources × longest × d_model`; `lengths`: of each source.
    pub fn start(&self, encoded: &Tensor, lengths: &[usize], mask: Option<Tensor>) -> Result<Box<dyn State>> {
        let kv: Vec<&Projections> = self.layers.iter().map(|layer| &layer.cross.kv).collect();
        #[cfg(feature = "cuda")]
        if let Some(paged) = super::cuda::Paged::new(encoded, lengths, self.heads, &kv)? {
            return Ok(Box::new(paged));
        }
        #[cfg(not(feature = "cuda"))]
        let _ = lengths;
        Ok(Box::new(Moved::new(encoded, mask, self.heads, &kv)?))
    }

    /// One position further, for rows that [`State::choose_rows`] has just set up, with these `tokens`, u32. `position`:
    /// `1 × d_model`.
    pub fn step(&self, tokens: &Tensor, state: &mut dyn State, position: &Tensor, attention: bool) -> Result<Step> {
        let mut x = embed(&self.embedding, tokens, position, self.scale)?;
        let mut seen = None;
        state.begin()?;
        for (i, layer) in self.layers.iter().enumerate() {
            x = layer.out.forward(&x, &state.attend_own(i, &layer.qkv, &x)?)?;
            let wanted = attention && i == self.alignment_layer;
            let (mixed, weights) = state.attend_source(i, &layer.cross.q, &x, wanted)?;
            x = layer.cross.out.forward(&x, &mixed)?;
            x = layer.feed_forward.forward(&x)?;
            if let Some(weights) = weights {
                let weights = match &self.alignment_heads {
                    Some(heads) => weights.index_select(heads, 1)?,
                    None => weights,
                };
                seen = Some(weights.mean(1)?);
            }
        }
        Ok(Step { logits: self.project(&x)?, attention: seen })
    }

    /// What is added to [`Step::logits`]: `padded`, f32.
    pub fn bias(&self) -> &Tensor {
        &self.bias
    }

    /// The logits, without the bias.
    fn project(&self, x: &Tensor) -> Result<Tensor> {
        #[cfg(feature = "cuda")]
        if x.device().is_cuda() {
            return Ok(super::cuda::project(x, &self.output)?);
        }
        Ok(x.matmul(&self.output.t()?)?.to_dtype(DType::F32)?)
    }
}
