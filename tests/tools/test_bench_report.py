#!/usr/bin/env python3
"""The report of the benchmark: one file that loads nothing, has every row, and is well-formed;
its plots are what plotly takes; pieces that are missing leave gaps, not errors."""
import json
import os
import re
import sys
import tempfile
import unittest
from html.parser import HTMLParser

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "tools", "lib"))

import bench_report  # noqa: E402
import bench_summary  # noqa: E402
from plotly.graph_objects import Figure  # noqa: E402

VOID = {"meta", "br", "input", "link", "img", "hr", "base", "col", "embed", "source"}
LOADING = {"src", "href", "srcset", "data", "poster", "action", "xlink:href"}
ALLOCATORS = ("glibc", "jemalloc", "tidemalloc", "limit")
SHARES = {"glibc": 2.0, "jemalloc": 1.0, "tidemalloc": 0.5, "limit": 0.25}


def run_of(scale, counters=None):
    return {"seconds": scale, "cpu_seconds": scale, "user_seconds": scale, "system_seconds": 0.0,
            "peak_rss_kib": int(4096 * scale), "rss_after_kib": 2048, "minor_faults": 100,
            "major_faults": 0, "voluntary_switches": 0, "involuntary_switches": 3,
            "counters": counters or {}}


def cell_of(share, counters=None, failed=None):
    """Three runs: 0.9, 1 and 1.1 times the share."""
    runs = [] if failed else [run_of(share * by, counters) for by in (0.9, 1.0, 1.1)]
    return {"runs": runs, "median": None, "spread": None, "system_calls": None,
            "instructions_per_operation": None, "failed": failed}


def row_of(name, family, threads, solo=False, counters=None):
    return {"name": name, "family": family, "pattern": f"what {name} is like", "threads": threads,
            "solo": solo, "steps": 10, "operations": 1000,
            "results": {name: cell_of(SHARES[name], counters) for name in ALLOCATORS}}


def small_result():
    tail = {f"{call}_{at}_ns": 100.0 for call in ("malloc", "free")
            for at in ("p50", "p99_9", "p99_999", "max")}
    rows = [row_of("pairs_64", "pairs", 1), row_of("pairs_64", "pairs", 4),
            row_of("larson", "larson", 4), row_of("latency_small", "latency", 1, True, tail)]
    rows[1]["results"]["glibc"] = cell_of(1, failed="round 2: SIGSEGV: <oops> & </script>")
    rows[2]["results"]["limit"] = cell_of(1, failed="left out: it never frees")
    del rows[2]["results"]["jemalloc"]
    rows[0]["results"]["tidemalloc"]["system_calls"] = 77
    result = {"format": "tidemalloc-bench-1", "date": "2020-02-03T04:05:06+00:00",
              "commit": "0123456789ab", "mode": "quick", "rounds": 3,
              "machine": {"cpu": "a <fast> one", "cores": 2, "memory_mib": 2048, "governor": None},
              "allocators": [{"name": name, "version": "1.0", "path": f"lib{name}.so"}
                             for name in ALLOCATORS],
              "rows": rows, "programs": [], "notes": ["a note & more"]}
    bench_summary.finish(result)
    return result


class Checker(HTMLParser):
    """Collects what a page would load, its texts and scripts; fails on elements out of order."""

    def __init__(self):
        super().__init__()
        self.open, self.loads, self.texts, self.scripts = [], [], [], []

    def handle_starttag(self, tag, attributes):
        self.loads += [value for name, value in attributes if name in LOADING]
        self.loads += [tag] if tag in ("link", "iframe", "object", "base") else []
        if tag not in VOID:
            self.open.append(tag)
        if tag == "script":
            self.scripts.append("")

    def handle_startendtag(self, tag, attributes):
        self.loads += [value for name, value in attributes if name in LOADING]

    def handle_endtag(self, tag):
        if tag not in VOID:
            last = self.open.pop() if self.open else None
            assert last == tag, f"</{tag}> closes <{last}>"

    def handle_data(self, text):
        if self.open and self.open[-1] == "script":
            self.scripts[-1] += text
        else:
            self.texts.append(text)


def report_of(result):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "report.html")
        bench_report.write(result, path)
        with open(path, encoding="utf-8") as file:
            page = file.read()
    checker = Checker()
    checker.feed(page)
    checker.close()
    assert not checker.open, f"never closed: {checker.open}"
    return checker


class Report(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.page = report_of(small_result())
        cls.text = "\n".join(cls.page.texts)
        cls.figures = json.loads(cls.page.scripts[0])

    def trace(self, place, number, name):
        return next(trace for trace in self.figures[place][number]["data"]
                    if trace["name"] == name)

    def test_loads_nothing(self):
        self.assertEqual(self.page.loads, [])
        style = self.page.texts[[bool(re.search(r":root", text)) for text in self.page.texts]
                                .index(True)]
        self.assertNotRegex(style, r"url\(|@import")
        self.assertNotRegex(self.page.scripts[-1], r"https?:|fetch\(|XMLHttpRequest|import\(")

    def test_plotly_is_inside_once(self):
        large = [script for script in self.page.scripts if len(script) > 1_000_000]
        self.assertEqual(len(large), 1)
        self.assertEqual(len(self.page.scripts), 3)

    def test_names_every_row_and_reason(self):
        for row in small_result()["rows"]:
            self.assertIn(row["name"], self.page.texts)
            self.assertIn(f"{row['name']}/{row['threads']}", self.page.texts)
            self.assertIn(row["pattern"], self.page.texts)
        for name in ALLOCATORS:
            self.assertIn(name, self.text)
        for said in ("failed: round 2: SIGSEGV: <oops> & </script>",
                     "left out: it never frees", "a <fast> one", "a note & more", "0123456789ab"):
            self.assertIn(said, self.text)

    def test_plots_are_what_plotly_takes(self):
        self.assertEqual({place for place, plots in self.figures.items() if plots},
                         {"time", "rss", "after", "scaling", "latency"})
        for plots in self.figures.values():
            for plot in plots:
                Figure(data=plot["data"], layout=plot["layout"])
                for trace in plot["data"]:
                    self.assertEqual(len(trace["x"]), len(trace["y"]))
                    self.assertEqual(len(trace["x"]), len(trace["text"]))

    def test_ratios_are_to_the_best_peer(self):
        one_thread = self.trace("time", 0, "tidemalloc")
        self.assertEqual(one_thread["x"], [0.5, 0.5])
        self.assertAlmostEqual(one_thread["error_x"]["array"][0], 0.05)
        self.assertAlmostEqual(one_thread["error_x"]["arrayminus"][0], 0.05)
        # Four threads: glibc failed in the first row, jemalloc is not in the second.
        four = self.figures["time"][1]
        self.assertEqual([line["name"] for line in four["lines"]], ["pairs_64", "larson"])
        self.assertEqual(self.trace("time", 1, "glibc")["y"], [1])
        self.assertEqual(self.trace("time", 1, "jemalloc")["y"], [0])
        self.assertEqual(self.trace("time", 1, "tidemalloc")["x"], [0.5, 0.25])

    def test_scaling_is_of_rows_with_several_counts(self):
        self.assertEqual([plot["layout"]["title"]["text"] for plot in self.figures["scaling"]],
                         ["pairs_64"])
        own = self.trace("scaling", 0, "tidemalloc")
        self.assertEqual((own["x"], own["y"]), ([1, 4], [2000, 2000]))
        self.assertEqual(self.trace("scaling", 0, "glibc")["x"], [1])

    def test_latency_stands_on_nines(self):
        self.assertEqual(len(self.figures["latency"]), 2)
        axis = self.figures["latency"][0]["layout"]["xaxis"]
        self.assertEqual(axis["ticktext"], ["p50", "p99.9", "p99.999", "max"])
        for found, wanted in zip(axis["tickvals"], (0.301, 3, 5, 6)):
            self.assertAlmostEqual(found, wanted, places=3)

    def test_goals_without_rows_are_not_met(self):
        self.assertIn("not measured", self.page.texts)
        self.assertIn("met", self.page.texts)


class Gaps(unittest.TestCase):
    def test_nothing_measured(self):
        page = report_of({"format": "tidemalloc-bench-1", "date": "2020-02-03"})
        self.assertFalse(any(json.loads(page.scripts[0]).values()))

    def test_all_failed(self):
        result = small_result()
        for row in result["rows"]:
            row["results"] = {name: cell_of(1, failed="no luck") for name in ALLOCATORS}
        bench_summary.finish(result)
        page = report_of(result)
        self.assertIn("failed: no luck", page.texts)
        self.assertFalse(any(json.loads(page.scripts[0]).values()))

    def test_programs_and_a_strange_allocator(self):
        result = small_result()
        result["allocators"].append({"name": "mine", "version": "unknown", "path": "mine.so"})
        result["programs"] = [{"name": "jq </script>", "what": "reads", "results": {
            name: cell_of(SHARES.get(name, 300)) for name in ("glibc", "tidemalloc", "mine")}}]
        bench_summary.finish(result)
        page = report_of(result)
        self.assertIn("jq </script>", page.texts)
        plots = json.loads(page.scripts[0])["programs_cpu"]
        self.assertEqual([trace["name"] for trace in plots[0]["data"] if trace["x"]],
                         ["", "glibc", "mine", "tidemalloc"])
        # 150 times the best peer: at the edge, in words.
        beyond, mine = plots[0]["data"][0], plots[0]["data"][-2]
        colour = mine["marker"]["color"]
        self.assertEqual((mine["x"], mine["error_x"]["array"]), ([10], [0]))
        self.assertEqual((beyond["text"], beyond["y"]),
                         ([f'<span style="color:{colour}">mine 150 ×</span>'], [0]))

    def test_no_peer(self):
        result = small_result()
        result["allocators"] = result["allocators"][2:]
        for row in result["rows"]:
            for name in ("glibc", "jemalloc"):
                row["results"].pop(name, None)
        bench_summary.finish(result)
        figures = json.loads(report_of(result).scripts[0])
        self.assertEqual(figures["time"], [])
        self.assertEqual(len(figures["after"]), 2)


if __name__ == "__main__":
    unittest.main()
