#!/usr/bin/env python3
"""tide options: the table of conf/options.def as the built library has it, and the values of a
running process."""
import json
import os
import re
import unittest

from tide_case import LIBRARY, ROOT, TideCase, subject, tide


def rows_of_table():
    """{name: help} of src/conf/options.def."""
    with open(os.path.join(ROOT, "src", "conf", "options.def"), encoding="utf-8") as file:
        text = "".join(line for line in file if not line.startswith("//"))
    rows = re.findall(r'^OPTION\((\w+),.*?((?:"[^"]*"\s*)+)\)$', text, re.S | re.M)
    return {name: "".join(re.findall(r'"([^"]*)"', words)) for name, words in rows}


class Options(TideCase):
    def options(self, *arguments):
        done = tide("options", "--json", *arguments)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return {option["name"]: option for option in json.loads(done.stdout)}

    def test_every_row_of_the_table(self):
        found = self.options("--preload", LIBRARY)
        self.assertEqual({name: option["help"] for name, option in found.items()},
                         rows_of_table())
        for name, option in found.items():
            self.assertEqual(option["variable"], "TIDE_" + name.upper())

    def test_values_are_spelled_as_they_are_read(self):
        found = self.options("--preload", LIBRARY)
        for name, default, values in (("arenas", "auto", "auto or 1..256"),
                                      ("decay", "2s", "off or 1ms..3600s"),
                                      ("purge_percent", "12%", "0%..100%"),
                                      ("top_pad", "128K", "0..1G"),
                                      ("foreign", "abort", "abort|leak"),
                                      ("verbose", "off", "off|on")):
            self.assertEqual((found[name]["default"], found[name]["range"]), (default, values))

    def test_of_a_running_process(self):
        settings = {"TIDE_CACHE": "512K", "MALLOC_TOP_PAD_": "65536", "TIDE_DECAY": "1500ms"}
        with subject("blocks", "static", **settings) as (child, _):
            found = self.options(str(child.pid))
        for name, value, origin in (("cache", "512K", "environment"), ("decay", "1500ms",
                                    "environment"), ("top_pad", "64K", "glibc's variable"),
                                    ("huge_cache", "64M", "default")):
            self.assertEqual((found[name]["value"], found[name]["origin"]), (value, origin))

    def test_text(self):
        done = tide("options", "--preload", LIBRARY)
        lines = done.stdout.splitlines()
        self.assertRegex(lines[0], r"^variable +default +range +changes +help$")
        self.assertEqual(len(lines), 1 + len(rows_of_table()))
        self.assertRegex(done.stdout, r"(?m)^TIDE_TOP_PAD +128K +0\.\.1G +any time +bytes by which")


if __name__ == "__main__":
    unittest.main(verbosity=2)
