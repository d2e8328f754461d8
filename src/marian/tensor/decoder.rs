//! The decoder, one position at a time, and what it remembers between them.

use candle_core::{DType, Device, Tensor};
use candle_nn::{LayerNorm, Linear, Module};

use super::attention::attend;
use super::cache::Cache;
use super::layers::{FeedForward, Loader, Projections};
use crate::error::{Error, ErrorKind, Result};
use crate::marian::{Config, Row};

pub(super) struct Decoder {
    /// `target vocabulary × d_model`.
    embedding: Tensor,
    scale: f64,
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
    heads: usize,
    /// To queries, keys and values of the self-attention.
    qkv: Projections,
    out: Linear,
    norm: LayerNorm,
    cross: Cross,
    feed_forward: FeedForward,
}

/// Attention to the source.
struct Cross {
    q: Projections,
    kv: Projections,
    out: Linear,
    norm: LayerNorm,
}

/// What a batch remembers from step to step.
pub(super) struct State {
    /// The source of each row: an index into `cross` and `mask`. Before the first step, one row a source.
    sources: Vec<usize>,
    /// How many sources `cross` and `mask` hold.
    live: usize,
    /// Keys and values of the sources by layer, projected once: `2 × live × heads × longest × size`.
    cross: Vec<Tensor>,
    /// `live × 1 × 1 × longest`.
    mask: Option<Tensor>,
    own: Cache,
    device: Device,
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
                heads,
                qkv: own.projections(&["q_proj", "k_proj", "v_proj"], d, heads)?,
                out: own.linear("out_proj", d, d)?,
                norm: from.norm("self_attn_layer_norm", d)?,
                cross: Cross {
                    q: cross.projections(&["q_proj"], d, heads)?,
                    kv: cross.projections(&["k_proj", "v_proj"], d, heads)?,
                    out: cross.linear("out_proj", d, d)?,
                    norm: from.norm("encoder_attn_layer_norm", d)?,
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
            layers: (0..config.decoder_layers).map(layer).collect::<Result<_>>()?,
            output,
            bias,
            alignment_layer: config.alignment.layer,
            alignment_heads,
        })
    }

    /// Projects the sources' keys and values.
    pub fn start(&self, encoded: &Tensor, mask: Option<Tensor>) -> Result<State> {
        let (live, longest, d) = encoded.dims3()?;
        let flat = encoded.reshape((live * longest, d))?;
        let project = |layer: &Layer| -> Result<Tensor> {
            let split = (2, live, longest, layer.heads, d / layer.heads);
            Ok(layer.cross.kv.forward(&flat)?.reshape(split)?.transpose(2, 3)?.contiguous()?)
        };
        let cross = match live {
            0 => Vec::new(),
            _ => self.layers.iter().map(project).collect::<Result<_>>()?,
        };
        let device = encoded.device().clone();
        Ok(State { sources: (0..live).collect(), live, cross, mask, own: Cache::new(self.layers.len()), device })
    }

    /// One position further, for rows that [`State::choose_rows`] has just set up. `position`: `1 × d_model`.
    pub fn step(&self, rows: &[Row], state: &mut State, position: &Tensor, attention: bool) -> Result<Step> {
        let tokens: Vec<u32> = rows.iter().map(|row| row.token).collect();
        let tokens = Tensor::from_vec(tokens, rows.len(), self.embedding.device())?;
        let mut x = (self.embedding.index_select(&tokens, 0)? * self.scale)?.broadcast_add(position)?;
        let groups = Groups::new(&state.sources, state.live, &state.device)?;
        let mut seen = None;
        for (i, layer) in self.layers.iter().enumerate() {
            x = layer.attend_own(&x, i, &mut state.own)?;
            let (mixed, weights) = layer.attend_source(&x, &state.cross[i], state.mask.as_ref(), &groups)?;
            x = layer.feed_forward.forward(&mixed)?;
            if attention && i == self.alignment_layer {
                let weights = match &self.alignment_heads {
                    Some(heads) => weights.index_select(heads, 1)?,
                    None => weights,
                };
                seen = Some(groups.gather(&weights.mean(1)?.reshape((groups.sources * groups.width, ()))?)?);
            }
        }
        state.own.advance();
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

impl Layer {
    /// Attention to the row's own tokens, this one included, which layer `i` of `own` grows by.
    fn attend_own(&self, x: &Tensor, i: usize, own: &mut Cache) -> Result<Tensor> {
        let (n, d) = x.dims2()?;
        let qkv = self.qkv.forward(x)?.reshape((3, n, self.heads, 1, d / self.heads))?;
        let (k, v) = own.push(i, &qkv.narrow(0, 1, 2)?)?;
        let (mixed, _) = attend(&qkv.get(0)?, &k, &v, None)?;
        let x = (x + self.out.forward(&mixed.reshape((n, d))?)?)?;
        Ok(self.norm.forward(&x)?)
    }

    /// Attention to the source; also its weights, `sources × heads × rows of a source × longest`.
    fn attend_source(
        &self,
        x: &Tensor,
        kv: &Tensor,
        mask: Option<&Tensor>,
        groups: &Groups,
    ) -> Result<(Tensor, Tensor)> {
        let d = x.dim(1)?;
        let (n, g) = (groups.sources, groups.width);
        let q = groups.spread(&self.cross.q.forward(x)?.get(0)?)?;
        let q = q.reshape((n, g, self.heads, d / self.heads))?.transpose(1, 2)?.contiguous()?;
        let (mixed, weights) = attend(&q, &kv.get(0)?, &kv.get(1)?, mask)?;
        let mixed = groups.gather(&mixed.transpose(1, 2)?.contiguous()?.reshape((n * g, d))?)?;
        let x = self.cross.norm.forward(&(x + self.cross.out.forward(&mixed)?)?)?;
        Ok((x, weights))
    }
}

impl State {
    /// Tokens that each row has behind it.
    pub fn position(&self) -> usize {
        self.own.length()
    }

    /// Makes the rows of the next step out of those of the step before: copies, reorders and forgets.
    pub fn choose_rows(&mut self, rows: &[Row]) -> Result<()> {
        let before = self.sources.len();
        if let Some(row) = rows.iter().find(|row| row.parent >= before) {
            let message = format!("a step names row {} of {before}", row.parent);
            return Err(Error::new(ErrorKind::Device, message));
        }
        let parents: Vec<usize> = rows.iter().map(|row| row.parent).collect();
        self.sources = parents.iter().map(|&parent| self.sources[parent]).collect();
        if !is_identity(&parents, before) {
            self.own.choose(&indices(&parents, &self.device)?)?;
        }
        self.forget_sources()
    }

    /// Drops the sources that no row goes on with.
    fn forget_sources(&mut self) -> Result<()> {
        let mut place = vec![None; self.live];
        let mut kept = Vec::new();
        for source in &mut self.sources {
            *source = *place[*source].get_or_insert_with(|| {
                kept.push(*source);
                kept.len() - 1
            });
        }
        if is_identity(&kept, self.live) {
            return Ok(());
        }
        self.live = kept.len();
        let kept = indices(&kept, &self.device)?;
        for kv in &mut self.cross {
            *kv = kv.index_select(&kept, 1)?;
        }
        if let Some(mask) = &mut self.mask {
            *mask = mask.index_select(&kept, 0)?;
        }
        Ok(())
    }
}

/// Rows by source, so that the hypotheses of a source share its keys and values without a copy: `sources × width` places,
/// `width` being the most rows that a source has.
struct Groups {
    sources: usize,
    width: usize,
    /// The row of each place and the place of each row; `None` where both are the same.
    maps: Option<(Tensor, Tensor)>,
}

impl Groups {
    fn new(source_of: &[usize], sources: usize, device: &Device) -> Result<Self> {
        let mut members = vec![Vec::new(); sources];
        for (row, &source) in source_of.iter().enumerate() {
            members[source].push(row);
        }
        let width = members.iter().map(Vec::len).max().unwrap_or(0);
        // Places without a row compute some row again; nobody looks.
        let mut row_of = vec![0; sources * width];
        let mut place_of = vec![0; source_of.len()];
        for (source, rows) in members.iter().enumerate() {
            for (i, &row) in rows.iter().enumerate() {
                row_of[source * width + i] = row;
                place_of[row] = source * width + i;
            }
        }
        let maps = match is_identity(&row_of, source_of.len()) {
            true => None,
            false => Some((indices(&row_of, device)?, indices(&place_of, device)?)),
        };
        Ok(Self { sources, width, maps })
    }

    /// Rows to places.
    fn spread(&self, x: &Tensor) -> Result<Tensor> {
        Ok(match &self.maps {
            Some((row_of, _)) => x.index_select(row_of, 0)?,
            None => x.clone(),
        })
    }

    /// Places to rows.
    fn gather(&self, x: &Tensor) -> Result<Tensor> {
        Ok(match &self.maps {
            Some((_, place_of)) => x.index_select(place_of, 0)?,
            None => x.clone(),
        })
    }
}

fn is_identity(map: &[usize], size: usize) -> bool {
    map.len() == size && map.iter().enumerate().all(|(i, &j)| i == j)
}

fn indices(map: &[usize], device: &Device) -> Result<Tensor> {
    let map: Vec<u32> = map.iter().map(|&i| i as u32).collect();
    let n = map.len();
    Ok(Tensor::from_vec(map, n, device)?)
}
