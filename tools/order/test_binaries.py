#!/usr/bin/env python3
"""symbols.py, library.py and frames.py must refuse wrong binaries and accept the right one.

Builds small libraries with $CC (default cc).
"""
import os
import platform
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
CC = os.environ.get("CC", "cc")

X86 = platform.machine() == "x86_64"
GOOD = """
#include <stddef.h>
#include <string.h>
#include <unistd.h>
#define EXPORT __attribute__((visibility("default"))) __attribute__((noinline))
extern void extra(void) __attribute__((weak));
static _Thread_local long state[8];
long internal(long n);
__attribute__((noinline)) long internal(long n) {
    return n ? internal(n - 1) * n + state[n % 8] : 1;
}
EXPORT long tide_one(long n) { if (extra) extra(); return internal(n); }
EXPORT long tide_two(long n) {
    volatile char text[16];
    text[n % 16] = 1;
    return tide_one(n) + getpid() + text[0];
}
EXPORT void *calloc(size_t n, size_t s) { return n > s ? NULL : &state; }
"""
LINK = ["-Wl,-soname,libtidemalloc.so.1", "-Wl,-z,nodelete", "-Wl,-z,relro", "-Wl,-z,now",
        *(["-Wl,-z,shstk"] if X86 else []), "-Wl,-z,noexecstack"]
COMPILE = ["-O2", "-fPIC", "-fvisibility=hidden", "-fno-builtin", "-ftls-model=initial-exec",
           "-fno-plt", "-fno-semantic-interposition", "-fstack-protector-strong",
           *(["-fcf-protection=return"] if X86 else [])]
EXPORTED = "# comment\ncalloc\ntide_one\ntide_two\n"
UNDEFINED = """# comment
__cxa_finalize weak
__gmon_start__ weak
__stack_chk_fail
__stack_chk_guard optional
_ITM_deregisterTMCloneTable weak
_ITM_registerTMCloneTable weak
extra weak
getpid
"""


class Binaries(unittest.TestCase):
    def setUp(self):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.dir = holder.name

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as out:
            out.write(text)
        return self.path(name)

    def build(self, text=GOOD, link=None, compile_=None, more=()):
        source = self.write("x.c", text)
        subprocess.run([CC, *(COMPILE if compile_ is None else compile_), "-c", source, "-o",
                        self.path("x.c.o"), "-fstack-usage"], check=True, cwd=self.dir)
        subprocess.run([CC, "-shared", self.path("x.c.o"), *(LINK if link is None else link), *more,
                        "-o", self.path("x.so")], check=True)
        return self.path("x.so")

    def run_tool(self, tool, *args):
        answer = subprocess.run([sys.executable, os.path.join(HERE, tool), *args],
                                capture_output=True, text=True, check=False)
        self.assertEqual(answer.stderr, "")
        return answer.returncode, answer.stdout

    # --- library.py

    def refuse(self, complaint, **how):
        status, text = self.run_tool("library.py", self.build(**how))
        self.assertIn(complaint, text)
        self.assertEqual(status, 1)
        self.assertEqual(len(text.splitlines()), 2, text)

    def test_good_library(self):
        status, text = self.run_tool("library.py", self.build())
        self.assertEqual((status, text), (0, "library: 3 exported functions, 0 findings\n"))

    def test_large_thread_storage(self):
        self.refuse("72 bytes of thread-local storage", text=GOOD.replace("state[8]", "state[9]"))

    def test_call_for_thread_storage(self):
        flags = [f for f in COMPILE if "tls-model" not in f]
        self.refuse("thread-local storage is not initial-exec", compile_=flags)

    def test_own_function_through_the_linker(self):
        flags = [f for f in COMPILE if "interposition" not in f]
        self.refuse("reaches its own tide_one through the dynamic linker", compile_=flags)

    def test_missing_link_flags(self):
        self.refuse("DF_1_NODELETE is not set", link=[f for f in LINK if "nodelete" not in f])
        self.refuse("symbols are not bound at start", link=[f for f in LINK if f != "-Wl,-z,now"]
                    + ["-Wl,-z,lazy"])
        self.refuse("no GNU_RELRO header", link=[f.replace("relro", "norelro") for f in LINK])
        self.refuse("the soname is not", link=LINK[1:])
        self.refuse("an executable stack", link=LINK[:-1] + ["-Wl,-z,execstack"])

    @unittest.skipUnless(X86, "the mark and the named call are x86's")
    def test_hardening(self):
        self.refuse("not marked as fit for shadow stacks", link=[f for f in LINK if "sh" not in f
                                                                 or "soname" in f])
        self.refuse("no stack canary anywhere",
                    compile_=[f for f in COMPILE if "stack-protector" not in f]
                    + ["-fno-stack-protector"])
        self.refuse("calloc has a stack canary: it is on the fast path", text=GOOD.replace(
            "{ return n > s ? NULL : &state; }",
            "{ volatile char text[16]; text[s % 16] = 1; return n > s ? NULL : &state[text[0]]; }"))

    def test_dependency(self):
        self.refuse("depends on libm.so.6", more=["-Wl,--no-as-needed", "-lm"])

    def test_large_frame(self):
        self.refuse("tide_one has a frame of", text=GOOD.replace(
            "EXPORT long tide_one(long n) {",
            "EXPORT long tide_one(long n) { volatile char room[1100]; room[n] = 1;"))

    def test_calloc_that_calls_itself(self):
        self.refuse("calls itself: calloc -> calloc", text=GOOD.replace(
            "{ return n > s ? NULL : &state; }",
            "{ void *p = calloc(s, n + 1); return p ? p : NULL; }"))
        self.refuse("calls itself: calloc -> internal -> calloc", text=GOOD.replace(
            "long internal(long n);", "void *calloc(size_t n, size_t s);\nlong internal(long n);")
                    .replace("{ return n > s ? NULL : &state; }",
                             "{ return n > s ? NULL : (void *)(internal((long)n) + 1); }")
                    .replace("+ state[n % 8] : 1", "+ state[n % 8] : (long)calloc(1, 2)")
                    .replace("return internal(n);", "return n;"))

    # --- symbols.py

    def symbols(self, *args):
        self.write("exported-static.txt", "# comment\nhidden_no_more\n")
        return self.run_tool("symbols.py", "--lists", self.dir, *args)

    def library_symbols(self, exported=EXPORTED, undefined=UNDEFINED, text=GOOD, how=()):
        self.write("exported.txt", exported)
        self.write("undefined.txt", undefined)
        return self.symbols("--library", self.build(text), *how)

    def test_equal_lists(self):
        status, text = self.library_symbols(how=["--exact"])
        self.assertEqual(status, 0, text)

    def test_export_too_many(self):
        status, text = self.library_symbols(exported=EXPORTED.replace("tide_two\n", ""))
        self.assertIn("exported but not in the list: tide_two", text)
        self.assertEqual(status, 1)

    def test_export_too_few(self):
        status, text = self.library_symbols(exported=EXPORTED + "tide_three\n")
        self.assertIn("in the list but not exported: tide_three", text)
        self.assertEqual(status, 1)

    def test_undefined_too_many(self):
        status, text = self.library_symbols(undefined=UNDEFINED.replace("getpid\n", ""))
        self.assertIn("undefined but not in the list: getpid", text)
        self.assertEqual(status, 1)

    def test_undefined_that_ought_to_be_weak(self):
        status, text = self.library_symbols(undefined=UNDEFINED.replace("getpid", "getpid weak"))
        self.assertIn("undefined and not weak: getpid", text)
        self.assertEqual(status, 1)

    def test_undefined_that_is_stale(self):
        stale = UNDEFINED + "malloc_of_libc\n"
        self.assertEqual(self.library_symbols(undefined=stale)[0], 0)
        optional = UNDEFINED + "malloc_of_libc optional\n"
        self.assertEqual(self.library_symbols(undefined=optional, how=["--exact"])[0], 0)
        status, text = self.library_symbols(undefined=stale, how=["--exact"])
        self.assertIn("in the list but not undefined: malloc_of_libc", text)
        self.assertEqual(status, 1)

    def test_update(self):
        status, _ = self.library_symbols(exported="# comment\n",
                                         undefined="# comment\nelsewhere optional\n",
                                         how=["--update"])
        self.assertEqual(status, 0)
        with open(self.path("exported.txt"), encoding="utf-8") as text:
            self.assertEqual(text.read(), EXPORTED)
        self.assertEqual(self.symbols("--library", self.path("x.so"), "--exact")[0], 0)

    def test_archive(self):
        self.write("exported.txt", EXPORTED)
        self.build()
        subprocess.run(["objcopy", "--localize-hidden", self.path("x.c.o")], check=True)
        subprocess.run(["ar", "rcs", self.path("x.a"), self.path("x.c.o")], check=True)
        status, text = self.symbols("--archive", self.path("x.a"))
        self.assertIn("in the list but not global: hidden_no_more\nsymbols: 4 names, 1 diff", text)
        self.assertEqual(status, 1)
        self.build(GOOD.replace("internal", "hidden_no_more"))  # not made local here
        subprocess.run(["ar", "rcs", self.path("x.a"), self.path("x.c.o")], check=True)
        self.assertEqual(self.symbols("--archive", self.path("x.a"))[0], 0)

    # --- frames.py

    def frames(self, text):
        self.build(text)
        listing = self.write("objects.txt", self.path("x.c.o") + "\n")
        return self.run_tool("frames.py", "--objects", listing)

    def test_frames(self):
        self.assertEqual(self.frames(GOOD)[0], 0)
        status, text = self.frames(GOOD + "EXPORT int big(int n) "
                                   "{ volatile char room[2000]; room[n] = 1; return room[0]; }\n")
        self.assertIn(" bytes, more than 1024", text)
        self.assertEqual(status, 1)
        status, text = self.frames(GOOD + "EXPORT int vary(int n) "
                                   "{ volatile char room[n]; room[n / 2] = 1; return room[0]; }\n")
        self.assertIn("a frame without a bound", text)
        self.assertEqual(status, 1)

    def test_frames_without_figures(self):
        listing = self.write("objects.txt", self.path("none.c.o") + "\n")
        status, text = self.run_tool("frames.py", "--objects", listing)
        self.assertIn("left no .su file", text)
        self.assertEqual(status, 1)


if __name__ == "__main__":
    unittest.main()
