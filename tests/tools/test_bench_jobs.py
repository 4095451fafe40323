#!/usr/bin/env python3
"""How a run of the benchmark is made of jobs: the order, who is not run again, what the bar says;
and which rows and steps a run has."""
import os
import sys
import tempfile
import types
import unittest
from unittest import mock

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "tools", "lib"))

import bench_allocators  # noqa: E402
import bench_jobs  # noqa: E402
import bench_main  # noqa: E402
import bench_progress  # noqa: E402
import bench_rows  # noqa: E402
import bench_run  # noqa: E402
from bench_allocators import Allocator  # noqa: E402

WORKLOAD = {"name": "pairs", "family": "alone", "pattern": "what", "threads": [1, 4], "quick": [1],
            "steps": 100, "churn": 1000, "solo": False, "apart": False}


class Jobs(unittest.TestCase):
    def worked_off(self, keys, endless=()):
        """The keys of the jobs that were made; those not `endless` want no second turn."""
        made = []

        def job(key):
            def make():
                made.append(key)
                return key in endless
            return bench_jobs.Job(key, 1.0, str(key), make)

        with mock.patch.object(bench_jobs, "progress", bench_progress.Lines):
            return made, bench_jobs.work_off([job(key) for key in keys])

    def test_who_wants_no_more_has_no_second_turn(self):
        keys = [("rows", "a"), ("rows", "b"), ("calls", "a"), ("rows", "a"), ("rows", "b")]
        made, taken = self.worked_off(keys, endless=(("rows", "a"),))
        self.assertEqual(made, keys[:4])
        self.assertEqual(sorted(taken), ["calls", "rows"])

    def test_allocators_take_turns_forth_and_back(self):
        turns = [(number, index, name) for number, index, name
                 in bench_jobs.interleaved(2, ("A", "B"), 2)]
        self.assertEqual("".join(name for _, _, name in turns), "ABBABAAB")
        self.assertEqual([index for _, index, _ in turns], [0, 0, 1, 1] * 2)

    def test_the_bar_learns_part_by_part(self):
        keys = [("rows", "a"), ("rows", "b"), ("programs", "a")]
        estimate = bench_progress.Estimate([(key, 2.0) for key in keys])
        self.assertEqual(estimate.left(), 6.0)
        estimate.finish(keys[0], 10.0)  # five times the guess, of rows
        self.assertEqual(estimate.left(), 12.0)
        estimate.drop(keys[1])
        self.assertEqual(estimate.left(), 2.0)

    def test_how_long_it_took(self):
        self.assertEqual(bench_progress.spoken_parts({"rows": 61.2, "programs": 3.0}),
                         "1:04 minutes (rows 1:01, programs 0:03)")


class Patience(unittest.TestCase):
    def turns(self, name, seconds):
        """How many of three rounds an allocator gets that takes so long."""
        row = bench_rows.row_of(WORKLOAD, 1, False)
        allocators = [Allocator(name, "", "1")]
        bench = mock.Mock()
        bench.run.return_value = {"seconds": seconds, "operations": 7}
        entries = [bench_run.empty_row(row, allocators)]
        jobs = bench_run.row_jobs(bench, [row], entries, allocators, 3)
        with mock.patch.object(bench_jobs, "progress", bench_progress.Lines):
            bench_jobs.work_off(jobs)
        self.assertEqual(entries[0]["operations"], 7)
        return len(entries[0]["results"][name]["runs"])

    def test_the_slow_have_one_run(self):
        self.assertEqual(self.turns("glibc", bench_run.PATIENCE_S), 3)
        self.assertEqual(self.turns("glibc", bench_run.PATIENCE_S + 0.1), 1)
        self.assertEqual(self.turns("limit", bench_run.LIMIT_PATIENCE_S + 0.1), 1)


class Rows(unittest.TestCase):
    def selected(self, workloads, *choice):
        with mock.patch.object(bench_rows, "listed", return_value=workloads):
            return [(row.name, row.threads, row.steps, row.quick)
                    for row in bench_rows.select("", *choice)]

    def test_full_runs_have_all_counts(self):
        self.assertEqual(self.selected([WORKLOAD]), [("pairs", 1, 100, True)])
        self.assertEqual(self.selected([WORKLOAD], True),
                         [("pairs", 1, 100, True), ("pairs", 4, 50, False)])
        self.assertEqual(self.selected([WORKLOAD], False, ["pairs"], [], [4]),
                         [("pairs", 4, 100, False)])

    def test_rows_of_single_calls_keep_their_steps(self):
        self.assertEqual(self.selected([{**WORKLOAD, "solo": True}], True)[1],
                         ("pairs", 4, 100, False))

    def test_rows_apart_have_to_be_named(self):
        apart = {**WORKLOAD, "name": "other", "quick": [], "apart": True}
        self.assertEqual(self.selected([WORKLOAD, apart]), [("pairs", 1, 100, True)])
        self.assertEqual(len(self.selected([WORKLOAD, apart], True)), 2)
        self.assertEqual(self.selected([WORKLOAD, apart], False, ["oth*"]),
                         [("other", 1, 100, False), ("other", 4, 100, False)])


class Input(unittest.TestCase):
    """What cannot work is said before the work."""

    def test_results_that_cannot_be_written(self):
        with tempfile.TemporaryDirectory() as folder:
            bench_main.check_outputs(os.path.join(folder, "x.json"), "")
            for path in ("/nowhere/x.json", folder):
                with self.assertRaisesRegex(bench_main.Unready, f"^{path}: cannot be written$"):
                    bench_main.check_outputs("", path)

    def test_paths_that_cannot_be_preloaded(self):
        for folder in ("a b", "a:b"):
            parts = types.SimpleNamespace(library=f"/{folder}/libx.so", limit="/limit.so")
            root = os.path.join(HERE, "..", "..")
            with self.assertRaisesRegex(bench_allocators.Unknown, f"^/{folder}/libx.so: the load"):
                bench_allocators.find(parts, root, [], [])


if __name__ == "__main__":
    unittest.main()
