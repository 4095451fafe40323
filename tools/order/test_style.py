#!/usr/bin/env python3
"""style.py must find each kind of slip, and nothing in clean files."""
import os
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))

HEAD = "// heap/x.c - a test.\n"


def body(name, lines, brace=" {\n"):
    return f"static int {name}(int a,\n    int b){brace}" + "    a++;\n" * lines + "}\n"


def run_style(root):
    return subprocess.run([sys.executable, os.path.join(HERE, "style.py"), "--root", root],
                          capture_output=True, text=True, check=False)


class Style(unittest.TestCase):
    def check(self, path, text):
        with tempfile.TemporaryDirectory() as root:
            full = os.path.join(root, path)
            os.makedirs(os.path.dirname(full), exist_ok=True)
            with open(full, "w", encoding="utf-8") as out:
                out.write(text)
            answer = run_style(root)
        lines = answer.stdout.splitlines()
        said = answer.stdout + answer.stderr
        self.assertEqual(answer.returncode, 1 if len(lines) > 1 else 0, said)
        return lines[:-1]

    def test_clean_files(self):
        self.assertEqual(self.check("src/heap/x.c", HEAD + body("f", 57)), [])
        self.assertEqual(self.check("src/heap/x.c", HEAD + body("f", 56, "\n{\n")), [])
        self.assertEqual(self.check("src/os/x.h",
                                    "// os/x.h - a.\n#pragma once\n#ifdef __linux__\n#endif\n"), [])
        self.assertEqual(self.check("tests/misuse/x.c", "// tidemalloc: the line\n"), [])
        self.assertEqual(self.check("src/y.h", "// y.h - a.\n#pragma once\n"), [])
        self.assertEqual(self.check("tests/unit/x.c", "// tests/unit/x.c - a test.\n"), [])

    def test_tables_and_types_are_no_functions(self):
        table = "static const int rows[A(3)] = {\n" + "    1,\n" * 70 + "};\n"
        types = "struct row {\n" + "    int a;\n" * 70 + "};\nenum {\n" + "    B,\n" * 70 + "};\n"
        self.assertEqual(self.check("src/heap/x.c", HEAD + table + types), [])

    def test_long_function(self):
        for brace, lines in ((" {\n", 58), ("\n{\n", 57)):
            text = HEAD + body("fine", 3) + body("long_one", lines, brace)
            self.assertEqual(self.check("src/heap/x.c", text),
                             ["src/heap/x.c:8: long_one has 61 lines, more than 60"])

    def test_long_function_behind_an_attribute(self):
        text = HEAD + "__attribute__((cold)) void *f(void) {\n" + "    a();\n" * 60 + "}\n"
        self.assertEqual(self.check("src/heap/x.c", text),
                         ["src/heap/x.c:2: f has 62 lines, more than 60"])

    def test_long_file(self):
        text = HEAD + "int a;\n" * 450
        self.assertEqual(self.check("src/heap/x.c", text),
                         ["src/heap/x.c:451: 451 lines, more than 450"])

    def test_lines(self):
        text = HEAD + "x" * 101 + "\nint a; \n\tint b;\n"
        self.assertEqual(self.check("src/heap/x.c", text), [
            "src/heap/x.c:2: 101 columns, more than 100",
            "src/heap/x.c:3: blanks at the end of the line",
            "src/heap/x.c:4: a tab"])
        self.assertEqual(self.check("tools/go", "#!/bin/sh\n" + "y" * 101 + "\n"),
                         ["tools/go:2: 101 columns, more than 100"])

    def test_first_line(self):
        self.assertEqual(self.check("src/heap/x.c", "int a;\n"),
                         ["src/heap/x.c:1: the first line is not `// heap/x.c - what it is`"])

    def test_header_without_guard(self):
        self.assertEqual(self.check("src/heap/x.h", "// heap/x.h - a.\n"),
                         ["src/heap/x.h:1: a header without #pragma once"])

    def test_platform_outside_os(self):
        self.assertEqual(self.check("src/heap/x.c", HEAD + "#if defined(__x86_64__)\n#endif\n"),
                         ["src/heap/x.c:2: #if on the platform outside src/os"])

    def test_unfinished(self):
        self.assertEqual(self.check("bench/x.c", '// bench/x.c - a.\nchar n[] = "XXXXXX";\n'), [])
        self.assertEqual(self.check("bench/x.c", "// bench/x.c - a.\n// TO" + "DO later\n"),
                         ["bench/x.c:2: a word that stands where work is missing"])

    def test_nothing_to_check_is_no_success(self):
        with tempfile.TemporaryDirectory() as root:
            answer = run_style(root)
        self.assertEqual(answer.returncode, 1)


if __name__ == "__main__":
    unittest.main()
