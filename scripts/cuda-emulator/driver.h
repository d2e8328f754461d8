// What the driver and cuBLAS share.
#pragma once
#include <cstddef>
#include <mutex>
#include <string>

namespace emulator {

// Every call does its work under this.
extern std::mutex lock;
using Guard = std::lock_guard<std::mutex>;
// Ends the process unless the bytes lie in one live allocation.
void check_range(const char *what, const void *start, size_t bytes);
// One more launch of that name, which took that long.
void count_launch(const std::string &name, double seconds);
// The host waited once more.
void count_wait();
double now();

}  // namespace emulator
