#!/usr/bin/env python3
"""Turns what a GoogleTest program left into lines "PASS name", "FAIL name", "SKIP name".

usage: gtest_results.py PROGRAM REPORT.json LOG EXIT_CODE [SUFFIX]

A program that dies leaves no report; then its log tells which tests had passed, and the program fails.
"""
import json
import re
import sys
from pathlib import Path


def from_report(report):
    for suite in report["testsuites"]:
        for test in suite["testsuite"]:
            name = f"{suite['name']}.{test['name']}"
            if test.get("failures"):
                yield "FAIL", name
            elif test["result"] == "COMPLETED":
                yield "PASS", name
            else:
                yield "SKIP", name


def from_log(text):
    words = {"OK": "PASS", "FAILED": "FAIL", "SKIPPED": "SKIP"}
    for word, name in re.findall(r"^\[ +(OK|FAILED|SKIPPED) +\] (\S+?),? .*\(\d+ ms\)$", text, re.MULTILINE):
        yield words[word], name


def unfinished(text):
    runs = re.findall(r"^\[ RUN      \] (\S+)$", text, re.MULTILINE)
    return f"{runs[-1]} " if runs and not re.search(r"^\[==========\] .* ran\.", text, re.MULTILINE) else ""


def main():
    program, report, log, exit_code = sys.argv[1:5]
    suffix = sys.argv[5] if len(sys.argv) > 5 else ""
    try:
        results = list(from_report(json.loads(Path(report).read_text())))
    except (OSError, ValueError, KeyError):
        results = list(from_log(Path(log).read_text(errors="replace")))
    # GoogleTest ends with 1 for failed tests. Anything else is a crash, a time-out, or a sanitizer's complaint,
    # which may come after the last test has passed.
    if int(exit_code) > 1 or (exit_code == "1" and ("FAIL" not in dict(results))):
        results.append(("FAIL", f"{unfinished(Path(log).read_text(errors='replace'))}(exit code {exit_code})"))
    for result, name in results:
        print(result, f"{program}{suffix} {name}")


if __name__ == "__main__":
    main()
