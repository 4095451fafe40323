# tools/lib/bench_options.py - the command line of tools/bench.
import argparse

ROUNDS = 3


def numbers(text):
    return [int(part) for part in text.split(",")]


def words(text):
    return [part for part in text.split(",") if part]


def add_selection(parser):
    group = parser.add_argument_group("what is run")
    group.add_argument("--full", action="store_true",
                       help="all thread counts, real programs, system calls, instructions: "
                            "about a quarter of an hour")
    group.add_argument("--rounds", type=int, metavar="N", default=ROUNDS,
                       help=f"runs of each row and allocator (default {ROUNDS}); of a program "
                            "two at most")
    group.add_argument("--rows", action="append", default=[], metavar="PATTERN",
                       help="only rows whose name matches, e.g. 'pairs_*'; may be repeated")
    group.add_argument("--family", action="append", default=[], metavar="PATTERN",
                       help="only rows of that family; may be repeated")
    group.add_argument("--threads", type=numbers, default=[], metavar="N,N",
                       help="only these thread counts, of all that a row has")
    group.add_argument("--allocator", action="append", default=[], metavar="NAME=PATH.so",
                       help="one more allocator; may be repeated")
    group.add_argument("--only", type=words, default=[], metavar="NAME,NAME",
                       help="only these allocators")
    group.add_argument("--programs", action=argparse.BooleanOptionalAction,
                       help="real programs, too (with --full: by default)")
    group.add_argument("--system-calls", action=argparse.BooleanOptionalAction,
                       help="count system calls in a run of its own (with --full: by default)")


def add_setup(parser):
    group = parser.add_argument_group("setup")
    group.add_argument("--no-install", action="store_true", help="install no package")
    group.add_argument("--no-build", action="store_true", help="take what is built already")
    group.add_argument("--build", metavar="DIR", help="the build folder (default build/release)")


def add_output(parser):
    group = parser.add_argument_group("result")
    group.add_argument("--json", default="bench-result.json", metavar="FILE",
                       help="default: bench-result.json; empty: none")
    group.add_argument("--html", default="bench-report.html", metavar="FILE",
                       help="default: bench-report.html; empty: none")
    group.add_argument("--compare", nargs="+", metavar=("OLD.json", "NEW.json"),
                       help="what changed for tidemalloc since OLD: in this run, or in NEW without "
                            "running anything")
    group.add_argument("--from", dest="source", metavar="FILE.json",
                       help="show a result and write its report, without running anything")


def add_instructions(parser):
    group = parser.add_argument_group("instructions an operation (callgrind), instead of times")
    group.add_argument("--instructions", action="store_true",
                       help="count and print; all rows of one thread, or those of --rows")
    group.add_argument("--check", action="store_true",
                       help="say what differs from bench/instructions.txt; exit 1 when some does")
    group.add_argument("--update", action="store_true", help="write bench/instructions.txt")


def check(parser, options):
    if options.compare and len(options.compare) > 2:
        parser.error("--compare takes one or two files")
    if options.rounds < 1:
        parser.error("--rounds: at least 1")
    if (options.check or options.update) and not options.instructions:
        parser.error("--check and --update go with --instructions")
    if options.check and options.update:
        parser.error("one of --check and --update")


def read(description):
    """The options with every default filled in."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    for add in (add_selection, add_setup, add_output, add_instructions):
        add(parser)
    options = parser.parse_args()
    check(parser, options)
    for name in ("programs", "system_calls"):
        if getattr(options, name) is None:
            setattr(options, name, options.full)
    return options
