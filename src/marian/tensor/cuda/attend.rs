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
    let v_bias = kv_bias.narrow(0, d, d)?;
    let arguments = [
        Arg::of(q)?,
        Arg::count(d)?,
        Arg::of(q_bias)?,
        Arg::of(kv)?,
        Arg::count(two_d)?,
        Arg::of(&v_bias)?,
        Arg::of(source_of)?,
        Arg::of(lengths)?,
        Arg::count(rows)?,
        Arg::count(heads)?,
        Arg::count(d / heads)?,
        Arg::count(longest)?,
        Arg::of(&out)?,
        weights.as_ref().map_or(Ok(Arg::Long(0)), Arg::of)?,
    ];
    // SAFETY: `attend_source(q, q_step, q_bias, kv, kv_step, v_bias, sources, lengths, rows, heads, size, longest, out,
    // weights)`, as declared; a warp for each head of each row; sources and lengths are the batch's own.
    unsafe { launch(device, FILE, &named("attend_source", q.dtype()), grid(rows, heads), &arguments) }?;
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
    let key = (d * qkv.dtype().size_in_bytes()) as u64;
    let arguments = [
        Arg::of(qkv)?,
        Arg::count(three_d)?,
        Arg::of(bias)?,
        Arg::Long(address(qkv)? + key),
        Arg::count(three_d)?,
        Arg::Long(address(bias)? + 2 * key),
        Arg::Long(0),
        Arg::of(lengths)?,
        Arg::count(rows)?,
        Arg::count(heads)?,
        Arg::count(d / heads)?,
        Arg::count(longest)?,
        Arg::of(&out)?,
        Arg::Long(0),
    ];
    // SAFETY: as in `source`, with queries, keys and values beside each other, and `longest` rows a source.
    unsafe { launch(device, FILE, &named("attend_source", qkv.dtype()), grid(rows, heads), &arguments) }?;
    Ok(out)
}
