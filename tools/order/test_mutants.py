#!/usr/bin/env python3
"""Feeds the tool of mutants lists that are right, stale and broken, and tests that see nothing."""
import contextlib
import io
import pathlib
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools/lib"))
import mutants_main  # noqa: E402

SOURCE = "int one(void) {\n    return 1;\n}\n\nint two(void) {\n    return 1 + 1;\n}\n"
LIST = """Numbers

== one
claim one is one
breaks it is two
tests number
in src/number.c
-  return 1;
+  return 2;
"""
DOC = "above\n<!-- mutants -->\n<!-- end of mutants -->\nbelow\n"
ROW = "| one is one | it is two (`one`) | number |\n"
BUILD = """cmake_minimum_required(VERSION 3.25)
project(number LANGUAGES C)
enable_testing()
add_executable(number src/number.c test.c)
add_test(NAME number COMMAND number)
"""
PRESETS = """{"version": 6, "configurePresets": [{"name": "release", "generator": "Ninja",
"binaryDir": "${sourceDir}/build/${presetName}"}],
"testPresets": [{"name": "release", "configurePreset": "release"}]}"""
SEES = "int one(void); int main(void) { return one() != 1; }\n"
HANGS = "int one(void); int main(void) { while (one() != 1) {} return 0; }\n"
BLIND = "int one(void); int main(void) { return one() < 1; }\n"
FAILS = "int main(void) { return 1; }\n"


class Mutants(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        self.write("src/number.c", SOURCE)
        self.write("docs/reliability.md", DOC)
        self.write("tests/mutants/1.txt", LIST)

    def write(self, path, text):
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text, encoding="utf-8")

    def run_tool(self, *words):
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            status = mutants_main.main("", self.root, words)
        return status, said.getvalue()

    def expect(self, status, text, *words):
        got = self.run_tool(*words)
        self.assertEqual(got[0], status, got[1])
        self.assertIn(text, got[1])

    def test_table(self):
        self.expect(2, "the table of mutants is old", "--check")
        self.expect(0, "", "--update")
        self.expect(0, "1 mutants apply", "--check")
        text = (self.root / "docs/reliability.md").read_text()
        self.assertIn(ROW, text)
        self.assertTrue(text.startswith("above\n") and text.endswith("below\n"))
        self.write("docs/reliability.md", text.replace("it is two", "it is three"))
        self.expect(2, "the table of mutants is old", "--check")
        self.write("docs/reliability.md", "no marks")
        self.expect(2, "are not there once each", "--check")

    def test_stale(self):
        self.write("src/number.c", SOURCE.replace("return 1;", "return 3 - 2;"))
        self.expect(2, "one: does not apply: src/number.c has its lines 0 times", "--check")
        self.expect(2, "one: does not apply")
        self.write("src/number.c", SOURCE + SOURCE)
        self.expect(2, "one: does not apply: src/number.c has its lines 2 times", "--check")
        (self.root / "src/number.c").unlink()
        self.expect(2, "one: does not apply: no src/number.c", "--check")

    def test_broken_lists(self):
        for text, said in ((LIST + "odd line\n", "one: what is 'odd line'"),
                           (LIST.replace("tests number\n", ""), "one: claim, breaks and tests"),
                           (LIST.replace("return 2", "return 1"), "one: changes nothing"),
                           (LIST.replace("in src/number.c\n", ""), "one: a change of no file"),
                           (LIST + LIST.split("\n", 1)[1], "one: two mutants have this name"),
                           ("Numbers\nclaim x\n", "belongs to no mutant")):
            self.write("tests/mutants/1.txt", text)
            self.expect(2, said, "--check")

    def test_runs(self):
        self.write("CMakeLists.txt", BUILD)
        self.write("CMakePresets.json", PRESETS)
        self.write("tests/mutants/1.txt", LIST.replace("in src", "seconds 1\nin src"))
        self.expect(2, "two: no such mutant", "--only", "two")
        for test, status, said in ((SEES, 0, "caught   one "), (HANGS, 0, "did not end in 1 s"),
                                   (BLIND, 1, "SURVIVED one: it is two\n          not seen by"),
                                   (FAILS, 2, "number (release) fails without a mutant"),
                                   ("int main(void) {", 2, "the build release fails")):
            self.write("test.c", test)
            self.expect(status, said, "-j", "1")
        self.write("test.c", SEES)
        self.write("tests/mutants/1.txt", LIST.replace("return 2;", "return"))
        self.expect(2, "one: does not compile", "--only", "on")
        self.assertEqual((self.root / "src/number.c").read_text(), SOURCE)


if __name__ == "__main__":
    unittest.main()
