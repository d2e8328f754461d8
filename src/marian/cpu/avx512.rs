//! AVX-512 with VNNI: Intel from Ice Lake on, AMD from Zen 4 on; `Avx512<true>` has Intel's matrix unit as well.
//!
//! Safety, once for the whole file: an [`Avx512`] is made only by [`Avx512::detect`] where the machine has every
//! instruction used here, and all arguments that become pointers are arrays of fixed size or slices whose length is
//! asserted.

#![allow(clippy::needless_range_loop, reason = "registers side by side, by number")]
#![allow(clippy::too_many_arguments, reason = "pointers and their strides")]

use std::arch::x86_64::*;

use super::amx;
use super::simd::{LANES, MOST_ROWS, PANEL, Simd, Sums, TILE_ROWS, for_rows};

/// The machine has AVX-512 F, BW, VL, DQ and VNNI.
#[derive(Clone, Copy, Debug)]
pub struct Avx512<const AMX: bool>(());

impl<const AMX: bool> Avx512<AMX> {
    /// Asks the machine.
    pub fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vnni")
            && is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("fma")
            && is_x86_feature_detected!("f16c")
            && (!AMX || amx::permitted()))
        .then_some(Self(()))
    }
}

/// Products of fewer rows are bound by reading the weights, which vector registers do as well.
const AMX_FROM: usize = 4;

impl<const AMX: bool> Simd for Avx512<AMX> {
    type V = __m512;
    type I = __m512i;
    type Open = Option<amx::Open>;
    const INTEGER_ROWS: usize = if AMX { amx::ROWS } else { TILE_ROWS };
    const UNSIGNED: bool = true;

    #[inline(always)]
    fn open(self, rows: usize) -> Option<amx::Open> {
        // SAFETY: see the head of the file.
        (AMX && rows >= AMX_FROM).then(|| unsafe { amx::Open::new(rows) })
    }

    #[inline(always)]
    fn splat(self, x: f32) -> __m512 {
        // SAFETY: see the head of the file; so for all below.
        unsafe { _mm512_set1_ps(x) }
    }
    #[inline(always)]
    fn load(self, from: &[f32; LANES]) -> __m512 {
        // SAFETY: 16 lanes are 64 bytes.
        unsafe { _mm512_loadu_ps(from.as_ptr()) }
    }
    #[inline(always)]
    fn store(self, v: __m512, to: &mut [f32; LANES]) {
        // SAFETY: as above.
        unsafe { _mm512_storeu_ps(to.as_mut_ptr(), v) }
    }
    #[inline(always)]
    fn load_i8(self, from: &[i8; LANES]) -> __m512 {
        // SAFETY: 16 bytes are read.
        unsafe { _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(from.as_ptr().cast()))) }
    }
    #[inline(always)]
    fn store_i8(self, v: __m512, to: &mut [i8; LANES]) {
        // SAFETY: 16 bytes are written.
        unsafe { _mm_storeu_si128(to.as_mut_ptr().cast(), _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(v))) }
    }
    #[inline(always)]
    fn pack(self, v: [__m512; 4], offset: i32, to: &mut [u8; 4 * LANES]) {
        // SAFETY: 64 bytes are written.
        unsafe {
            let offset = _mm512_set1_epi32(offset);
            let low = _mm512_set1_epi32(0xff);
            let a = _mm512_and_si512(_mm512_add_epi32(_mm512_cvtps_epi32(v[0]), offset), low);
            let b = _mm512_and_si512(_mm512_add_epi32(_mm512_cvtps_epi32(v[1]), offset), low);
            let c = _mm512_and_si512(_mm512_add_epi32(_mm512_cvtps_epi32(v[2]), offset), low);
            let d = _mm512_add_epi32(_mm512_cvtps_epi32(v[3]), offset);
            let ab = _mm512_or_si512(a, _mm512_slli_epi32::<8>(b));
            let cd = _mm512_or_si512(_mm512_slli_epi32::<16>(c), _mm512_slli_epi32::<24>(d));
            _mm512_storeu_si512(to.as_mut_ptr().cast(), _mm512_or_si512(ab, cd));
        }
    }
    #[inline(always)]
    fn zero(self) -> __m512i {
        // SAFETY: see the head of the file.
        unsafe { _mm512_setzero_si512() }
    }
    #[inline(always)]
    fn dot(self, sums: __m512i, a: &[u8; 4 * LANES], b: &[i8; 4 * LANES]) -> __m512i {
        // SAFETY: 64 bytes are read of each.
        unsafe {
            let (a, b) = (_mm512_loadu_si512(a.as_ptr().cast()), _mm512_loadu_si512(b.as_ptr().cast()));
            _mm512_dpbusd_epi32(sums, a, b)
        }
    }
    #[inline(always)]
    fn float(self, sums: __m512i) -> __m512 {
        // SAFETY: see the head of the file.
        unsafe { _mm512_cvtepi32_ps(sums) }
    }
    #[inline(always)]
    fn fetch<T>(self, from: &T) {
        // SAFETY: a hint; it reads nothing.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(from).cast()) }
    }
    #[inline(always)]
    fn load_i32(self, from: &[i32; LANES]) -> __m512 {
        // SAFETY: 16 lanes are 64 bytes.
        unsafe { _mm512_cvtepi32_ps(_mm512_loadu_si512(from.as_ptr().cast())) }
    }
    #[inline(always)]
    fn store_u8(self, v: __m512, to: &mut [u8; LANES]) {
        // SAFETY: 16 bytes are written.
        unsafe {
            let n = _mm512_add_epi32(_mm512_cvtps_epi32(v), _mm512_set1_epi32(128));
            _mm_storeu_si128(to.as_mut_ptr().cast(), _mm512_cvtepi32_epi8(n));
        }
    }
    #[inline(always)]
    fn add(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: see the head of the file.
        unsafe { _mm512_add_ps(a, b) }
    }
    #[inline(always)]
    fn sub(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: see the head of the file.
        unsafe { _mm512_sub_ps(a, b) }
    }
    #[inline(always)]
    fn mul(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: see the head of the file.
        unsafe { _mm512_mul_ps(a, b) }
    }
    #[inline(always)]
    fn div(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: see the head of the file.
        unsafe { _mm512_div_ps(a, b) }
    }
    #[inline(always)]
    fn fma(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        // SAFETY: see the head of the file.
        unsafe { _mm512_fmadd_ps(a, b, c) }
    }
    #[inline(always)]
    fn max(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: see the head of the file.
        unsafe { _mm512_max_ps(a, b) }
    }
    #[inline(always)]
    fn min(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: see the head of the file.
        unsafe { _mm512_min_ps(a, b) }
    }
    #[inline(always)]
    fn abs(self, a: __m512) -> __m512 {
        // SAFETY: see the head of the file.
        unsafe { _mm512_abs_ps(a) }
    }
    #[inline(always)]
    fn scale(self, a: __m512, n: __m512) -> __m512 {
        // SAFETY: see the head of the file.
        unsafe { _mm512_scalef_ps(a, n) }
    }
    #[inline(always)]
    fn reciprocal(self, a: __m512) -> __m512 {
        // SAFETY: see the head of the file.
        unsafe {
            // One step of Newton's method doubles the 14 bits of the estimate.
            let x = _mm512_rcp14_ps(a);
            _mm512_mul_ps(x, _mm512_fnmadd_ps(a, x, _mm512_set1_ps(2.0)))
        }
    }
    #[inline(always)]
    fn greater(self, a: __m512, b: __m512) -> u16 {
        // SAFETY: see the head of the file.
        unsafe { _mm512_cmp_ps_mask::<_CMP_GT_OQ>(a, b) }
    }
    #[inline(always)]
    fn sum(self, v: __m512) -> f32 {
        // SAFETY: see the head of the file.
        unsafe { _mm512_reduce_add_ps(v) }
    }
    #[inline(always)]
    fn largest(self, v: __m512) -> f32 {
        // SAFETY: see the head of the file.
        unsafe { _mm512_reduce_max_ps(v) }
    }

    #[inline(always)]
    fn fold(self, mut v: __m512, heads: usize) -> __m512 {
        // SAFETY: see the head of the file.
        unsafe {
            if heads <= 8 {
                v = _mm512_add_ps(v, _mm512_shuffle_f32x4::<0b01_00_11_10>(v, v));
            }
            if heads <= 4 {
                v = _mm512_add_ps(v, _mm512_shuffle_f32x4::<0b10_11_00_01>(v, v));
            }
            if heads <= 2 {
                v = _mm512_add_ps(v, _mm512_permute_ps::<0b01_00_11_10>(v));
            }
            if heads <= 1 {
                v = _mm512_add_ps(v, _mm512_permute_ps::<0b10_11_00_01>(v));
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
        ahead: &[i8],
    ) {
        let groups = b.len() / (4 * PANEL);
        if AMX && rows >= AMX_FROM {
            assert!(groups.is_multiple_of(16) && a.len() >= (MOST_ROWS - 1) * stride + 4 * groups);
            let steps = groups / 16;
            let pace = ahead.len() / steps.max(1);
            // SAFETY: the assertion above; [`Simd::open`] was called.
            return unsafe { amx::tile(a.as_ptr(), stride, b.as_ptr(), steps, start, sums, ahead.as_ptr(), pace) };
        }
        assert!((1..=TILE_ROWS).contains(&rows) && a.len() >= (rows - 1) * stride + 4 * groups);
        let pace = ahead.len() / groups.max(1);
        // SAFETY: the assertion above; see the head of the file.
        unsafe { for_rows!(rows, tile_i8(a.as_ptr(), stride, b.as_ptr(), groups, start, sums, ahead.as_ptr(), pace)) }
    }

    #[inline(always)]
    fn tile_f32(self, a: &[f32], stride: usize, rows: usize, b: &[f32], sums: &mut Sums<f32>, ahead: &[f32]) {
        let depth = b.len() / PANEL;
        assert!((1..=TILE_ROWS).contains(&rows) && a.len() >= (rows - 1) * stride + depth);
        let pace = ahead.len() / depth.max(1);
        // SAFETY: the assertion above; see the head of the file.
        unsafe { for_rows!(rows, tile_f32(a.as_ptr(), stride, b.as_ptr(), depth, sums, ahead.as_ptr(), pace)) }
    }
}

/// `ROWS × PANEL` sums in registers. Meanwhile fetches what stands at `ahead`, `pace` bytes a step: evenly, because fetching all at
/// once would fill the queues that the loads of this tile need as well.
///
/// # Safety
/// `a` has `ROWS` rows of `4 × groups` bytes, `stride` apart; `b` has `groups × PANEL × 4`.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
unsafe fn tile_i8<const ROWS: usize>(
    a: *const u8,
    stride: usize,
    b: *const i8,
    groups: usize,
    start: &[i32; PANEL],
    sums: &mut Sums<i32>,
    ahead: *const i8,
    pace: usize,
) {
    // SAFETY: the caller's promise; `start` and `sums` are arrays of whole vectors, and ROWS is at most TILE_ROWS.
    unsafe {
        let mut acc = [[_mm512_setzero_si512(); 4]; ROWS];
        for j in 0..4 {
            let v = _mm512_loadu_si512(start.as_ptr().add(LANES * j).cast());
            for row in &mut acc {
                row[j] = v;
            }
        }
        for g in 0..groups {
            _mm_prefetch::<_MM_HINT_T0>(ahead.wrapping_add(pace * g));
            let b = b.add(4 * PANEL * g);
            let mut v = [_mm512_setzero_si512(); 4];
            for (j, v) in v.iter_mut().enumerate() {
                *v = _mm512_loadu_si512(b.add(64 * j).cast());
            }
            for (r, row) in acc.iter_mut().enumerate() {
                let a = _mm512_set1_epi32(a.add(r * stride + 4 * g).cast::<i32>().read_unaligned());
                for j in 0..4 {
                    row[j] = _mm512_dpbusd_epi32(row[j], a, v[j]);
                }
            }
        }
        for (sums, row) in sums.iter_mut().zip(&acc) {
            for j in 0..4 {
                _mm512_storeu_si512(sums.as_mut_ptr().add(LANES * j).cast(), row[j]);
            }
        }
    }
}

/// [`tile_i8`] in `f32`.
///
/// # Safety
/// `a` has `ROWS` rows of `depth`, `stride` apart; `b` has `depth × PANEL`.
#[target_feature(enable = "avx512f")]
unsafe fn tile_f32<const ROWS: usize>(
    a: *const f32,
    stride: usize,
    b: *const f32,
    depth: usize,
    sums: &mut Sums<f32>,
    ahead: *const f32,
    pace: usize,
) {
    // SAFETY: the caller's promise; `sums` is an array of whole vectors, and ROWS is at most TILE_ROWS.
    unsafe {
        let mut acc = [[_mm512_setzero_ps(); 4]; ROWS];
        for k in 0..depth {
            _mm_prefetch::<_MM_HINT_T1>(ahead.wrapping_add(pace * k).cast());
            let b = b.add(PANEL * k);
            let mut v = [_mm512_setzero_ps(); 4];
            for (j, v) in v.iter_mut().enumerate() {
                *v = _mm512_loadu_ps(b.add(LANES * j));
            }
            for (r, row) in acc.iter_mut().enumerate() {
                let a = _mm512_set1_ps(*a.add(r * stride + k));
                for j in 0..4 {
                    row[j] = _mm512_fmadd_ps(a, v[j], row[j]);
                }
            }
        }
        for (sums, row) in sums.iter_mut().zip(&acc) {
            for j in 0..4 {
                _mm512_storeu_ps(sums.as_mut_ptr().add(LANES * j), row[j]);
            }
        }
    }
}
