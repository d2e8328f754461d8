//! The best next tokens.

use candle_core::{Device, Tensor};

use crate::error::Result;
use crate::marian::{Candidates, Want};

/// Fills ids and scores of `out` from `logits`, `rows × vocabulary`, plus `bias`, both f32; or gives what there is to be fetched
/// from the device. Where a row has fewer than `k` candidates left, the rest are id 0 with a score of -∞.
pub(super) fn best(logits: &Tensor, bias: &Tensor, want: &Want<'_>, out: &mut Candidates) -> Result<Option<Tensor>> {
    #[cfg(feature = "cuda")]
    if logits.device().is_cuda()
        && let Some(found) = super::cuda::top(logits, bias, want)?
    {
        return Ok(Some(found));
    }
    let logits = logits.broadcast_add(bias)?;
    match logits.device() {
        Device::Cpu => on_host(&logits, want, out)?,
        // Only the candidates cross over: the logits of a step are tens of megabytes.
        _ => on_device(&logits, want, out)?,
    }
    Ok(None)
}

fn on_host(logits: &Tensor, want: &Want<'_>, out: &mut Candidates) -> Result<()> {
    let (rows, size) = logits.dims2()?;
    let logits: Vec<f32> = logits.flatten_all()?.to_vec1()?;
    out.ids.resize(rows * want.k, 0);
    out.scores.resize(rows * want.k, f32::NEG_INFINITY);
    if want.k == 0 {
        return Ok(());
    }
    let chosen = out.ids.chunks_exact_mut(want.k).zip(out.scores.chunks_exact_mut(want.k));
    for (row, (ids, scores)) in logits.chunks_exact(size).zip(chosen) {
        best_of(row, want.suppress, ids, scores);
        if want.log_probs {
            let normaliser = log_sum_exp(row);
            scores.iter_mut().for_each(|score| *score -= normaliser);
        }
    }
    Ok(())
}

/// The best of one row into `ids` and `scores`, best first, the smaller id first where two are equal.
fn best_of(row: &[f32], suppress: &[u32], ids: &mut [u32], scores: &mut [f32]) {
    let last = scores.len() - 1;
    for (id, &score) in row.iter().enumerate() {
        if score > scores[last] && !suppress.contains(&(id as u32)) {
            let mut i = last;
            while i > 0 && score > scores[i - 1] {
                ids[i] = ids[i - 1];
                scores[i] = scores[i - 1];
                i -= 1;
            }
            ids[i] = id as u32;
            scores[i] = score;
        }
    }
}

fn log_sum_exp(row: &[f32]) -> f32 {
    let most = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f64 = row.iter().map(|&x| f64::from((x - most).exp())).sum();
    most + sum.ln() as f32
}

fn on_device(logits: &Tensor, want: &Want<'_>, out: &mut Candidates) -> Result<()> {
    let (rows, size) = logits.dims2()?;
    let device = logits.device();
    let mut left = logits.copy()?;
    if !want.suppress.is_empty() {
        let mut bias = vec![0.0; size];
        for &id in want.suppress {
            if let Some(entry) = bias.get_mut(id as usize) {
                *entry = f32::NEG_INFINITY;
            }
        }
        left = left.broadcast_add(&Tensor::from_vec(bias, size, device)?)?;
    }
    let taken = Tensor::full(f32::NEG_INFINITY, (rows, 1), device)?;
    let mut ids = Vec::with_capacity(want.k);
    let mut scores = Vec::with_capacity(want.k);
    for i in 0..want.k {
        let best = left.argmax_keepdim(1)?;
        scores.push(left.gather(&best, 1)?);
        if i + 1 < want.k {
            left.scatter_set(&best, &taken, 1)?;
        }
        ids.push(best);
    }
    if ids.is_empty() {
        return Ok(());
    }
    let mut scores = Tensor::cat(&scores, 1)?;
    if want.log_probs {
        scores = scores.broadcast_sub(&logits.log_sum_exp(1)?.unsqueeze(1)?)?;
    }
    out.ids = Tensor::cat(&ids, 1)?.flatten_all()?.to_vec1()?;
    out.scores = scores.flatten_all()?.to_vec1()?;
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    /// Few different values, so that many are equal.
    fn logits(rows: usize, size: usize) -> Tensor {
        let mut state = 7u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as f32 / 8.0 - 16.0
        };
        let values: Vec<f32> = (0..rows * size).map(|_| next()).collect();
        Tensor::from_vec(values, (rows, size), &Device::Cpu).unwrap()
    }

    #[test]
    fn both_ways_choose_alike() {
        let logits = logits(5, 300);
        for (k, suppress) in [(1, &[][..]), (1, &[3, 299]), (8, &[]), (8, &[0, 17, 200, 999])] {
            for log_probs in [false, true] {
                let want = Want { k, log_probs, attention: false, suppress };
                let (mut host, mut device) = (Candidates::default(), Candidates::default());
                on_host(&logits, &want, &mut host).unwrap();
                on_device(&logits, &want, &mut device).unwrap();
                assert_eq!(host.ids, device.ids);
                for (a, b) in host.scores.iter().zip(&device.scores) {
                    assert!((a - b).abs() < 1e-4);
                }
            }
        }
    }

    #[test]
    fn the_best_are_those_that_sorting_gives() {
        let logits = logits(3, 400);
        let suppress = [5, 6, 7, 100];
        let want = Want { k: 10, log_probs: false, attention: false, suppress: &suppress };
        let mut out = Candidates::default();
        on_host(&logits, &want, &mut out).unwrap();
        for (row, ids) in logits.to_vec2::<f32>().unwrap().iter().zip(out.ids.chunks(10)) {
            let mut order: Vec<u32> = (0..400).filter(|id| !suppress.contains(id)).collect();
            order.sort_by(|&a, &b| row[b as usize].total_cmp(&row[a as usize]));
            assert_eq!(ids, &order[..10]);
        }
    }

    #[test]
    fn probabilities_sum_to_one() {
        let logits = logits(2, 50);
        let want = Want { k: 50, log_probs: true, attention: false, suppress: &[] };
        let mut out = Candidates::default();
        on_host(&logits, &want, &mut out).unwrap();
        for row in out.scores.chunks(50) {
            assert!((row.iter().map(|p| p.exp()).sum::<f32>() - 1.0).abs() < 1e-5);
        }
    }
}
