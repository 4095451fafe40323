# tools/lib/bench_options.py - the command line of tools/bench.
import argparse

ROUNDS, PRICE_ROUNDS, QUICK_ROUNDS = 3, 5, 2


def numbers(text):
    return [int(part) for part in text.split(",")]


def words(text):
    return [part for part in text.split(",") if part]


def add_selection(parser):
    group = parser.add_argument_group("what is run")
    group.add_argument("--full", action="store_true",
                       help="all thread counts, real programs, system calls, instructions: "
                            "about a quarter of an hour where nothing else runs")
    group.add_argument("--rounds", type=int, metavar="N",
                       help=f"runs of each row and allocator (default {ROUNDS}, with --price "
                            f"{PRICE_ROUNDS}); a program has fewer")
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
    group.add_argument("--json", metavar="FILE",
                       help="default: bench-result.json, or bench-price.json; empty: none")
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


def add_price(parser):
    group = parser.add_argument_group("what giving memory back costs, instead of the comparison")
    group.add_argument("--price", action="store_true",
                       help="tidemalloc with its defaults against tidemalloc that keeps "
                            "everything: goals, rows, JSON; about ten minutes")
    group.add_argument("--quick", action="store_true",
                       help="two rounds at most, no programs: about two minutes")


def check(parser, options):
    if options.compare and len(options.compare) > 2:
        parser.error("--compare takes one or two files")
    if options.rounds is not None and options.rounds < 1:
        parser.error("--rounds: at least 1")
    if (options.check or options.update) and not options.instructions:
        parser.error("--check and --update go with --instructions")
    if options.quick and not options.price:
        parser.error("--quick goes with --price; without it a run is short but with --full")
    if options.price and (options.instructions or options.compare or options.source):
        parser.error("--price goes with none of --instructions, --compare and --from")
    if options.check and options.update:
        parser.error("one of --check and --update")


def read(description):
    """The options with every default filled in."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    for add in (add_selection, add_setup, add_output, add_instructions, add_price):
        add(parser)
    options = parser.parse_args()
    check(parser, options)
    if options.rounds is None:
        options.rounds = PRICE_ROUNDS if options.price else ROUNDS
    if options.quick:
        options.rounds = min(options.rounds, QUICK_ROUNDS)
    for name in ("programs", "system_calls"):
        if getattr(options, name) is None:
            setattr(options, name, options.full or options.price and not options.quick)
    if options.json is None:
        options.json = "bench-price.json" if options.price else "bench-result.json"
    return options
