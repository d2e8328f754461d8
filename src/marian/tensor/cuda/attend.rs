//! Starts the kernels of `attend.cu`.

use candle_core::{DType, Result, Tensor, bail};

use super::kernels;
use super::launch::{Arg, Grid, address, launch, named, pack, unwritten};

const FILE: (&str, &str) = ("fr2en_attend", kernels::ATTEND);
/// The kernels' warps a block: each takes a row, all of them the same head.
const WARPS: usize = 4;

/// Whether the kernels take what comes of `x`, in heads of this size: on CUDA, a group of lanes, each with 16 bytes of a head.
pub(in super::super) fn suits(x: &Tensor, size: usize) -> bool {
    let pack = pack(x.dtype());
    x.device().is_cuda() && size.is_multiple_of(pack) && (size / pack).is_power_of_two() && size / pack <= 32
}

fn grid(rows: usize, heads: usize) -> Grid {
    Grid { blocks: rows.div_ceil(WARPS) * heads, threads: 32 * WARPS as u32, shared: 0 }
}

/// Where the keys and values of own tokens are, for one step and layer.
pub(super) struct Own<'a> {
    /// `rows × room`: the slot of each position of a row; this one's is not looked at.
    pub slots: &'a Tensor,
    /// The address of the pages' addresses.
    pub pages: u64,
    /// Positions before this one.
    pub before: usize,
    /// The slot that row 0 is to keep its key and value in; that of row `i` is `i` further on.
    pub free: usize,
    /// A page has `2^shift` slots.
    pub shift: u32,
    /// Where this layer's slots begin in a page, in numbers.
    pub layer: usize,
}

/// `qkv`: `rows × 3 d`, without `bias` (`3 d` numbers); gives `rows × d`, and keeps keys and values.
pub(super) fn own(qkv: &Tensor, bias: &Tensor, heads: usize, own: &Own<'_>) -> Result<Tensor> {
    let (rows, three_d) = qkv.dims2()?;
    let ((slot_rows, room), d) = (own.slots.dims2()?, three_d / 3);
    if slot_rows != rows || room < own.before || bias.elem_count() != three_d || bias.dtype() != qkv.dtype() {
        bail!("{rows} rows of queries, slots for {slot_rows} of {room} positions");
    }
    let device = qkv.device().as_cuda_device()?;
    let out = unwritten(device, qkv.dtype(), (rows, d))?;
    let arguments = [
        Arg::of(qkv)?,
        Arg::of(bias)?,
        Arg::of(own.slots)?,
        Arg::Long(own.pages),
        Arg::count(rows)?,
        Arg::count(heads)?,
        Arg::count(d / heads)?,
        Arg::count(room)?,
        Arg::count(own.before)?,
        Arg::count(own.free)?,
        Arg::Count(own.shift),
        Arg::Long(own.layer as u64),
        Arg::of(&out)?,
    ];
    // SAFETY: `attend_own(qkv, bias, slots, pages, rows, heads, size, room, before, free, shift, layer, out)`, as declared; a
    // warp for each head of each row; the caller's pages hold every slot that is named.
    unsafe { launch(device, FILE, &named("attend_own", qkv.dtype()), grid(rows, heads), &arguments) }?;
    Ok(out)
}

/// Attention of hypotheses to their sources. `q`: `rows × d`; `kv`: `sources × longest × 2 d`; both without their biases,
/// `q_bias` of `d` and `kv_bias` of `2 d` numbers; `source_of`: the source of each row; `lengths`: of each source. Gives
/// `rows × d`, and the weights if they are `wanted`: `rows × heads × longest`, f32.
pub(super) fn source(
    (q, q_bias): (&Tensor, &Tensor),
    (kv, kv_bias): (&Tensor, &Tensor),
    (source_of, lengths): (&Tensor, &Tensor),
    heads: usize,
    wanted: bool,
) -> Result<(Tensor, Option<Tensor>)> {
    let ((rows, d), (sources, longest, two_d)) = (q.dims2()?, kv.dims3()?);
    if two_d != 2 * d
        || (q_bias.dims1()?, kv_bias.dims1()?) != (d, two_d)
        || [q_bias.dtype(), kv.dtype(), kv_bias.dtype()] != [q.dtype(); 3]
        || (source_of.dims1()?, lengths.dims1()?) != (rows, sources)
    {
        bail!("queries of {:?} for keys and values of {:?}", q.shape(), kv.shape());
    }
    let device = q.device().as_cuda_device()?;
    let out = unwritten(device, q.dtype(), (rows, d))?;
    let weights = match wanted {
        true => Some(unwritten(device, DType::F32, (rows, heads, longest))?),
        false => None,
    };
    let to = Sources {
        q: (address(q)?, d),
        q_bias: address(q_bias)?,
        kv: (address(kv)?, two_d),
        v_bias: address(&kv_bias.narrow(0, d, d)?)?,
        source_of: address(source_of)?,
        longest,
        weights: weights.as_ref().map_or(Ok(0), address)?,
    };
    // SAFETY: the shapes and types were compared above; sources and lengths are the batch's own.
    unsafe { to_sources(&to, lengths, heads, &out) }?;
    Ok((out, weights))
}

/// Attention of each token to all of its source. `qkv`: `sources · longest × 3 d`, without `bias` (`3 d` numbers); `lengths`:
/// the tokens of each source. Gives `sources · longest × d`; at padding it means nothing.
pub(in super::super) fn within(qkv: &Tensor, bias: &Tensor, lengths: &Tensor, heads: usize) -> Result<Tensor> {
    let ((rows, three_d), sources) = (qkv.dims2()?, lengths.dims1()?);
    let (d, longest) = (three_d / 3, rows / sources.max(1));
    if bias.dims1()? != three_d || bias.dtype() != qkv.dtype() || sources * longest != rows {
        bail!("queries of {:?} for {sources} sources", qkv.shape());
    }
    let device = qkv.device().as_cuda_device()?;
    let out = unwritten(device, qkv.dtype(), (rows, d))?;
    let part = |i: usize| (i * d * qkv.dtype().size_in_bytes()) as u64;
    let (numbers, bias) = (address(qkv)?, address(bias)?);
    let to = Sources {
        q: (numbers, three_d),
        q_bias: bias,
        kv: (numbers + part(1), three_d),
        v_bias: bias + part(2),
        source_of: 0,
        longest,
        weights: 0,
    };
    // SAFETY: queries, keys and values stand beside each other in `qkv`, as their biases do in `bias`; `longest` rows a source.
    unsafe { to_sources(&to, lengths, heads, &out) }?;
    Ok(out)
}

/// Addresses of what rows attend to their sources with, as `attend.cu` says it; of queries, and of keys with their values,
/// also the numbers from one to the next.
struct Sources {
    q: (u64, usize),
    q_bias: u64,
    kv: (u64, usize),
    v_bias: u64,
    /// 0 for `longest` rows a source.
    source_of: u64,
    longest: usize,
    /// 0 where they are not wanted.
    weights: u64,
}

/// Fills `out`, `rows × d`.
///
/// # Safety
/// The addresses must be those of as many numbers, of the type of `out`, as its rows and the sources of these `lengths` have.
unsafe fn to_sources(to: &Sources, lengths: &Tensor, heads: usize, out: &Tensor) -> Result<()> {
    let (rows, d) = out.dims2()?;
    let arguments = [
        Arg::Long(to.q.0),
        Arg::count(to.q.1)?,
        Arg::Long(to.q_bias),
        Arg::Long(to.kv.0),
        Arg::count(to.kv.1)?,
        Arg::Long(to.v_bias),
        Arg::Long(to.source_of),
        Arg::of(lengths)?,
        Arg::count(rows)?,
        Arg::count(heads)?,
        Arg::count(d / heads)?,
        Arg::count(to.longest)?,
        Arg::of(out)?,
        Arg::Long(to.weights),
    ];
    // SAFETY: `attend_source(q, q_step, q_bias, kv, kv_step, v_bias, sources, lengths, rows, heads, size, longest, out,
    // weights)`, as declared; a warp for each head of each row; the rest is the caller's promise.
    unsafe {
        launch(
            out.device().as_cuda_device()?,
            FILE,
            &named("attend_source", out.dtype()),
            grid(rows, heads),
            &arguments,
        )
    }
}
