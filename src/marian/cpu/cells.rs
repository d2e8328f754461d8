//! Keys and values that are kept: one of each in a cell, for every decoder layer.
//!
//! A cell is filled once and never moved: rows that share a past, and beams that change places, name the same cells.

use std::marker::PhantomData;

use memmap2::MmapMut;

use super::product::{lanes, lanes_mut};
use super::simd::{LANES, Simd, vectorised};
use crate::error::{Error, ErrorKind, Result};

/// How keys and values are written down.
pub trait Form: Send + 'static {
    /// What values are stored as.
    type Value: Copy + bytemuck::Pod;

    /// Bytes of a cell, a multiple of 64.
    fn size(width: usize) -> usize;

    /// Writes a key and a value, each `width` numbers, a multiple of 64.
    fn keep<S: Simd>(s: S, key: &[f32], value: &[f32], cell: &mut [u8]);

    /// What is the same for all keys: whatever [`Form::scores`] wants.
    fn prepare<S: Simd>(s: S, query: &[f32], bytes: &mut Vec<i8>) -> (S::V, S::V);

    /// The products of a query and `N` keys, summed over the vectors: to be folded by head. The result of a key does not
    /// depend on the other keys.
    fn scores<S: Simd, const N: usize>(
        s: S,
        query: &[f32],
        bytes: &[i8],
        scale: S::V,
        offset: S::V,
        cells: [&[u8]; N],
    ) -> [S::V; N];

    /// `weight` in units of the stored values.
    fn worth<S: Simd>(s: S, cell: &[u8], weight: S::V) -> S::V;

    fn values(cell: &[u8], width: usize) -> &[[Self::Value; LANES]];

    fn load<S: Simd>(s: S, from: &[Self::Value; LANES]) -> S::V;

    fn fetch_keys<S: Simd>(s: S, cell: &[u8], width: usize);

    fn fetch_values<S: Simd>(s: S, cell: &[u8], width: usize);
}

#[inline(always)]
fn fetch<S: Simd>(s: S, bytes: &[u8]) {
    for line in bytes.as_chunks::<64>().0 {
        s.fetch(line);
    }
}

/// Key and value as they are.
pub struct Floats;

impl Form for Floats {
    type Value = f32;

    fn size(width: usize) -> usize {
        2 * 4 * width
    }

    #[inline(always)]
    fn keep<S: Simd>(_: S, key: &[f32], value: &[f32], cell: &mut [u8]) {
        let (keys, values) = bytemuck::cast_slice_mut::<u8, f32>(cell).split_at_mut(key.len());
        keys.copy_from_slice(key);
        values.copy_from_slice(value);
    }

    #[inline(always)]
    fn prepare<S: Simd>(s: S, _: &[f32], _: &mut Vec<i8>) -> (S::V, S::V) {
        (s.splat(1.0), s.splat(0.0))
    }

    #[inline(always)]
    fn scores<S: Simd, const N: usize>(
        s: S,
        query: &[f32],
        _: &[i8],
        _: S::V,
        _: S::V,
        cells: [&[u8]; N],
    ) -> [S::V; N] {
        let keys: [&[[f32; LANES]]; N] = cells.map(|cell| lanes(&bytemuck::cast_slice(cell)[..query.len()]));
        // Two sums a key hide the latency of the additions.
        let mut sums = [[s.splat(0.0); 2]; N];
        for (c, q) in lanes(query).as_chunks::<2>().0.iter().enumerate() {
            let q = [s.load(&q[0]), s.load(&q[1])];
            for (sum, key) in sums.iter_mut().zip(&keys) {
                sum[0] = s.fma(q[0], s.load(&key[2 * c]), sum[0]);
                sum[1] = s.fma(q[1], s.load(&key[2 * c + 1]), sum[1]);
            }
        }
        let mut scores = [s.splat(0.0); N];
        for (score, sum) in scores.iter_mut().zip(sums) {
            *score = s.add(sum[0], sum[1]);
        }
        scores
    }

    #[inline(always)]
    fn worth<S: Simd>(_: S, _: &[u8], weight: S::V) -> S::V {
        weight
    }

    #[inline(always)]
    fn values(cell: &[u8], width: usize) -> &[[f32; LANES]] {
        lanes(&bytemuck::cast_slice(cell)[width..2 * width])
    }

    #[inline(always)]
    fn load<S: Simd>(s: S, from: &[f32; LANES]) -> S::V {
        s.load(from)
    }

    #[inline(always)]
    fn fetch_keys<S: Simd>(s: S, cell: &[u8], width: usize) {
        fetch(s, &cell[..4 * width]);
    }

    #[inline(always)]
    fn fetch_values<S: Simd>(s: S, cell: &[u8], width: usize) {
        fetch(s, &cell[4 * width..]);
    }
}

/// Key and value in bytes, with a scale a lane for each: 16 + 16 scales, the key (four vectors interleaved byte by byte, 128
/// too large), the value.
pub struct Bytes;

const SCALES: usize = 2 * 4 * LANES;

/// The largest magnitude of each lane: as what 127 is to stand for, and what to multiply by. Never 0.
#[inline(always)]
fn lane_scales<S: Simd>(s: S, x: &[[f32; LANES]]) -> (S::V, S::V) {
    // Not quite 0, so that it can be divided by.
    let mut largest = s.splat(1e-30);
    for x in x {
        largest = s.max(largest, s.abs(s.load(x)));
    }
    (s.mul(largest, s.splat(1.0 / 127.0)), s.div(s.splat(127.0), largest))
}

impl Form for Bytes {
    type Value = i8;

    fn size(width: usize) -> usize {
        SCALES + 2 * width
    }

    #[inline(always)]
    fn keep<S: Simd>(s: S, key: &[f32], value: &[f32], cell: &mut [u8]) {
        let (scales, rest) = cell.split_at_mut(SCALES);
        let (keys, values) = rest.split_at_mut(key.len());
        let scales = lanes_mut(bytemuck::cast_slice_mut::<u8, f32>(scales));
        let (scale, inverse) = lane_scales(s, lanes(key));
        s.store(scale, &mut scales[0]);
        for (key, to) in lanes(key).as_chunks::<4>().0.iter().zip(keys.as_chunks_mut().0) {
            let mut v = [inverse; 4];
            for (v, key) in v.iter_mut().zip(key) {
                *v = s.mul(s.load(key), *v);
            }
            s.pack(v, 128, to);
        }
        let (scale, inverse) = lane_scales(s, lanes(value));
        s.store(scale, &mut scales[1]);
        for (value, to) in lanes(value).iter().zip(lanes_mut(bytemuck::cast_slice_mut(values))) {
            s.store_i8(s.mul(s.load(value), inverse), to);
        }
    }

    #[inline(always)]
    fn prepare<S: Simd>(s: S, query: &[f32], bytes: &mut Vec<i8>) -> (S::V, S::V) {
        bytes.resize(query.len(), 0);
        let (scale, inverse) = lane_scales(s, lanes(query));
        let packed: &mut [u8] = bytemuck::cast_slice_mut(bytes);
        for (query, to) in lanes(query).as_chunks::<4>().0.iter().zip(packed.as_chunks_mut().0) {
            let mut v = [inverse; 4];
            for (v, query) in v.iter_mut().zip(query) {
                *v = s.mul(s.load(query), *v);
            }
            s.pack(v, 0, to);
        }
        // What the 128 of the keys adds to every sum.
        let mut sums = s.zero();
        for query in bytes.as_chunks().0 {
            sums = s.dot(sums, &[128; 4 * LANES], query);
        }
        (scale, s.float(sums))
    }

    #[inline(always)]
    fn scores<S: Simd, const N: usize>(
        s: S,
        _: &[f32],
        bytes: &[i8],
        scale: S::V,
        offset: S::V,
        cells: [&[u8]; N],
    ) -> [S::V; N] {
        let mut sums = [s.zero(); N];
        for (c, query) in bytes.as_chunks().0.iter().enumerate() {
            for (sum, cell) in sums.iter_mut().zip(&cells) {
                *sum = s.dot(*sum, &cell[SCALES..].as_chunks().0[c], query);
            }
        }
        let mut scores = [offset; N];
        for ((score, sum), cell) in scores.iter_mut().zip(sums).zip(cells) {
            let key_scale = s.load(&lanes(bytemuck::cast_slice(&cell[..SCALES]))[0]);
            *score = s.mul(s.sub(s.float(sum), *score), s.mul(scale, key_scale));
        }
        scores
    }

    #[inline(always)]
    fn worth<S: Simd>(s: S, cell: &[u8], weight: S::V) -> S::V {
        s.mul(weight, s.load(&lanes(bytemuck::cast_slice(&cell[..SCALES]))[1]))
    }

    #[inline(always)]
    fn values(cell: &[u8], width: usize) -> &[[i8; LANES]] {
        lanes(bytemuck::cast_slice(&cell[SCALES + width..]))
    }

    #[inline(always)]
    fn load<S: Simd>(s: S, from: &[i8; LANES]) -> S::V {
        s.load_i8(from)
    }

    #[inline(always)]
    fn fetch_keys<S: Simd>(s: S, cell: &[u8], width: usize) {
        fetch(s, &cell[..SCALES + width]);
    }

    #[inline(always)]
    fn fetch_values<S: Simd>(s: S, cell: &[u8], width: usize) {
        fetch(s, &cell[SCALES + width..]);
    }
}

/// Cells by number, each with a part for every layer. Memory is taken as it is needed and kept.
pub struct Cells<F> {
    slabs: Vec<MmapMut>,
    layers: usize,
    width: usize,
    /// Bytes of one layer's part of a cell.
    size: usize,
    form: PhantomData<F>,
}

/// Cells that lie together, layer by layer.
const BLOCK: usize = 64;
/// Cells of a slab. A slab is address space: what is not used takes no memory.
const SLAB: usize = 32 * BLOCK;

impl<F: Form> Cells<F> {
    pub fn new(layers: usize, width: usize) -> Self {
        Self { slabs: Vec::new(), layers, width, size: F::size(width), form: PhantomData }
    }

    /// Room for cells `0..count`.
    ///
    /// # Errors
    /// [`ErrorKind::Device`]: no memory.
    pub fn reserve(&mut self, count: usize) -> Result<()> {
        while self.slabs.len() * SLAB < count {
            let size = SLAB * self.layers * self.size;
            let slab = MmapMut::map_anon(size).map_err(|error| {
                Error::new(ErrorKind::Device, "no memory for a batch of this size; use smaller ones").because(error)
            })?;
            // Fewer and larger pages: cells are read in no order that the machine could foresee.
            #[cfg(target_os = "linux")]
            let _ = slab.advise(memmap2::Advice::HugePage);
            self.slabs.push(slab);
        }
        Ok(())
    }

    #[inline(always)]
    fn place(&self, layer: usize, i: usize) -> usize {
        ((i % SLAB / BLOCK * self.layers + layer) * BLOCK + i % BLOCK) * self.size
    }

    #[inline(always)]
    pub fn cell(&self, layer: usize, i: u32) -> &[u8] {
        &self.slabs[i as usize / SLAB][self.place(layer, i as usize)..][..self.size]
    }

    #[inline(always)]
    fn cell_mut(&mut self, layer: usize, i: usize) -> &mut [u8] {
        let place = self.place(layer, i);
        &mut self.slabs[i / SLAB][place..][..self.size]
    }
}

vectorised! {
    /// Keeps a key and a value of each row in cells `first`, `first + 1`, …: `rows` are `stride` apart and end with them.
    pub fn keep[F: Form](s; rows: &[f32], stride: usize, cells: &mut Cells<F>, layer: usize, first: usize) {
        let width = cells.width;
        for (i, row) in rows.chunks_exact(stride).enumerate() {
            let (key, value) = row[stride - 2 * width..].split_at(width);
            F::keep(s, key, value, cells.cell_mut(layer, first + i));
        }
    }
}
