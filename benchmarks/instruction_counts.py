"""Counts the instructions of the small ways and compares them with the stored ones.

usage: instruction_counts.py PROGRAM [--update]

Runs benchmark_instruction_counts under callgrind. Counts depend on the compiler and the C library, so
benchmarks/instruction_counts.json says whose they are, and those of others are not compared. Prints
"PASS name", "FAIL name" or "SKIP name" for each case; --update stores what was counted.
"""
import glob
import json
import os
import platform
import re
import subprocess
import sys
import tempfile

LIMIT = 0.005  # counts repeat to the instruction; shared/reference/performance.md's bound
REPETITIONS = 1000
stored_path = os.path.join(os.path.dirname(__file__), "instruction_counts.json")


def counts(program):
    """Instructions of one run of each case, by name."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        environment = dict(os.environ, OMP_NUM_THREADS="1")
        subprocess.run(
            ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out", "--quiet", program],
            check=True, env=environment, stdout=subprocess.DEVNULL)
        for path in glob.glob(f"{folder}/out*"):
            with open(path) as file:
                text = file.read()
            name = re.search(r"^desc: Trigger: Client Request: (.*)$", text, re.MULTILINE)
            total = re.search(r"^(?:summary|totals): (\d+)", text, re.MULTILINE)
            if name and total:
                found[name[1]] = round(int(total[1]) / REPETITIONS)
    return found


compiler = subprocess.run(["c++", "--version"], capture_output=True, text=True, check=True).stdout.splitlines()[0]
whose = f"{compiler}, {platform.libc_ver()[1]}, {platform.machine()}"
now = counts(sys.argv[1])
if "--update" in sys.argv:
    with open(stored_path, "w") as file:
        json.dump({"counted with": whose, "instructions": now}, file, indent=2)
        file.write("\n")
    sys.exit()
with open(stored_path) as file:
    stored = json.load(file)
failed = not now
for name, count in now.items():
    before = stored["instructions"].get(name)
    if stored["counted with"] != whose:
        print(f"SKIP {name} (stored counts are of {stored['counted with']})")
    elif before is None or count > before * (1 + LIMIT):
        print(f"FAIL {name}: {count} instructions, {before} stored")
        failed = True
    else:
        print(f"PASS {name} ({count} instructions, {before} stored)")
sys.exit(failed)
