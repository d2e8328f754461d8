// The part of CUDA C++ that the kernels use, for g++. Each .cu file is compiled after this one, inside an unnamed namespace
// (see build.sh), where __global__ and __shared__ have been replaced.
#pragma once
#include <algorithm>
#include <cassert>
#include <cfloat>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <limits>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>
#include <math.h>
#include <stdint.h>

#include "fibers.h"

#undef assert
#define assert(x) ((x) ? (void)0 : emulator::die("not so: %s", #x))
#define __device__
#define __host__
#define __constant__ static
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __launch_bounds__(...)
#define __align__(n) __attribute__((aligned(n)))
#define __CUDACC_VER_MAJOR__ 13
#define __CUDACC_VER_MINOR__ 0
#define __CUDA_ARCH__ 800
#define CUDA_VERSION 13000

using std::isinf;
using std::isnan;
using std::signbit;
using uint = unsigned;
using dim3 = emulator::Index;
constexpr int warpSize = 32;

// ---- vectors -----------------------------------------------------------------------
#define EMULATOR_VECTORS(NAME, T)                                                                         \
    struct __align__(2 * sizeof(T)) NAME##2 { T x, y; };                                                  \
    struct NAME##3 { T x, y, z; };                                                                        \
    struct __align__(4 * sizeof(T) < 16 ? 4 * sizeof(T) : 16) NAME##4 { T x, y, z, w; };                  \
    inline NAME##2 make_##NAME##2(T x, T y) { return {x, y}; }                                            \
    inline NAME##3 make_##NAME##3(T x, T y, T z) { return {x, y, z}; }                                    \
    inline NAME##4 make_##NAME##4(T x, T y, T z, T w) { return {x, y, z, w}; }
EMULATOR_VECTORS(float, float)
EMULATOR_VECTORS(double, double)
EMULATOR_VECTORS(int, int)
EMULATOR_VECTORS(uint, unsigned)
EMULATOR_VECTORS(ushort, unsigned short)
EMULATOR_VECTORS(uchar, unsigned char)

// ---- numbers -----------------------------------------------------------------------
template <class To, class From>
inline To emulator_bits(From from) {
    static_assert(sizeof(To) == sizeof(From));
    To to;
    std::memcpy(&to, &from, sizeof to);
    return to;
}
inline unsigned __float_as_uint(float x) { return emulator_bits<unsigned>(x); }
inline int __float_as_int(float x) { return emulator_bits<int>(x); }
inline float __uint_as_float(unsigned x) { return emulator_bits<float>(x); }
inline float __int_as_float(int x) { return emulator_bits<float>(x); }
inline long long __double_as_longlong(double x) { return emulator_bits<long long>(x); }
inline double __longlong_as_double(long long x) { return emulator_bits<double>(x); }

// Mixed operands, as in CUDA.
template <class A, class B, class = std::enable_if_t<std::is_arithmetic_v<A> && std::is_arithmetic_v<B>>>
inline std::common_type_t<A, B> min(A a, B b) {
    using T = std::common_type_t<A, B>;
    if constexpr (std::is_floating_point_v<T>) return std::fmin(T(a), T(b));
    else return T(b) < T(a) ? T(b) : T(a);
}
template <class A, class B, class = std::enable_if_t<std::is_arithmetic_v<A> && std::is_arithmetic_v<B>>>
inline std::common_type_t<A, B> max(A a, B b) {
    using T = std::common_type_t<A, B>;
    if constexpr (std::is_floating_point_v<T>) return std::fmax(T(a), T(b));
    else return T(a) < T(b) ? T(b) : T(a);
}
inline float rsqrtf(float x) { return 1.0f / sqrtf(x); }
inline double rsqrt(double x) { return 1.0 / sqrt(x); }
inline float normcdff(float x) { return 0.5f * erfcf(-x * 0.70710678f); }
inline double normcdf(double x) { return 0.5 * erfc(-x * M_SQRT1_2); }
inline float __expf(float x) { return expf(x); }
inline float __logf(float x) { return logf(x); }
inline float __fdividef(float a, float b) { return a / b; }
inline float __frcp_rn(float x) { return 1.0f / x; }
inline float __fmaf_rn(float a, float b, float c) { return fmaf(a, b, c); }
inline float __fadd_rn(float a, float b) { volatile float sum = a + b; return sum; }
inline float __fmul_rn(float a, float b) { volatile float product = a * b; return product; }
inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __clz(int x) { return x ? __builtin_clz(x) : 32; }
inline int __ffs(int x) { return __builtin_ffs(x); }

// ---- memory ------------------------------------------------------------------------
template <class T> inline T __ldg(const T *p) { return *p; }
template <class T> inline T __ldcs(const T *p) { return *p; }
template <class T> inline T __ldcg(const T *p) { return *p; }
template <class T> inline void __stcs(T *p, T value) { *p = value; }
inline void __threadfence() {}
inline void __threadfence_block() {}

// One thread runs at a time, and is left only at barriers.
template <class T, class F> inline T emulator_atomic(T *p, F f) { T old = *p; *p = f(old); return old; }
template <class T> inline T atomicAdd(T *p, std::common_type_t<T> v) { return emulator_atomic(p, [v](T o) { return T(o + v); }); }
template <class T> inline T atomicMax(T *p, std::common_type_t<T> v) { return emulator_atomic(p, [v](T o) { return o < v ? v : o; }); }
template <class T> inline T atomicMin(T *p, std::common_type_t<T> v) { return emulator_atomic(p, [v](T o) { return v < o ? v : o; }); }
template <class T> inline T atomicExch(T *p, std::common_type_t<T> v) { return emulator_atomic(p, [v](T) { return v; }); }
template <class T> inline T atomicCAS(T *p, std::common_type_t<T> is, std::common_type_t<T> v) {
    return emulator_atomic(p, [is, v](T o) { return o == is ? v : o; });
}

// Shared memory holds NaNs when a block first meets it, not what the block before left there.
template <class T> inline void emulator_fresh(T &shared, uint64_t &seen) {
    if (seen == emulator::block_serial) return;
    seen = emulator::block_serial;
    std::memset((void *)&shared, 0xff, sizeof shared);
}

// ---- barriers ----------------------------------------------------------------------
inline void __syncthreads() { emulator::block_barrier(); }
inline void __syncwarp(unsigned mask = 0xffffffff) { emulator::warp_barrier(mask, 0, emulator::lane()); }
inline unsigned __ballot_sync(unsigned mask, int x) { return emulator::warp_barrier(mask, x != 0, emulator::BALLOT); }
inline int __any_sync(unsigned mask, int x) { return __ballot_sync(mask, x) != 0; }
inline int __all_sync(unsigned mask, int x) { return __ballot_sync(mask, !x) == 0; }

template <class T> inline T emulator_shuffle(unsigned mask, T value, int from) {
    static_assert(sizeof(T) <= 8);
    uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof value);
    bits = emulator::warp_barrier(mask, bits, from);
    std::memcpy((void *)&value, &bits, sizeof value);
    return value;
}
// A lane beyond the segment of `width` lanes gives one's own value.
template <class T> inline T __shfl_sync(unsigned mask, T value, int from, int width = 32) {
    const int lane = emulator::lane();
    return emulator_shuffle(mask, value, (lane & -width) | (from & (width - 1)));
}
template <class T> inline T __shfl_xor_sync(unsigned mask, T value, int with, int width = 32) {
    const int lane = emulator::lane(), from = lane ^ with;
    return emulator_shuffle(mask, value, from > (lane | (width - 1)) ? lane : from);
}
template <class T> inline T __shfl_down_sync(unsigned mask, T value, unsigned by, int width = 32) {
    const int lane = emulator::lane(), from = lane + int(by);
    return emulator_shuffle(mask, value, from > (lane | (width - 1)) ? lane : from);
}
template <class T> inline T __shfl_up_sync(unsigned mask, T value, unsigned by, int width = 32) {
    const int lane = emulator::lane(), from = lane - int(by);
    return emulator_shuffle(mask, value, from < (lane & -width) ? lane : from);
}

// ---- how the driver finds and calls a kernel ------------------------------------------
namespace emulator {

struct Parameter {
    size_t size;
    bool pointer;
};
struct Kernel {
    const char *file, *name;
    void (*call)(void **);
    std::vector<Parameter> parameters;
};
void add_kernel(Kernel kernel);

template <class... A> std::vector<Parameter> parameters_of(void (*)(A...)) { return {{sizeof(A), std::is_pointer_v<A>}...}; }
template <class... A, size_t... I> inline void unpack(void (*kernel)(A...), void **values, std::index_sequence<I...>) {
    kernel(*(std::remove_const_t<A> *)values[I]...);
}
template <class... A> inline void unpack(void (*kernel)(A...), void **values) { unpack(kernel, values, std::index_sequence_for<A...>()); }
template <auto kernel> void thunk(void **values) { unpack(kernel, values); }

}  // namespace emulator
