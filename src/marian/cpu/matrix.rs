//! Weights as the products read them: panels of [`PANEL`] output channels, all matrices in one stretch of memory.
//!
//! A panel is, byte after byte: 64 scales (f32), 64 starting sums (i32), 64 biases (f32), then the weights. Integer
//! weights stand in groups of four inputs: `weights[group][channel][4]`; floats as `weights[input][channel]`. Channels
//! that fill up the last panel have weight 0 and bias −∞.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use memmap2::{Mmap, MmapMut};
use rayon::prelude::*;

use super::simd::{Isa, PANEL};
use crate::error::{Error, ErrorKind, Result};
use crate::marian::quantised;
use crate::marian::weights::{Values, floats};

/// What products are computed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compute {
    /// Weights and activations in 8 bits, sums in 32; everything between the products in `f32`.
    Int8,
    F32,
}

/// The weights of a layer `y = W x + b`, packed.
pub struct Matrix {
    pub inputs: usize,
    pub outputs: usize,
    compute: Compute,
    memory: Arc<Mmap>,
    bytes: Range<usize>,
}

/// One panel, borrowed.
#[derive(Clone, Copy)]
pub struct Panel<'a> {
    /// What a unit of a channel's integer weights is worth.
    pub scales: &'a [f32; PANEL],
    /// Where a channel's integer sum starts: it takes the 128 of the activations off again.
    pub start: &'a [i32; PANEL],
    pub bias: &'a [f32; PANEL],
    weights: &'a [u8],
}

const HEAD: usize = 3 * 4 * PANEL;

impl<'a> Panel<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        let (head, weights) = bytes.split_at(HEAD);
        let (scales, rest) = head.split_at(4 * PANEL);
        let (start, bias) = rest.split_at(4 * PANEL);
        Self {
            scales: bytemuck::from_bytes(scales),
            start: bytemuck::from_bytes(start),
            bias: bytemuck::from_bytes(bias),
            weights,
        }
    }

    /// `inputs / 4 × PANEL × 4`
    #[inline(always)]
    pub fn integers(&self) -> &'a [i8] {
        bytemuck::cast_slice(self.weights)
    }

    /// `inputs × PANEL`
    #[inline(always)]
    pub fn floats(&self) -> &'a [f32] {
        bytemuck::cast_slice(self.weights)
    }
}

impl Matrix {
    pub fn compute(&self) -> Compute {
        self.compute
    }

    pub fn panels(&self) -> usize {
        self.outputs.div_ceil(PANEL)
    }

    /// Panel `i`, which must be one of the matrix.
    pub fn panel(&self, i: usize) -> Panel<'_> {
        let size = panel_bytes(self.inputs, self.compute);
        Panel::of(&self.memory[self.bytes.clone()][i * size..(i + 1) * size])
    }

    /// Writes the weights of output channel `row` to `out`, `inputs` of them, times `factor`.
    pub fn row(&self, row: usize, factor: f32, out: &mut [f32]) {
        let panel = self.panel(row / PANEL);
        let channel = row % PANEL;
        match self.compute {
            Compute::Int8 => {
                let factor = factor * panel.scales[channel];
                for (out, group) in out.as_chunks_mut::<4>().0.iter_mut().zip(panel.integers().chunks(4 * PANEL)) {
                    for (out, &weight) in out.iter_mut().zip(&group[4 * channel..]) {
                        *out = f32::from(weight) * factor;
                    }
                }
            }
            Compute::F32 => {
                for (out, weights) in out.iter_mut().zip(panel.floats().chunks(PANEL)) {
                    *out = weights[channel] * factor;
                }
            }
        }
    }
}

impl Matrix {
    /// A matrix of some output channels, in that order.
    ///
    /// # Errors
    /// [`ErrorKind::Device`]: no memory.
    pub fn select(&self, channels: &[u32]) -> Result<Self> {
        let size = panel_bytes(self.inputs, self.compute);
        let bytes = 0..channels.len().div_ceil(PANEL) * size;
        let mut memory = anonymous(bytes.end)?;
        // A unit is what stands together of a channel: four bytes, a float, or a number of the head.
        for (to, channels) in memory.chunks_exact_mut(size).zip(channels.chunks(PANEL)) {
            let to: &mut [[u8; 4]] = bytemuck::cast_slice_mut(to);
            for (i, &channel) in channels.iter().enumerate() {
                let from = &self.memory[self.bytes.clone()][channel as usize / PANEL * size..][..size];
                let from: &[[u8; 4]] = bytemuck::cast_slice(from);
                let units = from[channel as usize % PANEL..].iter().step_by(PANEL);
                for (to, from) in to[i..].iter_mut().step_by(PANEL).zip(units) {
                    *to = *from;
                }
            }
            let bias = to[2 * PANEL..3 * PANEL].iter_mut().skip(channels.len());
            bias.for_each(|bias| *bias = f32::NEG_INFINITY.to_ne_bytes());
        }
        let memory = Arc::new(memory.make_read_only().map_err(|error| no_memory(bytes.end, error))?);
        Ok(Self { inputs: self.inputs, outputs: channels.len(), compute: self.compute, memory, bytes })
    }
}

/// Zeros, in fewer and larger pages where the system has them: a step reads every weight once.
fn anonymous(size: usize) -> Result<MmapMut> {
    let memory = MmapMut::map_anon(size.max(1)).map_err(|error| no_memory(size, error))?;
    #[cfg(target_os = "linux")]
    let _ = memory.advise(memmap2::Advice::HugePage);
    Ok(memory)
}

fn no_memory(size: usize, error: std::io::Error) -> Error {
    Error::new(ErrorKind::Device, format!("no memory for {} MiB of weights", size >> 20)).because(error)
}

fn panel_bytes(inputs: usize, compute: Compute) -> usize {
    HEAD + PANEL
        * match compute {
            Compute::Int8 => inputs,
            Compute::F32 => 4 * inputs,
        }
}

/// What a matrix is made of, before it is packed.
pub struct Recipe<'w> {
    pub inputs: usize,
    /// Stacked: the output channels of the first come first.
    pub parts: Vec<Part<'w>>,
    /// Where the inputs come interleaved by head (see [`interleaved`]): the number of heads.
    pub input_heads: Option<usize>,
}

/// A `channels × inputs` matrix of a checkpoint.
pub struct Part<'w> {
    pub weights: Values<'w>,
    /// One a channel; none is zeros.
    pub bias: Option<Cow<'w, [f32]>>,
    /// Multiplies weights and bias.
    pub factor: f32,
    /// Where the channels are to be interleaved by head: the number of heads.
    pub heads: Option<usize>,
}

/// The place among the checkpoint's channels of channel `i` of a layout in which the heads alternate: of heads `h` and
/// their channels `c`, `width` in all, `c · heads + h` instead of `h · width / heads + c`. Neighbouring lanes of a vector then
/// belong to different heads, and the scores of all heads are sums down the lanes.
pub fn interleaved(i: usize, width: usize, heads: usize) -> usize {
    (i % heads) * (width / heads) + i / heads
}

impl<'w> Recipe<'w> {
    fn outputs(&self) -> usize {
        self.parts.iter().map(|part| part.weights.len() / self.inputs).sum()
    }

    /// An output channel: its part, and its number there.
    fn channel(&self, mut i: usize) -> Option<(&Part<'w>, usize)> {
        for part in &self.parts {
            let channels = part.weights.len() / self.inputs;
            if i < channels {
                return Some((part, part.heads.map_or(i, |heads| interleaved(i, channels, heads))));
            }
            i -= channels;
        }
        None
    }

    /// Packs panel `index` into `bytes`, which are zero.
    fn pack(&self, index: usize, compute: Compute, unsigned: bool, bytes: &mut [u8]) {
        let (head, weights) = bytes.split_at_mut(HEAD);
        let (scales, rest) = head.split_at_mut(4 * PANEL);
        let (start, bias) = rest.split_at_mut(4 * PANEL);
        let scales: &mut [f32] = bytemuck::cast_slice_mut(scales);
        let start: &mut [i32] = bytemuck::cast_slice_mut(start);
        let biases: &mut [f32] = bytemuck::cast_slice_mut(bias);
        for channel in 0..PANEL {
            let Some((part, row)) = self.channel(index * PANEL + channel) else {
                biases[channel] = f32::NEG_INFINITY;
                continue;
            };
            biases[channel] = part.bias.as_ref().map_or(0.0, |bias| bias[row]) * part.factor;
            match compute {
                Compute::Int8 => {
                    let (bytes, scale) = part.bytes(row, self.inputs);
                    let bytes = self.ordered(bytes);
                    scales[channel] = part.factor * scale;
                    if unsigned {
                        start[channel] = -128 * bytes.iter().map(|&b| i32::from(b)).sum::<i32>();
                    }
                    let to: &mut [[i8; 4]] = bytemuck::cast_slice_mut(&mut *weights);
                    for (to, from) in to[channel..].iter_mut().step_by(PANEL).zip(bytes.as_chunks::<4>().0) {
                        *to = *from;
                    }
                }
                Compute::F32 => {
                    let row = self.ordered(part.floats(row, self.inputs));
                    let to: &mut [f32] = bytemuck::cast_slice_mut(&mut *weights);
                    for (to, from) in to[channel..].iter_mut().step_by(PANEL).zip(row.iter()) {
                        *to = from * part.factor;
                    }
                }
            }
        }
    }

    /// A row with its inputs in the order in which they come.
    fn ordered<'a, T: Copy>(&self, row: Cow<'a, [T]>) -> Cow<'a, [T]> {
        match self.input_heads {
            None => row,
            Some(heads) => (0..row.len()).map(|i| row[interleaved(i, row.len(), heads)]).collect(),
        }
    }
}

impl Part<'_> {
    /// A row in bytes, and what one is worth.
    fn bytes(&self, row: usize, inputs: usize) -> (Cow<'_, [i8]>, f32) {
        let range = row * inputs..(row + 1) * inputs;
        match &self.weights {
            // No sum overflows with −127 to 127, which is all that a file of ours holds.
            Values::Bytes(bytes, scales) if bytes[range.clone()].contains(&i8::MIN) => {
                (bytes[range].iter().map(|&byte| byte.max(-i8::MAX)).collect(), scales[row])
            }
            Values::Bytes(bytes, scales) => (Cow::Borrowed(&bytes[range]), scales[row]),
            Values::Floats(_) | Values::Raw(..) => {
                let mut bytes = vec![0; inputs];
                let scale = quantised::round(&self.floats(row, inputs), &mut bytes);
                (bytes.into(), scale)
            }
        }
    }

    fn floats(&self, row: usize, inputs: usize) -> Cow<'_, [f32]> {
        let range = row * inputs..(row + 1) * inputs;
        match &self.weights {
            Values::Floats(values) => Cow::Borrowed(&values[range]),
            Values::Raw(bytes, dtype) => {
                let size = dtype.size_in_bytes();
                floats(&bytes[range.start * size..range.end * size], *dtype)
            }
            Values::Bytes(bytes, scales) => bytes[range].iter().map(|&byte| f32::from(byte) * scales[row]).collect(),
        }
    }
}

/// Panels that are packed between two times that `forget` is called.
const PANELS_AT_A_TIME: usize = 256;

/// Packs all matrices of a network, on all cores. `forget` is called now and then: what was read so far is not read again.
///
/// # Errors
/// [`ErrorKind::Device`]: no memory.
pub fn pack(recipes: Vec<Recipe<'_>>, compute: Compute, isa: Isa, forget: &dyn Fn()) -> Result<Vec<Matrix>> {
    let mut ranges = Vec::with_capacity(recipes.len());
    let mut end = 0;
    for recipe in &recipes {
        let size = recipe.outputs().div_ceil(PANEL) * panel_bytes(recipe.inputs, compute);
        ranges.push(end..end + size);
        end += size;
    }
    let mut memory = anonymous(end)?;
    let mut jobs = Vec::new();
    let mut rest = &mut memory[..end];
    for recipe in &recipes {
        for index in 0..recipe.outputs().div_ceil(PANEL) {
            let (bytes, after) = rest.split_at_mut(panel_bytes(recipe.inputs, compute));
            jobs.push((recipe, index, bytes));
            rest = after;
        }
    }
    let unsigned = isa.unsigned();
    for jobs in jobs.chunks_mut(PANELS_AT_A_TIME) {
        jobs.par_iter_mut().for_each(|(recipe, index, bytes)| recipe.pack(*index, compute, unsigned, bytes));
        forget();
    }
    let memory = Arc::new(memory.make_read_only().map_err(|error| no_memory(end, error))?);
    Ok(recipes
        .into_iter()
        .zip(ranges)
        .map(|(recipe, bytes)| Matrix {
            inputs: recipe.inputs,
            outputs: recipe.outputs(),
            compute,
            memory: memory.clone(),
            bytes,
        })
        .collect())
}
