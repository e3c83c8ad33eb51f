#!/usr/bin/env bash
# The training program from outside: what it leaves, resuming, interruption, a kill while a checkpoint is written, bad input.
set -uo pipefail
cd "$(dirname "$0")/../.."
rustorch=$RUSTORCH_BINARY
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export OMP_NUM_THREADS=2 # bit for bit holds for one thread count

python3 tests/support/make_fashion_data.py "$work/data" 1600 200
python3 tests/support/make_fashion_data.py "$work/gzipped" 1600 200 --gzip
job=("$rustorch" train fashion-mnist --data "$work/data" --batch-size 32 --epochs 2 --quiet)
train() { "${job[@]}" "$@"; }

result() { # name, status of the check
  if [[ $2 == 0 ]]; then echo "PASS $1"; else echo "FAIL $1"; fi
}
says() { # file, pattern: the file holds a line that matches
  grep -qE -- "$2" "$1" || { echo "no \"$2\" in:" >&2 && cat "$1" >&2 && return 1; }
}

# ---- a whole run and what it leaves
train --out "$work/whole" --json >"$work/whole.json"
code=$?
(
  set -e
  [[ $code == 0 ]]
  [[ $(wc -l <"$work/whole.json") == 1 ]]
  python3 - "$work/whole.json" "$work/whole" <<'PYTHON'
import json, os, sys
result = json.load(open(sys.argv[1]))
for key in ("device", "epochs", "test_accuracy", "images_per_second", "epoch_seconds", "model", "report"):
    assert key in result, key
assert result["epochs"] == 2 and len(result["epoch_seconds"]) == 2, result
assert result["test_accuracy"] > 0.9, result["test_accuracy"]
assert os.path.exists(result["model"]) and os.path.exists(result["report"])
lines = [json.loads(line) for line in open(sys.argv[2] + "/log.jsonl")]
steps = [line for line in lines if "step" in line]
epochs = [line for line in lines if "test_accuracy" in line]
assert [line["step"] for line in steps] == list(range(1, 101)), len(steps)
assert {"step", "epoch", "loss", "learning_rate"} <= steps[0].keys()
assert {"epoch", "train_loss", "test_loss", "test_accuracy", "seconds"} <= epochs[0].keys() and len(epochs) == 2
report = open(result["report"]).read()
assert report.count("<svg") == 4 and "http" not in report.replace("http://www.w3.org", ""), "self-contained"
PYTHON
)
result "train leaves model, checkpoints, log and report" $?

train --out "$work/again" --json >/dev/null
cmp "$work/whole/model.safetensors" "$work/again/model.safetensors"
result "the same seed gives the same weights" $?

"$rustorch" train fashion-mnist --data "$work/gzipped" --batch-size 32 --epochs 2 --quiet --out "$work/fromgz" >/dev/null &&
  cmp "$work/whole/model.safetensors" "$work/fromgz/model.safetensors"
result "gzipped data gives the same run" $?

RUSTORCH_LAZY=0 train --out "$work/eager" --json >/dev/null
cmp "$work/whole/model.safetensors" "$work/eager/model.safetensors"
result "the same weights without lazy chains" $?

# ---- resume
train --out "$work/parts" --max-steps 37 >/dev/null &&
  train --out "$work/parts" --resume --max-steps 50 >/dev/null &&
  "$rustorch" train fashion-mnist --resume "$work/parts" --quiet >/dev/null &&
  cmp "$work/whole/model.safetensors" "$work/parts/model.safetensors" &&
  [[ $(grep -c '"step"' "$work/parts/log.jsonl") == 100 && $(grep -c '"seconds"' "$work/parts/log.jsonl") == 2 ]]
result "a run in three parts ends with the same bits" $?

# ---- Ctrl-C
wait_for_step() { # folder, step
  for _ in $(seq 600); do
    [[ -f $1/log.jsonl && $(grep -c '"step"' "$1/log.jsonl") -ge $2 ]] && return 0
    sleep 0.02
  done
  return 1
}
"${job[@]}" --out "$work/stopped" >"$work/stopped.out" 2>"$work/stopped.err" &
pid=$!
wait_for_step "$work/stopped" 10
kill -INT $pid
wait $pid
code=$?
logged=$(grep -c '"step"' "$work/stopped/log.jsonl")
(
  set -e
  [[ $code == 130 || $logged == 100 ]] || { echo "exit code $code" >&2 && cat "$work/stopped.err" >&2 && exit 1; }
  says "$work/stopped.err" "--resume"
  ls "$work/stopped/checkpoints" | grep -q "step-0*$logged.safetensors"
  train --out "$work/stopped" --resume >/dev/null
  cmp "$work/whole/model.safetensors" "$work/stopped/model.safetensors"
)
result "Ctrl-C loses no step" $?

# ---- kill -9 while checkpoints are written
(
  set -e
  for round in 1 2 3 4 5 6; do
    resume=
    [[ $round == 1 ]] || resume=--resume
    "${job[@]}" --out "$work/killed" --save-every 1 $resume >/dev/null 2>&1 &
    pid=$!
    sleep 0.$((RANDOM % 5 + 2))$((RANDOM % 10))
    kill -9 $pid 2>/dev/null || true
    wait $pid 2>/dev/null || true
    for checkpoint in "$work"/killed/checkpoints/step-*.safetensors; do
      [[ ! -e $checkpoint ]] || "$rustorch" inspect "$checkpoint" >/dev/null
    done
    ls "$work"/killed/checkpoints/step-*.safetensors >/dev/null 2>&1 || rm -rf "$work/killed"
    [[ -d $work/killed ]] || train --out "$work/killed" --save-every 1 --max-steps 1 >/dev/null
  done
  train --out "$work/killed" --resume >/dev/null
  cmp "$work/whole/model.safetensors" "$work/killed/model.safetensors"
)
result "kill -9 leaves whole checkpoints" $?

# ---- a damaged newest checkpoint: the one before is used
(
  set -e
  train --out "$work/damaged" --save-every 10 --max-steps 30 >/dev/null
  truncate -s 1000 "$work/damaged/checkpoints/step-00000030.safetensors"
  train --out "$work/damaged" --resume >/dev/null 2>"$work/damaged.err"
  says "$work/damaged.err" "warning:.*step-00000030"
  cmp "$work/whole/model.safetensors" "$work/damaged/model.safetensors"
)
result "a damaged checkpoint is passed over" $?

# ---- bad input: exit code, message, suggestion
refuses() { # name, exit code, pattern in standard error, command...
  local name=$1 wanted=$2 pattern=$3 code=0
  shift 3
  "$@" >"$work/out" 2>"$work/err" </dev/null || code=$?
  [[ $code == "$wanted" && ! -s $work/out ]] && says "$work/err" "^error: " && says "$work/err" "$pattern"
  result "$name" $?
}
refuses "unknown option" 2 "did you mean .--epochs" "$rustorch" train fashion-mnist --epoch 3
refuses "unknown command" 2 "did you mean .train" "$rustorch" trian fashion-mnist
refuses "no command" 2 "rustorch --help" "$rustorch"
refuses "unknown job" 1 "fashion-mnist" "$rustorch" train mnist
refuses "absent data" 1 "dataset-fashion-mnist" train --data "$work/nowhere" --out "$work/x"
refuses "absent device" 1 "cuda" train --device cuda:0 --out "$work/x"
refuses "unknown device" 1 "try: " train --device cpuu --out "$work/x"
refuses "nothing to resume" 1 "no run to resume" train --out "$work/empty" --resume
refuses "a setting that is none" 1 'RUSTORCH_LAZY: "maybe"' env RUSTORCH_LAZY=maybe "${job[@]}" --out "$work/x"
refuses "other settings on resume" 1 "--batch-size" train --out "$work/whole" --resume --batch-size 64
touch "$work/file"
refuses "folder that cannot be made" 1 "$work/file" train --out "$work/file/run"
refuses "not a model" 1 "$work/file" "$rustorch" evaluate "$work/file" --data "$work/data"
refuses "not an image" 1 "$work/file" "$rustorch" predict "$work/whole/model.safetensors" "$work/file"
head -c 20000 "$work/data/train-images-idx3-ubyte" >"$work/short"
cp -r "$work/data" "$work/truncated" && cp "$work/short" "$work/truncated/train-images-idx3-ubyte"
refuses "truncated images" 1 "train-images-idx3-ubyte" train --data "$work/truncated" --out "$work/x"
cp -r "$work/data" "$work/mislabelled" && printf '\x63' | dd of="$work/mislabelled/train-labels-idx1-ubyte" bs=1 seek=20 conv=notrunc status=none
refuses "a label beyond the classes" 1 "99" train --data "$work/mislabelled" --out "$work/x"

# ---- disk full: the write fails, the program says so, the earlier checkpoint stays
(
  train --out "$work/full" --max-steps 20 >/dev/null || exit 1
  before=$(sha256sum "$work/full/checkpoints/step-00000020.safetensors")
  code=0
  (ulimit -f 2000 && train --out "$work/full" --resume --save-every 5) >/dev/null 2>"$work/full.err" || code=$?
  [[ $code == 1 ]] && says "$work/full.err" "^error: .*step-00000025" &&
    [[ $before == $(sha256sum "$work/full/checkpoints/step-00000020.safetensors") ]] &&
    [[ $(ls -A "$work/full/checkpoints" | wc -l) == 1 ]]
)
result "a full disk loses nothing" $?

# ---- the other commands
"$rustorch" evaluate "$work/whole/model.safetensors" --data "$work/data" --json |
  python3 -c 'import json, sys; r = json.load(sys.stdin); assert r["test_accuracy"] > 0.9 and r["images"] == 200, r'
result "evaluate" $?
"$rustorch" predict "$work/whole/model.safetensors" "$work/data/t10k-images-idx3-ubyte" --json |
  python3 -c 'import json, sys; r = json.load(sys.stdin)["images"]; assert len(r) == 200 and 0 < r[0]["predictions"][0]["probability"] <= 1'
result "predict" $?
"$rustorch" inspect "$work/whole/model.safetensors" --json |
  python3 -c 'import json, sys; r = json.load(sys.stdin); t = {t["name"]: t for t in r["tensors"]}; assert t["conv1.weight"]["shape"] == [32, 1, 3, 3] and t["bn1.num_batches_tracked"]["dtype"] == "I64"'
result "inspect" $?
"$rustorch" devices --json |
  python3 -c 'import json, sys; r = json.load(sys.stdin); assert r["devices"][0]["device"] == "cpu" and {a["backend"] for a in r["absent"]} | {d["device"].split(":")[0] for d in r["devices"]} == {"cpu", "cuda", "opencl", "metal"}'
result "devices" $?
"$rustorch" devices | grep -q $'\x1b' && colored=1 || colored=0
result "no colours off a terminal" $colored
