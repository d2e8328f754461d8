//! Starts the kernels of `layers.cu`.

use candle_core::{Result, Tensor};
use candle_nn::LayerNorm;

use super::kernels;
use super::launch::{Arg, Grid, launch, named, pack, unwritten};
use crate::marian::config::Activation;

const FILE: (&str, &str) = ("fr2en_layers", kernels::LAYERS);
/// Rows that a block of `add_norm` takes, with a warp each.
const WARPS: usize = 4;
/// What the threads of a block may share on any device.
const SHARED: usize = 44 << 10;

/// `norm(x + y + bias)`: `x` and `y` are `rows × d`, `bias` is `d`.
pub(in super::super) fn add_norm(
    x: &Tensor,
    y: &Tensor,
    bias: &Tensor,
    norm: &LayerNorm,
    epsilon: f64,
) -> Result<Option<Tensor>> {
    let ((rows, d), Some(shift)) = (x.dims2()?, norm.bias()) else { return Ok(None) };
    let shared = WARPS * d.next_multiple_of(32 * pack(x.dtype())) * size_of::<f32>();
    if !takes(x, rows, d) || shared > SHARED {
        return Ok(None);
    }
    fits(&[(y, &[rows, d]), (bias, &[d]), (norm.weight(), &[d]), (shift, &[d])], x)?;
    let device = x.device().as_cuda_device()?;
    let out = unwritten(device, x.dtype(), (rows, d))?;
    let arguments = [
        Arg::of(x)?,
        Arg::of(y)?,
        Arg::of(bias)?,
        Arg::of(norm.weight())?,
        Arg::of(shift)?,
        Arg::count(rows)?,
        Arg::count(d)?,
        Arg::Number(epsilon as f32),
        Arg::of(&out)?,
    ];
    let grid = Grid { blocks: rows.div_ceil(WARPS), threads: 32 * WARPS as u32, shared };
    // SAFETY: `add_norm(x, y, bias, weight, shift, rows, d, epsilon, out)`: a warp a row, each with its part of what its
    // block shares; the shapes and the type were compared above.
    unsafe { launch(device, FILE, &named("add_norm", x.dtype()), grid, &arguments) }?;
    Ok(Some(out))
}

/// `activation(x + bias)`: `x` is `rows × width`, `bias` is `width`.
pub(in super::super) fn activate(x: &Tensor, bias: &Tensor, activation: Activation) -> Result<Option<Tensor>> {
    let kind = match activation {
        Activation::Relu => 0,
        Activation::Silu => 1,
        _ => return Ok(None),
    };
    let (rows, width) = x.dims2()?;
    if !takes(x, rows, width) {
        return Ok(None);
    }
    fits(&[(bias, &[width])], x)?;
    let device = x.device().as_cuda_device()?;
    let out = unwritten(device, x.dtype(), (rows, width))?;
    let packs = rows * width / pack(x.dtype());
    let arguments =
        [Arg::of(x)?, Arg::of(bias)?, Arg::Count(kind), Arg::count(width)?, Arg::count(packs)?, Arg::of(&out)?];
    // SAFETY: `activate(x, bias, kind, width, packs, out)`: a thread for each pack of x and out.
    unsafe { launch(device, FILE, &named("activate", x.dtype()), Grid::one_each(packs), &arguments) }?;
    Ok(Some(out))
}

/// `scale · embedding[token] + position`: `embedding` is `vocabulary × d`, `tokens` are `rows` indices into it, `position`
/// is `1 × d`.
pub(in super::super) fn embed(
    embedding: &Tensor,
    tokens: &Tensor,
    position: &Tensor,
    scale: f64,
) -> Result<Option<Tensor>> {
    let ((_, d), rows) = (embedding.dims2()?, tokens.dims1()?);
    if !takes(embedding, rows, d) {
        return Ok(None);
    }
    fits(&[(position, &[1, d])], embedding)?;
    let device = embedding.device().as_cuda_device()?;
    let out = unwritten(device, embedding.dtype(), (rows, d))?;
    let packs = rows * d / pack(embedding.dtype());
    let arguments = [
        Arg::of(embedding)?,
        Arg::of(tokens)?,
        Arg::of(position)?,
        Arg::Number(scale as f32),
        Arg::count(d)?,
        Arg::count(packs)?,
        Arg::of(&out)?,
    ];
    // SAFETY: `embed(embedding, tokens, position, scale, d, packs, out)`: a thread for each pack of out; tokens were checked
    // against the vocabulary before they came here.
    unsafe { launch(device, FILE, &named("embed", embedding.dtype()), Grid::one_each(packs), &arguments) }?;
    Ok(Some(out))
}

/// Whether the kernels take `rows` rows of `width` numbers like those of `x`: on CUDA, in whole packs.
fn takes(x: &Tensor, rows: usize, width: usize) -> bool {
    x.device().is_cuda() && rows > 0 && width.is_multiple_of(pack(x.dtype()))
}

/// Whether tensors have the shapes that a kernel counts on, and the type of `like`.
fn fits(tensors: &[(&Tensor, &[usize])], like: &Tensor) -> Result<()> {
    for (tensor, shape) in tensors {
        if tensor.dims() != *shape || tensor.dtype() != like.dtype() {
            candle_core::bail!("a kernel was given {:?} in place of {shape:?}", tensor.shape());
        }
    }
    Ok(())
}
