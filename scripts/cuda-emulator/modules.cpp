// Reads PTX, as far as it says how a kernel is called.
#include "modules.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <cstring>

#include "fibers.h"

namespace emulator {

namespace {

std::vector<Kernel> &kernels() {
    static std::vector<Kernel> &all = *new std::vector<Kernel>;
    return all;
}

// `.param .u64 .ptr .align 1 NAME` or `.param .align 4 .b8 NAME[12]`.
size_t parameter_size(const std::string &text) {
    size_t size = 0;
    for (size_t at = 0; (at = text.find('.', at)) != std::string::npos; ++at) {
        const char kind = text[at + 1];
        if (strchr("usbf", kind) && isdigit(text[at + 2])) size = atoi(&text[at + 2]) / 8;
    }
    const size_t bracket = text.rfind('[');
    return bracket == std::string::npos ? size : size * atoi(&text[bracket + 1]);
}

}  // namespace

void add_kernel(Kernel kernel) {
    kernels().push_back(std::move(kernel));
}

Module *parse(const std::string &ptx) {
    Module *module = new Module;
    for (size_t at = 0; (at = ptx.find(".entry ", at)) != std::string::npos;) {
        at += strlen(".entry ");
        const size_t open = ptx.find('(', at), close = ptx.find(')', open), brace = ptx.find('{', close);
        if (brace == std::string::npos) die("PTX that cannot be read");
        std::string name = ptx.substr(at, open - at);
        name.erase(name.find_last_not_of(" \n\t") + 1);
        Entry &entry = module->entries[name];
        for (size_t from = open; (from = ptx.find(".param", from)) < close;) {
            const size_t to = std::min(ptx.find(".param", from + 1), close);
            entry.sizes.push_back(parameter_size(ptx.substr(from + 6, to - from - 6)));
            from = to;
        }
        const size_t threads = ptx.find(".maxntid", close);
        if (threads < brace) {
            entry.most_threads = 1;
            for (const char *p = &ptx[threads + 8]; isdigit(*p) || strchr(" \t,", *p);) {
                if (isdigit(*p)) entry.most_threads *= strtoul(p, (char **)&p, 10);
                else ++p;
            }
        }
        at = brace;
    }
    return module;
}

const Kernel *find(const Module &module, const std::string &name) {
    const Kernel *best = nullptr;
    long most = 0;
    for (const Kernel &kernel : kernels()) {
        if (name != kernel.name) continue;
        const long shared = std::count_if(kernels().begin(), kernels().end(), [&](const Kernel &other) {
            return !strcmp(other.file, kernel.file) && module.entries.count(other.name);
        });
        if (shared > most) {
            most = shared;
            best = &kernel;
        }
    }
    return best;
}

}  // namespace emulator
