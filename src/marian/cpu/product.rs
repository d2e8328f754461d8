//! Products of activations with packed weights, each finished in registers by an [`Epilogue`].

use super::matrix::{Compute, Matrix};
use super::simd::{LANES, PANEL, Simd, TILE_ROWS, vectorised};
use crate::marian::config::Activation;

/// Rows of activations, and in int8 the same in bytes: `value ≈ (byte − 128) × scale`, a scale a row.
pub struct Rows {
    pub width: usize,
    compute: Compute,
    pub values: Vec<f32>,
    pub bytes: Vec<u8>,
    pub scales: Vec<f32>,
}

impl Rows {
    pub fn new(width: usize, compute: Compute) -> Self {
        Self { width, compute, values: Vec::new(), bytes: Vec::new(), scales: Vec::new() }
    }

    /// Room for `rows` rows; what stands there is kept.
    pub fn reserve(&mut self, rows: usize) {
        if self.values.len() < rows * self.width {
            self.values.resize(rows * self.width, 0.0);
            if self.compute == Compute::Int8 {
                self.bytes.resize(rows * self.width, 0);
                self.scales.resize(rows, 0.0);
            }
        }
    }

    pub fn row_mut(&mut self, i: usize) -> &mut [f32] {
        &mut self.values[i * self.width..][..self.width]
    }
}

/// What becomes of the sums of a product.
pub trait Epilogue {
    /// Takes `PANEL` finished outputs of row `row`, from channel `column` on, a multiple of `PANEL`.
    fn put<S: Simd>(&mut self, s: S, row: usize, column: usize, values: [S::V; PANEL / LANES]);
}

#[inline(always)]
pub(super) fn lanes<T>(slice: &[T]) -> &[[T; LANES]] {
    slice.as_chunks().0
}

#[inline(always)]
pub(super) fn lanes_mut<T>(slice: &mut [T]) -> &mut [[T; LANES]] {
    slice.as_chunks_mut().0
}

/// What tile `tile` of `tiles` fetches of the next panel: an even share, but no more than a cache line a step.
#[inline(always)]
fn share<T>(next: &[T], tile: usize, tiles: usize) -> &[T] {
    let size = next.len() / tiles.clamp(4, 16);
    next.get(tile * size..(tile + 1) * size).unwrap_or(&[])
}

vectorised! {
    /// `epilogue` gets `W x + b` for the first `rows` rows `x` of `input`; panel by panel, so that the weights are read once.
    pub fn product[E: Epilogue](s; input: &Rows, rows: usize, weights: &Matrix, epilogue: &mut E) {
        assert!(input.width == weights.inputs && input.values.len() >= rows * input.width);
        let tiles = rows.div_ceil(TILE_ROWS);
        let width = input.width;
        // The rows are spread evenly over the tiles.
        let range = |tile: usize| (tile * rows / tiles, (tile + 1) * rows / tiles);
        match weights.compute() {
            Compute::Int8 => {
                let mut sums = [[0i32; PANEL]; TILE_ROWS];
                for p in 0..weights.panels() {
                    let panel = weights.panel(p);
                    let next = if p + 1 < weights.panels() { weights.panel(p + 1).integers() } else { &[] };
                    let (scales, biases) = (lanes(panel.scales), lanes(panel.bias));
                    for tile in 0..tiles {
                        let (first, end) = range(tile);
                        let ahead = share(next, tile, tiles);
                        s.tile_i8(&input.bytes[first * width..], width, end - first, panel.integers(), panel.start, &mut sums, ahead);
                        for (row, sums) in (first..end).zip(&sums) {
                            let scale = s.splat(input.scales[row]);
                            let sums = lanes(sums);
                            let mut values = [scale; PANEL / LANES];
                            for (j, value) in values.iter_mut().enumerate() {
                                let sum = s.mul(s.load_i32(&sums[j]), scale);
                                *value = s.fma(sum, s.load(&scales[j]), s.load(&biases[j]));
                            }
                            epilogue.put(s, row, p * PANEL, values);
                        }
                    }
                }
            }
            Compute::F32 => {
                let mut sums = [[0f32; PANEL]; TILE_ROWS];
                for p in 0..weights.panels() {
                    let panel = weights.panel(p);
                    let next = if p + 1 < weights.panels() { weights.panel(p + 1).floats() } else { &[] };
                    let biases = lanes(panel.bias);
                    for tile in 0..tiles {
                        let (first, end) = range(tile);
                        let ahead = share(next, tile, tiles);
                        s.tile_f32(&input.values[first * width..], width, end - first, panel.floats(), &mut sums, ahead);
                        for (row, sums) in (first..end).zip(&sums) {
                            let sums = lanes(sums);
                            let mut values = [s.splat(0.0); PANEL / LANES];
                            for (j, value) in values.iter_mut().enumerate() {
                                *value = s.add(s.load(&sums[j]), s.load(&biases[j]));
                            }
                            epilogue.put(s, row, p * PANEL, values);
                        }
                    }
                }
            }
        }
    }
}

/// Writes the outputs to rows of `width`.
pub struct Store<'a> {
    pub to: &'a mut [f32],
    pub width: usize,
}

impl Epilogue for Store<'_> {
    #[inline(always)]
    fn put<S: Simd>(&mut self, s: S, row: usize, column: usize, values: [S::V; PANEL / LANES]) {
        let left = &mut self.to[row * self.width..][column..self.width];
        if let Some(to) = left.first_chunk_mut::<PANEL>() {
            for (to, v) in lanes_mut(to).iter_mut().zip(values) {
                s.store(v, to);
            }
        } else {
            let mut all = [0.0; PANEL];
            for (to, v) in lanes_mut(&mut all).iter_mut().zip(values) {
                s.store(v, to);
            }
            let n = left.len();
            left.copy_from_slice(&all[..n]);
        }
    }
}

/// Adds the outputs to what stands in rows of `width`, a multiple of `PANEL`.
pub struct Add<'a> {
    pub to: &'a mut [f32],
    pub width: usize,
}

impl Epilogue for Add<'_> {
    #[inline(always)]
    fn put<S: Simd>(&mut self, s: S, row: usize, column: usize, values: [S::V; PANEL / LANES]) {
        for (to, v) in lanes_mut(&mut self.to[row * self.width + column..][..PANEL]).iter_mut().zip(values) {
            s.store(s.add(s.load(to), v), to);
        }
    }
}

/// Writes a function of the outputs to rows of `width`, a multiple of `PANEL`.
pub struct Activate<'a> {
    pub to: &'a mut [f32],
    pub width: usize,
    pub activation: Activation,
}

impl Epilogue for Activate<'_> {
    #[inline(always)]
    fn put<S: Simd>(&mut self, s: S, row: usize, column: usize, values: [S::V; PANEL / LANES]) {
        let (zero, one) = (s.splat(0.0), s.splat(1.0));
        for (to, v) in lanes_mut(&mut self.to[row * self.width + column..][..PANEL]).iter_mut().zip(values) {
            match self.activation {
                Activation::Silu => s.store(s.mul(v, s.reciprocal(s.add(one, s.exp(s.sub(zero, v))))), to),
                Activation::Relu => s.store(s.max(v, zero), to),
                other => {
                    s.store(v, to);
                    *to = to.map(|x| other.at(x));
                }
            }
        }
    }
}

vectorised! {
    /// Rounds each of the first `rows` rows to bytes, the largest value to ±127. Nothing to do in `f32`.
    pub fn quantise(s; x: &mut Rows, rows: usize) {
        if x.compute == Compute::F32 {
            return;
        }
        for row in 0..rows {
            let values = lanes(&x.values[row * x.width..][..x.width]);
            let mut largest = [s.splat(0.0); 4];
            for chunk in values.chunks(4) {
                for (largest, v) in largest.iter_mut().zip(chunk) {
                    *largest = s.max(*largest, s.abs(s.load(v)));
                }
            }
            let largest = s.largest(s.max(s.max(largest[0], largest[1]), s.max(largest[2], largest[3])));
            let (scale, inverse) = if largest > 0.0 { (largest / 127.0, 127.0 / largest) } else { (0.0, 0.0) };
            x.scales[row] = scale;
            let inverse = s.splat(inverse);
            for (v, bytes) in values.iter().zip(lanes_mut(&mut x.bytes[row * x.width..][..x.width])) {
                s.store_u8(s.mul(s.load(v), inverse), bytes);
            }
        }
    }
}

vectorised! {
    /// Layer normalisation (variance of the whole population, ε = 1e-5) of each of the first `rows` rows, in place.
    pub fn normalise(s; x: &mut Rows, rows: usize, gain: &[f32], bias: &[f32]) {
        let count = x.width as f32;
        for row in 0..rows {
            let values = lanes_mut(&mut x.values[row * x.width..][..x.width]);
            let mut sum = [s.splat(0.0); 4];
            for chunk in values.chunks(4) {
                for (sum, v) in sum.iter_mut().zip(chunk) {
                    *sum = s.add(*sum, s.load(v));
                }
            }
            let mean = s.splat(s.sum(s.add(s.add(sum[0], sum[1]), s.add(sum[2], sum[3]))) / count);
            let mut squares = [s.splat(0.0); 4];
            for chunk in values.chunks(4) {
                for (sum, v) in squares.iter_mut().zip(chunk) {
                    let v = s.sub(s.load(v), mean);
                    *sum = s.fma(v, v, *sum);
                }
            }
            let variance = s.sum(s.add(s.add(squares[0], squares[1]), s.add(squares[2], squares[3]))) / count;
            let scale = s.splat(1.0 / (variance + 1e-5).sqrt());
            for ((v, gain), bias) in values.iter_mut().zip(lanes(gain)).zip(lanes(bias)) {
                let normal = s.mul(s.sub(s.load(v), mean), scale);
                s.store(s.fma(normal, s.load(gain), s.load(bias)), v);
            }
        }
    }
}
