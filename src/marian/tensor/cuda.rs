//! What candle has no CUDA kernels for: products of half numbers with results in f32, and the best tokens of a row.

use candle_core::backend::BackendStorage;
use candle_core::cuda_backend::cudarc::cublas::{result::gemm_ex, sys};
use candle_core::cuda_backend::cudarc::driver::{DevicePtr, DevicePtrMut, LaunchConfig, PushKernelArg};
use candle_core::cuda_backend::{CudaDType, WrapErr};
use candle_core::{CpuStorage, CudaStorage, CustomOp2, DType, Layout, Result, Shape, Tensor, bail, builder_arg};
use half::{bf16, f16};

use crate::marian::Want;

/// The compiled `top.cu`; see `build.rs`.
mod kernels {
    include!(concat!(env!("OUT_DIR"), "/kernels.rs"));
}

/// `x wᵀ` in f32, whatever the operands are in: `rows × d` and `size × d` give `rows × size`.
pub(super) fn project(x: &Tensor, weight: &Tensor) -> Result<Tensor> {
    match x.dtype() {
        DType::F32 => x.matmul(&weight.t()?),
        _ => x.apply_op2_no_bwd(weight, &Project),
    }
}

struct Project;

impl CustomOp2 for Project {
    fn name(&self) -> &'static str {
        "project"
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        bail!("this product is for CUDA alone")
    }

    fn cuda_fwd(&self, x: &CudaStorage, x_at: &Layout, w: &CudaStorage, w_at: &Layout) -> Result<(CudaStorage, Shape)> {
        match x.dtype() {
            DType::F16 => product::<f16>(x, x_at, w, w_at, sys::cudaDataType_t::CUDA_R_16F),
            DType::BF16 => product::<bf16>(x, x_at, w, w_at, sys::cudaDataType_t::CUDA_R_16BF),
            other => bail!("no product of {other:?} gives f32"),
        }
    }
}

fn product<T: CudaDType>(
    x: &CudaStorage,
    x_at: &Layout,
    w: &CudaStorage,
    w_at: &Layout,
    kind: sys::cudaDataType_t,
) -> Result<(CudaStorage, Shape)> {
    let ((rows, depth), (size, w_depth)) = (x_at.shape().dims2()?, w_at.shape().dims2()?);
    let (Some((x_from, x_to)), Some((w_from, w_to))) = (x_at.contiguous_offsets(), w_at.contiguous_offsets()) else {
        bail!("the operands must be contiguous")
    };
    if depth != w_depth {
        bail!("{rows} × {depth} by {size} × {w_depth}");
    }
    let (Ok(m), Ok(n), Ok(k)) = (i32::try_from(size), i32::try_from(rows), i32::try_from(depth)) else {
        bail!("the operands are too large")
    };
    let device = x.device();
    let stream = device.cuda_stream();
    // SAFETY: every element is written by the product below.
    let mut out = unsafe { device.alloc::<f32>(rows * size)? };
    {
        let x = x.as_cuda_slice::<T>()?.slice(x_from..x_to);
        let w = w.as_cuda_slice::<T>()?.slice(w_from..w_to);
        let (x, _x) = x.device_ptr(&stream);
        let (w, _w) = w.device_ptr(&stream);
        let (out, _out) = out.device_ptr_mut(&stream);
        let (one, zero) = (1f32, 0f32);
        // cuBLAS counts columns first: what are rows here are columns there, and `outᵀ = w xᵀ` is what it computes.
        // SAFETY: `x`, `w` and `out` hold n × k, m × k and n × m numbers of the types named, contiguous, on the device of
        // the handle; the two factors are f32, as the computation's type asks.
        unsafe {
            gemm_ex(
                *device.cublas_handle().handle(),
                sys::cublasOperation_t::CUBLAS_OP_T,
                sys::cublasOperation_t::CUBLAS_OP_N,
                m,
                n,
                k,
                (&raw const one).cast(),
                w as *const _,
                kind,
                k,
                x as *const _,
                kind,
                k,
                (&raw const zero).cast(),
                out as *mut _,
                sys::cudaDataType_t::CUDA_R_32F,
                m,
                sys::cublasComputeType_t::CUBLAS_COMPUTE_32F,
                sys::cublasGemmAlgo_t::CUBLAS_GEMM_DEFAULT_TENSOR_OP,
            )
        }
        .w()?;
    }
    Ok((CudaStorage::wrap_cuda_slice(out, device.clone()), Shape::from((rows, size))))
}

/// How many suppressed tokens the kernel takes.
const SUPPRESSED: usize = 4;
/// Its threads a block.
const THREADS: u32 = 256;

/// The ids and scores of the `want.k` best tokens of each row, best first, in one copy from the device: `logits` are
/// `rows × size`, `bias` is `size`, both f32. `None` for what the kernel does not do.
pub(super) fn top(logits: &Tensor, bias: &Tensor, want: &Want<'_>) -> Result<Option<(Vec<u32>, Vec<f32>)>> {
    if want.suppress.len() > SUPPRESSED || want.k == 0 {
        return Ok(None);
    }
    let mut suppress = [u32::MAX; SUPPRESSED];
    suppress[..want.suppress.len()].copy_from_slice(want.suppress);
    let found = logits.apply_op2_no_bwd(bias, &Top { k: want.k, log_probs: want.log_probs, suppress })?;
    let (mut ids, mut scores) = (Vec::new(), Vec::new());
    for row in found.flatten_all()?.to_vec1::<u32>()?.chunks_exact(2 * want.k) {
        let (row_ids, row_scores) = row.split_at(want.k);
        ids.extend_from_slice(row_ids);
        scores.extend(row_scores.iter().map(|&bits| f32::from_bits(bits)));
    }
    Ok(Some((ids, scores)))
}

struct Top {
    k: usize,
    log_probs: bool,
    suppress: [u32; SUPPRESSED],
}

impl CustomOp2 for Top {
    fn name(&self) -> &'static str {
        "top"
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        bail!("this kernel is for CUDA alone")
    }

    fn cuda_fwd(
        &self,
        logits: &CudaStorage,
        logits_at: &Layout,
        bias: &CudaStorage,
        bias_at: &Layout,
    ) -> Result<(CudaStorage, Shape)> {
        let ((rows, size), bias_size) = (logits_at.shape().dims2()?, bias_at.shape().dims1()?);
        let (Some((from, to)), Some((bias_from, bias_to))) =
            (logits_at.contiguous_offsets(), bias_at.contiguous_offsets())
        else {
            bail!("the logits must be contiguous")
        };
        let (Ok(grid), Ok(columns), Ok(k)) = (u32::try_from(rows), u32::try_from(size), u32::try_from(self.k)) else {
            bail!("the logits are too large")
        };
        if size != bias_size {
            bail!("{size} logits a row, but a bias of {bias_size}");
        }
        let device = logits.device();
        let logits = logits.as_cuda_slice::<f32>()?.slice(from..to);
        let bias = bias.as_cuda_slice::<f32>()?.slice(bias_from..bias_to);
        let top = device.get_or_load_custom_func("top", "fr2en_top", kernels::TOP)?;
        // SAFETY: the kernel writes every element.
        let mut out = unsafe { device.alloc::<u32>(rows * 2 * self.k)? };
        let mut launch = top.builder();
        launch.arg(&logits);
        launch.arg(&bias);
        builder_arg!(launch, columns, k, u32::from(self.log_probs));
        let [a, b, c, d] = &self.suppress;
        launch.arg(a).arg(b).arg(c).arg(d);
        launch.arg(&mut out);
        let config = LaunchConfig { grid_dim: (grid, 1, 1), block_dim: (THREADS, 1, 1), shared_mem_bytes: 0 };
        // SAFETY: the arguments are those that `top` declares, in its order; a block of THREADS threads for each row of
        // `logits`, which holds rows × size numbers as `bias` holds size and `out` rows × 2 k.
        unsafe { launch.launch(config) }.w()?;
        Ok((CudaStorage::wrap_cuda_slice(out, device.clone()), Shape::from((rows, 2 * self.k))))
    }
}
