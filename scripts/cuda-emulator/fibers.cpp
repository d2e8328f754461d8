#include "fibers.h"

#include <sys/mman.h>

#include <cstdlib>
#include <vector>

emulator::Index threadIdx, blockIdx, blockDim, gridDim;

namespace emulator {

uint64_t block_serial;

// Saves the registers that a function must keep, stores the stack pointer in *save and goes on where `load` was saved.
extern "C" void emulator_switch(void **save, void *load);
asm(R"(
    .text
    .globl emulator_switch
    .hidden emulator_switch
emulator_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
)");

namespace {

constexpr size_t STACK = 64 << 10, PAGE = 4096;

enum State : uint8_t { FRESH, READY, AT_BLOCK_BARRIER, AT_WARP_BARRIER, DONE };

struct Fiber {
    void *stack_pointer;
};

struct Thread {
    State state;
    Fiber *fiber;
    unsigned mask;
    int from;
    uint64_t value;
};

Thread threads[1024];
unsigned count, started, done, current;
Fiber *running;
std::vector<Fiber *> idle;
void *scheduler;
const std::function<void()> *body;
// The other order shows barriers that are missing: what happens to be written first is then written last.
const bool reverse = getenv("CUDA_EMULATOR_REVERSE") != nullptr;

void enter(unsigned t) {
    current = t;
    threadIdx = {t % blockDim.x, t / blockDim.x % blockDim.y, t / blockDim.x / blockDim.y};
}

unsigned in_order(unsigned i) {
    return reverse ? count - 1 - i : i;
}

void fiber_main() {
    for (;;) {
        while (started < count) {
            enter(in_order(started++));
            (*body)();
            threads[current].state = DONE;
            ++done;
        }
        idle.push_back(running);
        emulator_switch(&running->stack_pointer, scheduler);
    }
}

void resume(Fiber *fiber) {
    running = fiber;
    emulator_switch(&scheduler, fiber->stack_pointer);
}

Fiber *any_fiber() {
    if (!idle.empty()) {
        Fiber *fiber = idle.back();
        idle.pop_back();
        return fiber;
    }
    // The page below is never mapped in: a stack that is too small is a segmentation fault, not another thread's data.
    char *low = (char *)mmap(nullptr, STACK + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (low == MAP_FAILED || mprotect(low, PAGE, PROT_NONE)) die("no memory for a stack");
    // As if emulator_switch had been called where fiber_main begins, with the stack aligned as after a call.
    void **top = (void **)(low + PAGE + STACK) - 2;
    *top = (void *)fiber_main;
    return new Fiber{top - 6};
}

void wait_as(State state) {
    Thread &me = threads[current];
    me.state = state;
    me.fiber = running;
    emulator_switch(&running->stack_pointer, scheduler);
}

// Lets the lanes of one warp go on whose whole mask has come.
bool release_warp(unsigned first) {
    Thread *lanes = threads + first;
    const unsigned size = count - first < 32 ? count - first : 32;
    bool released = false;
    for (unsigned l = 0; l < size; ++l) {
        if (lanes[l].state != AT_WARP_BARRIER) continue;
        const unsigned mask = lanes[l].mask;
        uint64_t values[32] = {}, ballot = 0;
        bool complete = true;
        for (unsigned i = 0; i < size; ++i) {
            if (!(mask >> i & 1)) continue;
            complete = complete && lanes[i].state == AT_WARP_BARRIER && lanes[i].mask == mask;
            values[i] = lanes[i].value;
            ballot |= uint64_t(lanes[i].value != 0) << i;
        }
        if (!complete) continue;
        for (unsigned i = 0; i < size; ++i) {
            if (!(mask >> i & 1)) continue;
            const int from = lanes[i].from;
            if (from != BALLOT && (unsigned(from) >= size || !(mask >> from & 1))) {
                die("lane %u shuffles from lane %d, which is not in the mask or the block", i, from);
            }
            lanes[i].value = from == BALLOT ? ballot : values[from];
            lanes[i].state = READY;
        }
        released = true;
    }
    return released;
}

bool release() {
    unsigned at_block = 0, at_warp = 0;
    for (unsigned t = 0; t < count; ++t) {
        at_block += threads[t].state == AT_BLOCK_BARRIER;
        at_warp += threads[t].state == AT_WARP_BARRIER;
    }
    bool released = false;
    if (at_warp) {
        for (unsigned first = 0; first < count; first += 32) released |= release_warp(first);
    } else if (at_block && at_block + done == count) {
        for (unsigned t = 0; t < count; ++t) {
            if (threads[t].state == AT_BLOCK_BARRIER) threads[t].state = READY;
        }
        released = true;
    }
    if (!released) {
        die("a barrier that not all reach: %u of %u threads are at __syncthreads, %u at a barrier of their warp, %u have returned",
            at_block, count, at_warp, done);
    }
    return released;
}

}  // namespace

void block_barrier() {
    wait_as(AT_BLOCK_BARRIER);
}

unsigned lane() {
    return current % 32;
}

uint64_t warp_barrier(unsigned mask, uint64_t value, int from) {
    if (!(mask >> lane() & 1)) die("lane %u is at a barrier whose mask %08x leaves it out", lane(), mask);
    Thread &me = threads[current];
    me.mask = mask;
    me.value = value;
    me.from = from;
    wait_as(AT_WARP_BARRIER);
    return me.value;
}

void run_block(const std::function<void()> &thread) {
    body = &thread;
    count = blockDim.x * blockDim.y * blockDim.z;
    started = done = 0;
    ++block_serial;
    for (unsigned t = 0; t < count; ++t) threads[t].state = FRESH;
    while (started < count) resume(any_fiber());
    while (done < count) {
        release();
        for (unsigned i = 0; i < count; ++i) {
            const unsigned t = in_order(i);
            if (threads[t].state != READY) continue;
            enter(t);
            resume(threads[t].fiber);
        }
    }
}

}  // namespace emulator
