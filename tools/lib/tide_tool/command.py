"""tide: looks into programs that run with tidemalloc.

  tide watch [--] CMD ARGS...   runs CMD with the library preloaded; draws its memory meanwhile
  tide maps PID                 what a running process holds, and the segments of its memory
  tide options [PID]            all settings; of a running process, with their values

Exit status of watch: that of CMD, 128 + n when signal n ended it; 125 when tide cannot work,
126 when CMD cannot be executed, 127 when there is none.
Of the others: 0; 2 wrong arguments, 3 no such process, 4 not permitted, 5 no tidemalloc in it,
6 a tidemalloc this tide does not know.
"""
import argparse
import glob
import json
import os
import re
import sys

from .errors import Own, Trouble, Usage

LIBRARY = "libtidemalloc.so.1"


class Parser(argparse.ArgumentParser):
    """argparse, with errors as one line."""

    def error(self, message):
        raise Usage(f"{message} (see {self.prog} --help)")


def positive_seconds(text):
    value = float(text)
    if not 0.01 <= value <= 3600:
        raise ValueError
    return value


positive_seconds.__name__ = "number of seconds from 0.01 to 3600"


def process_number(text):
    value = int(text)
    if not 0 < value < 1 << 31:
        raise ValueError
    return value


process_number.__name__ = "process number"


def make_parser():
    parser = Parser(prog="tide", description=__doc__,
                    formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND",
                                     parser_class=Parser)
    watch = commands.add_parser("watch", help="run a program and draw its memory")
    watch.add_argument("--output", metavar="FILE", action="append", default=[],
                       help="picture or figures at the end: FILE.svg, FILE.png or FILE.json; "
                            "may be repeated (default: tide-watch.svg; none: no file)")
    watch.add_argument("--interval", metavar="SECONDS", type=positive_seconds, default=0.25,
                       help="between two looks (default 0.25)")
    watch.add_argument("--preload", metavar="PATH",
                       help=f"the library (default: {LIBRARY} beside this tide)")
    watch.add_argument("--plain", action="store_true",
                       help="lines on stderr instead of the live screen, as when stdout is no "
                            "terminal")
    watch.add_argument("--json", action="store_true",
                       help="at the end, all figures on stdout; implies --plain")
    watch.add_argument("cmd", nargs=argparse.REMAINDER, metavar="[--] CMD ARGS...")
    maps = commands.add_parser("maps", help="what a running process holds, and where")
    maps.add_argument("--json", action="store_true", help="the same for programs")
    maps.add_argument("--all", action="store_true", help="every segment in a line of its own")
    maps.add_argument("pid", metavar="PID", type=process_number)
    options = commands.add_parser("options", help="list the settings")
    options.add_argument("--json", action="store_true", help="the same for programs")
    options.add_argument("--preload", metavar="PATH", help="the library whose table is shown")
    options.add_argument("pid", metavar="PID", nargs="?", type=process_number)
    return parser


def places():
    """Where the library may be: built in this checkout, or installed with this tide."""
    up = os.path.dirname
    above = up(up(up(os.path.abspath(__file__))))  # .../tools or .../share/tidemalloc
    for build in ("product", "release"):
        yield os.path.join(up(above), "build", build, LIBRARY)
    for pattern in ("lib*", "lib/*"):
        yield from sorted(glob.glob(os.path.join(glob.escape(up(up(above))), pattern, LIBRARY)))


def find_library(named):
    if named:
        if not os.path.isfile(named):
            raise Own(f"{named}: no such library")
        return os.path.abspath(named)
    for path in places():
        if os.path.isfile(path):
            return path
    raise Own(f"no {LIBRARY} beside this tide: say where it is with --preload PATH")


def run_maps(args):
    from .look import look_at
    from .show import look_json, look_lines
    look = look_at(args.pid)
    if args.json:
        print(json.dumps(look_json(look)))
    else:
        print("\n".join(look_lines(look, args.all)))
    return 0


def run_options(args):
    from . import options
    if args.pid:
        found = options.of_process(args.pid)
    else:
        found = options.of_library(find_library(args.preload))
    if args.json:
        print(json.dumps([vars(option) for option in found]))
    else:
        print("\n".join(options.lines(found)))
    return 0


def run_watch(args):
    from .watch import watch
    cmd = args.cmd[1:] if args.cmd[:1] == ["--"] else args.cmd
    if not cmd:
        raise Usage("no CMD to run (see tide watch --help)")
    library = find_library(args.preload)
    if re.search(r"[\s:]", library):
        raise Own(f"{library}: the loader preloads nothing whose path has a space or a colon")
    return watch(cmd, library, args)


def main(arguments):
    sys.stdout.reconfigure(errors="backslashreplace")  # names may be of any bytes
    try:
        args = make_parser().parse_args(arguments)
        run = {"watch": run_watch, "maps": run_maps, "options": run_options}[args.command]
        status = run(args)
        sys.stdout.flush()
        return status
    except Trouble as trouble:
        print(f"tide: {trouble}", file=sys.stderr)
        return trouble.status
    except BrokenPipeError:  # as of `tide maps PID | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 1
