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


def main():
    program, report, log, exit_code = sys.argv[1:5]
    suffix = sys.argv[5] if len(sys.argv) > 5 else ""
    try:
        results = list(from_report(json.loads(Path(report).read_text())))
    except (OSError, ValueError, KeyError):
        results = list(from_log(Path(log).read_text(errors="replace")))
    # A sanitizer may complain, or a destructor crash, after the last test has passed.
    if int(exit_code) != 0 and not any(result == "FAIL" for result, _ in results):
        results.append(("FAIL", f"(exit code {exit_code})"))
    for result, name in results:
        print(result, f"{program}{suffix} {name}")


if __name__ == "__main__":
    main()
