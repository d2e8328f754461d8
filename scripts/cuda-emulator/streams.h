// Streams and events: when the work is done that a device is given.
#pragma once
#include <cstddef>
#include <functional>

namespace emulator {

// All of these are called under `lock`.

// Does `work` in its turn in the stream: at once or, with CUDA_EMULATOR_LATE, when somebody waits for it. The null stream's
// work is always done at once, and waits for none of the others', as none of them is a blocking one here. `host` is the
// host's memory that the work reads or writes.
void submit(void *stream, std::function<void()> work, const void *host = nullptr, size_t bytes = 0);
// Does what a stream, or every stream, was given and has not done.
void finish(void *stream);
void finish_all();
// Ends the process if work that has not been done reads or writes there.
void check_unused(const void *host, size_t bytes);

}  // namespace emulator
