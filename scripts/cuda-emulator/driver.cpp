// The CUDA driver: devices, memory, modules, launches.
#include "driver.h"

#include <sys/mman.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <vector>

#include "fibers.h"
#include "modules.h"
#include "runtime.h"
#include "streams.h"

namespace emulator {

std::mutex lock;

namespace {

enum { OK = 0, INVALID_VALUE = 1, OUT_OF_MEMORY = 2, INVALID_DEVICE = 101, INVALID_CONTEXT = 201, NOT_FOUND = 500 };

// As an A100 has it.
constexpr int SHARED = 48 << 10, SHARED_AT_MOST = 163 << 10;
constexpr size_t GUARD = 256;
constexpr unsigned char FRESH_BYTE = 0xff, GUARD_BYTE = 0xa5;

long setting(const char *name, long otherwise) {
    const char *value = getenv(name);
    return value && *value ? atol(value) : otherwise;
}

struct Device {
    size_t used = 0, most = 0;
};
const int device_count = setting("CUDA_EMULATOR_DEVICES", 1);
const size_t device_memory = (size_t)setting("CUDA_EMULATOR_MEMORY", 8192) << 20;
// Memory of which every allocation ends where a page begins that may not be touched.
const bool fence = setting("CUDA_EMULATOR_FENCE", 0) != 0;
Device devices[64];
thread_local Device *context;

struct Allocation {
    size_t size;
    Device *device;
    char *base;
    size_t whole;
};
// The maps are never destroyed: the table is printed after that.
std::map<char *, Allocation> &allocations = *new std::map<char *, Allocation>;

struct Count {
    unsigned long launches = 0;
    double seconds = 0;
};
std::map<std::string, Count> &counts = *new std::map<std::string, Count>;
unsigned long allocated, copies[3], waits;
double copied[3];
// The last kernel that was launched, and whether it is running.
const char *last_kernel = "none";
bool in_kernel;

struct Function {
    const Kernel *kernel;
    unsigned most_threads;
    int most_shared;
};

void check_guards(const char *start, const Allocation &a) {
    const unsigned char *before = (const unsigned char *)start - GUARD, *after = (const unsigned char *)start + a.size;
    const unsigned char *end = (const unsigned char *)a.base + a.whole;
    for (const unsigned char *p = std::max(before, (const unsigned char *)a.base); p < (const unsigned char *)start; ++p) {
        if (*p != GUARD_BYTE) die("%zd bytes before an allocation of %zu were overwritten", start - (const char *)p, a.size);
    }
    for (const unsigned char *p = after; p < std::min(after + GUARD, end); ++p) {
        if (*p != GUARD_BYTE) die("byte %zd of an allocation of %zu was written", (const char *)p - start, a.size);
    }
}

int allocate(void **out, size_t size) {
    Guard guard(lock);
    if (!context) return INVALID_CONTEXT;
    if (size == 0) return INVALID_VALUE;
    const size_t cost = (size + 511) / 512 * 512;
    // What is still to be freed.
    if (context->used + cost > device_memory) finish_all();
    if (context->used + cost > device_memory) return OUT_OF_MEMORY;
    Allocation a{size, context, nullptr, 0};
    char *start;
    if (fence) {
        const size_t data = (size + 15) / 16 * 16, pages = (data + 4095) / 4096 * 4096;
        a.whole = pages;
        a.base = (char *)mmap(nullptr, pages + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (a.base == MAP_FAILED || mprotect(a.base + pages, 4096, PROT_NONE)) return OUT_OF_MEMORY;
        start = a.base + pages - data;
    } else {
        a.whole = GUARD + (size + GUARD - 1) / GUARD * GUARD + GUARD;
        a.base = (char *)std::aligned_alloc(GUARD, a.whole);
        if (!a.base) return OUT_OF_MEMORY;
        start = a.base + GUARD;
    }
    memset(a.base, GUARD_BYTE, a.whole);
    memset(start, FRESH_BYTE, size);
    allocations[start] = a;
    context->used += cost;
    context->most = std::max(context->most, context->used);
    ++allocated;
    *out = start;
    return OK;
}

void release(char *start) {
    const auto found = allocations.find(start);
    if (found == allocations.end()) die("%p is freed, which is no live allocation", start);
    const Allocation a = found->second;
    check_guards(start, a);
    a.device->used -= (a.size + 511) / 512 * 512;
    allocations.erase(found);
    if (fence) munmap(a.base, a.whole + 4096);
    else free(a.base);
}

// Of what is filed under where it begins: the last that begins at `p` or before it, or the end.
template <class Map> auto last_before(Map &map, const void *p) {
    const auto found = map.upper_bound((char *)p);
    return found == map.begin() ? map.end() : std::prev(found);
}

// The allocation that those bytes lie in; where there are none, `p` may be its end.
auto containing(const void *p, size_t bytes) {
    const auto found = last_before(allocations, p);
    return found != allocations.end() && (char *)p + bytes <= found->first + found->second.size ? found : allocations.end();
}

enum Direction { TO_DEVICE, FROM_DEVICE, ON_DEVICE };

// The host's memory that is locked, with its size. Copies from and to other memory of the host are finished when the call is.
std::map<char *, size_t> &locked = *new std::map<char *, size_t>;

bool is_locked(const void *p, size_t bytes) {
    const auto found = last_before(locked, p);
    return found != locked.end() && (char *)p + bytes <= found->first + found->second;
}

int copy(Direction direction, void *to, const void *from, size_t bytes, void *stream) {
    Guard guard(lock);
    const void *host = direction == TO_DEVICE ? from : direction == FROM_DEVICE ? to : nullptr;
    std::shared_ptr<char[]> staged;
    if (host && !is_locked(host, bytes)) {
        host = nullptr;
        if (direction == TO_DEVICE) {
            memcpy((staged = std::shared_ptr<char[]>(new char[bytes])).get(), from, bytes);
        } else {
            finish(stream);
            stream = nullptr;
        }
    }
    const auto work = [=] {
        if (direction != FROM_DEVICE) check_range("the destination of a copy", to, bytes);
        if (direction != TO_DEVICE) check_range("the source of a copy", from, bytes);
        ++copies[direction];
        copied[direction] += bytes;
        memmove(to, staged ? staged.get() : from, bytes);
    };
    // Who reads too early shall see it.
    if (direction == FROM_DEVICE) memset(to, FRESH_BYTE, bytes);
    submit(stream, work, host, host ? bytes : 0);
    return OK;
}

template <class T> int fill(T *to, T value, size_t n, void *stream) {
    Guard guard(lock);
    submit(stream, [=] {
        check_range("what is filled", to, n * sizeof(T));
        std::fill_n(to, n, value);
    });
    return OK;
}

int attribute(int which) {
    switch (which) {
        case 1: case 2: case 3: return 1024;   // threads a block; x; y
        case 4: return 64;                     // z
        case 5: return 0x7fffffff;             // blocks
        case 6: case 7: return 65535;
        case 8: return SHARED;
        case 10: return 32;                    // lanes a warp
        case 16: return 108;                   // multiprocessors
        case 39: return 2048;                  // threads a multiprocessor
        case 75: return 8;                     // compute capability 8.0
        case 81: return SHARED_AT_MOST + 1024;
        case 97: return SHARED_AT_MOST;
        case 115: return 1;                    // memory pools
        default: return 0;
    }
}

// A launch: the kernel, and a copy of its arguments.
struct Launch {
    const Kernel &kernel;
    Index grid, block;
    unsigned shared;
    std::vector<std::vector<char>> arguments;

    void run();
};

void Launch::run() {
    const double start = now();
    last_kernel = kernel.name;
    in_kernel = true;
    gridDim = grid;
    blockDim = block;
    std::vector<void *> values;
    for (std::vector<char> &argument : arguments) values.push_back(argument.data());
    std::vector<decltype(allocations.begin())> touched;
    for (size_t i = 0; i < kernel.parameters.size(); ++i) {
        if (!kernel.parameters[i].pointer || !*(void **)values[i]) continue;
        touched.push_back(containing(*(void **)values[i], 0));
        if (touched.back() == allocations.end()) die("parameter %zu is a pointer into no live allocation", i);
    }
    const std::function<void()> thread = [&] { kernel.call(values.data()); };
    const bool reverse = getenv("CUDA_EMULATOR_REVERSE") != nullptr;
    const uint64_t blocks = (uint64_t)grid.x * grid.y * grid.z;
    for (uint64_t i = 0; i < blocks; ++i) {
        const uint64_t b = reverse ? blocks - 1 - i : i;
        blockIdx = {unsigned(b % grid.x), unsigned(b / grid.x % grid.y), unsigned(b / grid.x / grid.y)};
        memset(emulator_dynamic_shared, FRESH_BYTE, shared);
        memset(emulator_dynamic_shared + shared, GUARD_BYTE, GUARD);
        run_block(thread);
        for (size_t g = 0; g < GUARD; ++g) {
            if ((unsigned char)emulator_dynamic_shared[shared + g] != GUARD_BYTE) die("byte %zu of %u of shared memory was written", shared + g, shared);
        }
    }
    in_kernel = false;
    for (const auto &found : touched) check_guards(found->first, found->second);
    count_launch(kernel.name, now() - start);
}

int launch(const Function &f, Index grid, Index block, unsigned shared, void **values, void *stream) {
    Guard guard(lock);
    const uint64_t size = (uint64_t)block.x * block.y * block.z;
    if (!grid.x || !grid.y || !grid.z || grid.y > 65535 || grid.z > 65535 || !size || size > f.most_threads || block.z > 64) return INVALID_VALUE;
    if (shared > (unsigned)f.most_shared) return INVALID_VALUE;
    Launch launch{*f.kernel, grid, block, shared, {}};
    for (size_t i = 0; i < f.kernel->parameters.size(); ++i) {
        const char *value = (const char *)values[i];
        launch.arguments.emplace_back(value, value + f.kernel->parameters[i].size);
    }
    submit(stream, [launch]() mutable { launch.run(); });
    return OK;
}

// Where a kernel touches what is not there, the message names it; anything else is left to whoever was there before.
struct sigaction before;
void crashed(int, siginfo_t *info, void *) {
    if (in_kernel) die("memory at %p was touched, which is not there or not aligned", info->si_addr);
    sigaction(SIGSEGV, &before, nullptr);
}
void watch_crashes() {
    struct sigaction action {};
    action.sa_sigaction = crashed;
    // A fiber's own stack may be the reason; Rust gives each of its threads another one for signals.
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigaction(SIGSEGV, &action, &before);
}

__attribute__((destructor)) void print_counts() {
    if (!getenv("CUDA_EMULATOR_STATS")) return;
    std::vector<std::pair<std::string, Count>> rows(counts.begin(), counts.end());
    std::sort(rows.begin(), rows.end(), [](const auto &a, const auto &b) { return a.second.launches > b.second.launches; });
    unsigned long launches = 0;
    double seconds = 0;
    fprintf(stderr, "%10s %9s  %s\n", "launches", "seconds", "kernel");
    for (const auto &[name, count] : rows) {
        fprintf(stderr, "%10lu %9.3f  %s\n", count.launches, count.seconds, name.c_str());
        launches += count.launches;
        seconds += count.seconds;
    }
    fprintf(stderr, "%10lu %9.3f  in all\n", launches, seconds);
    const char *names[] = {"to the device", "from the device", "on the device"};
    for (int i = 0; i < 3; ++i) fprintf(stderr, "%10lu copies %s, %.3f MB\n", copies[i], names[i], copied[i] / 1e6);
    fprintf(stderr, "%10lu allocations, %lu waits\n", allocated, waits);
    for (int d = 0; d < device_count; ++d) fprintf(stderr, "%10.1f MB at most on device %d\n", devices[d].most / 1e6, d);
}

}  // namespace

extern "C" {
alignas(256) char emulator_dynamic_shared[SHARED_AT_MOST + GUARD];
}

void check_range(const char *what, const void *start, size_t bytes) {
    if (bytes && containing(start, bytes) == allocations.end()) die("%s, %zu bytes at %p, is not inside a live allocation", what, bytes, start);
}

void count_launch(const std::string &name, double seconds) {
    ++counts[name].launches;
    counts[name].seconds += seconds;
}

void count_wait() {
    ++waits;
}

double now() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void die(const char *format, ...) {
    va_list list;
    va_start(list, format);
    fprintf(stderr, "cuda-emulator: ");
    vfprintf(stderr, format, list);
    va_end(list);
    if (in_kernel) {
        fprintf(stderr, " (in kernel %s, block %u %u %u, thread %u %u %u, of %u %u %u blocks of %u %u %u threads)\n", last_kernel,
                blockIdx.x, blockIdx.y, blockIdx.z, threadIdx.x, threadIdx.y, threadIdx.z, gridDim.x, gridDim.y, gridDim.z, blockDim.x,
                blockDim.y, blockDim.z);
    } else {
        fprintf(stderr, " (the last kernel was %s)\n", last_kernel);
    }
    abort();
}

}  // namespace emulator

using namespace emulator;
#define API extern "C" __attribute__((visibility("default")))
using Handle = void *;

// What needs no answer.
#define NOTHING(NAME) API int NAME() { return OK; }
NOTHING(cuMemPoolSetAttribute) NOTHING(cuMemPoolTrimTo) NOTHING(cuDevicePrimaryCtxRelease_v2) NOTHING(cuCtxSetFlags)
NOTHING(cuFuncSetCacheConfig)

API int cuInit(unsigned) {
    static std::once_flag once;
    std::call_once(once, watch_crashes);
    return OK;
}
API int cuDriverGetVersion(int *version) { *version = 13000; return OK; }
API int cuDeviceGetCount(int *count) { *count = device_count; return OK; }
API int cuDeviceGet(int *device, int ordinal) {
    if (ordinal < 0 || ordinal >= device_count) return INVALID_DEVICE;
    *device = ordinal;
    return OK;
}
API int cuDeviceGetName(char *name, int size, int) { snprintf(name, size, "CUDA emulator"); return OK; }
API int cuDeviceGetUuid_v2(char *uuid, int device) { memset(uuid, device, 16); return OK; }
API int cuDeviceTotalMem_v2(size_t *bytes, int) { *bytes = device_memory; return OK; }
API int cuDeviceGetAttribute(int *value, int which, int) { *value = attribute(which); return OK; }
API int cuDeviceGetDefaultMemPool(Handle *pool, int device) { *pool = &devices[device]; return OK; }
API int cuDeviceGetMemPool(Handle *pool, int device) { *pool = &devices[device]; return OK; }
API int cuDevicePrimaryCtxRetain(Handle *out, int device) { *out = &devices[device]; return OK; }
API int cuCtxSetCurrent(Handle to) { context = (Device *)to; return OK; }
API int cuCtxGetCurrent(Handle *out) { *out = context; return OK; }
API int cuCtxGetDevice(int *device) { *device = context - devices; return context ? OK : INVALID_CONTEXT; }
API int cuCtxGetStreamPriorityRange(int *least, int *greatest) { *least = *greatest = 0; return OK; }

API int cuMemGetInfo_v2(size_t *free, size_t *total) {
    Guard guard(lock);
    if (!context) return INVALID_CONTEXT;
    *total = device_memory;
    *free = device_memory - context->used;
    return OK;
}
API int cuMemAlloc_v2(Handle *out, size_t size) { return allocate(out, size); }
API int cuMemAllocAsync(Handle *out, size_t size, Handle) { return allocate(out, size); }
API int cuMemFree_v2(char *p) {
    Guard guard(lock);
    finish_all();
    release(p);
    return OK;
}
API int cuMemFreeAsync(char *p, Handle stream) {
    Guard guard(lock);
    submit(stream, [=] { release(p); });
    return OK;
}
API int cuMemHostAlloc(void **out, size_t size, unsigned) {
    Guard guard(lock);
    *out = malloc(size);
    if (!*out) return OUT_OF_MEMORY;
    memset(*out, FRESH_BYTE, size);
    locked[(char *)*out] = size;
    return OK;
}
API int cuMemFreeHost(void *p) {
    Guard guard(lock);
    const auto found = locked.find((char *)p);
    if (found == locked.end()) die("%p is freed, which is no locked memory of the host", p);
    check_unused(p, found->second);
    locked.erase(found);
    free(p);
    return OK;
}
API int cuMemcpyHtoD_v2(void *to, const void *from, size_t n) { return copy(TO_DEVICE, to, from, n, nullptr); }
API int cuMemcpyHtoDAsync_v2(void *to, const void *from, size_t n, Handle stream) { return copy(TO_DEVICE, to, from, n, stream); }
API int cuMemcpyDtoH_v2(void *to, const void *from, size_t n) { return copy(FROM_DEVICE, to, from, n, nullptr); }
API int cuMemcpyDtoHAsync_v2(void *to, const void *from, size_t n, Handle stream) { return copy(FROM_DEVICE, to, from, n, stream); }
API int cuMemcpyDtoD_v2(void *to, const void *from, size_t n) { return copy(ON_DEVICE, to, from, n, nullptr); }
API int cuMemcpyDtoDAsync_v2(void *to, const void *from, size_t n, Handle stream) { return copy(ON_DEVICE, to, from, n, stream); }
API int cuMemcpyPeerAsync(void *to, Handle, const void *from, Handle, size_t n, Handle stream) { return copy(ON_DEVICE, to, from, n, stream); }
API int cuMemsetD8_v2(uint8_t *to, uint8_t value, size_t n) { return fill(to, value, n, nullptr); }
API int cuMemsetD8Async(uint8_t *to, uint8_t value, size_t n, Handle stream) { return fill(to, value, n, stream); }
API int cuMemsetD16_v2(uint16_t *to, uint16_t value, size_t n) { return fill(to, value, n, nullptr); }
API int cuMemsetD16Async(uint16_t *to, uint16_t value, size_t n, Handle stream) { return fill(to, value, n, stream); }
API int cuMemsetD32_v2(uint32_t *to, uint32_t value, size_t n) { return fill(to, value, n, nullptr); }
API int cuMemsetD32Async(uint32_t *to, uint32_t value, size_t n, Handle stream) { return fill(to, value, n, stream); }

API int cuModuleLoadData(Handle *out, const char *ptx) { *out = parse(ptx); return OK; }
API int cuModuleLoadDataEx(Handle *out, const char *ptx, unsigned, int *, void **) { return cuModuleLoadData(out, ptx); }
API int cuModuleUnload(Handle module) { delete (Module *)module; return OK; }
API int cuModuleGetFunction(Handle *out, Handle from, const char *name) {
    Guard guard(lock);
    const Module &module = *(Module *)from;
    const auto entry = module.entries.find(name);
    if (entry == module.entries.end()) return NOT_FOUND;
    const Kernel *kernel = find(module, name);
    if (!kernel) die("kernel %s is in the program, but not among those that the emulator was built with", name);
    std::vector<size_t> sizes;
    for (const Parameter &p : kernel->parameters) sizes.push_back(p.size);
    if (sizes != entry->second.sizes) die("kernel %s has other parameters in the program than in %s", name, kernel->file);
    *out = new Function{kernel, entry->second.most_threads, SHARED};
    return OK;
}
API int cuFuncSetAttribute(Handle f, int which, int value) {
    if (which != 8) return OK;
    if (value < 0 || value > SHARED_AT_MOST) return INVALID_VALUE;
    ((Function *)f)->most_shared = value;
    return OK;
}
API int cuFuncGetAttribute(int *value, int which, Handle f) {
    *value = which == 0 ? ((Function *)f)->most_threads : which == 8 ? ((Function *)f)->most_shared : 0;
    return OK;
}
API int cuOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, Handle, int threads, size_t) { *blocks = 2048 / threads; return OK; }
API int cuLaunchKernel(Handle f, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned shared, Handle stream,
                       void **values, void **) {
    return launch(*(Function *)f, {gx, gy, gz}, {bx, by, bz}, shared, values, stream);
}

API int cuGetErrorName(int error, const char **out) {
    *out = error == OUT_OF_MEMORY ? "CUDA_ERROR_OUT_OF_MEMORY" : error == INVALID_VALUE ? "CUDA_ERROR_INVALID_VALUE"
         : error == INVALID_DEVICE ? "CUDA_ERROR_INVALID_DEVICE" : error == NOT_FOUND ? "CUDA_ERROR_NOT_FOUND" : "CUDA_ERROR";
    return OK;
}
API int cuGetErrorString(int error, const char **out) {
    *out = error == OUT_OF_MEMORY ? "out of memory" : error == INVALID_VALUE ? "invalid argument"
         : error == INVALID_DEVICE ? "invalid device ordinal" : error == NOT_FOUND ? "named symbol not found" : "error";
    return OK;
}
