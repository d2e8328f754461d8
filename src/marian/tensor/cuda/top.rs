//! Starts the kernel of `top.cu`.

use candle_core::{DType, Result, Tensor, bail};

use super::kernels;
use super::launch::{Arg, Grid, launch, unwritten};
use crate::marian::Want;

/// How many suppressed tokens the kernel takes.
pub(super) const SUPPRESSED: usize = 4;
/// Its threads a block.
const THREADS: u32 = 256;

/// The `want.k` best tokens of each row, best first, on the device: `rows × 2 k`, u32, of each row the ids and behind them the
/// bits of the scores. `logits` are `rows × size`, `bias` is `size`, both f32. `None` for what the kernel does not do.
pub(in super::super) fn top(logits: &Tensor, bias: &Tensor, want: &Want<'_>) -> Result<Option<Tensor>> {
    let ((rows, size), k) = (logits.dims2()?, want.k);
    if want.suppress.len() > SUPPRESSED || k == 0 || !size.is_multiple_of(4) || rows == 0 {
        return Ok(None);
    }
    if bias.dims1()? != size || [logits.dtype(), bias.dtype()] != [DType::F32; 2] {
        bail!("{size} logits a row, but a bias of {:?}", bias.shape());
    }
    let device = logits.device().as_cuda_device()?;
    let out = unwritten(device, DType::U32, (rows, 2 * k))?;
    let mut arguments = vec![
        Arg::of(logits)?,
        Arg::of(bias)?,
        Arg::count(size)?,
        Arg::count(k)?,
        Arg::Count(u32::from(want.log_probs)),
    ];
    let suppress = want.suppress.iter().copied().chain(std::iter::repeat(u32::MAX));
    arguments.extend(suppress.take(SUPPRESSED).map(Arg::Count));
    arguments.push(Arg::of(&out)?);
    let grid = Grid { blocks: rows, threads: THREADS, shared: 0 };
    // SAFETY: `top(logits, bias, size, k, log_probs, a, b, c, d, out)`: a block of THREADS threads for each row.
    unsafe { launch(device, ("fr2en_top", kernels::TOP), "top", grid, &arguments) }?;
    Ok(Some(out))
}
