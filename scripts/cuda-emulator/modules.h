// The kernels that the emulator was built with, and what a program's modules say of them.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "runtime.h"

namespace emulator {

// What the PTX of a module says about a kernel: the sizes of its parameters, and how many threads it is compiled for.
struct Entry {
    std::vector<size_t> sizes;
    unsigned most_threads = 1024;
};
struct Module {
    std::map<std::string, Entry> entries;
};

Module *parse(const std::string &ptx);
// Of kernels of one name, that whose file has most of the module's other kernels; null if there is none.
const Kernel *find(const Module &module, const std::string &name);

}  // namespace emulator
