"""A program built with a sanitizer and linked with the library: PROGRAM MISTAKE WORDS.

It must run clean, and with the mistake the sanitizer must say the words: its malloc is in charge,
ours stays out of its way."""

import subprocess
import sys


def main(program, mistake, words):
    clean = subprocess.run([program], capture_output=True, text=True, timeout=300)
    if clean.returncode != 0:
        sys.exit(f"a clean program: {clean.returncode}\n{clean.stderr}")
    wrong = subprocess.run([program, mistake], capture_output=True, text=True, timeout=300)
    if wrong.returncode == 0 or words not in wrong.stderr:
        sys.exit(f"{mistake} was not told: {wrong.returncode}\n{wrong.stderr}")
    return 0


sys.exit(main(*sys.argv[1:]))
