"""Times PyTorch on what benchmark_op_cases timed, and writes docs/performance_of_operations.md.

usage: op_cases.py OURS.jsonl (run it with the Python of scripts/make-oracle-venv; benchmarks/op_cases.sh does all)
"""
import json
import pathlib
import statistics
import sys
import time
import warnings

import torch

root = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(root / "scripts" / "oracle"))
sys.path.insert(0, str(root / "benchmarks"))
from google_benchmark import duration, processor  # noqa: E402
from op_case_families import FAMILIES  # noqa: E402
from op_case_families.samples import Pattern  # noqa: E402

LARGE = 1 << 20


def nanoseconds(run, inputs):
    """The least of five rounds of about 2 ms, as benchmark_op_cases takes it."""
    def seconds_of(calls):
        begin = time.perf_counter()
        for _ in range(calls):
            run(*inputs)
        return time.perf_counter() - begin

    seconds_of(1)
    calls = max(1, min(20000, int(2e-3 / max(1e-9, seconds_of(1)))))
    return min(seconds_of(calls) for _ in range(5)) / calls * 1e9


def main():
    warnings.filterwarnings("ignore")
    ours = [json.loads(line) for line in open(sys.argv[1])]
    cases = {(family, case.name): case for family, make in FAMILIES.items() for case in make()}
    rows, ratios = [], {"small": [], "large": []}
    with torch.no_grad():
        for one in ours:
            case = cases[one["family"], one["case"]]
            sample = next(s for s in case.samples if s.name == one["sample"])
            inputs = [x.tensor() if isinstance(x, Pattern) else x for x in sample.inputs]
            large = [x.flatten().repeat(LARGE // x.numel() + 1)[:LARGE].clone() for x in inputs]
            cells = []
            for size, tensors in ("small", inputs), ("large", large):
                if one[size] == 0:
                    cells += ["", "", ""]
                    continue
                peer = nanoseconds(case.run, tensors)
                ratios[size].append(peer / one[size])
                cells += [duration(one[size]), duration(peer), f"{ratios[size][-1]:.1f}"]
            rows.append(f"| {one['case']} | " + " | ".join(cells) + " |")
    print("# Performance of every operation\n")
    print("Made by `benchmarks/op_cases.sh`: each test case's first float32 sample (tens of elements: what a call costs),")
    print("and 2^20 elements where the operation applies to each alone. PyTorch is called from Python, which is part of")
    print("its small figures; `benchmarks/compare.sh small_operations` has LibTorch called from C++.\n")
    print(f"{processor()}, {torch.get_num_threads()} threads, PyTorch {torch.__version__}. Median of the ratios: "
          f"{statistics.median(ratios['small']):.1f} small, {statistics.median(ratios['large']):.1f} large; "
          f"slower than PyTorch: {sum(r < 1 for r in ratios['small'])} of {len(ratios['small'])} small, "
          f"{sum(r < 1 for r in ratios['large'])} of {len(ratios['large'])} large.\n")
    print("| case | small | PyTorch | times faster | large | PyTorch | times faster |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    print("\n".join(rows))


main()
