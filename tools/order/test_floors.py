#!/usr/bin/env python3
"""floors.py must refuse every kind of wrong tree, and accept the right one.

Each case writes a small tree, compiles it with $CC (default cc) and expects one exact complaint.
"""
import os
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
CC = os.environ.get("CC", "cc")

README = """# floors
```
base/    pure things
  base.h            attributes  <- nothing
  text.{h,c}        numbers to text  <- base
os/      the door
  os.h              the contract  <- base
  os_linux.c        the kernel  <- os
  fail.{h,c}        last words  <- os, text
conf/    settings
  options.def       the table  <- nothing
  options.{h,c}     the struct  <- options.def, fail
heap/    objects
  slab.{h,c}        slots  <- text
  bin.{h,c}         slabs  <- slab, fail
entry/   the top
  api.c             the family  <- bin, <errno.h>
```
"""

FILES = {
    "base/base.h": "#pragma once\n#include <stddef.h>\n",
    "base/text.h": '#pragma once\n#include "base/base.h"\nsize_t text_length(const char *s);\n',
    "base/text.c": '#include "base/text.h"\n'
                   "size_t text_length(const char *s) { return s ? __builtin_strlen(s) : 0; }\n",
    "os/os.h": "#pragma once\nvoid os_abort(void);\n",
    "os/os_linux.c": '#include "os/os.h"\n#include <stdlib.h>\nvoid os_abort(void) { abort(); }\n',
    "os/fail.h": "#pragma once\nvoid fail(const char *what);\n",
    "os/fail.c": '#include "os/fail.h"\n#include "os/os.h"\n#include "base/text.h"\n'
                 "void fail(const char *what) { if (text_length(what)) os_abort(); }\n",
    "conf/options.def": "OPTION(a)\n",
    "conf/options.h": "#pragma once\nextern int option_a;\n",
    "conf/options.c": '#include "conf/options.h"\n#include "os/fail.h"\nint option_a = 1;\n'
                      "#define OPTION(n) void options_check(void); \\\n"
                      '    void options_check(void) { if (!option_##n) fail("a"); }\n'
                      '#include "conf/options.def"\n',
    "heap/slab.h": "#pragma once\nint slab_take(void);\n",
    "heap/slab.c": '#include "heap/slab.h"\n#include "base/text.h"\n#include "conf/options.h"\n'
                   'int slab_take(void) { return (int)text_length("x") + option_a; }\n',
    "heap/bin.h": "#pragma once\nint bin_take(void);\n",
    "heap/bin.c": '#include "heap/bin.h"\n#include "heap/slab.h"\n#include "os/fail.h"\n'
                  'int bin_take(void) { if (slab_take()) return 1; fail("bin"); return 0; }\n',
    "entry/api.c": '#include "heap/bin.h"\n#include <errno.h>\n'
                   "int api(void); int api(void) { errno = 0; return bin_take(); }\n",
}


class Floors(unittest.TestCase):
    def setUp(self):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.root = holder.name
        self.files = dict(FILES)
        self.readme = README

    def run_check(self, with_objects=True, skip_object=None):
        objects = []
        for file, text in [("README.md", self.readme), *self.files.items()]:
            path = os.path.join(self.root, "src", file)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as out:
                out.write(text)
        for file in self.files:
            if file.endswith(".c") and with_objects and file != skip_object:
                out = os.path.join(self.root, "build", "src", file + ".o")
                os.makedirs(os.path.dirname(out), exist_ok=True)
                subprocess.run([CC, "-O1", "-fPIC", "-fno-builtin", "-I", f"{self.root}/src", "-c",
                                f"{self.root}/src/{file}", "-o", out], check=True)
                objects.append(out)
        listing = os.path.join(self.root, "objects.txt")
        with open(listing, "w", encoding="utf-8") as out:
            out.write("\n".join(objects) + "\n")
        command = [sys.executable, os.path.join(HERE, "floors.py"), "--root", self.root]
        if with_objects:
            command += ["--objects", listing, "--complete"]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def expect(self, complaint, **how):
        answer = self.run_check(**how)
        lines = answer.stdout.splitlines()
        self.assertIn(complaint, lines, answer.stdout + answer.stderr)
        self.assertEqual(answer.returncode, 1)
        self.assertEqual(len(lines), 2, "one complaint and the summary:\n" + answer.stdout)

    def test_right_tree_is_accepted(self):
        for with_objects in (True, False):
            answer = self.run_check(with_objects)
            self.assertEqual(answer.returncode, 0, answer.stdout + answer.stderr)

    def test_include_of_a_higher_floor(self):
        self.files["os/fail.h"] += '#include "heap/slab.h"\n'
        self.expect("src/os/fail.h:3: includes heap/slab.h: heap is above os")

    def test_include_of_a_later_module(self):
        self.files["heap/slab.c"] += '#include "heap/bin.h"\n'
        self.expect("src/heap/slab.c:5: includes heap/bin.h: bin stands after slab on the "
                    "floor heap")

    def test_include_that_is_not_listed(self):
        self.files["entry/api.c"] += '#include "heap/slab.h"\n'
        self.expect("src/entry/api.c:4: includes heap/slab.h: slab is not in the '<-' list of api")

    def test_include_of_nothing_known(self):
        self.files["heap/slab.c"] += '#if 0\n#include "slab.h"\n#endif\n'
        self.expect("src/heap/slab.c:6: includes slab.h: no module of the list "
                    "(names start with the floor)")

    def test_system_header_outside_os(self):
        self.files["heap/slab.c"] += "#include <unistd.h>\n"
        self.expect("src/heap/slab.c:5: includes unistd.h: a system header outside os, not named "
                    "by the '<-' list of slab")

    def test_public_header_below_entry(self):
        self.files["heap/slab.c"] += '#if 0\n#include "tidemalloc.h"\n#endif\n'
        self.expect("src/heap/slab.c:6: includes tidemalloc.h: the public header is for entry only")

    def test_call_of_a_higher_floor_without_an_include(self):
        self.files["os/fail.c"] += "int bin_take(void);\nint up(void);\n" \
            "int up(void) { return bin_take(); }\n"
        self.expect("src/os/fail.c:5: uses bin_take: heap is above os")

    def test_call_of_a_later_module_without_an_include(self):
        self.files["heap/slab.c"] += "int bin_take(void);\nint up(void);\n" \
            "int up(void) { return bin_take(); }\n"
        self.expect("src/heap/slab.c:5: uses bin_take: bin stands after slab on the floor heap")

    def test_call_that_is_not_listed(self):
        self.files["entry/api.c"] += "int slab_take(void);\nint more(void);\n" \
            "int more(void) { return slab_take(); }\n"
        self.expect("src/entry/api.c:4: uses slab_take: slab is not in the '<-' list of api")

    def test_call_by_an_inline_function_of_a_listed_header(self):
        self.files["heap/bin.h"] += '#include "heap/slab.h"\n' \
            "static inline int bin_peek(void) { return slab_take(); }\n"
        self.files["entry/api.c"] += "int more(void);\nint more(void) { return bin_peek(); }\n"
        answer = self.run_check()
        self.assertEqual(answer.returncode, 0, answer.stdout)

    def test_settings_below_conf(self):
        self.files["os/fail.c"] += '#include "conf/options.h"\n'
        self.expect("src/os/fail.c:5: includes conf/options.h: conf is above os")

    def test_call_of_libc_outside_os(self):
        self.files["heap/slab.c"] += "int getpid(void);\nint who(void);\n" \
            "int who(void) { return getpid(); }\n"
        self.expect("src/heap/slab.c:5: uses getpid: not defined in src/, and slab names no system "
                    "header in its '<-' list")

    def test_weak_call_below_entry(self):
        self.files["heap/slab.c"] += "__attribute__((weak)) void hook(void);\nvoid who(void);\n" \
            "void who(void) { if (hook) hook(); }\n"
        self.expect("src/heap/slab.c:5: uses hook: not defined in src/, and slab names no system "
                    "header in its '<-' list")

    def test_file_that_is_not_listed(self):
        self.files["heap/extra.h"] = "#pragma once\n"
        self.expect("src/heap/extra.h:1: is not in the list of src/README.md")

    def test_listed_file_that_does_not_exist(self):
        self.readme = self.readme.replace("entry/   the",
                                          "  gone.h            gone  <- slab\nentry/   the")
        answer = self.run_check()
        self.assertIn("src/README.md:16: heap/gone.h is listed but does not exist", answer.stdout)
        self.assertEqual(answer.returncode, 1)

    def test_circle_in_the_list(self):
        self.readme = self.readme.replace("<- text\n  bin", "<- text, bin\n  bin")
        answer = self.run_check()
        self.assertIn("src/README.md:14: slab <- bin: bin does not stand before it", answer.stdout)
        self.assertEqual(answer.returncode, 1)

    def test_unknown_module_in_the_list(self):
        self.readme = self.readme.replace("<- bin, <errno.h>", "<- bin, bon, <errno.h>")
        answer = self.run_check()
        self.assertIn("src/README.md:17: api <- bon: no such module", answer.stdout)
        self.assertEqual(answer.returncode, 1)

    def test_entry_of_the_list_that_is_not_used(self):
        self.readme = self.readme.replace("<- slab, fail", "<- text, slab, fail")
        self.expect("src/README.md:15: bin <- text: never used")

    def test_system_header_of_the_list_that_is_not_used(self):
        self.readme = self.readme.replace("<errno.h>", "<errno.h>, <stdio.h>")
        self.expect("src/README.md:17: api <- <stdio.h>: never used", with_objects=False)

    def test_object_file_that_was_forgotten(self):
        self.expect("src/entry/api.c:1: no object file to check was given",
                    skip_object="entry/api.c")

    def test_list_that_cannot_be_read(self):
        for wrong in ("```\nnonsense\n```\n", "no list at all\n",
                      README.replace("  text.{h,c} ", "  base.{h,c} ")):
            self.readme = wrong
            answer = self.run_check(with_objects=False)
            self.assertEqual(answer.returncode, 2, wrong + answer.stdout)
            self.assertTrue(answer.stderr)


if __name__ == "__main__":
    unittest.main()
