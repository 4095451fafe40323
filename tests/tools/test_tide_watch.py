#!/usr/bin/env python3
"""tide watch: the exit status is the program's, its output stays its own, signals reach it, and the
picture and the figures tell what it held."""
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
import unittest
import xml.etree.ElementTree as xml

from tide_case import LIBRARY, PROGRAMS, SECONDS, TIDE, TideCase, environment, tide

MIB = 1 << 20
PYTHON = sys.executable
# On a loaded machine looks are seconds apart.
FILL = ("import sys, time\n"
        "blocks = [bytearray(3 << 20) for i in range(20)]\n"
        "print('filled'); sys.stdout.flush()\n"
        "time.sleep(3)\n"
        "del blocks\n"
        "time.sleep(3)\n")
# Each signal leaves a byte in the pipe, also one that comes before the first was noted.
INTERRUPTED = ("import os, signal, sys, time\n"
               "out, into = os.pipe2(os.O_NONBLOCK)\n"
               "signal.set_wakeup_fd(into)\n"
               "signal.signal(signal.SIGINT, lambda *_: None)\n"
               "print('ready'); sys.stdout.flush()\n"
               "found, end = b'', time.monotonic() + 30\n"
               "while not found and time.monotonic() < end:\n"
               "    time.sleep(0.5)\n"
               "    try: found += os.read(out, 9)\n"
               "    except BlockingIOError: pass\n"
               "sys.exit(40 + len(found))\n")


def command(*arguments):
    return [PYTHON, TIDE, "watch", "--preload", LIBRARY, *arguments]


class Watch(TideCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def path(self, name):
        return os.path.join(self.folder, name)

    def watch(self, *arguments, **options):
        return tide("watch", "--preload", LIBRARY, *arguments, cwd=self.folder, **options)

    def test_exit_status(self):
        for script, status in (("exit 0", 0), ("exit 7", 7), ("kill -9 $$", 137),
                               ("kill -TERM $$", 143)):
            with self.subTest(script=script):
                done = self.watch("--output", "none", "--", "sh", "-c", f"sleep 0.2; {script}")
                self.assertEqual((done.returncode, done.stdout), (status, ""))

    def test_figures(self):
        done = self.watch("--output", "run.json", "--output", "run.svg", "--", PYTHON, "-c", FILL)
        self.assertEqual((done.returncode, done.stdout), (0, "filled\n"))
        with open(self.path("run.json"), encoding="utf-8") as file:
            run = json.load(file)
        self.assertEqual((run["status"], run["cmd"]), (0, [PYTHON, "-c", FILL]))
        self.assertGreater(run["peak_rss_bytes"], 60 * MIB)
        known = [sample for sample in run["samples"] if sample["parts"]]
        live = [sample["parts"]["live_bytes"] for sample in known]
        self.assertGreater(max(live), 60 * MIB)
        self.assertLess(live[-1], 30 * MIB)
        self.assertLess(max(sum(sample["parts"].values()) for sample in known),
                        max(sample["rss_bytes"] for sample in known) + 8 * MIB)
        self.assertGreater(max(sample["mapped"]["huge"] for sample in known), 30 * MIB)
        self.assertGreater(run["highest"]["kinds"]["huge"]["resident_bytes"], 30 * MIB)
        self.assertLessEqual(run["last"]["rss_bytes"], run["highest"]["rss_bytes"])
        times = [sample["seconds"] for sample in run["samples"]]
        self.assertEqual(times, sorted(times))
        self.check_picture(self.path("run.svg"))

    def test_guarded_and_fenced_blocks_are_the_heaps(self):
        for setting in ("TIDE_GUARD=1/10", "TIDE_HARDENED=1"):
            with self.subTest(setting=setting):
                done = self.watch("--output", "run.json", "--", "env", setting, PYTHON, "-c", FILL)
                self.assertEqual((done.returncode, done.stdout), (0, "filled\n"))
                with open(self.path("run.json"), encoding="utf-8") as file:
                    run = json.load(file)
                guarded = max(sample["mapped"]["guarded"] for sample in run["samples"]
                              if sample["mapped"])
                self.assertEqual(guarded > 0, "GUARD" in setting)
                kinds = run["highest"]["kinds"]
                self.assertEqual("guarded" in kinds, "GUARD" in setting)
                self.assertLess(kinds["other"]["bytes"], 8 * MIB)
                self.assertLess(kinds["stack"]["segments"], 8)

    def check_picture(self, path):
        self.assertLess(os.path.getsize(path), 200000)
        texts = " ".join(node.text for node in xml.parse(path).iter() if node.text)
        for word in ("live", "cached", "slack", "free", "freed mappings", "metadata",
                     "RSS of the process", "program break", "huge blocks, freed mappings"):
            self.assertIn(word, texts)

    def test_pictures_of_both_kinds_and_by_default(self):
        self.assertEqual(self.watch("--output", "run.png", "--", "sleep", "0.5").returncode, 0)
        with open(self.path("run.png"), "rb") as file:
            self.assertEqual(file.read(8), b"\x89PNG\r\n\x1a\n")
        done = self.watch("sleep", "0.5")
        self.assertIn("tide: wrote tide-watch.svg\n", done.stderr)
        self.assertEqual(sorted(os.listdir(self.folder)), ["run.png", "tide-watch.svg"])

    def test_plain_lines_and_segments_go_to_stderr(self):
        done = self.watch("--output", "none", "--", PYTHON, "-c", FILL)
        self.assertEqual(done.stdout, "filled\n")
        self.assertRegex(done.stderr, r"(?m)^tide: +\d+\.\d\d s  rss \d+\.\dM  live ")
        self.assertRegex(done.stderr, r"(?m)^  program break +[0-9a-f]+-[0-9a-f]+ ")
        self.assertRegex(done.stderr, r"(?m)^tide: \S+ ran \d+\.\d\d s, peak RSS \d+\.\dM$")

    def test_the_peak_is_the_programs_not_that_of_tide(self):
        done = self.watch("--json", "--output", "none", "--", "sleep", "3")
        run = json.loads(done.stdout)
        self.assertTrue(run["samples"])
        self.assertGreaterEqual(run["peak_rss_bytes"], run["samples"][-1]["rss_bytes"])
        self.assertLess(run["peak_rss_bytes"], 8 * MIB)  # a Python is above that

    def test_any_command_can_be_a_title(self):
        for script in ("sleep 0.5 # $x{\\frac} $y", "sleep 0.5 # \udcff\x1b\n#"):
            with self.subTest(script=script):
                done = self.watch("--output", "run.svg", "--", "sh", "-c", script)
                self.assertEqual(done.returncode, 0)
                self.assertIn("tide: wrote run.svg\n", done.stderr)
                texts = [node.text for node in xml.parse(self.path("run.svg")).iter()]
                self.assertIn("sh -c sleep 0.5 # " + script[len("sleep 0.5 # "):].translate(
                    {0xdcff: " ", 0x1b: " ", ord("\n"): " "}), texts)

    def test_json_on_stdout_is_the_last_line(self):
        done = self.watch("--json", "--output", "none", "--", PYTHON, "-c", FILL)
        lines = done.stdout.splitlines()
        self.assertEqual((lines[0], len(lines), done.stderr), ("filled", 2, ""))
        self.assertGreater(len(json.loads(lines[1])["samples"]), 5)

    def test_a_program_that_becomes_another(self):
        done = self.watch("--json", "--output", "none", "--", "sh", "-c",
                          'sleep 0.5; exec "$0" -c "$1"', PYTHON, FILL)
        run = json.loads(done.stdout.splitlines()[-1])
        self.assertGreater(max(sample["parts"]["live_bytes"] for sample in run["samples"]
                               if sample["parts"]), 60 * MIB)

    def test_a_program_without_the_library(self):
        name = os.path.join(PROGRAMS, "tide_nothing_static")
        done = self.watch("--output", "run.svg", "--", name)
        self.assertEqual(done.returncode, 3)
        self.assertIn(f"tide: {name} ran without tidemalloc (linked statically, or with raised "
                      "privileges?): only its RSS is known\n", done.stderr)
        self.assertTrue(os.path.exists(self.path("run.svg")))

    def test_other_preloads_stay(self):
        done = self.watch("--output", "none", "--", "sh", "-c", "echo $LD_PRELOAD",
                          env=environment(LD_PRELOAD="libc.so.6"))
        self.assertEqual(done.stdout, f"{LIBRARY}:libc.so.6\n")

    def test_a_signal_to_tide_alone_is_passed_on_once(self):
        child = subprocess.Popen(command("--output", self.path("run.svg"), "--", PYTHON, "-c",
                                         INTERRUPTED), env=environment(), text=True,
                                 stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                 start_new_session=True)
        with child:
            self.assertEqual(child.stdout.readline(), "ready\n")
            child.send_signal(signal.SIGINT)
            self.assertEqual(child.wait(SECONDS), 41)
        self.check_svg()

    def test_a_signal_for_a_program_that_has_just_ended(self):
        for _ in range(3):  # it may be stopped in the middle of a look, and then sees the end first
            child = subprocess.Popen(command("--output", "none", "--interval", "600", "--", "sh",
                                             "-c", "echo $$; exec sleep 60"), env=environment(),
                                     text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            with child:
                program = int(child.stdout.readline())
                time.sleep(0.5)
                for pid, number in ((child.pid, signal.SIGSTOP), (program, signal.SIGTERM),
                                    (child.pid, signal.SIGTERM), (child.pid, signal.SIGCONT)):
                    os.kill(pid, number)
                self.assertNotIn("Traceback", child.stderr.read())
                self.assertEqual(child.wait(SECONDS), 143)

    def check_svg(self):
        xml.parse(self.path("run.svg"))

    def in_terminal(self, *arguments, until=b"", send=b""):
        """Runs tide watch in a terminal of its own; types `send` when `until` was seen. Exit status
        and all that was written."""
        pid, master = pty.fork()
        if pid == 0:
            os.chdir(self.folder)
            os.execve(PYTHON, command(*arguments), environment(TERM="xterm-256color"))
        fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
        seen, end = b"", time.monotonic() + SECONDS
        while time.monotonic() < end:
            if select.select([master], [], [], 0.1)[0]:
                try:
                    seen += os.read(master, 65536)
                except OSError:  # nobody has the other end open any more
                    break
            if send and until in seen:
                os.write(master, send)
                send = b""
        else:
            os.kill(pid, signal.SIGKILL)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        os.close(master)
        return status, seen.decode("utf-8", "replace")  # ^C is echoed wherever it comes

    def test_ctrl_c_reaches_the_program_once_and_the_picture_is_written(self):
        status, seen = self.in_terminal("--output", "run.svg", "--", PYTHON, "-c", INTERRUPTED,
                                        until=b"ready", send=b"\x03")
        self.assertEqual(status, 41, seen)
        self.check_svg()

    def test_the_live_screen(self):
        status, seen = self.in_terminal("--output", "none", "--", PYTHON, "-c", FILL)
        self.assertEqual(status, 0, seen)
        self.assertEqual(seen.count("filled"), 1)
        for word in ("highest RSS", "freed mappings", "program break", "huge blocks", "▄", "▀",
                     "not ours", "peak RSS"):
            self.assertIn(word, seen)
        self.assertNotIn("Traceback", seen)

    def test_what_a_talkative_program_writes_scrolls_above(self):
        status, seen = self.in_terminal("--output", "none", "--", "sh", "-c",
                                        "seq 30000; sleep 0.5; echo last")
        self.assertEqual(status, 0, seen[-2000:])
        # Before a number the chart may have been erased, or the cursor hidden.
        found = re.findall(r"(?m)(?:^|\x1b\[2K|\x1b\[\?25l)(\d+)\r?$", seen)
        numbers = [int(each) for each in found]
        self.assertEqual(numbers, list(range(1, 30001)))


if __name__ == "__main__":
    unittest.main(verbosity=2)
