#!/usr/bin/env bash
# benchmarks/op_cases.sh: every operation beside PyTorch, into docs/performance_of_operations.md. Needs
# scripts/make-oracle-venv (PYTHON names another). The machine should do nothing else.
set -euo pipefail
cd "$(dirname "$0")/.."
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-$(nproc)} OMP_PROC_BIND=true
cmake --preset release >/dev/null
cmake --build build/release --target benchmark_op_cases >/dev/null
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
build/release/bin/benchmark_op_cases >"$out/ours"
"${PYTHON:-.venv-oracle/bin/python}" benchmarks/op_cases.py "$out/ours" >"$out/page"
mv "$out/page" docs/performance_of_operations.md
