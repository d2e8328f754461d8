//! Products of activations with packed weights, each finished in registers by an [`Epilogue`].

use std::marker::PhantomData;
use std::ops::{Deref, DerefMut, Range};

use super::crew::Crew;
use super::matrix::{Compute, Matrix};
use super::simd::{Isa, LANES, MOST_ROWS, PANEL, Simd, Sums, TILE_ROWS, vectorised};
use crate::marian::config::Activation;

/// Rows of activations, and in int8 the same in bytes: `value ≈ (byte − 128) × scale`, a scale a row.
pub struct Rows {
    pub width: usize,
    compute: Compute,
    pub values: Aligned<f32>,
    /// Behind the last row there is room for a tile that begins with it.
    pub bytes: Aligned<u8>,
    pub scales: Vec<f32>,
}

impl Rows {
    pub fn new(width: usize, compute: Compute) -> Self {
        Self { width, compute, values: Aligned::default(), bytes: Aligned::default(), scales: Vec::new() }
    }

    /// Room for `rows` rows; what stands there is kept.
    pub fn reserve(&mut self, rows: usize) {
        if self.values.len() < rows * self.width {
            self.values.resize(rows * self.width);
            if self.compute == Compute::Int8 {
                self.bytes.resize((rows + MOST_ROWS - 1) * self.width);
                self.scales.resize(rows, 0.0);
            }
        }
    }

    pub fn row_mut(&mut self, i: usize) -> &mut [f32] {
        &mut self.values[i * self.width..][..self.width]
    }
}

/// Numbers of which the first starts a cache line. Vectors and tiles that lie in one line are loaded at twice the speed, and more.
pub struct Aligned<T> {
    lines: Vec<Line>,
    of: PhantomData<T>,
}

#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u8; 64]);

// SAFETY: bytes without padding.
unsafe impl bytemuck::Zeroable for Line {}
// SAFETY: as above.
unsafe impl bytemuck::Pod for Line {}

impl<T: bytemuck::Pod> Aligned<T> {
    /// Room for `count` numbers at least, the new ones zeros.
    pub fn resize(&mut self, count: usize) {
        self.lines.resize((count * size_of::<T>()).div_ceil(size_of::<Line>()), Line([0; 64]));
    }
}

impl<T> Default for Aligned<T> {
    fn default() -> Self {
        Self { lines: Vec::new(), of: PhantomData }
    }
}

impl<T: bytemuck::Pod> Deref for Aligned<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        bytemuck::cast_slice(&self.lines)
    }
}

impl<T: bytemuck::Pod> DerefMut for Aligned<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        bytemuck::cast_slice_mut(&mut self.lines)
    }
}

/// Who computes, and on what instructions.
pub struct Team {
    pub isa: Isa,
    pub crew: Crew,
}

/// Weights that make it worth another thread's while to read them: some ten microseconds.
const GRAIN: usize = 1 << 18;

/// Parts a thread: some, so that who is held up gets fewer.
const PARTS: usize = 2;

impl Team {
    pub fn new(isa: Isa, threads: usize) -> Self {
        Self { isa, crew: Crew::new(threads) }
    }

    /// How many parts a product should have.
    pub fn parts(&self, rows: usize, weights: &Matrix) -> usize {
        if self.crew.len() == 1 {
            return 1;
        }
        // Up to a tile of rows, a product takes as long as reading its weights.
        let work = rows.div_ceil(TILE_ROWS) * weights.inputs * weights.outputs;
        (work / GRAIN).min(PARTS * self.crew.len()).min(weights.panels()).max(1)
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

/// An [`Epilogue`] that several threads can share.
pub trait Shared: Epilogue + Sync + Sized {
    /// One for some of its columns; both ends are multiples of `PANEL`, or the last column's.
    ///
    /// # Safety
    /// No two that are in use have a column in common.
    unsafe fn part(&self, columns: Range<usize>) -> Self;
}

/// `epilogue` gets `W x + b` for the first `rows` rows `x` of `input`; where there is enough of it, the threads of the team take
/// some panels each.
pub fn product(team: &Team, input: &Rows, rows: usize, weights: &Matrix, mut epilogue: impl Shared) {
    let (parts, panels) = (team.parts(rows, weights), weights.panels());
    if parts == 1 {
        return some_panels(team.isa, input, rows, weights, 0..panels, &mut epilogue);
    }
    team.crew.run(parts, &|i| {
        let panels = i * panels / parts..(i + 1) * panels / parts;
        // SAFETY: every thread has panels of its own.
        let mut part = unsafe { epilogue.part(panels.start * PANEL..(panels.end * PANEL).min(weights.outputs)) };
        some_panels(team.isa, input, rows, weights, panels, &mut part);
    });
}

vectorised! {
    /// The outputs of some panels of a product; panel by panel, so that the weights are read once.
    pub fn some_panels[E: Epilogue](s; input: &Rows, rows: usize, weights: &Matrix, panels: Range<usize>, epilogue: &mut E) {
        assert!(input.width == weights.inputs && input.values.len() >= rows * input.width);
        let (width, end) = (input.width, panels.end);
        // The rows are spread evenly over the tiles.
        let range = |tile: usize, tiles: usize| (tile * rows / tiles, (tile + 1) * rows / tiles);
        match weights.compute() {
            Compute::Int8 => {
                let tiles = rows.div_ceil(S::INTEGER_ROWS);
                let mut sums = Sums([[0i32; PANEL]; MOST_ROWS]);
                let _open = s.open(rows);
                for p in panels {
                    let panel = weights.panel(p);
                    let next = if p + 1 < end { weights.panel(p + 1).integers() } else { &[] };
                    let (scales, biases) = (lanes(panel.scales), lanes(panel.bias));
                    for tile in 0..tiles {
                        let (first, last) = range(tile, tiles);
                        let ahead = share(next, tile, tiles);
                        s.tile_i8(&input.bytes[first * width..], width, last - first, panel.integers(), panel.start, &mut sums, ahead);
                        for (row, sums) in (first..last).zip(sums.iter()) {
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
                let tiles = rows.div_ceil(TILE_ROWS);
                let mut sums = Sums([[0f32; PANEL]; MOST_ROWS]);
                for p in panels {
                    let panel = weights.panel(p);
                    let next = if p + 1 < end { weights.panel(p + 1).floats() } else { &[] };
                    let biases = lanes(panel.bias);
                    for tile in 0..tiles {
                        let (first, last) = range(tile, tiles);
                        let ahead = share(next, tile, tiles);
                        s.tile_f32(&input.values[first * width..], width, last - first, panel.floats(), &mut sums, ahead);
                        for (row, sums) in (first..last).zip(sums.iter()) {
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

/// Some columns of the rows of a table, for one thread to write to while others write to other columns.
struct Columns<'a> {
    table: *mut f32,
    /// Of the whole table.
    width: usize,
    rows: usize,
    columns: Range<usize>,
    borrowed: PhantomData<&'a mut [f32]>,
}

// SAFETY: it writes only through `&mut self`; [`Columns::part`] asks for the rest.
unsafe impl Sync for Columns<'_> {}

impl<'a> Columns<'a> {
    fn new(table: &'a mut [f32], width: usize) -> Self {
        let rows = table.len() / width;
        Self { table: table.as_mut_ptr(), width, rows, columns: 0..width, borrowed: PhantomData }
    }

    /// # Safety
    /// No two that are in use have a column in common.
    unsafe fn part(&self, columns: Range<usize>) -> Self {
        assert!(self.columns.start <= columns.start && columns.end <= self.columns.end);
        Self { columns, ..*self }
    }

    /// `PANEL` columns of a row from `column` on, or what there is of them.
    #[inline(always)]
    fn get(&mut self, row: usize, column: usize) -> &mut [f32] {
        assert!(row < self.rows && self.columns.contains(&column));
        let count = PANEL.min(self.columns.end - column);
        // SAFETY: inside the table, and in columns that are this one's alone.
        unsafe { std::slice::from_raw_parts_mut(self.table.add(row * self.width + column), count) }
    }
}

/// Writes the outputs to rows as wide as there are outputs.
pub struct Store<'a>(Columns<'a>);

impl<'a> Store<'a> {
    pub fn to(rows: &'a mut [f32], width: usize) -> Self {
        Self(Columns::new(rows, width))
    }
}

impl Epilogue for Store<'_> {
    #[inline(always)]
    fn put<S: Simd>(&mut self, s: S, row: usize, column: usize, values: [S::V; PANEL / LANES]) {
        let left = self.0.get(row, column);
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

impl Shared for Store<'_> {
    unsafe fn part(&self, columns: Range<usize>) -> Self {
        // SAFETY: the caller's promise.
        Self(unsafe { self.0.part(columns) })
    }
}

/// Adds the outputs to what stands in rows as wide, a multiple of `PANEL`.
pub struct Add<'a>(Columns<'a>);

impl<'a> Add<'a> {
    pub fn to(rows: &'a mut [f32], width: usize) -> Self {
        Self(Columns::new(rows, width))
    }
}

impl Epilogue for Add<'_> {
    #[inline(always)]
    fn put<S: Simd>(&mut self, s: S, row: usize, column: usize, values: [S::V; PANEL / LANES]) {
        for (to, v) in lanes_mut(self.0.get(row, column)).iter_mut().zip(values) {
            s.store(s.add(s.load(to), v), to);
        }
    }
}

impl Shared for Add<'_> {
    unsafe fn part(&self, columns: Range<usize>) -> Self {
        // SAFETY: the caller's promise.
        Self(unsafe { self.0.part(columns) })
    }
}

/// Writes a function of the outputs to rows as wide, a multiple of `PANEL`.
pub struct Activate<'a> {
    to: Columns<'a>,
    activation: Activation,
}

impl<'a> Activate<'a> {
    pub fn to(rows: &'a mut [f32], width: usize, activation: Activation) -> Self {
        Self { to: Columns::new(rows, width), activation }
    }
}

impl Epilogue for Activate<'_> {
    #[inline(always)]
    fn put<S: Simd>(&mut self, s: S, row: usize, column: usize, values: [S::V; PANEL / LANES]) {
        let (zero, one) = (s.splat(0.0), s.splat(1.0));
        for (to, v) in lanes_mut(self.to.get(row, column)).iter_mut().zip(values) {
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

impl Shared for Activate<'_> {
    unsafe fn part(&self, columns: Range<usize>) -> Self {
        // SAFETY: the caller's promise.
        Self { to: unsafe { self.to.part(columns) }, ..*self }
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
