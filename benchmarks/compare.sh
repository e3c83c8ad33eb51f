#!/usr/bin/env bash
# benchmarks/compare.sh PROGRAM [PAIRS [FILTER]]: benchmarks/PROGRAM.cpp for us and for LibTorch, in interleaved
# pairs. Both are compiled from the one source, LibTorch's against the wheel of scripts/make-oracle-venv (PYTHON
# names another). Prints a Markdown table of medians and of the ratios, pair by pair. Both get OMP_NUM_THREADS threads
# (default: one for each CPU), bound to CPUs, since unbound ones may share one.
set -euo pipefail
cd "$(dirname "$0")/.."
program=$1 pairs=${2:-5} filter=${3:-.}
python=${PYTHON:-.venv-oracle/bin/python}
threads=${OMP_NUM_THREADS:-$(nproc)}
export OMP_NUM_THREADS=$threads OMP_PROC_BIND=true

cmake --preset release >/dev/null
cmake --build build/release --target "benchmark_$program" >/dev/null
torch=$("$python" -c 'import os, torch; print(os.path.dirname(torch.__file__))')
peer=build/peers/$program
mkdir -p build/peers
if [[ ! -x $peer || benchmarks/$program.cpp -nt $peer || benchmarks/api.h -nt $peer ]]; then
  g++ -std=c++20 -O2 -DRUSTORCH_BENCHMARK_LIBTORCH -o "$peer" "benchmarks/$program.cpp" -isystem "$torch/include" \
    -isystem "$torch/include/torch/csrc/api/include" -L"$torch/lib" -Wl,-rpath,"$torch/lib" \
    -ltorch -ltorch_cpu -lc10 -lbenchmark -pthread
fi

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
run() { "$1" --benchmark_filter="$filter" --benchmark_min_time=0.1 --benchmark_format=json 2>/dev/null >"$2"; }
for ((pair = 1; pair <= pairs; ++pair)); do
  run "build/release/bin/benchmark_$program" "$out/ours.$pair.json"
  run "$peer" "$out/peer.$pair.json"
done
python3 benchmarks/compare.py "$out" "$pairs" "$threads"
