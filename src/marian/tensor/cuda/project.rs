//! Products of half numbers with results in f32.

use candle_core::backend::BackendStorage;
use candle_core::cuda_backend::cudarc::cublas::{result::gemm_ex, sys};
use candle_core::cuda_backend::cudarc::driver::{DevicePtr, DevicePtrMut};
use candle_core::cuda_backend::{CudaDType, WrapErr};
use candle_core::{CpuStorage, CudaStorage, CustomOp2, DType, Layout, Result, Shape, Tensor, bail};
use half::{bf16, f16};

/// `x wᵀ` in f32, whatever the operands are in: `rows × d` and `size × d` give `rows × size`.
pub(in super::super) fn project(x: &Tensor, weight: &Tensor) -> Result<Tensor> {
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
