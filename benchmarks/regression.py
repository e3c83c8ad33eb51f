"""Prints the table of benchmarks/regression.sh and exits with 1 if something became slower.

usage: regression.py FOLDER PAIRS BASE
"""
import math
import statistics
import sys

from google_benchmark import duration, processor, runs

folder, pairs, base = sys.argv[1], int(sys.argv[2]), sys.argv[3]


def mann_whitney(a, b):
    """The one-sided p of a being larger than b, by the normal approximation with the correction for ties."""
    ordered = sorted(a + b)
    rank = {}
    for value in set(ordered):
        first = ordered.index(value)
        rank[value] = first + (ordered.count(value) + 1) / 2
    u = sum(rank[value] for value in a) - len(a) * (len(a) + 1) / 2
    n = len(ordered)
    ties = sum(count**3 - count for count in map(ordered.count, set(ordered))) / (n * (n - 1))
    spread = math.sqrt(len(a) * len(b) / 12 * (n + 1 - ties))
    if spread == 0:
        return 1.0
    return 0.5 * math.erfc((u - len(a) * len(b) / 2 - 0.5) / spread / math.sqrt(2))


print(f"{processor()}, {pairs} interleaved pairs, medians\n")
print(f"| operation | now | {base} | now / {base} | p of slower |\n|---|---:|---:|---:|---:|")
now, before = runs(folder, "ours", pairs), runs(folder, "peer", pairs)
slower = []
for name in now[0]:
    if name not in before[0]:
        continue
    a, b = ([run[name]["real_time"] for run in side] for side in (now, before))
    ratios = [x / y for x, y in zip(a, b)]
    shift = statistics.median(ratios) - 1
    quartiles = statistics.quantiles(ratios, n=4) if pairs > 1 else [1, 1, 1]
    p = mann_whitney(a, b)
    if p < 0.01 and shift > max(0.03, 3 * (quartiles[2] - quartiles[0])):
        slower.append(name)
    print(f"| {name} | {duration(statistics.median(a))} | {duration(statistics.median(b))} | {1 + shift:.3f} | {p:.4f} |")
if slower:
    print("\nslower: " + ", ".join(slower))
sys.exit(bool(slower))
