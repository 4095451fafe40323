# python_tests.py MODULE... - runs test modules of Python itself and prints one line a test,
# sorted: its name and what became of it. What the tests print goes nowhere; a failure is told
# in full on stderr and is the exit status.
import os
import sys
import unittest


class Lines(unittest.TestResult):
    def __init__(self):
        super().__init__()
        self.lines = []

    def note(self, test, word):
        self.lines.append(f"{test.id()} {word}")

    def addSuccess(self, test):
        self.note(test, "ok")

    def addSkip(self, test, reason):
        self.note(test, "skipped")

    def addExpectedFailure(self, test, err):
        self.note(test, "fails as expected")

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.note(test, "FAILED")

    def addError(self, test, err):
        super().addError(test, err)
        self.note(test, "ERROR")


def main():
    names = [f"test.{name}" for name in sys.argv[1:]]
    suite = unittest.defaultTestLoader.loadTestsFromNames(names)
    stdout, stderr = os.dup(1), os.dup(2)
    nowhere = os.open("noise.log", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    result = Lines()
    suite.run(result)
    sys.stdout.flush()
    sys.stderr.flush()
    os.dup2(stdout, 1)
    os.dup2(stderr, 2)
    for line in sorted(result.lines):
        print(line)
    print(result.testsRun, "tests")
    for test, story in result.failures + result.errors:
        print(f"{test}\n{story}", file=sys.stderr)
    return 0 if result.wasSuccessful() else 1


sys.exit(main())
