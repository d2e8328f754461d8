//! The encoder.

use candle_core::{Device, Tensor};

use super::attention::attend;
use super::layers::{FeedForward, Loader, Positions, Projections, Residual};
use super::state::indices;
use crate::error::Result;
use crate::marian::Config;

pub(super) struct Encoder {
    /// `source vocabulary × d_model`.
    embedding: Tensor,
    scale: f64,
    layers: Vec<Layer>,
}

struct Layer {
    heads: usize,
    /// To queries, keys and values.
    qkv: Projections,
    out: Residual,
    feed_forward: FeedForward,
}

impl Encoder {
    pub fn load(from: &Loader<'_>, config: &Config, embedding: Tensor) -> Result<Self> {
        let d = config.d_model;
        let layer = |i| -> Result<Layer> {
            let from = from.under(format_args!("layers.{i}"));
            let attention = from.under("self_attn");
            let heads = config.encoder_attention_heads;
            Ok(Layer {
                heads,
                qkv: attention.projections(&["q_proj", "k_proj", "v_proj"], d, heads)?,
                out: from.residual("self_attn.out_proj", "self_attn_layer_norm", d, d)?,
                feed_forward: FeedForward::load(&from, d, config.encoder_ffn_dim, config.activation)?,
            })
        };
        Ok(Self {
            embedding,
            scale: if config.scale_embedding { (d as f64).sqrt() } else { 1.0 },
            layers: (0..config.encoder_layers).map(layer).collect::<Result<_>>()?,
        })
    }

    /// `sources × longest × d_model`. Padding is never attended to; what comes out there means nothing.
    pub fn forward(
        &self,
        sources: &[&[u32]],
        longest: usize,
        mask: Option<&Tensor>,
        positions: &mut Positions,
    ) -> Result<Tensor> {
        let (n, d) = (sources.len(), self.embedding.dim(1)?);
        if n == 0 {
            // CUDA fills no tensor without elements.
            return Ok(Tensor::zeros((0, 0, d), self.embedding.dtype(), &Device::Cpu)?);
        }
        let padded = |source: &&[u32]| {
            let source: Vec<u32> = source.to_vec();
            source.into_iter().chain(std::iter::repeat(0)).take(longest)
        };
        let ids: Vec<u32> = sources.iter().flat_map(padded).collect();
        let ids = Tensor::from_vec(ids, n * longest, self.embedding.device())?;
        let x = (self.embedding.index_select(&ids, 0)? * self.scale)?.reshape((n, longest, d))?;
        let x = x.broadcast_add(&positions.first(longest)?)?.reshape((n * longest, d))?;
        let lengths: Vec<usize> = sources.iter().map(|source| source.len()).collect();
        let lengths = indices(&lengths, x.device())?;
        let x = self.layers.iter().try_fold(x, |x, layer| layer.forward(&x, &lengths, mask))?;
        Ok(x.reshape((n, longest, d))?)
    }
}

impl Layer {
    /// `x`: `n · longest × d_model`; `lengths`: of the `n` sources.
    fn forward(&self, x: &Tensor, lengths: &Tensor, mask: Option<&Tensor>) -> Result<Tensor> {
        let mixed = self.attend(x, lengths, mask)?;
        self.feed_forward.forward(&self.out.forward(x, &mixed)?)
    }

    /// Attention of each token to all of its source.
    fn attend(&self, x: &Tensor, lengths: &Tensor, mask: Option<&Tensor>) -> Result<Tensor> {
        let ((rows, d), n) = (x.dims2()?, lengths.dims1()?);
        #[cfg(feature = "cuda")]
        if super::cuda::suits(x, d / self.heads) {
            return Ok(super::cuda::within(&self.qkv.product(x)?, self.qkv.bias(), lengths, self.heads)?);
        }
        let split = (3, n, rows / n, self.heads, d / self.heads);
        let qkv = self.qkv.forward(x)?.reshape(split)?.transpose(2, 3)?.contiguous()?;
        let (mixed, _) = attend(&qkv.get(0)?, &qkv.get(1)?, &qkv.get(2)?, mask)?;
        Ok(mixed.transpose(1, 2)?.contiguous()?.reshape((rows, d))?)
    }
}
