//! AVX2 with FMA and F16C: Intel from Haswell on, AMD from Zen on; `Avx2<true>` has AVX-VNNI as well (Alder Lake on).
//!
//! Safety, once for the whole file: an [`Avx2`] is made only by [`Avx2::detect`] where the machine has every instruction
//! used here, and all arguments that become pointers are arrays of fixed size or slices whose length is asserted.

#![allow(clippy::needless_range_loop, reason = "registers side by side, by number")]
#![allow(clippy::too_many_arguments, reason = "pointers and their strides")]

use std::arch::x86_64::*;

use super::simd::{LANES, PANEL, Simd, Sums, TILE_ROWS, for_rows};

/// The machine has AVX2, FMA and F16C, and AVX-VNNI if `VNNI`.
#[derive(Clone, Copy, Debug)]
pub struct Avx2<const VNNI: bool>(());

impl<const VNNI: bool> Avx2<VNNI> {
    /// Asks the machine.
    pub fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("fma")
            && is_x86_feature_detected!("f16c")
            && (!VNNI || is_x86_feature_detected!("avxvnni")))
        .then_some(Self(()))
    }
}

/// Eight lanes each.
type Pair = [__m256; 2];

/// Applies an intrinsic to both halves.
macro_rules! both {
    ($f:ident($($arg:ident),+)) => {
        // SAFETY: see the head of the file.
        unsafe { [$f($($arg[0]),+), $f($($arg[1]),+)] }
    };
}

impl<const VNNI: bool> Simd for Avx2<VNNI> {
    type V = Pair;
    type I = [__m256i; 2];
    type Open = ();
    const INTEGER_ROWS: usize = TILE_ROWS;
    // Without VNNI the bytes are multiplied in signed form, where no sum of two products overflows 16 bits.
    const UNSIGNED: bool = VNNI;

    #[inline(always)]
    fn open(self, _: usize) {}

    #[inline(always)]
    fn splat(self, x: f32) -> Pair {
        // SAFETY: see the head of the file; so for all below.
        unsafe { [_mm256_set1_ps(x); 2] }
    }
    #[inline(always)]
    fn load(self, from: &[f32; LANES]) -> Pair {
        // SAFETY: 16 lanes are two vectors of 8.
        unsafe { [_mm256_loadu_ps(from.as_ptr()), _mm256_loadu_ps(from.as_ptr().add(8))] }
    }
    #[inline(always)]
    fn store(self, v: Pair, to: &mut [f32; LANES]) {
        // SAFETY: as above.
        unsafe {
            _mm256_storeu_ps(to.as_mut_ptr(), v[0]);
            _mm256_storeu_ps(to.as_mut_ptr().add(8), v[1]);
        }
    }
    #[inline(always)]
    fn load_i8(self, from: &[i8; LANES]) -> Pair {
        // SAFETY: 16 bytes are read.
        unsafe {
            let bytes = _mm_loadu_si128(from.as_ptr().cast());
            let high = _mm_unpackhi_epi64(bytes, bytes);
            [_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes)), _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(high))]
        }
    }
    #[inline(always)]
    fn store_i8(self, v: Pair, to: &mut [i8; LANES]) {
        // SAFETY: 16 bytes are written.
        unsafe { _mm_storeu_si128(to.as_mut_ptr().cast(), bytes(v)) }
    }
    #[inline(always)]
    fn pack(self, v: [Pair; 4], offset: i32, to: &mut [u8; 4 * LANES]) {
        for half in 0..2 {
            // SAFETY: 32 bytes are written, at 0 and at 32.
            unsafe {
                let offset = _mm256_set1_epi32(offset);
                let low = _mm256_set1_epi32(0xff);
                let a = _mm256_and_si256(_mm256_add_epi32(_mm256_cvtps_epi32(v[0][half]), offset), low);
                let b = _mm256_and_si256(_mm256_add_epi32(_mm256_cvtps_epi32(v[1][half]), offset), low);
                let c = _mm256_and_si256(_mm256_add_epi32(_mm256_cvtps_epi32(v[2][half]), offset), low);
                let d = _mm256_add_epi32(_mm256_cvtps_epi32(v[3][half]), offset);
                let ab = _mm256_or_si256(a, _mm256_slli_epi32::<8>(b));
                let cd = _mm256_or_si256(_mm256_slli_epi32::<16>(c), _mm256_slli_epi32::<24>(d));
                _mm256_storeu_si256(to.as_mut_ptr().add(32 * half).cast(), _mm256_or_si256(ab, cd));
            }
        }
    }
    #[inline(always)]
    fn zero(self) -> [__m256i; 2] {
        // SAFETY: see the head of the file.
        unsafe { [_mm256_setzero_si256(); 2] }
    }
    #[inline(always)]
    fn dot(self, sums: [__m256i; 2], a: &[u8; 4 * LANES], b: &[i8; 4 * LANES]) -> [__m256i; 2] {
        // SAFETY: 64 bytes are read of each.
        unsafe {
            let (a, b) = (a.as_ptr().cast::<__m256i>(), b.as_ptr().cast::<__m256i>());
            [
                dot::<VNNI>(sums[0], _mm256_loadu_si256(a), _mm256_loadu_si256(b)),
                dot::<VNNI>(sums[1], _mm256_loadu_si256(a.add(1)), _mm256_loadu_si256(b.add(1))),
            ]
        }
    }
    #[inline(always)]
    fn float(self, sums: [__m256i; 2]) -> Pair {
        // SAFETY: see the head of the file.
        unsafe { [_mm256_cvtepi32_ps(sums[0]), _mm256_cvtepi32_ps(sums[1])] }
    }
    #[inline(always)]
    fn fetch<T>(self, from: &T) {
        // SAFETY: a hint; it reads nothing.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(from).cast()) }
    }
    #[inline(always)]
    fn load_i32(self, from: &[i32; LANES]) -> Pair {
        let from = from.as_ptr().cast::<__m256i>();
        // SAFETY: 16 lanes are two vectors of 8.
        unsafe { [_mm256_cvtepi32_ps(_mm256_loadu_si256(from)), _mm256_cvtepi32_ps(_mm256_loadu_si256(from.add(1)))] }
    }
    #[inline(always)]
    fn store_u8(self, v: Pair, to: &mut [u8; LANES]) {
        // SAFETY: 16 bytes are written. The sign bit is the 128 to add.
        unsafe { _mm_storeu_si128(to.as_mut_ptr().cast(), _mm_xor_si128(bytes(v), _mm_set1_epi8(-128))) }
    }
    #[inline(always)]
    fn add(self, a: Pair, b: Pair) -> Pair {
        both!(_mm256_add_ps(a, b))
    }
    #[inline(always)]
    fn sub(self, a: Pair, b: Pair) -> Pair {
        both!(_mm256_sub_ps(a, b))
    }
    #[inline(always)]
    fn mul(self, a: Pair, b: Pair) -> Pair {
        both!(_mm256_mul_ps(a, b))
    }
    #[inline(always)]
    fn div(self, a: Pair, b: Pair) -> Pair {
        both!(_mm256_div_ps(a, b))
    }
    #[inline(always)]
    fn fma(self, a: Pair, b: Pair, c: Pair) -> Pair {
        both!(_mm256_fmadd_ps(a, b, c))
    }
    #[inline(always)]
    fn max(self, a: Pair, b: Pair) -> Pair {
        both!(_mm256_max_ps(a, b))
    }
    #[inline(always)]
    fn min(self, a: Pair, b: Pair) -> Pair {
        both!(_mm256_min_ps(a, b))
    }
    #[inline(always)]
    fn abs(self, a: Pair) -> Pair {
        // SAFETY: see the head of the file.
        let sign = unsafe { [_mm256_set1_ps(-0.0); 2] };
        both!(_mm256_andnot_ps(sign, a))
    }
    #[inline(always)]
    fn reciprocal(self, a: Pair) -> Pair {
        self.div(self.splat(1.0), a)
    }
    #[inline(always)]
    fn scale(self, a: Pair, n: Pair) -> Pair {
        // SAFETY: see the head of the file.
        let integers = unsafe { [_mm256_cvtps_epi32(n[0]), _mm256_cvtps_epi32(n[1])] };
        // SAFETY: as above.
        let offset = unsafe { [_mm256_set1_epi32(127); 2] };
        let exponents = both!(_mm256_add_epi32(integers, offset));
        // SAFETY: as above.
        let powers = unsafe {
            [
                _mm256_castsi256_ps(_mm256_slli_epi32::<23>(exponents[0])),
                _mm256_castsi256_ps(_mm256_slli_epi32::<23>(exponents[1])),
            ]
        };
        self.mul(a, powers)
    }
    #[inline(always)]
    fn greater(self, a: Pair, b: Pair) -> u16 {
        // SAFETY: see the head of the file.
        unsafe {
            let low = _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_GT_OQ>(a[0], b[0]));
            let high = _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_GT_OQ>(a[1], b[1]));
            (low | (high << 8)) as u16
        }
    }
    #[inline(always)]
    fn sum(self, v: Pair) -> f32 {
        // SAFETY: see the head of the file.
        unsafe {
            let v = _mm256_add_ps(v[0], v[1]);
            let v = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps::<1>(v));
            let v = _mm_add_ps(v, _mm_movehl_ps(v, v));
            _mm_cvtss_f32(_mm_add_ss(v, _mm_shuffle_ps::<1>(v, v)))
        }
    }
    #[inline(always)]
    fn largest(self, v: Pair) -> f32 {
        // SAFETY: see the head of the file.
        unsafe {
            let v = _mm256_max_ps(v[0], v[1]);
            let v = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps::<1>(v));
            let v = _mm_max_ps(v, _mm_movehl_ps(v, v));
            _mm_cvtss_f32(_mm_max_ss(v, _mm_shuffle_ps::<1>(v, v)))
        }
    }

    #[inline(always)]
    fn fold(self, mut v: Pair, heads: usize) -> Pair {
        // SAFETY: see the head of the file.
        unsafe {
            if heads <= 8 {
                v = [_mm256_add_ps(v[0], v[1]); 2];
            }
            // Up to 8 heads both halves are equal.
            if heads <= 4 {
                v = [_mm256_add_ps(v[0], _mm256_permute2f128_ps::<1>(v[0], v[0])); 2];
            }
            if heads <= 2 {
                v = [_mm256_add_ps(v[0], _mm256_permute_ps::<0b01_00_11_10>(v[0])); 2];
            }
            if heads <= 1 {
                v = [_mm256_add_ps(v[0], _mm256_permute_ps::<0b10_11_00_01>(v[0])); 2];
            }
            v
        }
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
        let groups = b.len() / (4 * PANEL);
        // Four groups at a time; every width is a multiple of PANEL.
        assert!(
            (1..=TILE_ROWS).contains(&rows) && groups.is_multiple_of(4) && a.len() >= (rows - 1) * stride + 4 * groups
        );
        // SAFETY: the assertion above; see the head of the file.
        unsafe {
            if VNNI {
                for_rows!(rows, tile_vnni(a.as_ptr(), stride, b.as_ptr(), groups, start, sums))
            } else {
                for_rows!(rows, tile_i8(a.as_ptr(), stride, b.as_ptr(), groups, start, sums))
            }
        }
    }

    #[inline(always)]
    fn tile_f32(self, a: &[f32], stride: usize, rows: usize, b: &[f32], sums: &mut Sums<f32>, _: &[f32]) {
        let depth = b.len() / PANEL;
        assert!((1..=TILE_ROWS).contains(&rows) && a.len() >= (rows - 1) * stride + depth);
        // SAFETY: the assertion above; see the head of the file.
        unsafe { for_rows!(rows, tile_f32(a.as_ptr(), stride, b.as_ptr(), depth, sums)) }
    }
}

/// Lanes within ±127, rounded.
#[inline]
#[target_feature(enable = "avx2")]
fn bytes(v: Pair) -> __m128i {
    let words = _mm256_packs_epi32(_mm256_cvtps_epi32(v[0]), _mm256_cvtps_epi32(v[1]));
    let words = _mm256_permute4x64_epi64::<0b11_01_10_00>(words);
    _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256::<1>(words))
}

/// Four products of bytes a lane: `a · b` with VNNI, otherwise `(a − 128) · b`.
///
/// # Safety
/// The machine has AVX2, and AVX-VNNI if `VNNI`.
#[inline(always)]
unsafe fn dot<const VNNI: bool>(sums: __m256i, a: __m256i, b: __m256i) -> __m256i {
    // SAFETY: the caller's promise.
    unsafe {
        if VNNI {
            return _mm256_dpbusd_avx_epi32(sums, a, b);
        }
        // |b| × (a with the sign of b): pairs of products stay below 2 · 128 · 127 < 2^15.
        let a = _mm256_xor_si256(a, _mm256_set1_epi8(-128));
        let pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(b), _mm256_sign_epi8(a, b));
        _mm256_add_epi32(sums, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)))
    }
}

/// Columns that fit the registers at once: two vectors.
const STRIP: usize = 16;

/// The integer tile with VNNI: unsigned activations, one instruction for four products and their sum.
///
/// # Safety
/// `a` has `ROWS` rows of `4 × groups` bytes, `stride` apart; `b` has `groups × PANEL × 4`.
#[target_feature(enable = "avx2,avxvnni")]
unsafe fn tile_vnni<const ROWS: usize>(
    a: *const u8,
    stride: usize,
    b: *const i8,
    groups: usize,
    start: &[i32; PANEL],
    sums: &mut Sums<i32>,
) {
    for strip in (0..PANEL).step_by(STRIP) {
        // SAFETY: the caller's promise; `strip + STRIP` is at most PANEL, and ROWS at most TILE_ROWS.
        unsafe {
            let start = start.as_ptr().add(strip).cast::<__m256i>();
            let start = [_mm256_loadu_si256(start), _mm256_loadu_si256(start.add(1))];
            let mut acc = [start; ROWS];
            for g in 0..groups {
                let b = b.add(4 * (PANEL * g + strip)).cast::<__m256i>();
                let b = [_mm256_loadu_si256(b), _mm256_loadu_si256(b.add(1))];
                for (r, row) in acc.iter_mut().enumerate() {
                    let a = _mm256_set1_epi32(a.add(r * stride + 4 * g).cast::<i32>().read_unaligned());
                    for j in 0..2 {
                        row[j] = _mm256_dpbusd_avx_epi32(row[j], a, b[j]);
                    }
                }
            }
            for (sums, row) in sums.iter_mut().zip(&acc) {
                for j in 0..2 {
                    _mm256_storeu_si256(sums.as_mut_ptr().add(strip + 8 * j).cast(), row[j]);
                }
            }
        }
    }
}

/// Inputs of a tile that are widened together.
const WIDENED: usize = 1024;

/// The integer tile without VNNI, in words: two products and their sum are one instruction, as with bytes, but need no signs
/// moved from one factor to the other, and what widens the weights is shared by all rows.
///
/// # Safety
/// `a` has `ROWS` rows of `4 × groups` bytes, `stride` apart; `b` has `groups × PANEL × 4`; `groups` is a multiple of 4.
#[target_feature(enable = "avx2")]
unsafe fn tile_i8<const ROWS: usize>(
    a: *const u8,
    stride: usize,
    b: *const i8,
    groups: usize,
    start: &[i32; PANEL],
    sums: &mut Sums<i32>,
) {
    /// Columns of a strip: a vector of sums holds two for each of four columns.
    const STRIP: usize = 8;
    sums[..ROWS].fill(*start);
    let mut words = [[0i16; WIDENED]; ROWS];
    for first in (0..groups).step_by(WIDENED / 4) {
        let count = (groups - first).min(WIDENED / 4);
        // SAFETY: the caller's promise; `count` groups fit into `words`, `strip + STRIP` is at most PANEL, and ROWS at most
        // TILE_ROWS.
        unsafe {
            for (r, words) in words.iter_mut().enumerate() {
                for k in (0..4 * count).step_by(16) {
                    let bytes = _mm_loadu_si128(a.add(r * stride + 4 * first + k).cast());
                    let bytes = _mm_xor_si128(bytes, _mm_set1_epi8(-128));
                    _mm256_storeu_si256(words.as_mut_ptr().add(k).cast(), _mm256_cvtepi8_epi16(bytes));
                }
            }
            for strip in (0..PANEL).step_by(STRIP) {
                let mut acc = [[_mm256_setzero_si256(); 2]; ROWS];
                for g in 0..count {
                    let b = b.add(4 * (PANEL * (first + g) + strip)).cast::<__m128i>();
                    let b = [_mm256_cvtepi8_epi16(_mm_loadu_si128(b)), _mm256_cvtepi8_epi16(_mm_loadu_si128(b.add(1)))];
                    for (row, words) in acc.iter_mut().zip(&words) {
                        let a = _mm256_set1_epi64x(words.as_ptr().add(4 * g).cast::<i64>().read_unaligned());
                        for j in 0..2 {
                            row[j] = _mm256_add_epi32(row[j], _mm256_madd_epi16(a, b[j]));
                        }
                    }
                }
                for (sums, row) in sums.iter_mut().zip(&acc) {
                    // Columns 0 1 4 5 2 3 6 7.
                    let pairs = _mm256_hadd_epi32(row[0], row[1]);
                    let to = sums.as_mut_ptr().add(strip).cast::<__m256i>();
                    let found = _mm256_permute4x64_epi64::<0b11_01_10_00>(pairs);
                    _mm256_storeu_si256(to, _mm256_add_epi32(_mm256_loadu_si256(to), found));
                }
            }
        }
    }
}

/// The tile in `f32`.
///
/// # Safety
/// `a` has `ROWS` rows of `depth`, `stride` apart; `b` has `depth × PANEL`.
#[target_feature(enable = "avx2,fma")]
unsafe fn tile_f32<const ROWS: usize>(a: *const f32, stride: usize, b: *const f32, depth: usize, sums: &mut Sums<f32>) {
    for strip in (0..PANEL).step_by(STRIP) {
        // SAFETY: the caller's promise; `strip + STRIP` is at most PANEL, and ROWS at most TILE_ROWS.
        unsafe {
            let mut acc = [[_mm256_setzero_ps(); 2]; ROWS];
            for k in 0..depth {
                let b = b.add(PANEL * k + strip);
                let b = [_mm256_loadu_ps(b), _mm256_loadu_ps(b.add(8))];
                for (r, row) in acc.iter_mut().enumerate() {
                    let a = _mm256_set1_ps(*a.add(r * stride + k));
                    for j in 0..2 {
                        row[j] = _mm256_fmadd_ps(a, b[j], row[j]);
                    }
                }
            }
            for (sums, row) in sums.iter_mut().zip(&acc) {
                for j in 0..2 {
                    _mm256_storeu_ps(sums.as_mut_ptr().add(strip + 8 * j), row[j]);
                }
            }
        }
    }
}
