//! Products of half numbers with results in f32.

use candle_core::cuda_backend::WrapErr;
use candle_core::cuda_backend::cudarc::cublas::{result::gemm_ex, sys};
use candle_core::{DType, Result, Tensor, bail};

use super::launch::{address, unwritten};

/// `x wᵀ` in f32, whatever the operands are in: `rows × depth` and `size × depth` give `rows × size`.
pub(in super::super) fn project(x: &Tensor, weight: &Tensor) -> Result<Tensor> {
    let kind = match x.dtype() {
        DType::F16 => sys::cudaDataType_t::CUDA_R_16F,
        DType::BF16 => sys::cudaDataType_t::CUDA_R_16BF,
        _ => return x.matmul(&weight.t()?),
    };
    let ((rows, depth), (size, w_depth)) = (x.dims2()?, weight.dims2()?);
    if depth != w_depth || weight.dtype() != x.dtype() {
        bail!("{rows} × {depth} by {size} × {w_depth}, {:?} by {:?}", x.dtype(), weight.dtype());
    }
    let (Ok(m), Ok(n), Ok(k)) = (i32::try_from(size), i32::try_from(rows), i32::try_from(depth)) else {
        bail!("the operands are too large")
    };
    let device = x.device().as_cuda_device()?;
    let out = unwritten(device, DType::F32, (rows, size))?;
    let (one, zero) = (1f32, 0f32);
    // cuBLAS counts columns first: what are rows here are columns there, and `outᵀ = w xᵀ` is what it computes.
    // SAFETY: `x`, `w` and `out` hold n × k, m × k and n × m numbers of the types named, contiguous, on the device of the
    // handle; the product writes every element of `out`; the two factors are f32, as the computation's type asks.
    unsafe {
        gemm_ex(
            *device.cublas_handle().handle(),
            sys::cublasOperation_t::CUBLAS_OP_T,
            sys::cublasOperation_t::CUBLAS_OP_N,
            m,
            n,
            k,
            (&raw const one).cast(),
            address(weight)? as *const _,
            kind,
            k,
            address(x)? as *const _,
            kind,
            k,
            (&raw const zero).cast(),
            address(&out)? as *mut _,
            sys::cudaDataType_t::CUDA_R_32F,
            m,
            sys::cublasComputeType_t::CUBLAS_COMPUTE_32F,
            sys::cublasGemmAlgo_t::CUBLAS_GEMM_DEFAULT_TENSOR_OP,
        )
    }
    .w()?;
    Ok(out)
}
