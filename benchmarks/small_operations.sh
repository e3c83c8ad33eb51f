#!/usr/bin/env bash
# benchmarks/small_operations.sh [PAIRS]: what one small operation costs, beside LibTorch, in interleaved pairs.
# Builds both programs: ours from the release preset, LibTorch's against the wheel of scripts/make-oracle-venv.
# Prints a Markdown table of medians in nanoseconds and of the ratio, pair by pair.
set -euo pipefail
cd "$(dirname "$0")/.."
pairs=${1:-5}
python=${PYTHON:-.venv-oracle/bin/python}
threads=${OMP_NUM_THREADS:-$(nproc)}
export OMP_NUM_THREADS=$threads

cmake --preset release -DRUSTORCH_BUILD_BENCHMARKS=ON >/dev/null
cmake --build build/release --target small_operations >/dev/null
torch=$("$python" -c 'import os, torch; print(os.path.dirname(torch.__file__))')
peer=build/peers/small_operations_libtorch
mkdir -p build/peers
if [[ ! -x $peer || benchmarks/peers/small_operations_libtorch.cpp -nt $peer ]]; then
  g++ -std=c++20 -O2 -o "$peer" benchmarks/peers/small_operations_libtorch.cpp -isystem "$torch/include" \
    -isystem "$torch/include/torch/csrc/api/include" -L"$torch/lib" -Wl,-rpath,"$torch/lib" \
    -ltorch -ltorch_cpu -lc10 -lbenchmark -pthread
fi

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
run() { "$1" --benchmark_min_time=0.1 --benchmark_format=json 2>/dev/null >"$2"; }
for ((pair = 1; pair <= pairs; ++pair)); do
  run build/release/bin/small_operations "$out/ours.$pair.json"
  run "$peer" "$out/peer.$pair.json"
done
python3 - "$out" "$pairs" "$threads" <<'PYTHON'
import json
import statistics
import sys

folder, pairs, threads = sys.argv[1], int(sys.argv[2]), sys.argv[3]


def times(who, pair):
    with open(f"{folder}/{who}.{pair}.json") as file:
        return {run["name"]: run["cpu_time"] for run in json.load(file)["benchmarks"]}


ours = [times("ours", pair) for pair in range(1, pairs + 1)]
peer = [times("peer", pair) for pair in range(1, pairs + 1)]
print(f"{pairs} interleaved pairs, {threads} threads; nanoseconds of CPU time, medians\n")
print("| operation | RusTorch | LibTorch 2.11 | LibTorch / RusTorch |\n|---|---:|---:|---:|")
for name in ours[0]:
    ratios = [b[name] / a[name] for a, b in zip(ours, peer)]
    print(f"| {name} | {statistics.median(a[name] for a in ours):.0f} | {statistics.median(b[name] for b in peer):.0f} "
          f"| {statistics.median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f}) |")
PYTHON
