"""Reads the runs of benchmarks/compare.sh and regression.sh: FOLDER/WHO.N.json of Google Benchmark."""
import json


def runs(folder, who, pairs):
    """One dictionary a run, from a benchmark's name to its figures."""
    found = []
    for pair in range(1, pairs + 1):
        with open(f"{folder}/{who}.{pair}.json") as file:
            found.append({run["name"].removesuffix("/real_time"): run for run in json.load(file)["benchmarks"]})
    return found


def duration(nanoseconds):
    return f"{nanoseconds:.0f} ns" if nanoseconds < 1e4 else f"{nanoseconds / 1e3:.0f} µs"


def processor():
    with open("/proc/cpuinfo") as file:
        return next(line.split(": ")[1].strip() for line in file if line.startswith("model name"))
