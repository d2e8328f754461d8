// __half and __nv_bfloat16: 16 bits that compute in float and round after each operation. 8-bit floats are here in name
// only, since candle's kernels mention them.
#pragma once
#include <immintrin.h>

#include "runtime.h"

namespace emulator {

struct Half {
    static float widen(uint16_t bits) { return _cvtsh_ss(bits); }
    static uint16_t round(float x) { return _cvtss_sh(x, _MM_FROUND_TO_NEAREST_INT); }
};
struct Brain {
    static float widen(uint16_t bits) { return emulator_bits<float>(uint32_t(bits) << 16); }
    static uint16_t round(float x) {
        const uint32_t bits = emulator_bits<uint32_t>(x);
        return x != x ? 0x7fff : (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
    }
};
template <class Format> struct Small {
    uint16_t bits;
    Small() = default;
    template <class T, class = std::enable_if_t<std::is_arithmetic_v<T>>> Small(T x) : bits(Format::round(float(x))) {}
    operator float() const { return Format::widen(bits); }
};
template <class Format> struct __align__(4) Pair {
    Small<Format> x, y;
};
#define EMULATOR_OPERATOR(OP)                                                                                          \
    template <class F> inline Small<F> operator OP(Small<F> a, Small<F> b) { return float(a) OP float(b); }            \
    template <class F, class T> inline Small<F> &operator OP##=(Small<F> &a, T b) { return a = a OP Small<F>(b); }
EMULATOR_OPERATOR(+)
EMULATOR_OPERATOR(-)
EMULATOR_OPERATOR(*)
EMULATOR_OPERATOR(/)
#define EMULATOR_COMPARISON(OP) template <class F> inline bool operator OP(Small<F> a, Small<F> b) { return float(a) OP float(b); }
EMULATOR_COMPARISON(==)
EMULATOR_COMPARISON(!=)
EMULATOR_COMPARISON(<)
EMULATOR_COMPARISON(<=)
EMULATOR_COMPARISON(>)
EMULATOR_COMPARISON(>=)
template <class F> inline Small<F> operator-(Small<F> a) { return -float(a); }

}  // namespace emulator

using __half = emulator::Small<emulator::Half>;
using __half2 = emulator::Pair<emulator::Half>;
using __nv_bfloat16 = emulator::Small<emulator::Brain>;
using __nv_bfloat162 = emulator::Pair<emulator::Brain>;
using half = __half;
using half2 = __half2;
using nv_bfloat16 = __nv_bfloat16;
using nv_bfloat162 = __nv_bfloat162;

inline float __half2float(__half x) { return x; }
inline __half __float2half(float x) { return x; }
inline __half __float2half_rn(float x) { return x; }
inline float __bfloat162float(__nv_bfloat16 x) { return x; }
inline __nv_bfloat16 __float2bfloat16(float x) { return x; }
inline __nv_bfloat16 __float2bfloat16_rn(float x) { return x; }
inline unsigned short __half_as_ushort(__half x) { return x.bits; }
inline unsigned short __bfloat16_as_ushort(__nv_bfloat16 x) { return x.bits; }
inline __half __ushort_as_half(unsigned short x) { return emulator_bits<__half>(x); }
inline __nv_bfloat16 __ushort_as_bfloat16(unsigned short x) { return emulator_bits<__nv_bfloat16>(x); }

inline float2 __half22float2(__half2 a) { return {a.x, a.y}; }
inline __half2 __float22half2_rn(float2 a) { return {a.x, a.y}; }
inline __half2 __floats2half2_rn(float a, float b) { return {a, b}; }
inline __half2 __halves2half2(__half a, __half b) { return {a, b}; }
inline float2 __bfloat1622float2(__nv_bfloat162 a) { return {a.x, a.y}; }
inline __nv_bfloat162 __float22bfloat162_rn(float2 a) { return {a.x, a.y}; }
inline __nv_bfloat162 __floats2bfloat162_rn(float a, float b) { return {a, b}; }
inline __nv_bfloat162 __halves2bfloat162(__nv_bfloat16 a, __nv_bfloat16 b) { return {a, b}; }
template <class F> inline float __low2float(emulator::Pair<F> a) { return a.x; }
template <class F> inline float __high2float(emulator::Pair<F> a) { return a.y; }

#define EMULATOR_UNARY(NAME, VALUE) template <class F> inline emulator::Small<F> NAME(emulator::Small<F> a) { const float x = a; return VALUE; }
EMULATOR_UNARY(hsqrt, sqrtf(x))
EMULATOR_UNARY(hrsqrt, rsqrtf(x))
EMULATOR_UNARY(hrcp, 1.0f / x)
EMULATOR_UNARY(hsin, sinf(x))
EMULATOR_UNARY(hcos, cosf(x))
EMULATOR_UNARY(hexp, expf(x))
EMULATOR_UNARY(hlog, logf(x))
EMULATOR_UNARY(htanh, tanhf(x))
EMULATOR_UNARY(__habs, fabsf(x))
EMULATOR_UNARY(__hneg, -x)
#define EMULATOR_BINARY(NAME, VALUE) \
    template <class F> inline emulator::Small<F> NAME(emulator::Small<F> a, emulator::Small<F> b) { const float x = a, y = b; return VALUE; }
EMULATOR_BINARY(__hadd, x + y)
EMULATOR_BINARY(__hsub, x - y)
EMULATOR_BINARY(__hmul, x * y)
EMULATOR_BINARY(__hdiv, x / y)
EMULATOR_BINARY(__hmax, fmaxf(x, y))
EMULATOR_BINARY(__hmin, fminf(x, y))
EMULATOR_BINARY(__hmax_nan, x != x || y != y ? NAN : fmaxf(x, y))
EMULATOR_BINARY(__hmin_nan, x != x || y != y ? NAN : fminf(x, y))
template <class F> inline emulator::Pair<F> __hadd2(emulator::Pair<F> a, emulator::Pair<F> b) { return {a.x + b.x, a.y + b.y}; }
template <class F> inline emulator::Pair<F> __hmul2(emulator::Pair<F> a, emulator::Pair<F> b) { return {a.x * b.x, a.y * b.y}; }
template <class F> inline bool __hisnan(emulator::Small<F> a) { return isnan(float(a)); }
template <class F> inline emulator::Small<F> __hfma(emulator::Small<F> a, emulator::Small<F> b, emulator::Small<F> c) {
    return fmaf(a, b, c);
}

enum { __NV_E4M3 };
struct __nv_fp8_e4m3 {
    unsigned char __x;
    __nv_fp8_e4m3() = default;
    template <class T> explicit __nv_fp8_e4m3(T) { emulator::die("8-bit floats are not emulated"); }
    operator float() const { emulator::die("8-bit floats are not emulated"); }
};
inline __half __nv_cvt_fp8_to_halfraw(unsigned char, int) { emulator::die("8-bit floats are not emulated"); }
