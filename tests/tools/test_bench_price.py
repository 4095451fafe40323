#!/usr/bin/env python3
"""The price of giving back: ratios by round, bounds, what counts as returned; what was not measured
is not met."""
import os
import sys
import unittest
from unittest import mock

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "tools", "lib"))

import bench_price  # noqa: E402
import bench_price_goals as price  # noqa: E402
import bench_summary  # noqa: E402
from bench_price import CALL  # noqa: E402

MIB = 1 << 20


def cell(values, counters=None):
    return {"runs": [{"seconds": value, "cpu_seconds": value, "system_seconds": value,
                      "minor_faults": value, "counters": counters or {}} for value in values],
            "median": None, "spread": None, "failed": None}


def row(name, on, off, counters=None, **more):
    results = {"on": cell(on, counters), "off": cell(off, counters)}
    return {"name": name, "threads": 1, "solo": False, "results": results, **more}


def goal_of(rows, what, programs=()):
    result = {"rows": rows, "programs": list(programs)}
    bench_summary.finish_cells(result["rows"] + result["programs"])
    found = [goal for goal in price.goals(result) if goal.what.startswith(what)]
    assert len(found) == 1, [goal.what for goal in found]
    return found[0]


class Times(unittest.TestCase):
    def test_the_least_of_the_rounds_decides(self):
        steady = row("steady", [1.00, 1.02, 9.0], [1.0, 1.0, 1.0])
        goal = goal_of([steady], "time on / off, geo")
        self.assertTrue(goal.met)
        self.assertEqual(goal_of([steady], "p99.9 of free").met, None)
        slow = row("slow", [1.1, 1.2, 1.04], [1.02, 1.0, 1.1])
        slower = row("slower", [1.2, 1.1, 1.3], [1.0, 1.0, 1.0])
        goal = [goal for goal in price.goals({"rows": [steady, slow, slower], "programs": []})
                if goal.what == "time on / off"][0]
        self.assertFalse(goal.met)
        self.assertEqual(goal.where, "slower/1")
        self.assertEqual(goal.found, "1.10 (1.10 to 1.30); 1 of 3 hold, 1 above in every round")

    def rounds_of(self, on):
        """How often a row runs whose times with giving back are these, and 1.0 without."""
        result, row_of = {"notes": []}, mock.Mock(steps=1, threads=1, solo=False)
        row_of.configure_mock(name="row", **{"key.return_value": ("row", 1),
                                             "label.return_value": "row/1"})
        ours, times = mock.Mock(), iter(on)
        ours.configure_mock(name="tidemalloc")

        def run(_row, _allocator, way):
            value = 1.0 if way.variables else next(times)
            return {"operations": 1, "seconds": value, "cpu_seconds": value}

        price = bench_price.Price(mock.Mock(run=run), [ours], result)
        ended = set()
        for job in price.row_jobs([row_of], 2):
            if job.key not in ended and not job.make():
                ended.add(job.key)
        cells = result["rows"][0]["results"]
        self.assertEqual(len(cells["on"]["runs"]), len(cells["off"]["runs"]))
        return len(cells["on"]["runs"])

    def test_a_row_above_its_bound_gets_more_rounds(self):
        self.assertEqual(self.rounds_of([1.2, 1.03]), 2)
        self.assertEqual(self.rounds_of([1.2, 1.04, 1.3, 1.02]), 4)
        self.assertEqual(self.rounds_of([1.1] * 6), 6)

    def test_a_row_that_failed_does_not_count(self):
        broken = row("broken", [5.0], [1.0])
        broken["results"]["on"]["failed"] = "no luck"
        self.assertIsNone(goal_of([broken], "time on / off, geo").met)

    def test_tails_come_from_counters(self):
        tail = row("latency", [1.0], [1.0])
        for name, value in (("on", 30.0), ("off", 10.0)):
            tail["results"][name]["runs"][0]["counters"] = {"free_p99_9_ns": value}
        goal = goal_of([tail], "p99.9 of free")
        self.assertFalse(goal.met)
        self.assertTrue(goal.found.startswith("3.00"))


class Calls(unittest.TestCase):
    def test_only_what_giving_back_adds_counts(self):
        counts = {"on": {"calls": 140, "bytes": 60 * MIB, "purges": 20, "purged_bytes": 10 * MIB},
                  "off": {"calls": 100, "bytes": 50 * MIB, "purges": 0, "purged_bytes": 0}}
        rows = [row("phases", [1.0], [1.0], calls=counts)]
        goal = goal_of(rows, "madvise")
        self.assertTrue(goal.met)
        self.assertTrue(goal.found.startswith("1.00 (40 calls, 10 MiB)"))
        self.assertTrue(goal_of(rows, "purges").met)
        counts["on"]["calls"] += 1
        self.assertFalse(goal_of(rows, "madvise").met)

    def test_rows_that_return_little_say_nothing(self):
        counts = {"on": {"calls": 9, "bytes": MIB, "purges": 0, "purged_bytes": 0},
                  "off": {"calls": 0, "bytes": 0, "purges": 0, "purged_bytes": 0}}
        self.assertIsNone(goal_of([row("few", [1.0], [1.0], calls=counts)], "madvise").met)

    def test_lines_of_strace(self):
        lines = ["12 madvise(0x7f00, 65536, MADV_DONTNEED) = 0", "12 munmap(0x7f00, 4096) = 0",
                 "12 <... munmap resumed>) = 0", "12 +++ exited with 0 +++",
                 "12 process_madvise(-10000, [{iov_base=0x7f00, iov_len=4096}, {iov_base=0x8f00, "
                 "iov_len=8192}], 2, MADV_DONTNEED, 0) = 12288",
                 "12 process_madvise(-10000, [{iov_base=0x7f00, iov_len=4096}], 1, "
                 "MADV_DONTNEED, 0 <unfinished ...>", "12 <... process_madvise resumed>) = 4096"]
        self.assertEqual([match.group(1) or match.group(2)
                          for match in map(CALL.match, lines) if match],
                         ["65536", "4096", "12288", "4096"])


class Others(unittest.TestCase):
    def test_trims(self):
        with_trim = {"wait_most_us": 1500.0, "second_trim_us": 49.0, "trim_us": 9000.0}
        rows = [row("trim_beside", [1.0], [], with_trim),
                row("trim_absent", [1.0], [], {"wait_most_us": 600.0})]
        for one in rows:
            del one["results"]["off"]
        self.assertTrue(goal_of(rows, "malloc_trim of").met)
        self.assertTrue(goal_of(rows, "a second").met)
        with_trim.update(wait_most_us=1601.0, second_trim_us=50.0)
        self.assertFalse(goal_of(rows, "malloc_trim of").met)
        self.assertFalse(goal_of(rows, "a second").met)
        self.assertIsNone(goal_of(rows[:1], "malloc_trim of").met)

    def test_faults_are_those_of_the_peer(self):
        swing = row("swing", [210.0], [1.0])
        swing["results"]["jemalloc"] = cell([100.0])
        self.assertFalse(goal_of([swing], "swinging demand, page").met)
        swing["results"]["jemalloc"] = cell([105.0])
        self.assertTrue(goal_of([swing], "swinging demand, page").met)

    def test_system_time_of_programs(self):
        programs = [{"name": name, "results": {"glibc": cell([theirs]), "tidemalloc": cell([ours])}}
                    for name, theirs, ours in (("redis", 1.0, 1.1), ("tiny", 0.01, 0.1))]
        self.assertTrue(goal_of([], "system time", programs).met)
        each = goal_of([], "the same of each", programs)
        self.assertEqual((each.met, each.where), (True, "redis"))


if __name__ == "__main__":
    unittest.main()
