#include "streams.h"

#include <cstdlib>
#include <deque>
#include <map>
#include <memory>

#include "driver.h"
#include "fibers.h"

namespace emulator {
namespace {

const bool late = getenv("CUDA_EMULATOR_LATE") != nullptr;

struct Work {
    std::function<void()> run;
    const char *host;
    size_t bytes;
};
std::map<void *, std::deque<Work>> &queues = *new std::map<void *, std::deque<Work>>;

// The work is out of its queue before it runs, because it may wait for another stream's.
bool run_one(std::deque<Work> &queue) {
    if (queue.empty()) return false;
    const Work work = std::move(queue.front());
    queue.pop_front();
    work.run();
    return true;
}

}  // namespace

void submit(void *stream, std::function<void()> work, const void *host, size_t bytes) {
    if (late && stream) queues[stream].push_back({std::move(work), (const char *)host, bytes});
    else work();
}

void finish(void *stream) {
    while (run_one(queues[stream])) {}
}

void finish_all() {
    for (auto &[stream, queue] : queues) {
        while (run_one(queue)) {}
    }
}

void check_unused(const void *host, size_t bytes) {
    const char *start = (const char *)host;
    for (const auto &[stream, queue] : queues) {
        for (const Work &work : queue) {
            if (work.host < start + bytes && start < work.host + work.bytes) die("memory of the host is freed that a copy still needs");
        }
    }
}

// How often it was recorded, and which of these has been reached. It may be destroyed before that.
struct Event {
    double at = 0;
    void *stream = nullptr;
    unsigned long recorded = 0, reached = 0;
};
using Handle = std::shared_ptr<Event> *;

static void wait_for(const Event &event, void *stream, unsigned long number) {
    while (event.reached < number) {
        if (!run_one(queues[stream])) die("an event that nothing will reach");
    }
}
static void wait_for(const Event &event) {
    wait_for(event, event.stream, event.recorded);
}

}  // namespace emulator

using namespace emulator;
#define API extern "C" __attribute__((visibility("default")))
using Guard = std::lock_guard<std::mutex>;

API int cuStreamCreate(void **out, unsigned) { *out = new char; return 0; }
API int cuStreamCreateWithPriority(void **out, unsigned, int) { *out = new char; return 0; }
API int cuStreamDestroy_v2(void *stream) {
    Guard guard(lock);
    finish(stream);
    queues.erase(stream);
    delete (char *)stream;
    return 0;
}
API int cuStreamSynchronize(void *stream) {
    Guard guard(lock);
    count_wait();
    finish(stream);
    return 0;
}
API int cuCtxSynchronize() {
    Guard guard(lock);
    count_wait();
    finish_all();
    return 0;
}
// Whoever asks may ask until it is so.
API int cuStreamQuery(void *stream) {
    Guard guard(lock);
    finish(stream);
    return 0;
}
API int cuStreamIsCapturing(void *, int *status) { *status = 0; return 0; }
API int cuLaunchHostFunc(void *stream, void (*f)(void *), void *data) {
    Guard guard(lock);
    submit(stream, [=] { f(data); });
    return 0;
}

API int cuEventCreate(Handle *out, unsigned) { *out = new std::shared_ptr<Event>(new Event); return 0; }
API int cuEventDestroy_v2(Handle event) {
    Guard guard(lock);
    delete event;
    return 0;
}
API int cuEventRecord(Handle handle, void *stream) {
    Guard guard(lock);
    const std::shared_ptr<Event> event = *handle;
    const unsigned long number = ++event->recorded;
    event->stream = stream;
    submit(stream, [=] {
        event->at = now();
        event->reached = number;
    });
    return 0;
}
API int cuEventSynchronize(Handle event) {
    Guard guard(lock);
    count_wait();
    wait_for(**event);
    return 0;
}
API int cuEventQuery(Handle event) {
    Guard guard(lock);
    wait_for(**event);
    return 0;
}
// What comes next in `stream` waits for the event, as it was when this was called.
API int cuStreamWaitEvent(void *stream, Handle handle, unsigned) {
    Guard guard(lock);
    const std::shared_ptr<Event> event = *handle;
    submit(stream, [event, from = event->stream, number = event->recorded] { wait_for(*event, from, number); });
    return 0;
}
API int cuEventElapsedTime_v2(float *ms, Handle a, Handle b) {
    Guard guard(lock);
    wait_for(**a);
    wait_for(**b);
    *ms = ((*b)->at - (*a)->at) * 1e3;
    return 0;
}
API int cuEventElapsedTime(float *ms, Handle a, Handle b) { return cuEventElapsedTime_v2(ms, a, b); }
