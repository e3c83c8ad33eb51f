#!/usr/bin/env bash
# benchmarks/main_job.sh [PAIRS] [STEPS]: the main job beside PyTorch, in interleaved pairs: A B A B …
# Needs the release build and a Python with torch (PYTHON, default .venv-oracle/bin/python of scripts/make-oracle-venv).
# Prints a line per run, then the medians and the ratio of images per second, RusTorch to PyTorch eager, pair by pair.
set -euo pipefail
cd "$(dirname "$0")/.."
pairs=${1:-5} steps=${2:-200}
python=${PYTHON:-.venv-oracle/bin/python}
data=$(dirname "$(dpkg -L dataset-fashion-mnist | grep train-images)")
threads=${OMP_NUM_THREADS:-$(nproc)}
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

speed() { python3 -c 'import json, sys; print(round(json.loads(sys.stdin.readlines()[-1])["images_per_second"], 1))'; }

for ((pair = 1; pair <= pairs; ++pair)); do
  ours=$(build/release/bin/rustorch train fashion-mnist --max-steps "$steps" --threads "$threads" --quiet --json --out "$out/run" | speed)
  peer=$("$python" benchmarks/main_job_pytorch.py --max-steps "$steps" --threads "$threads" --data "$data" | speed)
  echo "pair $pair: RusTorch $ours images/s, PyTorch $peer"
  echo "$ours $peer" >>"$out/pairs"
done
python3 - "$out/pairs" "$threads" "$steps" <<'PYTHON'
import statistics
import sys

pairs = [tuple(map(float, line.split())) for line in open(sys.argv[1])]
ratios = [ours / peer for ours, peer in pairs]
print(f"median: RusTorch {statistics.median(p[0] for p in pairs):.0f}, PyTorch {statistics.median(p[1] for p in pairs):.0f} "
      f"images/s ({sys.argv[2]} threads, {sys.argv[3]} steps, {len(pairs)} pairs)")
print(f"ratio: median {statistics.median(ratios):.2f}, min {min(ratios):.2f}, max {max(ratios):.2f}")
PYTHON
