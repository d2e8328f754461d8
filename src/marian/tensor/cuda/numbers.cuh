// Numbers of the three types, which all kernels compute with in f32, and 16 bytes of them at a time.

#pragma once
#include <cuda_bf16.h>
#include <cuda_fp16.h>

static __device__ __forceinline__ float single(float x) { return x; }
static __device__ __forceinline__ float single(__half x) { return __half2float(x); }
static __device__ __forceinline__ float single(__nv_bfloat16 x) { return __bfloat162float(x); }

template <typename T> static __device__ __forceinline__ T rounded(float x);
template <> __device__ __forceinline__ float rounded<float>(float x) { return x; }
template <> __device__ __forceinline__ __half rounded<__half>(float x) { return __float2half_rn(x); }
template <> __device__ __forceinline__ __nv_bfloat16 rounded<__nv_bfloat16>(float x) { return __float2bfloat16_rn(x); }

// What a thread reads or writes at once; its address is a multiple of 16.
template <typename T> struct alignas(16) Pack {
    static const unsigned N = 16 / sizeof(T);
    T at[16 / sizeof(T)];
};

template <typename T> static __device__ __forceinline__ Pack<T> read(const T *from) {
    return *reinterpret_cast<const Pack<T> *>(from);
}

template <typename T> static __device__ __forceinline__ void write(T *to, const Pack<T> &pack) {
    *reinterpret_cast<Pack<T> *>(to) = pack;
}

const unsigned ALL = 0xffffffffu;

static __device__ __forceinline__ float sum_of_warp(float x) {
    for (unsigned distance = 16; distance > 0; distance /= 2) {
        x += __shfl_xor_sync(ALL, x, distance);
    }
    return x;
}
