"""Valgrind on a program linked with the library: PROGRAM.

A clean run must have no error and no leak, one with --leak must end in the leak that was made, and
neither in a mismatch of functions."""

import shutil
import subprocess
import sys

ERROR = 9
SKIPPED = 77


def run(valgrind, *command):
    done = subprocess.run(
        [valgrind, "--leak-check=full", f"--error-exitcode={ERROR}", *command],
        capture_output=True,
        text=True,
        timeout=350,
    )
    if "ismatched free" in done.stderr or "nvalid " in done.stderr:
        sys.exit(f"{command}: valgrind complains:\n{done.stderr}")
    return done


def main(program):
    valgrind = shutil.which("valgrind")
    if not valgrind:
        print("SKIP: valgrind is not installed")
        return SKIPPED
    clean = run(valgrind, program)
    if clean.returncode != 0 or "All heap blocks were freed" not in clean.stderr:
        sys.exit(f"a clean program: {clean.returncode}\n{clean.stderr}")
    leak = run(valgrind, program, "--leak")
    if leak.returncode != ERROR or "1,234 bytes in 1 blocks are definitely lost" not in leak.stderr:
        sys.exit(f"the leak was not found: {leak.returncode}\n{leak.stderr}")
    return 0


sys.exit(main(sys.argv[1]))
