// cuBLAS: products of matrices, column-major, in f32, f16 and bf16, with sums in f32.
#include <cstdint>
#include <cstdlib>
#include <thread>
#include <vector>

#include "driver.h"
#include "half.h"
#include "streams.h"

namespace {

enum { OK = 0, NOT_SUPPORTED = 15 };
enum Type { F32 = 0, F16 = 2, BF16 = 14 };

struct Matrix {
    char *data;
    int type;
    int64_t leading, stride;
    bool transposed;

    size_t size() const { return type == F32 ? 4 : 2; }
    float get(int64_t at) const {
        return type == F32 ? ((float *)data)[at] : type == F16 ? (float)((__half *)data)[at] : (float)((__nv_bfloat16 *)data)[at];
    }
    void set(int64_t at, float x) const {
        if (type == F32) ((float *)data)[at] = x;
        else if (type == F16) ((__half *)data)[at] = x;
        else ((__nv_bfloat16 *)data)[at] = x;
    }
    void check(const char *what, int64_t rows, int64_t columns, int64_t batch) const {
        const int64_t high = transposed ? columns : rows, wide = transposed ? rows : columns;
        if (leading < high) emulator::die("%s: leading dimension %ld, but %ld rows", what, (long)leading, (long)high);
        emulator::check_range(what, data, size() * (stride * (batch - 1) + leading * (wide - 1) + high));
    }
};

// A tile of ROWS × COLUMNS results is kept in registers.
typedef float Lanes __attribute__((vector_size(32)));
constexpr int ROWS = 16, COLUMNS = 6;

// `from`: one row of `count` (up to `tile`) numbers after the other, `step` apart; the rest is zero.
template <class T>
void pack(float *to, const T *from, int64_t depth, int count, int tile, int64_t step, int64_t depth_step) {
    for (int i = 0; i < tile; ++i) {
        for (int64_t p = 0; p < depth; ++p) to[p * tile + i] = i < count ? (float)from[i * step + p * depth_step] : 0.0f;
    }
}
void pack(float *to, const Matrix &m, int64_t from, int64_t depth, int count, int tile, int64_t step, int64_t depth_step) {
    if (m.type == F32) pack(to, (float *)m.data + from, depth, count, tile, step, depth_step);
    else if (m.type == F16) pack(to, (__half *)m.data + from, depth, count, tile, step, depth_step);
    else pack(to, (__nv_bfloat16 *)m.data + from, depth, count, tile, step, depth_step);
}

void multiply(const float *a, const float *b, int64_t depth, float *out) {
    Lanes sums[COLUMNS][2] = {};
    for (int64_t p = 0; p < depth; ++p) {
        Lanes low, high;
        std::memcpy(&low, a + p * ROWS, sizeof low);
        std::memcpy(&high, a + p * ROWS + 8, sizeof high);
#pragma GCC unroll 6
        for (int j = 0; j < COLUMNS; ++j) {
            sums[j][0] += low * b[p * COLUMNS + j];
            sums[j][1] += high * b[p * COLUMNS + j];
        }
    }
    std::memcpy(out, sums, sizeof sums);
}

// The rows of C from `first` to `last`, which is all the work of one thread.
void rows(const Matrix &a, const Matrix &c, const std::vector<float> &packed, int64_t at, int64_t c_at, int first, int last, int n,
          int64_t k, float alpha, float beta) {
    std::vector<float> panel(ROWS * k);
    float tile[COLUMNS * ROWS];
    for (int i = first; i < last; i += ROWS) {
        const int high = std::min(ROWS, last - i);
        const int64_t step = a.transposed ? a.leading : 1, depth_step = a.transposed ? 1 : a.leading;
        pack(panel.data(), a, at + i * step, k, high, ROWS, step, depth_step);
        for (int j = 0; j < n; j += COLUMNS) {
            multiply(panel.data(), packed.data() + j * k, k, tile);
            for (int y = 0; y < std::min(COLUMNS, n - j); ++y) {
                for (int x = 0; x < high; ++x) {
                    const int64_t to = c_at + (j + y) * c.leading + i + x;
                    // What C holds is not read where beta is 0.
                    c.set(to, alpha * tile[y * ROWS + x] + (beta == 0.0f ? 0.0f : beta * c.get(to)));
                }
            }
        }
    }
}

void multiply(const char *name, int m, int n, int k, float alpha, const Matrix &a, const Matrix &b, float beta, const Matrix &c, int batch) {
    const double start = emulator::now();
    a.check("A of a gemm", m, k, batch);
    b.check("B of a gemm", k, n, batch);
    c.check("C of a gemm", m, n, batch);
    std::vector<float> packed((n + COLUMNS - 1) / COLUMNS * COLUMNS * (size_t)k);
    for (int x = 0; x < batch; ++x) {
        const int64_t step = b.transposed ? 1 : b.leading, depth_step = b.transposed ? b.leading : 1;
        for (int j = 0; j < n; j += COLUMNS) {
            pack(packed.data() + (size_t)j * k, b, x * b.stride + j * step, k, std::min(COLUMNS, n - j), COLUMNS, step, depth_step);
        }
        const auto part = [&](int first, int last) {
            rows(a, c, packed, x * a.stride, x * c.stride, first, last, n, k, alpha, beta);
        };
        const int middle = m / 2 / ROWS * ROWS;
        if ((double)m * n * k > 4e6 && middle > 0) {
            std::thread other(part, 0, middle);
            part(middle, m);
            other.join();
        } else {
            part(0, m);
        }
    }
    const char *type = a.type == F32 ? "f32" : a.type == F16 ? "f16" : "bf16";
    emulator::count_launch(std::string(name) + " " + type + (c.type != a.type ? " to f32" : ""), emulator::now() - start);
}

// A handle is where the stream of its products is kept.
int gemm(void *handle, const char *name, int m, int n, int k, float alpha, const Matrix &a, const Matrix &b, float beta, const Matrix &c,
         int batch) {
    emulator::Guard guard(emulator::lock);
    for (const Matrix *x : {&a, &b, &c}) {
        if (x->type != F32 && x->type != F16 && x->type != BF16) return NOT_SUPPORTED;
    }
    if (m <= 0 || n <= 0 || batch <= 0) return OK;
    emulator::submit(*(void **)handle, [=] { multiply(name, m, n, k, alpha, a, b, beta, c, batch); });
    return OK;
}

// CUBLAS_COMPUTE_16F, 32F and their kinds. All of them add up in f32 here.
bool known(int compute) {
    return compute == 64 || compute == 65 || compute == 68 || compute == 69 || compute == 74 || compute == 75 || compute == 77;
}
// The two factors are of the type that is computed in.
float factor(const void *x, int compute) {
    return compute < 68 ? (float)*(const __half *)x : *(const float *)x;
}

}  // namespace

#define API extern "C" __attribute__((visibility("default")))

#define NOTHING(NAME) API int NAME() { return OK; }
NOTHING(cublasSetMathMode) NOTHING(cublasSetAtomicsMode) NOTHING(cublasSetWorkspace_v2)
API int cublasCreate_v2(void **handle) { *handle = new void *(nullptr); return OK; }
API int cublasDestroy_v2(void *handle) { delete (void **)handle; return OK; }
API int cublasSetStream_v2(void *handle, void *stream) { *(void **)handle = stream; return OK; }
API int cublasGetVersion_v2(void *, int *version) { *version = 130000; return OK; }
API int cublasGetMathMode(void *, int *mode) { *mode = 0; return OK; }
API int cublasSetPointerMode_v2(void *, int mode) { return mode == 0 ? OK : NOT_SUPPORTED; }
API const char *cublasGetStatusName(int) { return "cuBLAS of the emulator"; }
API const char *cublasGetStatusString(int status) { return status == OK ? "success" : "not emulated"; }

API int cublasGemmStridedBatchedEx(void *handle, int ta, int tb, int m, int n, int k, const void *alpha, const void *a, int a_type,
                                   int lda, long long a_stride, const void *b, int b_type, int ldb, long long b_stride,
                                   const void *beta, void *c, int c_type, int ldc, long long c_stride, int batch, int compute,
                                   int) {
    if (!known(compute)) return NOT_SUPPORTED;
    return gemm(handle, "cublasGemmStridedBatchedEx", m, n, k, factor(alpha, compute), {(char *)a, a_type, lda, a_stride, ta != 0},
                {(char *)b, b_type, ldb, b_stride, tb != 0}, factor(beta, compute), {(char *)c, c_type, ldc, c_stride, false}, batch);
}
API int cublasGemmEx(void *handle, int ta, int tb, int m, int n, int k, const void *alpha, const void *a, int a_type, int lda,
                     const void *b, int b_type, int ldb, const void *beta, void *c, int c_type, int ldc, int compute, int) {
    if (!known(compute)) return NOT_SUPPORTED;
    return gemm(handle, "cublasGemmEx", m, n, k, factor(alpha, compute), {(char *)a, a_type, lda, 0, ta != 0},
                {(char *)b, b_type, ldb, 0, tb != 0}, factor(beta, compute), {(char *)c, c_type, ldc, 0, false}, 1);
}
API int cublasSgemmStridedBatched(void *handle, int ta, int tb, int m, int n, int k, const float *alpha, const float *a, int lda,
                                  long long a_stride, const float *b, int ldb, long long b_stride, const float *beta, float *c,
                                  int ldc, long long c_stride, int batch) {
    return gemm(handle, "cublasSgemmStridedBatched", m, n, k, *alpha, {(char *)a, F32, lda, a_stride, ta != 0},
                {(char *)b, F32, ldb, b_stride, tb != 0}, *beta, {(char *)c, F32, ldc, c_stride, false}, batch);
}
API int cublasSgemm_v2(void *handle, int ta, int tb, int m, int n, int k, const float *alpha, const float *a, int lda, const float *b,
                       int ldb, const float *beta, float *c, int ldc) {
    return gemm(handle, "cublasSgemm", m, n, k, *alpha, {(char *)a, F32, lda, 0, ta != 0}, {(char *)b, F32, ldb, 0, tb != 0}, *beta,
                {(char *)c, F32, ldc, 0, false}, 1);
}


// cuRAND: candle makes a generator with each device, and nothing draws from it here.
API int curandCreateGenerator(void **generator, int) { *generator = new char; return OK; }
API int curandDestroyGenerator(void *generator) { delete (char *)generator; return OK; }
NOTHING(curandSetPseudoRandomGeneratorSeed) NOTHING(curandSetGeneratorOffset) NOTHING(curandSetStream)
