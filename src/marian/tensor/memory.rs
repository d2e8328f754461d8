//! How much memory a batch takes.

use candle_core::{DType, Device, Tensor};

use crate::error::{Error, ErrorKind, Result};
use crate::marian::Config;

/// The longest sentence that is usual: the scores of the encoder's attention grow with its square.
const LONG: usize = 128;
/// The shortest sentence that is usual: the shorter they are, the more of them share a batch, each with its logits.
const SHORT: usize = 16;
/// Fewer tokens than these leave any device idle.
const LEAST: usize = 256;
/// More tokens than these gain nothing, nor do more tokens times hypotheses than those.
const MOST: usize = 1 << 18;
const MOST_IN_BEAMS: usize = 1 << 19;

/// Source tokens of a batch, padding counted, that `room` bytes are likely to be enough for. An estimate: sentences may be
/// shorter or translations longer than is usual, so a tenth is left free, and whoever runs out halves the batch.
pub(crate) fn batch_tokens(config: &Config, dtype: DType, beam: usize, room: u64) -> usize {
    let tokens = room / 10 * 9 / bytes_per_token(config, dtype, beam).max(1) as u64;
    let most = MOST.min(MOST_IN_BEAMS / beam.max(1));
    (tokens.min(most as u64) as usize).max(LEAST)
}

/// The most bytes that are held at a time for each source token of a batch.
fn bytes_per_token(config: &Config, dtype: DType, beam: usize) -> usize {
    let (d, number) = (config.d_model, dtype.size_in_bytes());
    let single = DType::F32.size_in_bytes();
    // A layer of the encoder: its input and output; queries, keys and values as they are projected and parted by heads;
    // the inner values of the feed-forward layer before and after the activation.
    let encoder = number * (2 * d + 6 * d + 3 * config.encoder_ffn_dim)
        + config.encoder_attention_heads * LONG * (2 * number + 2 * single);
    // The encoder's output, and the keys and values that every layer of the decoder makes of it.
    let kept = number * d * (1 + 2 * config.decoder_layers);
    // Keys and values of as many target tokens for each hypothesis, once more for a layer that is being reordered (on CUDA
    // none is), and as much again for what is allocated ahead.
    let own = beam * number * 2 * d * (config.decoder_layers + 1) * 2;
    // The logits as they are computed and three times in f32: with the bias, less what was taken, exponentiated.
    let logits = beam * config.decoder_vocab_size * (number + 3 * single) / SHORT;
    kept + encoder.max(own + logits)
}

/// Whether a tensor of so many elements can be indexed: kernels count in 32 bits.
pub(super) fn indexable(dims: &[usize]) -> Result<()> {
    let elements = dims.iter().try_fold(1usize, |product, &dim| product.checked_mul(dim));
    match elements {
        Some(elements) if elements < 1 << 31 => Ok(()),
        _ => Err(Error::new(ErrorKind::Memory, "a batch is larger than the device's kernels can index")),
    }
}

/// A tensor of this shape, with what there was before at the beginning of dimension `dim` and zeros behind it.
pub(super) fn grown(before: Option<&Tensor>, dim: usize, shape: &[usize], like: (DType, &Device)) -> Result<Tensor> {
    indexable(shape)?;
    let room = Tensor::zeros(shape, like.0, like.1)?;
    if let Some(before) = before {
        room.slice_set(before, dim, 0)?;
    }
    Ok(room)
}
