"""Prints the table of benchmarks/compare.sh from the JSON files of its runs.

usage: compare.py FOLDER PAIRS THREADS, with FOLDER/ours.N.json and FOLDER/peer.N.json of Google Benchmark
"""
import statistics
import sys

from google_benchmark import duration, processor, runs

folder, pairs, threads = sys.argv[1], int(sys.argv[2]), sys.argv[3]


def rate(run):
    """FLOP/s or bytes/s as G/s, where the benchmark counts them."""
    for key in ("items_per_second", "bytes_per_second"):
        if key in run:
            return f" ({run[key] / 1e9:.1f} G/s)"
    return ""


def cell(runs_of_one):
    times = sorted(runs_of_one, key=lambda run: run["real_time"])
    median = times[len(times) // 2]
    return duration(median["real_time"]) + rate(median)


print(f"{processor()}, {threads} threads, {pairs} interleaved pairs, medians\n")
print("| operation | RusTorch | LibTorch 2.11 | times faster |\n|---|---:|---:|---:|")
ours, peer = runs(folder, "ours", pairs), runs(folder, "peer", pairs)
for name in ours[0]:
    ratios = [b[name]["real_time"] / a[name]["real_time"] for a, b in zip(ours, peer)]
    print(f"| {name} | {cell([a[name] for a in ours])} | {cell([b[name] for b in peer])} "
          f"| {statistics.median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f}) |")
