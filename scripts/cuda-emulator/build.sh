#!/usr/bin/env bash
# scripts/cuda-emulator/build.sh OUT_DIR [SOURCES]
#
# Makes OUT_DIR/libcuda.so.1, libcublas.so.13 and libcurand.so.10, which run on the CPU what the CUDA build of this
# project does on a GPU; see README.md. SOURCES is where the project's kernels (*.cu) are: src if not given. Needs g++ 12
# or newer, perl, an x86-64 CPU with AVX2, and candle's sources in cargo's registry (cargo fetch).
set -euo pipefail

if [ $# -lt 1 ] || [ $# -gt 2 ]; then sed -n '2,7p' "$0" >&2; exit 2; fi
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"; out=$(cd "$1" && pwd)
sources=$(cd "${2:-$here/../../src}" && pwd)
work=$out/build
rm -rf "$work" "$out/libcuda-emulator.so"; mkdir -p "$work/include/cuda/std"

version=$(sed -n '/^name = "candle-kernels"$/{n;s/version = "\(.*\)"/\1/p;}' "$here/../../Cargo.lock")
candle=$(ls -d "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*/candle-kernels-"$version"/src 2>/dev/null | head -n 1)
[ -n "$candle" ] || { echo "candle-kernels $version is not in cargo's registry: cargo fetch" >&2; exit 1; }

# The headers that kernels include. All is declared before them.
for header in cuda_fp16.h cuda_bf16.h cuda_fp8.h cuda.h cuda_runtime.h; do echo '#include "half.h"' > "$work/include/$header"; done
echo 'namespace cuda::std { using ::std::numeric_limits; }' > "$work/include/cuda/std/limits"

# Kernels read numbers as vectors of others, which the aliasing rules of C++ do not allow and nvcc does.
flags=(-std=gnu++17 -O2 -march=native -fno-strict-aliasing -fPIC -fvisibility=hidden -w -I"$here" -I"$work/include")
compile() { g++ "${flags[@]}" "${@:2}" -c "$1" -o "$work/$(basename "$1").o"; }

# One file of kernels: each is compiled in a namespace of its own, so that helpers of one name do not meet, and registers
# its kernels. Shared memory becomes static variables; what a launch adds to it is in one buffer.
kernels() {
    local name; name=$(basename "$1" .cu)
    printf '#include "half.h"\n#include <cuda/std/limits>\nnamespace {\n#include "%s"\n}\n' "$1" > "$work/$name.in.cpp"
    g++ "${flags[@]}" -I"$(dirname "$1")" -E "$work/$name.in.cpp" -o "$work/$name.ii"
    perl -0777 -pe '
        BEGIN { our @names; our $file = shift @ARGV; our $n = 0; }
        my $aligned = qr/(?:(?:__attribute__|alignas)\s*(?<p>\((?:[^()]++|(?&p))*\))\s*)?/;
        s{extern\s+${aligned}__shared__\s+$aligned(?<type>[^;\[\]()]*?)\s*\b(?<name>\w+)\s*\[\s*\]\s*;}
         {$+{type} *$+{name} = reinterpret_cast<$+{type} *>(emulator::emulator_dynamic_shared);}gs;
        s{__shared__\s+([^;]*);}{
            my $text = $1;
            my ($all, $nested) = ("", $text);
            1 while $nested =~ s/\[[^\[\]]*\]|<[^<>]*>|\([^()]*\)//g;
            for my $variable (split /,/, $nested) {
                $variable =~ /(\w+)\s*$/ or die "shared memory that cannot be read: $text";
                $n++;
                $all .= " static uint64_t emulator_seen_$n; emulator_fresh($1, emulator_seen_$n);";
            }
            "static $text;$all"
        }ge;
        s{extern\s+"C"\s+__global__\s+void\s+(\w+)\s*\(}{push @names, $1; "void $1("}ge;
        s{__global__}{}g;
        $_ .= "\nnamespace {\nconst int emulator_registered = [] {\n"
            . join("", map { "emulator::add_kernel({\"$file\", \"$_\", emulator::thunk<$_>, emulator::parameters_of($_)});\n" } @names)
            . "return 0;\n}();\n}\n";
    ' "$1" "$work/$name.ii" > "$work/$name.cpp"
    compile "$work/$name.cpp"
}

# Two at a time.
{
    compile "$here/fibers.cpp"
    compile "$here/driver.cpp"
    compile "$here/modules.cpp"
    compile "$here/streams.cpp"
    for name in binary cast fill; do kernels "$candle/$name.cu"; done
} &
{
    compile "$here/cublas.cpp" -O3
    for name in affine unary ternary indexing reduce sort; do kernels "$candle/$name.cu"; done
    for file in $(find "$sources" -name '*.cu'); do kernels "$file"; done
}
wait %1

g++ -shared -pthread -o "$out/libcuda-emulator.so" "$work"/*.o
for name in libcuda.so.1 libcublas.so.13 libcurand.so.10; do ln -sf libcuda-emulator.so "$out/$name"; done
cat >&2 <<E
Use it so (CUDA_EMULATOR_STATS=1 counts launches; README.md has the other settings):
  LD_LIBRARY_PATH=$out fr2en --device cuda --compute f32
E
