#!/usr/bin/env python3
"""What tide says when it cannot do what was asked: one line, word for word, and its exit status."""
import os
import re
import shutil
import sys
import tempfile
import unittest

from tide_case import LIBRARY, TIDE, TideCase, environment, program, subject, tide

NOBODY = 65534
NO_PROCESS = 2 ** 31 - 2


def release_of(library):
    with open(library, "rb") as file:
        image = file.read()
    return re.search(rb"tidemalloc sight.{16}(\d+\.\d+\.\d+)\0", image, re.S).group(1).decode()


def patched(folder, find, put):
    """A copy of the library with other bytes in one place."""
    with open(LIBRARY, "rb") as file:
        image = file.read()
    assert image.count(find) == 1, find
    path = os.path.join(folder, "libother.so")
    with open(path, "wb") as file:
        file.write(image.replace(find, put))
    return path


def can_nobody_run_tide():
    pid = os.fork()
    if pid == 0:
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        os._exit(0 if os.access(TIDE, os.R_OK) and os.access(sys.executable, os.X_OK) else 1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


class Maps(TideCase):
    def test_no_process(self):
        self.assert_line(tide("maps", str(NO_PROCESS)), 3, f"tide: no process {NO_PROCESS}")

    def test_no_library(self):
        with program("/bin/cat") as child:
            self.assert_line(tide("maps", str(child.pid)), 5,
                             f"tide: process {child.pid} (cat): no tidemalloc in it")

    def test_a_zombie_has_no_memory(self):
        with program("/bin/true") as child:
            os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
            self.assert_line(tide("maps", str(child.pid)), 3,
                             f"tide: process {child.pid} has ended, or is a thread of the kernel")

    def test_not_permitted(self):
        if os.geteuid() != 0 or not can_nobody_run_tide():
            self.skipTest("needs root, and a checkout that others may read")
        with subject("blocks") as (child, _):
            done = tide("maps", str(child.pid), user=NOBODY, group=NOBODY, extra_groups=[])
        self.assertEqual((done.returncode, done.stdout), (4, ""))
        self.assertRegex(done.stderr, rf"^tide: process {child.pid}: not permitted: (it is another "
                         r"user's, or raised its privileges; run as root|kernel\.yama\."
                         r"ptrace_scope is [1-3]; run as root, or start it by tide watch)\n$")

    def test_a_name_that_is_no_text(self):
        with tempfile.TemporaryDirectory() as folder:  # the kernel keeps 15 bytes of a name
            name = os.path.join(folder, "a" + "\u0436" * 10)
            shutil.copy("/bin/cat", name)
            with program(name, env=environment(LD_PRELOAD=LIBRARY)) as child:
                child.stdin.write(b"x")
                child.stdin.flush()
                child.stdout.read(1)
                done = tide("maps", str(child.pid))
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertIn(f"process {child.pid} (a" + "\u0436" * 7, done.stdout)

    def test_a_library_of_another_age(self):
        release = release_of(LIBRARY)
        with tempfile.TemporaryDirectory() as folder:
            magic = b"tidemalloc sight"
            other = patched(folder, magic + b"\1\0\0\0", magic + b"\2\0\0\0")
            with subject("blocks", "preloaded", library=other) as (child, _):
                self.assert_line(tide("maps", str(child.pid)), 6, f"tide: {other}: tidemalloc "
                                 f"{release} describes itself by version 2; this tide knows "
                                 "version 1")

    def test_a_library_without_what_is_asked_for(self):
        release = release_of(LIBRARY)
        with tempfile.TemporaryDirectory() as folder:
            row = b"bin".ljust(20, b"\0")
            other = patched(folder, row + b"taken\0", row + b"toked\0")
            with subject("blocks", "preloaded", library=other) as (child, _):
                self.assert_line(tide("maps", str(child.pid)), 6, f"tide: {other}: tidemalloc "
                                 f"{release} has no bin.taken, which this tide asks for")

    def test_no_number(self):
        self.assert_line(tide("maps", "init"), 2, "tide: argument PID: invalid process number "
                         "value: 'init' (see tide maps --help)")
        self.assert_line(tide("maps"), 2, "tide: the following arguments are required: PID "
                         "(see tide maps --help)")


class Watch(TideCase):
    def test_nothing_to_run(self):
        self.assert_line(tide("watch", "--preload", LIBRARY, "--"), 2,
                         "tide: no CMD to run (see tide watch --help)")

    def test_no_such_command(self):
        self.assert_line(self.watch("/nowhere/at/all"), 127, "tide: /nowhere/at/all: not found")

    def test_not_executable(self):
        self.assert_line(self.watch("/etc/passwd"), 126, "tide: /etc/passwd: permission denied")

    def test_no_library(self):
        self.assert_line(tide("watch", "--preload", "/nowhere/lib.so", "--", "true"), 125,
                         "tide: /nowhere/lib.so: no such library")

    def test_a_library_whose_path_cannot_be_preloaded(self):
        for name in ("a b", "a:b"):
            with tempfile.TemporaryDirectory(suffix=name) as folder:
                library = os.path.join(folder, "libtidemalloc.so.1")
                os.symlink(LIBRARY, library)
                self.assert_line(tide("watch", "--preload", library, "--", "true"), 125,
                                 f"tide: {library}: the loader preloads nothing whose path has a "
                                 "space or a colon")

    def test_files_that_cannot_be_written(self):
        self.assert_line(self.watch("--output", "run.gif", "true"), 2,
                         "tide: run.gif: a name that ends in .svg, .png or .json is wanted")
        self.assert_line(self.watch("--output", "/nowhere/run.svg", "true"), 125,
                         "tide: /nowhere/run.svg: cannot be written")

    def test_intervals(self):
        self.assert_line(self.watch("--interval", "0", "true"), 2,
                         "tide: argument --interval: invalid number of seconds from 0.01 to 3600 "
                         "value: '0' (see tide watch --help)")

    def watch(self, *arguments):
        return tide("watch", "--preload", LIBRARY, *arguments)


class Options(TideCase):
    def test_no_library(self):
        self.assert_line(tide("options", "--preload", "/bin/true"), 5,
                         "tide: /bin/true: no tidemalloc in it")

    def test_a_library_in_part(self):
        with open(LIBRARY, "rb") as file:
            image = file.read()
        for size in (20, 300, 5000, 20000, len(image) // 2):
            with tempfile.NamedTemporaryFile() as part, self.subTest(size=size):
                part.write(image[:size])
                part.flush()
                self.assert_line(tide("options", "--preload", part.name), 5,
                                 f"tide: {part.name}: a damaged library")

    def test_no_process(self):
        self.assert_line(tide("options", str(NO_PROCESS)), 3, f"tide: no process {NO_PROCESS}")


class Command(TideCase):
    def test_none(self):
        self.assert_line(tide(), 2, "tide: the following arguments are required: COMMAND "
                         "(see tide --help)")

    def test_help_names_every_command(self):
        done = tide("--help", env=environment(COLUMNS="100"))
        self.assertEqual(done.returncode, 0)
        for command in ("watch", "maps", "options"):
            self.assertIn(f"tide {command}", done.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
