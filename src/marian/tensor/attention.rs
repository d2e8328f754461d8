//! Attention of several heads, and the mask that keeps it off padding.

use candle_core::{DType, Device, Tensor};

use crate::error::Result;

/// `softmax(q kᵀ + mask) v`, each head for itself.
///
/// `q`: `n × heads × queries × size`, already divided by `√size`, which [`super::layers::Loader`] does to the weights; `k` and `v`: `n × heads × keys × size`; `mask`: `n × 1 × 1 × keys`, f32. Gives the
/// weighted values, shaped like `q`, and the weights in f32, `n × heads × queries × keys`.
pub(super) fn attend(q: &Tensor, k: &Tensor, v: &Tensor, mask: Option<&Tensor>) -> Result<(Tensor, Tensor)> {
    let scores = q.matmul(&k.transpose(2, 3)?)?.to_dtype(DType::F32)?;
    let scores = match mask {
        Some(mask) => scores.broadcast_add(mask)?,
        None => scores,
    };
    let weights = candle_nn::ops::softmax_last_dim(&scores)?;
    Ok((weights.to_dtype(v.dtype())?.matmul(v)?, weights))
}

/// 0 at tokens and -∞ at padding: `sources × 1 × 1 × longest`; `None` where nothing is padded.
pub(super) fn padding_mask(sources: &[&[u32]], longest: usize, device: &Device) -> Result<Option<Tensor>> {
    if sources.iter().all(|source| source.len() == longest) {
        return Ok(None);
    }
    let row = |source: &&[u32]| {
        let n = source.len();
        (0..longest).map(move |i| if i < n { 0.0 } else { f32::NEG_INFINITY })
    };
    let mask: Vec<f32> = sources.iter().flat_map(row).collect();
    Ok(Some(Tensor::from_vec(mask, (sources.len(), 1, 1, longest), device)?))
}
