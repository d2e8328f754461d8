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
    pub weights: Cow<'w, [f32]>,
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

    /// The weights, bias and factor of an output channel.
    fn channel(&self, mut i: usize) -> Option<(&[f32], f32, f32)> {
        for part in &self.parts {
            let channels = part.weights.len() / self.inputs;
            if i < channels {
                let i = part.heads.map_or(i, |heads| interleaved(i, channels, heads));
                let bias = part.bias.as_ref().map_or(0.0, |bias| bias[i]);
                return Some((&part.weights[i * self.inputs..][..self.inputs], bias, part.factor));
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
        let mut ordered = vec![0.0; self.inputs];
        let mut bytes = vec![0i8; self.inputs];
        for channel in 0..PANEL {
            let Some((row, bias, factor)) = self.channel(index * PANEL + channel) else {
                biases[channel] = f32::NEG_INFINITY;
                continue;
            };
            biases[channel] = bias * factor;
            let row = match self.input_heads {
                None => row,
                Some(heads) => {
                    for (i, to) in ordered.iter_mut().enumerate() {
                        *to = row[interleaved(i, row.len(), heads)];
                    }
                    &ordered
                }
            };
            match compute {
                Compute::Int8 => {
                    scales[channel] = factor * quantise(row, &mut bytes);
                    if unsigned {
                        start[channel] = -128 * bytes.iter().map(|&b| i32::from(b)).sum::<i32>();
                    }
                    let to: &mut [[i8; 4]] = bytemuck::cast_slice_mut(&mut *weights);
                    for (group, from) in bytes.as_chunks::<4>().0.iter().enumerate() {
                        to[group * PANEL + channel] = *from;
                    }
                }
                Compute::F32 => {
                    let to: &mut [f32] = bytemuck::cast_slice_mut(&mut *weights);
                    for (input, from) in row.iter().enumerate() {
                        to[input * PANEL + channel] = from * factor;
                    }
                }
            }
        }
    }
}

/// Rounds a row to −127 ..= 127 times the scale that it returns.
fn quantise(row: &[f32], bytes: &mut [i8]) -> f32 {
    // Sixteen running maxima, so that the loop runs in vectors.
    let (chunks, rest) = row.as_chunks::<16>();
    let mut largest = [0.0f32; 16];
    for chunk in chunks {
        for (largest, x) in largest.iter_mut().zip(chunk) {
            *largest = if x.abs() > *largest { x.abs() } else { *largest };
        }
    }
    let largest = largest.iter().chain(rest).fold(0.0f32, |m, x| m.max(x.abs()));
    if largest == 0.0 || !largest.is_finite() {
        bytes.fill(0);
        return 0.0;
    }
    let inverse = 127.0 / largest;
    for (byte, x) in bytes.iter_mut().zip(row) {
        // Adding 1.5 · 2^23 rounds to the nearest whole number, ties to even, and leaves it in the low bits.
        *byte = (x * inverse + 12_582_912.0).to_bits() as i8;
    }
    largest / 127.0
}

/// Packs all matrices of a network, on all cores.
///
/// # Errors
/// [`ErrorKind::Device`]: no memory.
pub fn pack(recipes: Vec<Recipe<'_>>, compute: Compute, isa: Isa) -> Result<Vec<Matrix>> {
    let mut ranges = Vec::with_capacity(recipes.len());
    let mut end = 0;
    for recipe in &recipes {
        let size = recipe.outputs().div_ceil(PANEL) * panel_bytes(recipe.inputs, compute);
        ranges.push(end..end + size);
        end += size;
    }
    let no_memory =
        |error| Error::new(ErrorKind::Device, format!("no memory for {} MiB of weights", end >> 20)).because(error);
    let mut memory = MmapMut::map_anon(end.max(1)).map_err(no_memory)?;
    // Fewer and larger pages where the system has them: a step reads every weight once.
    #[cfg(target_os = "linux")]
    let _ = memory.advise(memmap2::Advice::HugePage);
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
    jobs.into_par_iter().for_each(|(recipe, index, bytes)| recipe.pack(index, compute, unsigned, bytes));
    let memory = Arc::new(memory.make_read_only().map_err(no_memory)?);
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
