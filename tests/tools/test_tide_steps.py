#!/usr/bin/env python3
"""What docs/heap-watching.md tells of docs/examples/heap_steps.c, step by step."""
import os
import unittest

from tide_case import LIBRARY, PROGRAMS, TideCase, environment, program

MIB = 1 << 20


class Steps(TideCase):
    def looks(self):
        """[(what the step says, what tide maps sees then)]."""
        name = os.path.join(PROGRAMS, "tide_heap_steps")
        found = []
        with program(name, env=environment(LD_PRELOAD=LIBRARY)) as child:
            while True:
                line = child.stdout.readline().decode()
                if not line:
                    return found
                found.append((line.split(": ", 1)[1].strip(), self.maps_json(child.pid)))
                child.stdin.write(b"\n")
                child.stdin.flush()

    def test_steps(self):
        looks = self.looks()
        self.assertEqual([said for said, _ in looks], [
            "nothing yet", "40000 blocks of 200 bytes", "and 40 blocks of 200 KiB",
            "and 4 blocks of 8 MiB", "the blocks of 8 MiB are freed", "4 blocks of 8 MiB again",
            "the blocks of 8 MiB and of 200 KiB are freed", "all is freed", "malloc_trim(0)"])
        kinds = [look["kinds"] for _, look in looks]
        breaks = [kind.get("break", {"bytes": 0})["bytes"] for kind in kinds]
        huge = [kind.get("huge", {"segments": 0})["segments"] for kind in kinds]
        freed = [kind.get("freed", {"resident_bytes": 0})["resident_bytes"] for kind in kinds]
        nothing, small, middle, big, gone, again, less, empty, trimmed = range(9)
        # Small blocks move the break, blocks of 200 KiB move it further.
        self.assertEqual(breaks[nothing], 0)
        self.assertGreater(breaks[small], 40000 * 200)
        self.assertGreater(breaks[middle], breaks[small] + 40 * 200 * 1024)
        # Big ones do not: they are mappings, and few of them stay when they are freed.
        self.assertEqual((breaks[big], huge[big]), (breaks[middle], 4))
        self.assertEqual((huge[gone], huge[less]), (0, 0))
        self.assertLessEqual(freed[gone], 16 * MIB)
        self.assertGreater(huge[again], 0)
        # What is free goes back without a call, within the budget, and all of it by a trim. Beyond
        # the budget one block of 8 MiB may stay: when more than a second lies between two steps,
        # two were mapped again after they were given back, and that is regretted.
        rss = [look["rss_bytes"] for _, look in looks]
        self.assertLessEqual(breaks[empty], breaks[less])
        self.assertLess(rss[less], rss[small] + 25 * MIB)
        self.assertLess(rss[empty], rss[nothing] + 32 * MIB)
        self.assertLess(rss[trimmed], rss[nothing] + 1 * MIB)
        self.assertEqual(breaks[trimmed], 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
