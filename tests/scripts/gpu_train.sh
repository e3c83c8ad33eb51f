#!/usr/bin/env bash
# The main job on each GPU API that this machine can run (PoCL, the Metal double): the CPU's losses, and runs that
# move between devices.
set -uo pipefail
cd "$(dirname "$0")/../.."
rustorch=$RUSTORCH_BINARY
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export OMP_NUM_THREADS=2
export RUSTORCH_CACHE_DIR=$RUSTORCH_BUILD_DIR/cache

python3 tests/support/make_fashion_data.py "$work/data" 320 64
train() { "$rustorch" train fashion-mnist --data "$work/data" --batch-size 32 --epochs 1 --quiet "$@" >/dev/null; }

result() { # name, status of the check
  if [[ $2 == 0 ]]; then echo "PASS $1"; else echo "FAIL $1"; fi
}
same_losses() { # run, run: every step's loss, within what other orders of sums make in so many steps
  python3 - "$1/log.jsonl" "$2/log.jsonl" <<'PYTHON'
import json, sys
one, other = ([json.loads(line)["loss"] for line in open(path) if '"step"' in line] for path in sys.argv[1:])
assert len(one) == len(other) == 10, (len(one), len(other))
for step, (a, b) in enumerate(zip(one, other)):
    assert abs(a - b) <= 1e-3 * max(1, abs(a)), f"step {step + 1}: {a} and {b}"
PYTHON
}

train --device cpu --out "$work/cpu" || { echo "FAIL training on the CPU" && exit 1; }

check_device() { # device
  local device=$1 out=$work/${1%:*}
  # With RUSTORCH_STRICT nothing falls back to the CPU unseen.
  RUSTORCH_STRICT=1 train --device "$device" --out "$out"
  result "$device trains without the CPU's help" $?
  same_losses "$work/cpu" "$out"
  result "$device gives the CPU's losses" $?
  train --device "$device" --max-steps 5 --out "$out-moved" &&
    train --device cpu --resume "$out-moved" --max-steps 8 &&
    train --device "$device" --resume "$out-moved" --max-steps 10 && same_losses "$work/cpu" "$out-moved"
  result "a run moves from $device to the CPU and back" $?
}

# Beside each other: most of the time is the compilers'.
opencl() {
  if "$rustorch" devices | grep '^opencl:0' >/dev/null; then
    check_device opencl:0
  else
    echo "SKIP training on OpenCL (no device: pocl-opencl-icd)"
  fi
}
metal() {
  export RUSTORCH_METAL_LIBRARY=$RUSTORCH_BUILD_DIR/lib/libmetal_double.so
  if [[ -e $RUSTORCH_METAL_LIBRARY ]] && "$rustorch" devices | grep '^metal:0' >/dev/null; then
    check_device metal:0
  else
    echo "SKIP training on the Metal double (needs clang-14 on x86-64 Linux)"
  fi
}
opencl >"$work/opencl.txt" &
metal >"$work/metal.txt" &
wait
cat "$work/opencl.txt" "$work/metal.txt"
