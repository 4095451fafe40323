#!/usr/bin/env python3
"""tide maps: every known block lies in a segment of its name; the figures are the library's own;
what is resident in the heap's segments is what the parts say."""
import unittest

from tide_case import FORMS, TideCase, segment_at, subject, tide

PARTS = ("live_bytes", "cached_bytes", "slack_bytes", "free_bytes", "huge_cached_bytes",
         "metadata_bytes")
ALIKE = 0.01   # of a part, between the library and the reader
ADDS_UP = 0.05
KIB, MIB = 1 << 10, 1 << 20


class Maps(TideCase):
    def looked_at(self, form):
        with subject("blocks", form) as (child, said):
            return said, self.maps_json(child.pid)

    def test_every_form_of_the_library_is_found_and_its_figures_are_its_own(self):
        for form in FORMS:
            with self.subTest(form=form):
                said, look = self.looked_at(form)
                for name in (*PARTS, "returned_bytes", "mapped_bytes", "break_bytes"):
                    gap = abs(look["counters"][name] - said[name])
                    self.assertLessEqual(gap, said[name] * ALIKE, (name, said, look["counters"]))
                for name in ("arenas", "threads", "heaps", "huge_blocks", "large_blocks", "slabs",
                             "mappings", "refills", "flushes"):
                    self.assertEqual(look["counters"][name], said[name], name)

    def test_known_blocks_have_their_names(self):
        said, look = self.looked_at("shared")
        for name in ("small", "large"):
            self.assertEqual(segment_at(look, said[f"at_{name}"])["kind"], "break", name)
        for name in ("huge", "freed"):
            segment = segment_at(look, said[f"at_{name}"])
            self.assertEqual((segment["kind"], int(segment["start"], 16)),
                             (name, said[f"at_{name}"]))
            self.assertGreaterEqual(segment["bytes"], 5 * MIB)
        self.assertEqual(segment_at(look, said["at_stack"])["kind"], "stack")
        self.assertEqual(segment_at(look, said["at_program"])["kind"], "program")
        self.assertEqual(look["kinds"]["huge"]["segments"], 4)
        self.assertEqual(look["kinds"]["freed"]["segments"], 1)
        self.assertEqual(look["kinds"]["stack"]["segments"], 4)  # of main and three threads

    def test_segments_cover_the_address_space_once(self):
        _, look = self.looked_at("shared")
        end = 0
        for segment in look["segments"]:
            self.assertGreaterEqual(int(segment["start"], 16), end)
            end = int(segment["end"], 16)
            self.assertEqual(end - int(segment["start"], 16), segment["bytes"])
            self.assertLessEqual(segment["resident_bytes"], segment["bytes"])
        self.assertEqual(look["rss_bytes"],
                         sum(segment["resident_bytes"] for segment in look["segments"]))

    def test_the_parts_add_up_to_what_is_resident(self):
        for form in FORMS:
            with self.subTest(form=form):
                _, look = self.looked_at(form)
                parts = sum(look["parts"][name] for name in PARTS)
                gap = abs(look["heap_resident_bytes"] - parts)
                self.assertLessEqual(gap, parts * ADDS_UP, look["kinds"])

    def test_uses_of_the_break_are_the_spans_of_its_arena(self):
        _, look = self.looked_at("shared")
        uses = [segment["uses"] for segment in look["segments"] if segment["kind"] == "break"]
        active = sum(use["slabs_bytes"] + use["large_bytes"] for use in uses)
        self.assertEqual(active, look["arenas"][0]["active_bytes"])
        large = sum(use["large_bytes"] for use in uses)
        self.assertEqual(large, 15 * 256 * KIB)  # 15 blocks of 200 KiB, whole granules

    def test_regions_of_other_arenas(self):
        with subject("arenas", TIDE_ARENAS="2", TIDE_CACHE="off") as (child, said):
            if said["arenas"] < 2:
                self.skipTest("no thread met another at a lock: one arena was enough")
            look = self.maps_json(child.pid)
        self.assertEqual([arena["nr"] for arena in look["arenas"]], [0, 1])
        self.assertEqual({segment["note"] for segment in look["segments"]
                          if segment["kind"] == "arena"}, {"arena 1"})
        region = look["kinds"]["arena"]["bytes"] + look["kinds"]["reserved"]["bytes"]
        self.assertEqual(region % (64 * MIB), 0)

    def assert_parts_are_whole(self, look):
        parts = sum(look["parts"][name] for name in PARTS)
        gap = abs(look["heap_resident_bytes"] - parts)
        self.assertLessEqual(gap, parts * ADDS_UP, look["kinds"])
        self.assertEqual(look["kinds"]["stack"]["segments"], 4)  # of main and three threads
        self.assertLess(look["kinds"]["other"]["bytes"], 4 * MIB)

    def test_guarded_blocks_are_the_heaps(self):
        with subject("blocks", TIDE_GUARD="1/10") as (child, said):
            look = self.maps_json(child.pid)
        self.assertGreater(said["guarded_bytes"], 0)
        self.assertEqual(look["kinds"]["guarded"]["bytes"], said["guarded_bytes"])
        self.assertGreater(look["kinds"]["guard"]["bytes"], 256 * 64 * KIB)  # the rest of the pool
        self.assert_parts_are_whole(look)

    def test_fenced_blocks_are_whole_and_their_fences_guard_pages(self):
        with subject("blocks", TIDE_HARDENED="1") as (child, said):
            look = self.maps_json(child.pid)
        large = segment_at(look, said["at_large"])
        self.assertEqual((large["kind"], large["bytes"]), ("huge", 200 * KIB))
        for name, fence in (("large", said["at_large"] - 1),
                            ("large", said["at_large"] + large["bytes"]),
                            ("huge", said["at_huge"] - 1), ("freed", said["at_freed"])):
            self.assertEqual(segment_at(look, fence)["kind"], "guard", name)
        self.assertEqual(look["kinds"]["huge"]["segments"], 4 + 15)
        active = sum(use for segment in look["segments"] if segment["kind"] == "break"
                     for use in (segment["uses"]["slabs_bytes"], segment["uses"]["large_bytes"]))
        self.assertLessEqual(active, look["arenas"][0]["active_bytes"])
        self.assert_parts_are_whole(look)

    def test_text_names_the_same(self):
        with subject("blocks") as (child, _):
            done = tide("maps", str(child.pid))
            every = tide("maps", "--all", str(child.pid))
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        lines = done.stdout.splitlines()
        self.assertRegex(lines[0], rf"^process {child.pid} \(tide_subject_sh\), tidemalloc "
                                   r"\d+\.\d+\.\d+: [12] arenas?, 4 threads with a cache$")
        self.assertEqual(sum(line.startswith("  huge block ") for line in lines), 4)
        self.assertEqual(sum(line.startswith("  freed mapping ") for line in lines), 1)
        self.assertEqual(sum(line.startswith("  program break ") for line in lines), 1)
        self.assertTrue(any(line.startswith("  stacks          4 segments") for line in lines))
        self.assertGreater(len(every.stdout.splitlines()), len(lines) + 10)

    def test_looking_changes_nothing(self):
        with subject("blocks") as (child, _):
            first = self.maps_json(child.pid)
            second = self.maps_json(child.pid)
        self.assertEqual(first, second)


if __name__ == "__main__":
    unittest.main(verbosity=2)
