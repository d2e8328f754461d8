//! Intel's matrix unit (AMX), on servers from Sapphire Rapids on: one instruction multiplies 16 rows by 16 channels, 64 bytes deep.
//!
//! The compiler knows nothing of its registers here and so leaves them alone; what they hold lasts from one block of assembly to
//! the next. `tmm0` to `tmm3` are the sums of 16 rows and 64 channels, `tmm4` the rows, `tmm6` and `tmm7` take turns with the weights.
//! Loads that cross a cache line take six times as long, so everything here is aligned to 64 bytes.

#![allow(clippy::too_many_arguments, reason = "pointers and their strides")]

use std::arch::asm;
use std::arch::x86_64::{__cpuid_count, _MM_HINT_T1, _mm_prefetch, _xgetbv};

use super::simd::{PANEL, Sums};

/// Rows of a tile.
pub const ROWS: usize = 16;
/// Inputs that one instruction takes, and bytes of a row of a tile.
const DEEP: usize = 64;

/// Whether the processor has it (leaf 7 of `cpuid`) and the system saves its registers.
pub fn present() -> bool {
    /// AMX-TILE and AMX-INT8 in `edx`.
    const FEATURES: u32 = 1 << 24 | 1 << 25;
    /// The state of the tiles in the register of enabled states.
    const STATES: u64 = 1 << 17 | 1 << 18;
    #[target_feature(enable = "xsave")]
    fn enabled() -> u64 {
        // SAFETY: register 0 is there wherever AVX is in use.
        unsafe { _xgetbv(0) }
    }
    cfg!(target_os = "linux")
        && is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("xsave")
        && __cpuid_count(7, 0).edx & FEATURES == FEATURES
        // SAFETY: just asked for.
        && unsafe { enabled() } & STATES == STATES
}

/// Asks the system for the use of the tiles, which every process must do; `false` where there are none, or it says no.
pub fn permitted() -> bool {
    #[cfg(target_os = "linux")]
    if present() {
        /// `ARCH_REQ_XCOMP_PERM`, of the tile data (Linux, `arch/x86/include/uapi/asm/prctl.h`).
        const REQUEST: libc::c_long = 0x1023;
        const TILE_DATA: libc::c_long = 18;
        // SAFETY: it changes only what this process may use.
        return unsafe { libc::syscall(libc::SYS_arch_prctl, REQUEST, TILE_DATA) } == 0;
    }
    false
}

/// Tiles in use; they are given back when it is dropped, so that the system need not save them.
pub struct Open(());

impl Open {
    /// Tiles of `rows` rows (at most [`ROWS`] of them).
    ///
    /// # Safety
    /// [`permitted`] has said yes.
    pub unsafe fn new(rows: usize) -> Self {
        /// What `ldtilecfg` reads: the number of the layout, bytes of a row and rows of each tile.
        #[repr(C, align(64))]
        struct Layout {
            palette: [u8; 16],
            widths: [u16; 16],
            rows: [u8; 16],
        }
        let rows = rows.clamp(1, ROWS) as u8;
        let mut layout = Layout { palette: [0; 16], widths: [0; 16], rows: [0; 16] };
        layout.palette[0] = 1;
        layout.widths[..8].fill(DEEP as u16);
        layout.rows[..8].copy_from_slice(&[rows, rows, rows, rows, rows, rows, (DEEP / 4) as u8, (DEEP / 4) as u8]);
        // SAFETY: the caller's promise; 64 bytes are read.
        unsafe { asm!("ldtilecfg [{}]", in(reg) &raw const layout, options(nostack, readonly)) };
        Self(())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        // SAFETY: there is one only where the machine has tiles.
        unsafe { asm!("tilerelease", options(nostack, nomem)) };
    }
}

/// Sums of as many rows as [`Open::new`] was told. Has what stands at `ahead` fetched meanwhile, `pace` bytes a step.
///
/// # Safety
/// There is an [`Open`]. `a` has as many rows of `64 × steps` bytes as that says, `stride` apart; `b` has `64 × steps × PANEL`.
#[inline(always)]
pub unsafe fn tile(
    a: *const u8,
    stride: usize,
    b: *const i8,
    steps: usize,
    start: &[i32; PANEL],
    sums: &mut Sums<i32>,
    ahead: *const i8,
    pace: usize,
) {
    /// Bytes from one group of weights to the next, and from one row of sums to the next.
    const LINE: usize = 4 * PANEL;
    // SAFETY: the caller's promise; `sums` has ROWS rows of LINE bytes.
    unsafe {
        // Every row starts alike: rows that are 0 bytes apart.
        asm!(
            "tileloadd tmm0, [{start} + {apart}*1]",
            "tileloadd tmm1, [{start} + {apart}*1 + 64]",
            "tileloadd tmm2, [{start} + {apart}*1 + 128]",
            "tileloadd tmm3, [{start} + {apart}*1 + 192]",
            start = in(reg) start.as_ptr(),
            apart = in(reg) 0usize,
            options(nostack, readonly),
        );
        for step in 0..steps {
            for line in 0..pace / 64 {
                _mm_prefetch::<_MM_HINT_T1>(ahead.wrapping_add(step * pace + 64 * line));
            }
            asm!(
                "tileloadd tmm4, [{a} + {stride}*1]",
                "tileloadd tmm6, [{b} + {line}*1]",
                "tdpbusd tmm0, tmm4, tmm6",
                "tileloadd tmm7, [{b} + {line}*1 + 64]",
                "tdpbusd tmm1, tmm4, tmm7",
                "tileloadd tmm6, [{b} + {line}*1 + 128]",
                "tdpbusd tmm2, tmm4, tmm6",
                "tileloadd tmm7, [{b} + {line}*1 + 192]",
                "tdpbusd tmm3, tmm4, tmm7",
                a = in(reg) a.add(DEEP * step),
                stride = in(reg) stride,
                b = in(reg) b.add(DEEP * PANEL * step),
                line = in(reg) LINE,
                options(nostack, readonly),
            );
        }
        asm!(
            "tilestored [{sums} + {line}*1], tmm0",
            "tilestored [{sums} + {line}*1 + 64], tmm1",
            "tilestored [{sums} + {line}*1 + 128], tmm2",
            "tilestored [{sums} + {line}*1 + 192], tmm3",
            sums = in(reg) sums.0.as_mut_ptr(),
            line = in(reg) LINE,
            options(nostack),
        );
    }
}
