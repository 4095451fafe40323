#!/usr/bin/env python3
"""Sums up what ctest wrote (--output-junit): each skipped test with its reason, each failed one,
and the totals as the last line.

usage: junit.py FILE.xml...
Exit status: 1 when a test failed, or when none ran.
"""
import os
import re
import sys
import xml.etree.ElementTree as tree


def reason(case):
    """What the test said when it skipped itself."""
    said = (case.findtext("system-out") or "").strip()
    match = re.search(r"SKIP:\s*(.*)", said)
    if match:
        return match.group(1)
    skipped = case.find("skipped")
    return (skipped.get("message") if skipped is not None else None) or "no reason given"


def read(path):
    """(passed, failed, skipped) of one file, the last two as lines of text."""
    build = os.path.splitext(os.path.basename(path))[0]
    passed, failed, skipped = 0, [], []
    for case in tree.parse(path).getroot().iter("testcase"):
        label = f"{build}: {case.get('name')}"
        if case.get("status") == "run":
            passed += 1
        elif case.get("status") == "fail" or case.find("failure") is not None:
            failed.append(label)
        else:
            skipped.append(f"{label}: {reason(case)}")
    return passed, failed, skipped


def main():
    passed, failed, skipped = 0, [], []
    for path in sys.argv[1:]:
        some, bad, left = read(path)
        passed, failed, skipped = passed + some, failed + bad, skipped + left
    for line in skipped:
        print(f"skipped  {line}")
    for line in failed:
        print(f"FAILED   {line}")
    print(f"{passed} passed, {len(failed)} failed, {len(skipped)} skipped")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
