#!/usr/bin/env python3
"""Feeds options_doc.py tables and documents that are right, stale and broken."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parent / "options_doc.py"
OPTIONS = """// OPTION(comment, is, not, a, row)
OPTION(arenas, ARENAS, COUNT, 0, 0, 256, "auto", false, "MALLOC_ARENA_MAX",
       "glibc.malloc.arena_max", -8, "arenas, and (more); auto = some")
OPTION(cache, CACHE, SIZE, MIB(1), 0, GIB(1), "off", true, NULL, NULL, NO_MALLOPT, "bytes "
       "of a cache")
OPTION(decay, DECAY, TIME, 1500, 0, 3600000, NULL, false, NULL, NULL, NO_MALLOPT, "time")
OPTION(share, SHARE, PERCENT, 12, 0, 100, NULL, true, NULL, NULL, NO_MALLOPT, "share")
OPTION(stats, STATS, CHOICE, 1, 0, 1, NULL, true, NULL, NULL, NO_MALLOPT, "off|text: at exit")
OPTION(loud, LOUD, BOOL, 0, 0, 1, NULL, false, NULL, NULL, NO_MALLOPT, "a | b")
"""
COUNTERS = 'COUNTER(live_bytes, LEVEL, bytes, "held")\nCOUNTER(purges, TOTAL, count, "calls")\n'
EMPTY = """before
<!-- options -->
<!-- end of options -->
between
<!-- counters -->
<!-- end of counters -->
after
"""
EXPECTED = """before
<!-- options -->
| variable | default | values | at run time | meaning | glibc's names |
| --- | --- | --- | --- | --- | --- |
| `TIDE_ARENAS` | auto | 1 to 256, auto | no | arenas, and (more); auto = some \
| `MALLOC_ARENA_MAX`, `glibc.malloc.arena_max`, `M_ARENA_MAX` |
| `TIDE_CACHE` | 1M | 1 to 1G, off | yes | bytes of a cache |  |
| `TIDE_DECAY` | 1500ms | 0ms to 1h | no | time |  |
| `TIDE_SHARE` | 12% | 0% to 100% | yes | share |  |
| `TIDE_STATS` | text | off, text | yes | at exit |  |
| `TIDE_LOUD` | off | on, off | no | a \\| b |  |
<!-- end of options -->
between
<!-- counters -->
| figure | unit | kind | what is counted |
| --- | --- | --- | --- |
| `live_bytes` | bytes | level | held |
| `purges` | count | total | calls |
<!-- end of counters -->
after
"""


class OptionsDoc(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        (self.root / "src/conf").mkdir(parents=True)
        (self.root / "docs").mkdir()
        self.doc = self.root / "docs/tuning.md"
        self.write(OPTIONS, COUNTERS, EMPTY)

    def write(self, options, counters, document):
        (self.root / "src/conf/options.def").write_text(options)
        (self.root / "src/conf/counters.def").write_text(counters)
        self.doc.write_text(document)

    def run_script(self, *arguments):
        return subprocess.run([sys.executable, SCRIPT, "--root", self.root, *arguments],
                              capture_output=True, text=True, timeout=60, check=False)

    def assert_refused(self, words):
        for arguments in ((), ("--update",)):
            result = self.run_script(*arguments)
            self.assertEqual(result.returncode, 1)
            self.assertIn(words, result.stderr)

    def test_update_then_check(self):
        self.assertEqual(self.run_script("--update").returncode, 0)
        self.assertEqual(self.doc.read_text(), EXPECTED)
        result = self.run_script()
        self.assertEqual((result.returncode, result.stdout, result.stderr), (0, "", ""))

    def test_stale_table_is_shown_and_kept(self):
        for old, new in (("| 1M |", "| 2M |"), ("| held |", "| lost |"),
                         ("| `purges`", "| `purge`")):
            self.doc.write_text(EXPECTED.replace(old, new))
            result = self.run_script()
            self.assertEqual(result.returncode, 1)
            self.assertIn("out of date", result.stderr)
            self.assertIn(new, result.stdout)
            self.assertIn(new, self.doc.read_text())

    def test_new_row_makes_it_stale(self):
        self.write(OPTIONS, COUNTERS + 'COUNTER(maps, TOTAL, count, "more")\n', EXPECTED)
        self.assertEqual(self.run_script().returncode, 1)

    def test_missing_and_double_markers(self):
        self.doc.write_text(EMPTY.replace("<!-- options -->", ""))
        self.assert_refused("markers of 'options'")
        self.doc.write_text(EMPTY + EMPTY)
        self.assert_refused("markers of 'options'")

    def test_broken_tables(self):
        self.write("OPTION(a, b)", COUNTERS, EMPTY)
        self.assert_refused("2 fields, not 12")
        self.write(OPTIONS, 'COUNTER(a, LEVEL, bytes, "x"', EMPTY)
        self.assert_refused("not closed")
        self.write(OPTIONS.replace("MIB(1)", "PAGES(1)"), COUNTERS, EMPTY)
        self.assert_refused("not a number")
        self.write("", COUNTERS, EMPTY)
        self.assert_refused("no row")

    def test_missing_document(self):
        self.doc.unlink()
        self.assert_refused("tuning.md")


if __name__ == "__main__":
    unittest.main()
