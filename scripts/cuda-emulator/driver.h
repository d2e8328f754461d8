// What the driver and cuBLAS share.
#pragma once
#include <cstddef>
#include <mutex>
#include <string>

namespace emulator {

// Every call does its work at once, under this.
extern std::mutex lock;
// Ends the process unless the bytes lie in one live allocation.
void check_range(const char *what, const void *start, size_t bytes);
// One more launch of that name, which took that long.
void count_launch(const std::string &name, double seconds);
double now();

}  // namespace emulator
