#!/usr/bin/env bash
# benchmarks/regression.sh BASE [PROGRAM [PAIRS [FILTER]]]: benchmarks/PROGRAM.cpp (small_operations) of the commit BASE and
# of this checkout, in interleaved pairs (15). Prints a Markdown table and fails if something became slower: by
# Mann-Whitney with p < 0.01, and by more than 3 % and three times the spread of the pairs.
set -euo pipefail
cd "$(dirname "$0")/.."
base=$(git rev-parse --short "$1") program=${2:-small_operations} pairs=${3:-15} filter=${4:-.}
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-$(nproc)} OMP_PROC_BIND=true

before=build/regression/$base
if [[ ! -d $before ]]; then
  git worktree prune
  git worktree add --detach "$before" "$base" >/dev/null
fi
for tree in "$before" .; do
  (cd "$tree" && cmake --preset release >/dev/null && cmake --build build/release --target "benchmark_$program" >/dev/null)
done

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
run() { "$1/build/release/bin/benchmark_$program" --benchmark_filter="$filter" --benchmark_min_time=0.1 --benchmark_format=json >"$2" 2>/dev/null; }
for ((pair = 1; pair <= pairs; ++pair)); do
  run . "$out/ours.$pair.json"
  run "$before" "$out/peer.$pair.json"
done
python3 benchmarks/regression.py "$out" "$pairs" "$base"
