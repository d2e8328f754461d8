//! NEON with dot products: Apple's M1 and later, Graviton 2 and later, Cortex-A55, A76 and later.
//!
//! Safety, once for the whole file: a [`Neon`] is made only by [`Neon::detect`] where the machine has every instruction
//! used here, and all arguments that become pointers are arrays of fixed size or slices whose length is asserted.

#![allow(clippy::needless_range_loop, reason = "registers side by side, by number")]
#![allow(clippy::too_many_arguments, reason = "pointers and their strides")]

use std::arch::aarch64::*;
use std::arch::asm;

use super::simd::{LANES, PANEL, Simd, Sums, TILE_ROWS, for_rows};

/// The machine has NEON and its dot products.
#[derive(Clone, Copy, Debug)]
pub struct Neon(());

impl Neon {
    /// Asks the machine.
    pub fn detect() -> Option<Self> {
        (std::arch::is_aarch64_feature_detected!("neon") && std::arch::is_aarch64_feature_detected!("dotprod"))
            .then_some(Self(()))
    }
}

/// Four lanes each.
type Four = [float32x4_t; 4];

/// Applies an intrinsic to all four.
macro_rules! each {
    ($f:ident($($arg:ident),+)) => {
        // SAFETY: see the head of the file.
        unsafe { [$f($($arg[0]),+), $f($($arg[1]),+), $f($($arg[2]),+), $f($($arg[3]),+)] }
    };
}

impl Simd for Neon {
    type V = Four;
    type I = [int32x4_t; 4];
    type Open = ();
    const INTEGER_ROWS: usize = TILE_ROWS;
    // The dot products that all these machines have are of signed bytes.
    const UNSIGNED: bool = false;

    #[inline(always)]
    fn open(self, _: usize) {}

    #[inline(always)]
    fn splat(self, x: f32) -> Four {
        // SAFETY: see the head of the file; so for all below.
        unsafe { [vdupq_n_f32(x); 4] }
    }
    #[inline(always)]
    fn load(self, from: &[f32; LANES]) -> Four {
        let from = from.as_ptr();
        // SAFETY: 16 lanes are four vectors of 4.
        unsafe { [vld1q_f32(from), vld1q_f32(from.add(4)), vld1q_f32(from.add(8)), vld1q_f32(from.add(12))] }
    }
    #[inline(always)]
    fn store(self, v: Four, to: &mut [f32; LANES]) {
        for i in 0..4 {
            // SAFETY: as above.
            unsafe { vst1q_f32(to.as_mut_ptr().add(4 * i), v[i]) }
        }
    }
    #[inline(always)]
    fn load_i8(self, from: &[i8; LANES]) -> Four {
        // SAFETY: 16 bytes are read.
        unsafe {
            let v = vld1q_s8(from.as_ptr());
            let (low, high) = (vmovl_s8(vget_low_s8(v)), vmovl_high_s8(v));
            self.float([
                vmovl_s16(vget_low_s16(low)),
                vmovl_high_s16(low),
                vmovl_s16(vget_low_s16(high)),
                vmovl_high_s16(high),
            ])
        }
    }
    #[inline(always)]
    fn store_i8(self, v: Four, to: &mut [i8; LANES]) {
        // SAFETY: 16 bytes are written.
        unsafe { vst1q_s8(to.as_mut_ptr(), bytes(v)) }
    }
    #[inline(always)]
    fn pack(self, v: [Four; 4], offset: i32, to: &mut [u8; 4 * LANES]) {
        // SAFETY: 64 bytes are written.
        unsafe {
            let offset = vdupq_n_u8(offset as u8);
            let [a, b, c, d] = [bytes(v[0]), bytes(v[1]), bytes(v[2]), bytes(v[3])];
            let [a, b, c, d] = [
                vaddq_u8(vreinterpretq_u8_s8(a), offset),
                vaddq_u8(vreinterpretq_u8_s8(b), offset),
                vaddq_u8(vreinterpretq_u8_s8(c), offset),
                vaddq_u8(vreinterpretq_u8_s8(d), offset),
            ];
            vst4q_u8(to.as_mut_ptr(), uint8x16x4_t(a, b, c, d));
        }
    }
    #[inline(always)]
    fn zero(self) -> [int32x4_t; 4] {
        // SAFETY: see the head of the file.
        unsafe { [vdupq_n_s32(0); 4] }
    }
    #[inline(always)]
    fn dot(self, mut sums: [int32x4_t; 4], a: &[u8; 4 * LANES], b: &[i8; 4 * LANES]) -> [int32x4_t; 4] {
        for i in 0..4 {
            // SAFETY: 64 bytes are read of each; see the head of the file.
            unsafe {
                let a = signed(vld1q_u8(a.as_ptr().add(16 * i)));
                let b = vld1q_s8(b.as_ptr().add(16 * i));
                asm!("sdot {0:v}.4s, {1:v}.16b, {2:v}.16b", inout(vreg) sums[i], in(vreg) a, in(vreg) b,
                    options(pure, nomem, nostack, preserves_flags));
            }
        }
        sums
    }
    #[inline(always)]
    fn float(self, sums: [int32x4_t; 4]) -> Four {
        each!(vcvtq_f32_s32(sums))
    }
    #[inline(always)]
    fn fetch<T>(self, from: &T) {
        // SAFETY: a hint; it reads nothing.
        unsafe {
            asm!("prfm pldl1keep, [{0}]", in(reg) std::ptr::from_ref(from),
                options(readonly, nostack, preserves_flags));
        }
    }
    #[inline(always)]
    fn load_i32(self, from: &[i32; LANES]) -> Four {
        let from = from.as_ptr();
        // SAFETY: 16 lanes are four vectors of 4.
        self.float(unsafe {
            [vld1q_s32(from), vld1q_s32(from.add(4)), vld1q_s32(from.add(8)), vld1q_s32(from.add(12))]
        })
    }
    #[inline(always)]
    fn store_u8(self, v: Four, to: &mut [u8; LANES]) {
        // SAFETY: 16 bytes are written. The sign bit is the 128 to add.
        unsafe { vst1q_u8(to.as_mut_ptr(), veorq_u8(vreinterpretq_u8_s8(bytes(v)), vdupq_n_u8(0x80))) }
    }
    #[inline(always)]
    fn add(self, a: Four, b: Four) -> Four {
        each!(vaddq_f32(a, b))
    }
    #[inline(always)]
    fn sub(self, a: Four, b: Four) -> Four {
        each!(vsubq_f32(a, b))
    }
    #[inline(always)]
    fn mul(self, a: Four, b: Four) -> Four {
        each!(vmulq_f32(a, b))
    }
    #[inline(always)]
    fn div(self, a: Four, b: Four) -> Four {
        each!(vdivq_f32(a, b))
    }
    #[inline(always)]
    fn fma(self, a: Four, b: Four, c: Four) -> Four {
        each!(vfmaq_f32(c, a, b))
    }
    #[inline(always)]
    fn max(self, a: Four, b: Four) -> Four {
        each!(vmaxq_f32(a, b))
    }
    #[inline(always)]
    fn min(self, a: Four, b: Four) -> Four {
        each!(vminq_f32(a, b))
    }
    #[inline(always)]
    fn abs(self, a: Four) -> Four {
        each!(vabsq_f32(a))
    }
    #[inline(always)]
    fn reciprocal(self, a: Four) -> Four {
        self.div(self.splat(1.0), a)
    }
    #[inline(always)]
    fn scale(self, a: Four, n: Four) -> Four {
        let mut powers = a;
        for i in 0..4 {
            // SAFETY: see the head of the file.
            powers[i] = unsafe {
                let exponent = vaddq_s32(vcvtnq_s32_f32(n[i]), vdupq_n_s32(127));
                vreinterpretq_f32_s32(vshlq_n_s32::<23>(exponent))
            };
        }
        self.mul(a, powers)
    }
    #[inline(always)]
    fn greater(self, a: Four, b: Four) -> u16 {
        const BITS: [u32; 4] = [1, 2, 4, 8];
        let mut mask = 0;
        for i in 0..4 {
            // SAFETY: four lanes are read of `BITS`.
            let four = unsafe { vaddvq_u32(vandq_u32(vcgtq_f32(a[i], b[i]), vld1q_u32(BITS.as_ptr()))) };
            mask |= (four as u16) << (4 * i);
        }
        mask
    }
    #[inline(always)]
    fn sum(self, v: Four) -> f32 {
        // SAFETY: see the head of the file.
        unsafe { vaddvq_f32(vaddq_f32(vaddq_f32(v[0], v[1]), vaddq_f32(v[2], v[3]))) }
    }
    #[inline(always)]
    fn largest(self, v: Four) -> f32 {
        // SAFETY: see the head of the file.
        unsafe { vmaxvq_f32(vmaxq_f32(vmaxq_f32(v[0], v[1]), vmaxq_f32(v[2], v[3]))) }
    }

    #[inline(always)]
    fn fold(self, mut v: Four, heads: usize) -> Four {
        // SAFETY: see the head of the file.
        unsafe {
            if heads <= 8 {
                let (even, odd) = (vaddq_f32(v[0], v[2]), vaddq_f32(v[1], v[3]));
                v = [even, odd, even, odd];
            }
            if heads <= 4 {
                v = [vaddq_f32(v[0], v[1]); 4];
            }
            if heads <= 2 {
                v = [vaddq_f32(v[0], vextq_f32::<2>(v[0], v[0])); 4];
            }
            if heads <= 1 {
                v = [vaddq_f32(v[0], vrev64q_f32(v[0])); 4];
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
        unsafe { for_rows!(rows, tile_i8(a.as_ptr(), stride, b.as_ptr(), groups, start, sums)) }
    }

    #[inline(always)]
    fn tile_f32(self, a: &[f32], stride: usize, rows: usize, b: &[f32], sums: &mut Sums<f32>, _: &[f32]) {
        let depth = b.len() / PANEL;
        assert!((1..=TILE_ROWS).contains(&rows) && depth.is_multiple_of(4) && a.len() >= (rows - 1) * stride + depth);
        // SAFETY: the assertion above; see the head of the file.
        unsafe { for_rows!(rows, tile_f32(a.as_ptr(), stride, b.as_ptr(), depth, sums)) }
    }
}

/// Lanes within ±127, rounded.
#[inline]
#[target_feature(enable = "neon")]
fn bytes(v: Four) -> int8x16_t {
    let low = vmovn_high_s32(vmovn_s32(vcvtnq_s32_f32(v[0])), vcvtnq_s32_f32(v[1]));
    let high = vmovn_high_s32(vmovn_s32(vcvtnq_s32_f32(v[2])), vcvtnq_s32_f32(v[3]));
    vmovn_high_s16(vmovn_s16(low), high)
}

/// 128 less.
#[inline]
#[target_feature(enable = "neon")]
fn signed(v: uint8x16_t) -> int8x16_t {
    vreinterpretq_s8_u8(veorq_u8(v, vdupq_n_u8(0x80)))
}

/// Columns that fit the registers at once: four vectors.
const STRIP: usize = 16;

/// `ROWS × PANEL` sums, a strip of columns at a time.
///
/// # Safety
/// `a` has `ROWS` rows of `4 × groups` bytes, `stride` apart; `b` has `groups × PANEL × 4`; `groups` is a multiple of 4.
#[target_feature(enable = "neon,dotprod")]
unsafe fn tile_i8<const ROWS: usize>(
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
            let mut acc = [[vdupq_n_s32(0); 4]; ROWS];
            for j in 0..4 {
                let v = vld1q_s32(start.as_ptr().add(strip + 4 * j));
                for row in &mut acc {
                    row[j] = v;
                }
            }
            for g in (0..groups).step_by(4) {
                let mut four = [vdupq_n_s8(0); ROWS];
                for (r, four) in four.iter_mut().enumerate() {
                    *four = signed(vld1q_u8(a.add(r * stride + 4 * g)));
                }
                let b = b.add(4 * (PANEL * g + strip));
                // The standard library's intrinsics for dot products are not stable yet.
                macro_rules! group {
                    ($lane:literal) => {
                        for j in 0..4 {
                            let b = vld1q_s8(b.add(4 * PANEL * $lane + 16 * j));
                            for r in 0..ROWS {
                                asm!(concat!("sdot {0:v}.4s, {1:v}.16b, {2:v}.4b[", $lane, "]"),
                                    inout(vreg) acc[r][j], in(vreg) b, in(vreg) four[r],
                                    options(pure, nomem, nostack, preserves_flags));
                            }
                        }
                    };
                }
                group!(0);
                group!(1);
                group!(2);
                group!(3);
            }
            for (sums, row) in sums.iter_mut().zip(&acc) {
                for j in 0..4 {
                    vst1q_s32(sums.as_mut_ptr().add(strip + 4 * j), row[j]);
                }
            }
        }
    }
}

/// [`tile_i8`] in `f32`.
///
/// # Safety
/// `a` has `ROWS` rows of `depth`, `stride` apart; `b` has `depth × PANEL`; `depth` is a multiple of 4.
#[target_feature(enable = "neon")]
unsafe fn tile_f32<const ROWS: usize>(a: *const f32, stride: usize, b: *const f32, depth: usize, sums: &mut Sums<f32>) {
    for strip in (0..PANEL).step_by(STRIP) {
        // SAFETY: the caller's promise; `strip + STRIP` is at most PANEL, and ROWS at most TILE_ROWS.
        unsafe {
            let mut acc = [[vdupq_n_f32(0.0); 4]; ROWS];
            for k in (0..depth).step_by(4) {
                let mut four = [vdupq_n_f32(0.0); ROWS];
                for (r, four) in four.iter_mut().enumerate() {
                    *four = vld1q_f32(a.add(r * stride + k));
                }
                let b = b.add(PANEL * k + strip);
                macro_rules! step {
                    ($lane:literal) => {
                        for j in 0..4 {
                            let b = vld1q_f32(b.add(PANEL * $lane + 4 * j));
                            for r in 0..ROWS {
                                acc[r][j] = vfmaq_laneq_f32::<$lane>(acc[r][j], b, four[r]);
                            }
                        }
                    };
                }
                step!(0);
                step!(1);
                step!(2);
                step!(3);
            }
            for (sums, row) in sums.iter_mut().zip(&acc) {
                for j in 0..4 {
                    vst1q_f32(sums.as_mut_ptr().add(strip + 4 * j), row[j]);
                }
            }
        }
    }
}
