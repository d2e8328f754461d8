//! Sixteen lanes of `f32` on whatever the machine has, and the two tile products that everything is built on.
//!
//! A loop is written once over [`Simd`] and compiled for each instruction set by [`vectorised!`]; [`Isa`] is the
//! run-time choice. [`Portable`] is plain safe Rust and the twin that the others are tested against. Results are the
//! same bits for a row whatever stands beside it; between instruction sets they may differ in rounding.
//!
//! In such a loop no vector may pass through a closure (`map`, `from_fn`): a closure is compiled without the instruction set
//! of the function round it, and every operation in it becomes a call.

#![allow(clippy::too_many_arguments, reason = "operands and their strides")]

use std::ops::{Deref, DerefMut};

/// Lanes of a vector.
pub const LANES: usize = 16;
/// Columns of a panel of packed weights: four vectors.
pub const PANEL: usize = 64;
/// Most rows of a tile that is summed in vector registers.
pub const TILE_ROWS: usize = 6;
/// Most rows of any tile.
pub const MOST_ROWS: usize = 16;

/// Sums of one tile, row by row.
#[repr(C, align(64))]
pub struct Sums<T>(pub [[T; PANEL]; MOST_ROWS]);

impl<T> Deref for Sums<T> {
    type Target = [[T; PANEL]; MOST_ROWS];

    #[inline(always)]
    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<T> DerefMut for Sums<T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

/// An instruction set, as a value that proves the machine has it.
pub trait Simd: Copy {
    /// Sixteen lanes.
    type V: Copy;
    /// Sixteen integer sums.
    type I: Copy;
    /// What must live while integer tiles are summed.
    type Open;

    /// Most rows of an integer tile.
    const INTEGER_ROWS: usize;

    /// To be called before the tiles of a product of `rows` rows, on the same thread.
    fn open(self, rows: usize) -> Self::Open;

    fn splat(self, x: f32) -> Self::V;
    fn load(self, from: &[f32; LANES]) -> Self::V;
    fn store(self, v: Self::V, to: &mut [f32; LANES]);
    fn load_i32(self, from: &[i32; LANES]) -> Self::V;
    fn load_i8(self, from: &[i8; LANES]) -> Self::V;
    /// Rounds to the nearest integer: lanes within ±127.
    fn store_i8(self, v: Self::V, to: &mut [i8; LANES]);
    /// Rounds to the nearest integer, adds 128: lanes within ±127.
    fn store_u8(self, v: Self::V, to: &mut [u8; LANES]);
    /// Rounds to the nearest integer and adds `offset`: lane `i` of vector `j` becomes byte `4 i + j`.
    fn pack(self, v: [Self::V; 4], offset: i32, to: &mut [u8; 4 * LANES]);
    /// Integer sums, all 0.
    fn zero(self) -> Self::I;
    /// Lane `i` of `sums` plus the four products `(a − 128) · b` of bytes `4 i ..` – or, as long as that is so for all calls
    /// whose results are subtracted from one another, `a · b`.
    fn dot(self, sums: Self::I, a: &[u8; 4 * LANES], b: &[i8; 4 * LANES]) -> Self::I;
    fn float(self, sums: Self::I) -> Self::V;
    /// Has the cache line of `from` fetched.
    fn fetch<T>(self, from: &T);
    fn add(self, a: Self::V, b: Self::V) -> Self::V;
    fn sub(self, a: Self::V, b: Self::V) -> Self::V;
    fn mul(self, a: Self::V, b: Self::V) -> Self::V;
    fn div(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a × b + c`, fused where the machine can.
    fn fma(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    fn max(self, a: Self::V, b: Self::V) -> Self::V;
    fn min(self, a: Self::V, b: Self::V) -> Self::V;
    fn abs(self, a: Self::V) -> Self::V;
    /// `a · 2^n`, `n` whole numbers from −126 to 127.
    fn scale(self, a: Self::V, n: Self::V) -> Self::V;
    /// 1 / a, to 22 bits or better.
    fn reciprocal(self, a: Self::V) -> Self::V;
    /// Bit `i` says whether lane `i` of `a` is greater.
    fn greater(self, a: Self::V, b: Self::V) -> u16;
    fn sum(self, v: Self::V) -> f32;
    fn largest(self, v: Self::V) -> f32;
    /// Each lane becomes the sum of the lanes that are equal to it modulo `heads`: 1, 2, 4, 8 or 16.
    fn fold(self, v: Self::V, heads: usize) -> Self::V;

    /// `sums[r][c] = start[c] + Σ a[r][k] · b[k][c]` for one panel: `a` holds `rows` rows of `4 × groups` bytes,
    /// `stride` apart; `b` is `groups × PANEL × 4`. `ahead` is what the next tile will read, to be fetched meanwhile.
    /// Where [`Simd::UNSIGNED`] is not set, 128 is taken from `a` first. Behind its last row `a` goes on for [`MOST_ROWS`] rows
    /// less one, which may be read; sums of other rows may be written. `a` and `b` should start with a cache line.
    fn tile_i8(
        self,
        a: &[u8],
        stride: usize,
        rows: usize,
        b: &[i8],
        start: &[i32; PANEL],
        sums: &mut Sums<i32>,
        ahead: &[i8],
    );

    /// The same in `f32`, one fused multiplication at a time in the order of `k`; `b` is `depth × PANEL`.
    fn tile_f32(self, a: &[f32], stride: usize, rows: usize, b: &[f32], sums: &mut Sums<f32>, ahead: &[f32]);

    /// Whether [`Simd::tile_i8`] takes activations as they are stored, 128 too large.
    const UNSIGNED: bool;

    /// e to the power of `x`: relative error below 2e-7 from −87 to 88, clamped beyond (Cody and Waite's reduction,
    /// a minimax polynomial of degree 5).
    #[inline(always)]
    fn exp(self, x: Self::V) -> Self::V {
        let x = self.min(self.max(x, self.splat(-87.0)), self.splat(88.0));
        // Adding and taking 1.5 · 2^23 rounds to the nearest whole number.
        let magic = self.splat(12_582_912.0);
        let n = self.sub(self.fma(x, self.splat(std::f32::consts::LOG2_E), magic), magic);
        let r = self.fma(n, self.splat(-0.693_359_4), x);
        let r = self.fma(n, self.splat(2.121_944_4e-4), r);
        let mut p = self.splat(8.312_525e-3);
        for c in [4.189_011_5e-2, 1.666_711_4e-1, 4.999_923_3e-1, 1.0, 1.0] {
            p = self.fma(p, r, self.splat(c));
        }
        self.scale(p, n)
    }
}

/// Plain Rust: every machine, and the twin in tests.
#[derive(Clone, Copy, Debug)]
pub struct Portable;

#[inline(always)]
fn each(f: impl Fn(usize) -> f32) -> [f32; LANES] {
    std::array::from_fn(f)
}

impl Simd for Portable {
    type V = [f32; LANES];
    type I = [i32; LANES];
    type Open = ();
    const INTEGER_ROWS: usize = TILE_ROWS;
    const UNSIGNED: bool = true;

    fn open(self, _: usize) {}

    #[inline(always)]
    fn splat(self, x: f32) -> Self::V {
        [x; LANES]
    }
    #[inline(always)]
    fn load(self, from: &[f32; LANES]) -> Self::V {
        *from
    }
    #[inline(always)]
    fn store(self, v: Self::V, to: &mut [f32; LANES]) {
        *to = v;
    }
    #[inline(always)]
    fn load_i8(self, from: &[i8; LANES]) -> Self::V {
        each(|i| f32::from(from[i]))
    }
    #[inline(always)]
    fn store_i8(self, v: Self::V, to: &mut [i8; LANES]) {
        *to = v.map(|x| x.round_ties_even() as i8);
    }
    #[inline(always)]
    fn pack(self, v: [Self::V; 4], offset: i32, to: &mut [u8; 4 * LANES]) {
        for (i, to) in to.iter_mut().enumerate() {
            *to = (v[i % 4][i / 4].round_ties_even() as i32 + offset) as u8;
        }
    }
    #[inline(always)]
    fn zero(self) -> Self::I {
        [0; LANES]
    }
    #[inline(always)]
    fn dot(self, sums: Self::I, a: &[u8; 4 * LANES], b: &[i8; 4 * LANES]) -> Self::I {
        std::array::from_fn(|i| {
            let products = (4 * i..4 * i + 4).map(|j| (i32::from(a[j]) - 128) * i32::from(b[j]));
            sums[i] + products.sum::<i32>()
        })
    }
    #[inline(always)]
    fn float(self, sums: Self::I) -> Self::V {
        sums.map(|x| x as f32)
    }
    #[inline(always)]
    fn fetch<T>(self, _: &T) {}
    #[inline(always)]
    fn load_i32(self, from: &[i32; LANES]) -> Self::V {
        each(|i| from[i] as f32)
    }
    #[inline(always)]
    fn store_u8(self, v: Self::V, to: &mut [u8; LANES]) {
        *to = v.map(|x| (x.round_ties_even() as i32 + 128) as u8);
    }
    #[inline(always)]
    fn add(self, a: Self::V, b: Self::V) -> Self::V {
        each(|i| a[i] + b[i])
    }
    #[inline(always)]
    fn sub(self, a: Self::V, b: Self::V) -> Self::V {
        each(|i| a[i] - b[i])
    }
    #[inline(always)]
    fn mul(self, a: Self::V, b: Self::V) -> Self::V {
        each(|i| a[i] * b[i])
    }
    #[inline(always)]
    fn div(self, a: Self::V, b: Self::V) -> Self::V {
        each(|i| a[i] / b[i])
    }
    #[inline(always)]
    fn fma(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        // Not `mul_add`: without the instruction that is a call of a slow function.
        each(|i| a[i] * b[i] + c[i])
    }
    #[inline(always)]
    fn max(self, a: Self::V, b: Self::V) -> Self::V {
        each(|i| if a[i] > b[i] { a[i] } else { b[i] })
    }
    #[inline(always)]
    fn min(self, a: Self::V, b: Self::V) -> Self::V {
        each(|i| if a[i] < b[i] { a[i] } else { b[i] })
    }
    #[inline(always)]
    fn abs(self, a: Self::V) -> Self::V {
        a.map(f32::abs)
    }
    #[inline(always)]
    fn scale(self, a: Self::V, n: Self::V) -> Self::V {
        each(|i| a[i] * f32::from_bits(((n[i] as i32 + 127) as u32) << 23))
    }
    #[inline(always)]
    fn reciprocal(self, a: Self::V) -> Self::V {
        a.map(|a| 1.0 / a)
    }
    #[inline(always)]
    fn greater(self, a: Self::V, b: Self::V) -> u16 {
        (0..LANES).fold(0, |mask, i| mask | (u16::from(a[i] > b[i]) << i))
    }
    #[inline(always)]
    fn sum(self, v: Self::V) -> f32 {
        v.iter().sum()
    }
    #[inline(always)]
    fn largest(self, v: Self::V) -> f32 {
        v.iter().copied().fold(f32::NEG_INFINITY, f32::max)
    }

    #[inline(always)]
    fn fold(self, mut v: Self::V, heads: usize) -> Self::V {
        let mut step = LANES / 2;
        while step >= heads {
            v = each(|i| v[i] + v[(i + step) % LANES]);
            step /= 2;
        }
        v
    }

    #[inline(always)]
    fn tile_i8(
        self,
        a: &[u8],
        stride: usize,
        rows: usize,
        b: &[i8],
        start: &[i32; PANEL],
        sums: &mut Sums<i32>,
        _: &[i8],
    ) {
        /// Groups whose products add up to less than 2^24, all of which `f32` holds exactly.
        const EXACT: usize = (1 << 24) / (4 * 255 * 128);
        // In `f32`, which every compiler knows how to vectorise.
        sums[..rows].fill(*start);
        for (part, b) in b.chunks(EXACT * 4 * PANEL).enumerate() {
            let mut floats = [[0f32; PANEL]; TILE_ROWS];
            for (g, b) in b.as_chunks::<{ 4 * PANEL }>().0.iter().enumerate() {
                let mut columns = [[0f32; PANEL]; 4];
                for (c, b) in b.as_chunks::<4>().0.iter().enumerate() {
                    let word = i32::from_le_bytes(b.map(|b| b as u8));
                    for (i, column) in columns.iter_mut().enumerate() {
                        column[c] = (word << (24 - 8 * i) >> 24) as f32;
                    }
                }
                let at = 4 * (part * EXACT + g);
                for (r, floats) in floats.iter_mut().enumerate().take(rows) {
                    for (&a, column) in a[r * stride + at..][..4].iter().zip(&columns) {
                        for (sum, b) in floats.iter_mut().zip(column) {
                            *sum += f32::from(a) * b;
                        }
                    }
                }
            }
            for (sums, floats) in sums.iter_mut().zip(&floats).take(rows) {
                for (sum, float) in sums.iter_mut().zip(floats) {
                    *sum += *float as i32;
                }
            }
        }
    }

    #[inline(always)]
    fn tile_f32(self, a: &[f32], stride: usize, rows: usize, b: &[f32], sums: &mut Sums<f32>, _: &[f32]) {
        for (r, sums) in sums.iter_mut().enumerate().take(rows) {
            *sums = [0.0; PANEL];
            for (a, b) in a[r * stride..].iter().zip(b.as_chunks::<PANEL>().0) {
                for (sum, b) in sums.iter_mut().zip(b) {
                    *sum += a * b;
                }
            }
        }
    }
}

/// The instruction set that the loops run on.
#[derive(Clone, Copy, Debug)]
pub enum Isa {
    Portable(Portable),
    #[cfg(target_arch = "x86_64")]
    Avx2(super::avx2::Avx2<false>),
    #[cfg(target_arch = "x86_64")]
    AvxVnni(super::avx2::Avx2<true>),
    #[cfg(target_arch = "x86_64")]
    Avx512(super::avx512::Avx512<false>),
    #[cfg(target_arch = "x86_64")]
    Amx(super::avx512::Avx512<true>),
    #[cfg(target_arch = "aarch64")]
    Neon(super::neon::Neon),
}

impl Isa {
    /// The best that this machine has.
    pub fn best() -> Self {
        Self::all().pop().unwrap_or(Self::Portable(Portable))
    }

    /// All that this machine has, the plainest first.
    pub fn all() -> Vec<Self> {
        #[allow(unused_mut, reason = "only some machines have more than one")]
        let mut all = vec![Self::Portable(Portable)];
        #[cfg(target_arch = "x86_64")]
        {
            all.extend(super::avx2::Avx2::<false>::detect().map(Self::Avx2));
            all.extend(super::avx2::Avx2::<true>::detect().map(Self::AvxVnni));
            all.extend(super::avx512::Avx512::<false>::detect().map(Self::Avx512));
            all.extend(super::avx512::Avx512::<true>::detect().map(Self::Amx));
        }
        #[cfg(target_arch = "aarch64")]
        all.extend(super::neon::Neon::detect().map(Self::Neon));
        all
    }

    /// In words: `amx-int8`, `avx512-vnni`, `avx-vnni`, `avx2`, `neon-dot`, `portable`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Portable(_) => "portable",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => "avx2",
            #[cfg(target_arch = "x86_64")]
            Self::AvxVnni(_) => "avx-vnni",
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) => "avx512-vnni",
            #[cfg(target_arch = "x86_64")]
            Self::Amx(_) => "amx-int8",
            #[cfg(target_arch = "aarch64")]
            Self::Neon(_) => "neon-dot",
        }
    }

    /// Most rows of an integer tile.
    #[cfg(test)]
    pub fn integer_rows(self) -> usize {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Amx(_) => super::avx512::Avx512::<true>::INTEGER_ROWS,
            _ => TILE_ROWS,
        }
    }

    /// Whether the integer products take activations 128 too large.
    pub fn unsigned(self) -> bool {
        match self {
            Self::Portable(_) => Portable::UNSIGNED,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => super::avx2::Avx2::<false>::UNSIGNED,
            #[cfg(target_arch = "x86_64")]
            Self::AvxVnni(_) => super::avx2::Avx2::<true>::UNSIGNED,
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) => super::avx512::Avx512::<false>::UNSIGNED,
            #[cfg(target_arch = "x86_64")]
            Self::Amx(_) => super::avx512::Avx512::<true>::UNSIGNED,
            #[cfg(target_arch = "aarch64")]
            Self::Neon(_) => super::neon::Neon::UNSIGNED,
        }
    }
}

/// Calls a tile function that is compiled for each number of rows from 1 to [`TILE_ROWS`]: `for_rows!(rows, tile(a, b))`.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
macro_rules! for_rows {
    ($rows:expr, $tile:ident $arguments:tt) => {
        $crate::marian::cpu::simd::for_rows!($rows, $tile $arguments: 1 2 3 4 5 6)
    };
    ($rows:expr, $tile:ident $arguments:tt: $($n:literal)*) => {
        match $rows {
            $($n => $tile::<$n> $arguments,)*
            _ => {}
        }
    };
}
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
pub(super) use for_rows;

/// Compiles a loop over [`Simd`] once for each instruction set and picks by [`Isa`]:
/// `vectorised! { fn name[T: Bound](s; a: A, b: B) -> R { … } }` gives `fn name<T: Bound>(isa: Isa, a: A, b: B) -> R`.
macro_rules! vectorised {
    ($(#[$meta:meta])* $vis:vis fn $name:ident $([$($g:ident : $bound:path),+])? ($s:ident; $($arg:ident : $ty:ty),* $(,)?) $(-> $ret:ty)? $body:block) => {
        $(#[$meta])*
        #[allow(clippy::too_many_arguments, reason = "a loop over several arrays")]
        $vis fn $name $(<$($g: $bound),+>)? (isa: $crate::marian::cpu::simd::Isa, $($arg: $ty),*) $(-> $ret)? {
            use $crate::marian::cpu::simd::{Isa, Simd};
            #[allow(clippy::too_many_arguments, reason = "a loop over several arrays")]
            #[inline(always)]
            fn body<S: Simd $($(, $g: $bound)+)?>($s: S, $($arg: $ty),*) $(-> $ret)? $body

            #[cfg(target_arch = "x86_64")]
            #[allow(clippy::too_many_arguments, reason = "a loop over several arrays")]
            #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c")]
            fn avx512 $(<$($g: $bound),+>)? (s: $crate::marian::cpu::avx512::Avx512<false>, $($arg: $ty),*) $(-> $ret)? {
                body(s, $($arg),*)
            }
            #[cfg(target_arch = "x86_64")]
            #[allow(clippy::too_many_arguments, reason = "a loop over several arrays")]
            #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c")]
            fn amx $(<$($g: $bound),+>)? (s: $crate::marian::cpu::avx512::Avx512<true>, $($arg: $ty),*) $(-> $ret)? {
                body(s, $($arg),*)
            }
            #[cfg(target_arch = "x86_64")]
            #[allow(clippy::too_many_arguments, reason = "a loop over several arrays")]
            #[target_feature(enable = "avx2,fma,f16c")]
            fn avx2 $(<$($g: $bound),+>)? (s: $crate::marian::cpu::avx2::Avx2<false>, $($arg: $ty),*) $(-> $ret)? {
                body(s, $($arg),*)
            }
            #[cfg(target_arch = "x86_64")]
            #[allow(clippy::too_many_arguments, reason = "a loop over several arrays")]
            #[target_feature(enable = "avx2,avxvnni,fma,f16c")]
            fn avx_vnni $(<$($g: $bound),+>)? (s: $crate::marian::cpu::avx2::Avx2<true>, $($arg: $ty),*) $(-> $ret)? {
                body(s, $($arg),*)
            }
            #[cfg(target_arch = "aarch64")]
            #[allow(clippy::too_many_arguments, reason = "a loop over several arrays")]
            #[target_feature(enable = "neon,dotprod")]
            fn neon $(<$($g: $bound),+>)? (s: $crate::marian::cpu::neon::Neon, $($arg: $ty),*) $(-> $ret)? {
                body(s, $($arg),*)
            }
            match isa {
                Isa::Portable(s) => body(s, $($arg),*),
                // SAFETY: an `Avx2` exists only where `detect` found its instructions.
                #[cfg(target_arch = "x86_64")]
                Isa::Avx2(s) => unsafe { avx2(s, $($arg),*) },
                // SAFETY: as above.
                #[cfg(target_arch = "x86_64")]
                Isa::AvxVnni(s) => unsafe { avx_vnni(s, $($arg),*) },
                // SAFETY: an `Avx512` exists only where `detect` found its instructions.
                #[cfg(target_arch = "x86_64")]
                Isa::Avx512(s) => unsafe { avx512(s, $($arg),*) },
                // SAFETY: as above.
                #[cfg(target_arch = "x86_64")]
                Isa::Amx(s) => unsafe { amx(s, $($arg),*) },
                // SAFETY: a `Neon` exists only where `detect` found its instructions.
                #[cfg(target_arch = "aarch64")]
                Isa::Neon(s) => unsafe { neon(s, $($arg),*) },
            }
        }
    };
}
pub(super) use vectorised;
