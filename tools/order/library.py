#!/usr/bin/env python3
"""What the built shared library must be, read from its own bytes.

  thread-local storage of at most 64 bytes, reached without a call (initial-exec)
  DF_1_NODELETE, all relocations at start and their pages read-only then, the soname
  libtidemalloc.so.1, no text relocations
  on x86 marked as fit for shadow stacks
  stack canaries where text is built, and none in what every malloc and free runs
  no dependency but libc (and the dynamic loader, which is there anyway)
  no executable stack, no segment that is writable and executable
  no stack frame above 1 KiB, as far as the prologues tell
  no exported function that can come back to itself by direct calls: a compiler that recognises
  malloc + memset inside calloc would make one; and none reached through the dynamic linker,
  but operator new and delete: a program may replace one, and the other forms have to call it

usage: library.py FILE.so [--readelf READELF] [--objdump OBJDUMP] [--tls BYTES] [--instrumented]
  --tls           another limit of thread-local storage, for debug builds
  --instrumented  a sanitizer's build: its runtime is a dependency, frames are wider
Exit status: 0 good, 1 findings.
"""
import argparse
import re
import subprocess
import sys

FAST = {"malloc", "free", "calloc", "realloc", "cache_refill", "cache_overflow",
        "alloc_slow", "alloc_free", "_Znwm", "_ZdlPv"}
TLS_BYTES, FRAME_BYTES = 64, 1024
SONAME = "libtidemalloc.so.1"
DEPENDENCIES = re.compile(r"libc\.so(\.6)?|ld-linux[\w.-]*|libc\.musl-[\w.-]+")


def output(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def check_segments(text, tls_bytes):
    segments = re.findall(r"^  (\w+) +(0x\w+) 0x\w+ 0x\w+ (0x\w+) (0x\w+) (.{3}) ", text, re.M)
    kinds = {name for name, *_ in segments}
    if not segments:
        yield "no program headers found"
    if "GNU_STACK" not in kinds:
        yield "no GNU_STACK header: the stack would be executable"
    if "GNU_RELRO" not in kinds:
        yield "no GNU_RELRO header"
    for name, _, _, memory, flags in segments:
        if name == "TLS" and int(memory, 16) > tls_bytes:
            yield f"{int(memory, 16)} bytes of thread-local storage, more than {tls_bytes}"
        if name == "GNU_STACK" and "E" in flags:
            yield "an executable stack"
        if name == "LOAD" and "W" in flags and "E" in flags:
            yield "a segment that is writable and executable"


def check_dynamic(text, instrumented):
    if "NODELETE" not in text:
        yield "DF_1_NODELETE is not set"
    if not re.search(r"\bNOW\b|BIND_NOW", text):
        yield "symbols are not bound at start (-z now)"
    if "TEXTREL" in text:
        yield "text relocations"
    if f"[{SONAME}]" not in text:
        yield f"the soname is not {SONAME}"
    for needed in re.findall(r"\(NEEDED\).*\[(.*)\]", text):
        if not DEPENDENCIES.fullmatch(needed) and not instrumented:
            yield f"depends on {needed}"


def check_notes(text, machine, instrumented):
    if "X86-64" in machine and not instrumented and "SHSTK" not in text:
        yield "not marked as fit for shadow stacks (-fcf-protection=return, -z shstk)"


def check_canaries(disassembly, machine, instrumented):
    if "X86-64" not in machine or instrumented:
        return  # elsewhere the call's target is not named
    here, guarded = None, set()
    for line in disassembly.splitlines():
        head = re.match(r"[0-9a-f]+ <(\S+)>:$", line)
        here = bare(head.group(1)) if head else here
        # llvm's objdump does not name what is called: the look at the canary tells as well. (With
        # a register behind it is a thread's own variable.)
        if re.search(r"__stack_chk_fail|%fs:(0x28|40)(?![\w(])", line) and not head:
            guarded.add(here)
    if not guarded:
        yield "no stack canary anywhere (-fstack-protector-strong)"
    for name in sorted(guarded & FAST):
        yield f"{name} has a stack canary: it is on the fast path"


def check_relocations(text, exported):
    row = r"^[0-9a-f]+ +[0-9a-f]+ (R_\w+) +(?:[0-9a-f]{16} +)?(\w*)"
    for kind, name in re.findall(row, text, re.M):
        if "DTPMOD" in kind or "TLSDESC" in kind:
            yield f"thread-local storage is not initial-exec: {kind}"
        if name in exported and not re.match("_Z(nw|dl)", name):
            yield f"reaches its own {name} through the dynamic linker ({kind})"


def bare(name):
    """The name in the source: compilers split and clone functions."""
    return re.sub(r"(@plt|\.(cold|part|constprop|isra|localalias|lto_priv)\b.*)", "", name)


def is_part(name, function):
    """The rarely used rest of a function, split off by the compiler: going there is no call."""
    return name != function and bare(name) == function and not name.endswith("@plt")


def read_calls(disassembly):
    """{function: functions it calls or jumps to}, and {function: bytes of its frame}."""
    calls, frames = {}, {}
    here = None
    for line in disassembly.splitlines():
        head = re.match(r"[0-9a-f]+ <(\S+)>:$", line)
        if head:
            here = bare(head.group(1))
            calls.setdefault(here, set())
            continue
        target = re.search(r"\t(?:call|j\w+|bl?|b\.\w+|cbn?z|tbn?z)\s.*?[0-9a-f]+ <([^>+]+)>$",
                           line)
        if target and here and not is_part(target.group(1), here):
            calls[here].add(bare(target.group(1)))
        frame = re.search(r"\tsub\s+(?:\$(0x[0-9a-f]+),%rsp"
                          r"|sp, sp, #(0x[0-9a-f]+)(?:, lsl #(\d+))?)$", line)
        if frame and here:
            size = int(frame.group(1) or frame.group(2), 16) << int(frame.group(3) or 0)
            size = min(size, 2**64 - size)  # 128 bytes are shorter to write as minus -128
            frames[here] = max(frames.get(here, 0), size)
    return calls, frames


def check_code(disassembly, exported, instrumented):
    calls, frames = read_calls(disassembly)
    if not calls:
        yield "no code found"
    for name, frame in sorted(frames.items()):
        if frame > FRAME_BYTES and not instrumented:
            yield f"{name} has a frame of {frame} bytes, more than {FRAME_BYTES}"
    for name in sorted(exported & set(calls)):
        way = find_way(calls, name)
        if way:
            yield "calls itself: " + " -> ".join(way)


def find_way(calls, start):
    """A chain of direct calls from `start` back to it, or None."""
    came_from, waiting = {}, [start]
    while waiting:
        here = waiting.pop()
        for there in sorted(calls.get(here, ())):
            if there == start:
                way = [there, here]
                while here != start:
                    here = came_from[here]
                    way.append(here)
                return way[::-1]
            if there not in came_from:
                came_from[there] = here
                waiting.append(there)
    return None


def read_exported(text):
    return set(re.findall(r" FUNC +(?:GLOBAL|WEAK) +DEFAULT +\d+ (\w+)", text))


def main():
    parser = argparse.ArgumentParser(description="what the built library must be")
    parser.add_argument("library")
    parser.add_argument("--readelf", default="readelf")
    parser.add_argument("--objdump", default="objdump")
    parser.add_argument("--tls", type=int, default=TLS_BYTES)
    parser.add_argument("--instrumented", action="store_true")
    args = parser.parse_args()
    exported = read_exported(output(args.readelf, "-W", "--dyn-syms", args.library))
    machine = output(args.readelf, "-W", "-h", args.library)
    disassembly = output(args.objdump, "-d", "--no-show-raw-insn", args.library)
    problems = [
        *check_segments(output(args.readelf, "-W", "-l", args.library), args.tls),
        *check_dynamic(output(args.readelf, "-W", "-d", args.library), args.instrumented),
        *check_notes(output(args.readelf, "-W", "-n", args.library), machine, args.instrumented),
        *check_relocations(output(args.readelf, "-W", "-r", args.library), exported),
        *check_code(disassembly, exported, args.instrumented),
        *check_canaries(disassembly, machine, args.instrumented),
    ]
    if not exported:
        problems.append("no function is exported")
    for problem in problems:
        print(f"{args.library}: {problem}")
    print(f"library: {len(exported)} exported functions, {len(problems)} findings")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
