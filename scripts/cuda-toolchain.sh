#!/usr/bin/env bash
# scripts/cuda-toolchain.sh [--shared] TARGET_DIR
#
# Makes, from PyPI alone, what `cargo build --release --features cuda` needs on a machine
# without a GPU, a driver or a CUDA toolkit, and prints the `export` lines for it:
#
#     eval "$(scripts/cuda-toolchain.sh ~/cuda-13.0)"
#     cargo build --release --features cuda
#
# Everything but the export lines goes to stderr. Idempotent: a second run with the same
# versions installs nothing and prints the same lines. Needs: python3 with pip, cargo,
# gcc and ar (seen with gcc 12 on Debian 12); about 330 MB of disk and 125 MB of download.
#
# What the program links against (candle-core 0.11.1: cudarc with `dynamic-linking`, and
# candle-kernels' `-lcudart`) comes in one of two forms:
#
#   default    libcuda.a, libcublas.a, libcublasLt.a, libcurand.a, libnvrtc.a made here: each
#              function is a jump that, when first called, dlopen()s the real library (by
#              its soname) and dlsym()s the real function. The binary then has NO CUDA
#              library among its NEEDED entries: it starts on any x86-64 Linux, and where
#              the libraries or the driver are missing `Device::new_cuda(0)` returns Err.
#              No crate is patched.
#   --shared   stub libcuda.so, libcublas.so … with the real sonames, used for linking
#              only: the binary has the usual NEEDED entries and does not start where
#              these libraries are not found.
#
# In both forms the CUDA runtime (libcudart) is linked statically, from the wheel's own
# libcudart_static.a; it looks for the driver only when first used.
#
# Why 13.0 and not the newest: candle's kernels travel as PTX, which the driver compiles
# when they are first used; a driver refuses PTX newer than itself (driver 580 = CUDA 13.0).
# These are the versions that the package cuda-toolkit 13.0.2 pins, which PyTorch's cu130
# wheels depend on.
set -euo pipefail

NVCC=13.0.88 NVVM=13.0.88 CRT=13.0.88 CUDART=13.0.96 CCCL=13.0.85
CUDARC=$(sed -n '/^name = "cudarc"$/{n;s/version = "\(.*\)"/\1/p;}' "$(dirname "$0")/../Cargo.lock")
CAP=${CUDA_COMPUTE_CAP:-80}   # 80 runs on everything since the A100; 90 (H100, H200) on nothing else

mode=lazy
if [ "${1:-}" = --shared ]; then mode=shared; shift; fi
if [ $# -ne 1 ]; then sed -n '2,12p' "$0" >&2; exit 2; fi
mkdir -p "$1"; T=$(cd "$1" && pwd)
say() { echo "cuda-toolchain: $*" >&2; }

# ---- 1. the compiler and the headers -----------------------------------------------
# nvidia-cuda-nvcc   bin/{nvcc,cudafe++,ptxas,fatbinary,nvlink}
# nvidia-nvvm        nvvm/bin/cicc and nvvm/libdevice (without it: "cicc: not found")
# nvidia-cuda-crt    include/crt (nvcc's own headers)
# nvidia-cuda-runtime  cuda_runtime.h, cuda_fp16.h, …, lib/libcudart_static.a
# nvidia-cuda-cccl   cuda/std, cub, thrust
# cuBLAS, cuRAND and NVRTC (another 600 MB) are not needed to build: cudarc brings its own
# bindings, and the link step uses the files made in step 3.
stamp="nvcc $NVCC nvvm $NVVM crt $CRT cudart $CUDART cccl $CCCL"
C=$T/site/nvidia/cu13
if [ "$(cat "$T/.installed" 2>/dev/null)" != "$stamp" ] || [ ! -x "$C/bin/nvcc" ]; then
  say "installing $stamp into $T/site"
  rm -rf "$T/site" "$T/.installed"
  PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore \
  python3 -m pip install --quiet --no-deps --no-compile --only-binary=:all: --target "$T/site" \
    "nvidia-cuda-nvcc==$NVCC" "nvidia-nvvm==$NVVM" "nvidia-cuda-crt==$CRT" \
    "nvidia-cuda-runtime==$CUDART" "nvidia-cuda-cccl==$CCCL" >&2
  echo "$stamp" > "$T/.installed"
fi
# nvcc.profile and cudaforge look in lib64; the wheels have lib.
ln -sfn lib "$C/lib64"
chmod +x "$C"/bin/* "$C"/nvvm/bin/* 2>/dev/null || true

# ---- 2. which functions the link step wants ----------------------------------------
# cudarc declares each of them as `fn NAME(…)` inside an `extern "C"` block; its source is
# fetched (or found in cargo's cache) with a throw-away project.
gen="cudarc $CUDARC cudart $CUDART script $(cksum < "$0" | cut -d' ' -f1)"
if [ "$(cat "$T/.linked" 2>/dev/null)" != "$gen" ]; then
  say "making the link libraries for cudarc $CUDARC"
  rm -rf "$T/.linked" "$T/gen" "$T/link-lazy" "$T/link-shared"
  mkdir -p "$T/gen/probe/src" "$T/link-lazy" "$T/link-shared"
  : > "$T/gen/probe/src/lib.rs"
  printf '[package]\nname="probe"\nversion="0.0.0"\nedition="2021"\n[workspace]\n[dependencies]\ncudarc={version="=%s",default-features=false,features=["std"]}\n' \
    "$CUDARC" > "$T/gen/probe/Cargo.toml"
  src=$(cd "$T/gen/probe" && cargo metadata --quiet --format-version 1 | python3 -c '
import json, os, sys
for p in json.load(sys.stdin)["packages"]:
    if p["name"] == "cudarc": print(os.path.dirname(p["manifest_path"]))')

  # ---- 3. the link libraries ---------------------------------------------------------
  # What a function answers whose library (or which itself) is missing must be a value of
  # the enum that cudarc declares, since anything else would be undefined behaviour in Rust:
  #   34 CUDA_ERROR_STUB_LIBRARY, 1 CUBLAS_STATUS_NOT_INITIALIZED,
  #   101 CURAND_STATUS_NOT_INITIALIZED, 11 NVRTC_ERROR_INTERNAL_ERROR
  cat > "$T/gen/lazy.c" <<'C'
// One copy of this per library; see cuda-toolchain.sh. SONAME, ERR, COUNT from -D.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <glob.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define HIDDEN __attribute__((visibility("hidden")))
extern const char *const NAMES[COUNT] HIDDEN; // in the assembly
extern void *POINTERS[COUNT] HIDDEN;
static void *handle;
static char message[512] = SONAME " could not be loaded";
static pthread_once_t once = PTHREAD_ONCE_INIT;

static int fail(void) { return ERR; }
static const char *fail_text(void) { return message; }
static size_t fail_zero(void) { return 0; }
static int fail_cuda_text(int e, const char **out) { (void)e; *out = message; return 0; }

static int debug(void) { const char *v = getenv("CUDA_LAZY_DEBUG"); return v && *v && *v != '0'; }
static void *open_path(const char *p) {
  void *h = dlopen(p, RTLD_LAZY | RTLD_LOCAL);
  if (!h && debug()) fprintf(stderr, "cuda-lazy: %s\n", dlerror());
  if (h && debug()) fprintf(stderr, "cuda-lazy: loaded %s\n", p);
  return h;
}
// dir may hold wildcards
static void *open_in(const char *dir, size_t n) {
  char pat[4096];
  void *h = NULL;
  glob_t g;
  if (!n || snprintf(pat, sizeof pat, "%.*s/%s", (int)n, dir, SONAME) >= (int)sizeof pat) return NULL;
  if (glob(pat, 0, NULL, &g)) return NULL;
  for (size_t i = 0; i < g.gl_pathc && !h; i++) {
    // what lies beside it and is looked for by its bare name only: libcublas needs libcublasLt,
    // libnvrtc opens libnvrtc-builtins when it compiles (a library already loaded is found by soname)
    int k = (int)(strrchr(g.gl_pathv[i], '/') - g.gl_pathv[i]);
    const char *beside = !strncmp(SONAME, "libcublas.", 10)  ? "libcublasLt.so.*"
                         : !strncmp(SONAME, "libnvrtc.", 9) ? "libnvrtc-builtins.so.*" : NULL;
    glob_t d;
    if (beside && snprintf(pat, sizeof pat, "%.*s/%s", k, g.gl_pathv[i], beside) < (int)sizeof pat && !glob(pat, 0, NULL, &d)) {
      for (size_t j = 0; j < d.gl_pathc; j++) (void)open_path(d.gl_pathv[j]);
      globfree(&d);
    }
    h = open_path(g.gl_pathv[i]);
  }
  globfree(&g);
  return h;
}
static void *open_list(const char *list) {
  void *h = NULL;
  while (list && *list && !h) {
    size_t n = strcspn(list, ":");
    h = open_in(list, n);
    list += n + (list[n] == ':');
  }
  return h;
}
static void load(void) {
  // 1. LD_LIBRARY_PATH, ld.so.cache, the system's folders
  handle = open_path(SONAME);
  // 2. folders named by the user
  if (!handle) handle = open_list(getenv("CUDA_LAZY_PATH"));
  // 3. the active virtual environment's pip packages
  const char *venv = getenv("VIRTUAL_ENV");
  if (!handle && venv) {
    char p[4096];
    snprintf(p, sizeof p, "%s/lib/python3*/site-packages/nvidia/*/lib", venv);
    handle = open_list(p);
  }
  // 4. the usual places of toolkits, drivers and pip packages
  if (!handle)
    handle = open_list("/usr/local/cuda/lib64:/usr/local/cuda/targets/x86_64-linux/lib:"
                       "/usr/local/nvidia/lib64:/usr/local/nvidia/lib:/usr/lib64-nvidia:/usr/lib/wsl/lib:"
                       "/opt/*/.venv/lib/python3*/site-packages/nvidia/*/lib:"
                       "/opt/venv/lib/python3*/site-packages/nvidia/*/lib:"
                       "/usr/local/lib/python3*/*-packages/nvidia/*/lib");
  if (!handle)
    snprintf(message, sizeof message,
             SONAME " could not be loaded (set LD_LIBRARY_PATH or CUDA_LAZY_PATH to its folder; CUDA_LAZY_DEBUG=1 shows what was tried)");
}
HIDDEN void *RESOLVE(size_t i) {
  const char *name = NAMES[i];
  void *f = NULL;
  pthread_once(&once, load);
  if (handle) f = dlsym(handle, name);
  if (!f) {
    if (handle && debug()) fprintf(stderr, "cuda-lazy: %s has no %s\n", SONAME, name);
    if (!strcmp(name, "cuGetErrorString") || !strcmp(name, "cuGetErrorName")) f = (void *)fail_cuda_text;
    else if (strstr(name, "GetStatusName") || strstr(name, "GetStatusString") || !strcmp(name, "nvrtcGetErrorString"))
      f = (void *)fail_text;
    else if (!strcmp(name, "cublasLtGetVersion") || strstr(name, "GetCudartVersion")) f = (void *)fail_zero;
    else f = (void *)fail;
  }
  __atomic_store_n(&POINTERS[i], f, __ATOMIC_RELEASE);
  return f;
}
C
  SRC=$src GEN=$T/gen LAZY=$T/link-lazy SHARED=$T/link-shared python3 - >&2 <<'PY'
import os, re, subprocess
src, gen, lazy, shared = (os.environ[k] for k in ("SRC", "GEN", "LAZY", "SHARED"))
run = lambda *a: subprocess.run(a, check=True)
LIBS = [  # cudarc's folder, link name, soname with CUDA 13, answer when missing
    ("driver",   "cuda",     "libcuda.so.1",      34),
    ("cublas",   "cublas",   "libcublas.so.13",    1),
    ("cublaslt", "cublasLt", "libcublasLt.so.13",  1),
    ("curand",   "curand",   "libcurand.so.10",  101),
    ("nvrtc",    "nvrtc",    "libnvrtc.so.13",    11),
]
seen = set()
for folder, link, soname, err in LIBS:
    text = open(f"{src}/src/{folder}/sys/mod.rs").read()
    names = set()
    # newer cudarc: an extern "C" block inside each wrapper; older ones: one block of `pub fn`
    for block in re.findall(r'extern "C" \{(.*?)\n\s*\}', text, re.S):
        names.update(re.findall(r'^\s*(?:pub )?fn\s+(\w+)\s*\(', block, re.M))
    names = sorted(names - seen)
    seen.update(names)
    assert len(names) >= 10, (folder, len(names))
    print(f"cuda-toolchain: {soname}: {len(names)} functions")
    L = link
    # --shared: functions that only answer with an error, under the real soname
    with open(f"{gen}/stub_{L}.c", "w") as f:
        f.write("".join(f"int {n}(void) {{ return {err}; }}\n" for n in names))
    run("gcc", "-shared", "-fPIC", "-O1", "-w", f"-Wl,-soname,{soname}", "-o", f"{shared}/lib{L}.so", f"{gen}/stub_{L}.c")
    # default: jumps through a table whose entries first point at the resolver
    with open(f"{gen}/lazy_{L}.S", "w") as f:
        w = f.write
        w('\t.section .note.GNU-stack,"",@progbits\n\t.text\n')
        for i, n in enumerate(names):
            w(f"\t.globl {n}\n\t.hidden {n}\n\t.type {n},@function\n\t.p2align 4\n{n}:\n"
              f"\tjmp *lazy_{L}_pointers+{8*i}(%rip)\n.Lr{i}:\n\tpushq ${i}\n\tjmp .Lresolve\n\t.size {n},.-{n}\n")
        # the index is on the stack (16-aligned again with it); keep every register that may carry an argument
        w(".Lresolve:\n")
        regs = ["rdi", "rsi", "rdx", "rcx", "r8", "r9", "rax"]
        for r in regs: w(f"\tpushq %{r}\n")
        w("\tsubq $136, %rsp\n")
        for i in range(8): w(f"\tmovups %xmm{i}, {16*i}(%rsp)\n")
        w(f"\tmovq {136+8*len(regs)}(%rsp), %rdi\n\tcall lazy_{L}_resolve\n\tmovq %rax, %r11\n")
        for i in range(8): w(f"\tmovups {16*i}(%rsp), %xmm{i}\n")
        w("\taddq $136, %rsp\n")
        for r in reversed(regs): w(f"\tpopq %{r}\n")
        w("\taddq $8, %rsp\n\tjmp *%r11\n")
        w(f"\t.data\n\t.p2align 3\n\t.globl lazy_{L}_pointers\n\t.hidden lazy_{L}_pointers\nlazy_{L}_pointers:\n")
        for i in range(len(names)): w(f"\t.quad .Lr{i}\n")
        w("\t.section .data.rel.ro,\"aw\"\n\t.p2align 3\n"
          f"\t.globl lazy_{L}_names\n\t.hidden lazy_{L}_names\nlazy_{L}_names:\n")
        for i in range(len(names)): w(f"\t.quad .Ls{i}\n")
        w("\t.section .rodata\n")
        for i, n in enumerate(names): w(f'.Ls{i}:\t.string "{n}"\n')
    run("gcc", "-c", "-fPIC", "-o", f"{gen}/lazy_{L}_asm.o", f"{gen}/lazy_{L}.S")
    run("gcc", "-c", "-fPIC", "-O2", "-Wall", "-Werror", f'-DSONAME="{soname}"', f"-DERR={err}", f"-DCOUNT={len(names)}",
        f"-DNAMES=lazy_{L}_names", f"-DPOINTERS=lazy_{L}_pointers", f"-DRESOLVE=lazy_{L}_resolve",
        "-o", f"{gen}/lazy_{L}_c.o", f"{gen}/lazy.c")
    run("ar", "rcs", f"{lazy}/lib{L}.a", f"{gen}/lazy_{L}_asm.o", f"{gen}/lazy_{L}_c.o")
PY
  # `-lcudart` (candle-kernels' quantised and mixture-of-experts kernels use the runtime API)
  # finds the static runtime under that name. There is no libcudart.so in the wheel.
  ln -sfn "$C/lib/libcudart_static.a" "$T/link-lazy/libcudart.a"
  ln -sfn "$C/lib/libcudart_static.a" "$T/link-shared/libcudart.a"
  rm -rf "$T/gen/probe"
  echo "$gen" > "$T/.linked"
fi
"$C/bin/nvcc" --version | sed -n 4p >&2

# ---- 4. what cargo needs to know -----------------------------------------------------
# PATH             cudaforge (candle-kernels' build script) and cudarc's build script run `nvcc`;
#                  cudarc takes its bindings' version from it (13.0)
# CUDA_PATH/HOME   keep both build scripts from looking in /usr/local/cuda; cudarc adds $CUDA_PATH/lib
#                  to the linker's search path (nothing there has a name that it links)
# CUDA_COMPUTE_CAP without it cudaforge asks nvidia-smi, which is not here
# CUDAFORGE_THREADS nvcc processes at a time (default: half the cores)
# NVCC_APPEND_FLAGS makes nvcc compress the machine code of candle's quantised kernels (33 MB
#                  raw, about a fifth of it compressed; the driver unpacks it). Neither cargo nor
#                  cudaforge watches it: after a build without it, `cargo clean -p candle-kernels`
# LIBRARY_PATH     gcc hands it to the linker as -L: here -lcuda, -lcublas … are found. Cargo does
#                  not watch it: after changing it, `touch src/main.rs` to link again
cat <<E
export CUDA_PATH='$C'
export CUDA_HOME='$C'
export CUDA_ROOT='$C'
export CUDA_COMPUTE_CAP='$CAP'
export CUDAFORGE_THREADS='$(nproc)'
export NVCC_APPEND_FLAGS='--compress-mode=size'
case ":\$PATH:" in *':$C/bin:'*) ;; *) export PATH='$C/bin':"\$PATH" ;; esac
export LIBRARY_PATH='$T/link-$mode'
E

# ---- 5. at run time, on the machine with the GPU --------------------------------------
# Where the CUDA libraries come from pip packages (nvidia-cublas, nvidia-curand,
# nvidia-cuda-nvrtc; PyTorch's cu130 wheels bring them all in nvidia/cu13/lib), this finds them:
#
#   export LD_LIBRARY_PATH="$(python3 -c 'import glob, nvidia; print(":".join(d for p in nvidia.__path__ for d in sorted(glob.glob(p + "/*/lib"))))')${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
#
# (`nvidia` is a namespace package: it has __path__, but no __file__.) libcuda.so.1 comes with the
# driver; where ldconfig does not know it, add its folder (e.g. /usr/local/nvidia/lib64) as well.
