// Runs the threads of one block. Each CUDA thread that meets a barrier keeps a stack of its own (a fiber); one that meets
// none runs to its end and leaves its stack to the next thread, so that a kernel without barriers is a plain loop.
#pragma once
#include <cstdint>
#include <functional>

namespace emulator {

struct Index {
    unsigned x, y, z;
};

// What a kernel calls.
void block_barrier();
// Waits for the lanes of `mask` and gives the value of lane `from`; BALLOT gives the set of lanes whose value is not zero.
constexpr int BALLOT = -1;
uint64_t warp_barrier(unsigned mask, uint64_t value, int from);
unsigned lane();
// A number for each block that was run: shared memory is poisoned when it is first met in a block.
extern uint64_t block_serial;
extern "C" char emulator_dynamic_shared[];

// What the driver calls: runs `thread` once for each thread of the block, with threadIdx set.
void run_block(const std::function<void()> &thread);
// Ends the process with a message that names the kernel.
[[noreturn]] void die(const char *format, ...) __attribute__((format(printf, 1, 2)));

}  // namespace emulator

extern emulator::Index threadIdx, blockIdx, blockDim, gridDim;
