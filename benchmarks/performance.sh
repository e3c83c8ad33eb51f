#!/usr/bin/env bash
# benchmarks/performance.sh [PAIRS]: measures everything beside LibTorch and PyTorch and writes docs/performance.md.
# Takes some ten minutes for 3 pairs; the machine should do nothing else.
set -euo pipefail
cd "$(dirname "$0")/.."
pairs=${1:-3}
page=docs/performance.md
{
  echo "# Performance"
  echo
  echo "Made by \`benchmarks/performance.sh $pairs\` on $(date +%F) at commit $(git rev-parse --short HEAD)."
  echo "Each figure is the median of $pairs interleaved pairs of runs, ours and the peer's; the ratio is the median of the"
  echo "pairs' ratios, with its least and largest. Compare ratios: absolute times are this machine's and this hour's."
  echo "G/s are 10⁹ FLOP (matmul, convolution) or bytes that must be moved at least (large operations) in a second."
  for program in small_operations matmul convolution large_operations layers; do
    echo
    echo "## ${program//_/ }"
    echo
    sed -n 's|^// \{0,1\}||p;/^#/q' "benchmarks/$program.cpp"
    echo
    benchmarks/compare.sh "$program" "$pairs"
  done
  echo
  echo "## main job"
  echo
  echo "The network of \`rustorch train fashion-mnist\`, images in a second while training, beside PyTorch eager."
  echo
  echo '```'
  benchmarks/main_job.sh "$pairs" 100
  echo '```'
} >"$page.new"
mv "$page.new" "$page"
