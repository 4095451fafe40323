#!/usr/bin/env python3
"""tide options: the table of conf/options.def as the built library has it, and the values of a
running process."""
import json
import os
import re
import unittest

from tide_case import LIBRARY, ROOT, TideCase, subject, tide


def rows_of_manual():
    """{variable: (default, values, at run time, meaning)} of docs/tuning.md, which another program
    makes of the same table."""
    with open(os.path.join(ROOT, "docs", "tuning.md"), encoding="utf-8") as file:
        rows = re.findall(r"^\| `(TIDE_\w+)` \| (.*) \|$", file.read(), re.M)
    assert len(rows) > 10
    return {name: tuple(cell.strip() for cell in cells.split(" | ")[:4]) for name, cells in rows}


class Options(TideCase):
    def options(self, *arguments):
        done = tide("options", "--json", *arguments)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return {option["name"]: option for option in json.loads(done.stdout)}

    def test_every_row_as_the_manual_has_it(self):
        found = self.options("--preload", LIBRARY)
        self.assertEqual({option["variable"]: (option["default"], option["range"],
                                               "yes" if option["live"] else "no", option["help"])
                          for option in found.values()}, rows_of_manual())

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
        self.assertEqual(len(lines), 1 + len(rows_of_manual()))
        self.assertRegex(done.stdout, r"(?m)^TIDE_TOP_PAD +128K +0 to 1G +any time +bytes by which")


if __name__ == "__main__":
    unittest.main(verbosity=2)
