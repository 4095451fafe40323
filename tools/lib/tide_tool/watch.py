"""Runs a program and looks at it again and again until it ends.

Nothing of it runs in the program: all is read from outside. The terminal gives Ctrl-C to both; a
signal that somebody sends to tide alone is passed on."""
import importlib.util
import json
import os
import resource
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field

from . import kernel
from .errors import (Denied, Gone, NoLibrary, NotExecutable, NotFound, Own, Trouble, Unknown, Usage)
from .figures import PARTS, mapped_kinds, parts_of
from .look import Process
from .memory import Unreadable
from .show import look_json, segments_lines, size
from .sight import NotReady

PICTURES = ("svg", "png")
DEFAULT_OUTPUT = "tide-watch.svg"
PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1,
             signal.SIGUSR2)
OWN_SIGNALS = (*PASSED_ON, signal.SIGCHLD)
FROM_TERMINAL = 0x80    # si_code SI_KERNEL: the program has got it, too
FIRST_SECONDS = 0.01    # before the first look; then looks grow rarer until they are `interval`
GROWTH = 1 / 20         # of the time that has gone
OWN_SHARE = 4           # a look that took t is followed by a pause of this many t at least
SURVEY_SHARE = 20       # the same for the segments: the kernel counts pages for them;
SURVEY_SECONDS = 1.0    # but they are no older than this
SAMPLES_MAX = 4096      # then every second one is forgotten


@dataclass
class Sample:
    """The program at one moment; parts and kinds are None while there is no tidemalloc in it."""

    seconds: float
    rss: int
    parts: dict = None
    returned: int = 0
    kinds: dict = None


@dataclass
class Record:
    """All that was seen of one run."""

    cmd: list
    release: str = ""
    samples: list = field(default_factory=list)
    last: object = None      # Look
    highest: object = None   # Look at the highest RSS that was seen when the segments were
    trouble: Trouble = None  # why there are no figures
    seconds: float = 0.0
    status: int = None
    peak_rss: int = None     # None: it ended before the first look
    inherited: int = 0       # what own_peak() was when it began

    def add(self, sample):
        if len(self.samples) >= SAMPLES_MAX:
            del self.samples[1::2]
        self.samples.append(sample)

    def has_figures(self):
        return any(sample.parts for sample in self.samples)


# --- the program ---------------------------------------------------------------------------------


def environment_with(library):
    before = os.environ.get("LD_PRELOAD")
    return {**os.environ, "LD_PRELOAD": f"{library}:{before}" if before else library}


def unblock():
    signal.pthread_sigmask(signal.SIG_UNBLOCK, OWN_SIGNALS)


def start(cmd, library, output):
    """`output`: a file descriptor for its stdout and stderr, or None: those of tide."""
    try:
        return subprocess.Popen(cmd, env=environment_with(library), preexec_fn=unblock,
                                stdout=output, stderr=output)
    except FileNotFoundError as error:
        raise NotFound(f"{cmd[0]}: not found") from error
    except NotADirectoryError as error:
        raise NotFound(f"{cmd[0]}: not found") from error
    except OSError as error:
        raise NotExecutable(f"{cmd[0]}: {error.strerror.lower()}") from error


def reap(child, record):
    """True: it has ended."""
    pid, status, usage = os.wait4(child.pid, os.WNOHANG)
    if pid == 0:
        return False
    code = os.waitstatus_to_exitcode(status)
    child.returncode = code  # or subprocess would wait for it again
    record.status = code if code >= 0 else 128 - code
    at_end = usage.ru_maxrss * 1024
    if at_end > record.inherited:
        record.peak_rss = max(at_end, record.peak_rss or 0)
    return True


def own_peak():
    """What the kernel says of a child at its end starts with tide's memory, of which the child was
    a copy before it became CMD: only a greater figure is CMD's."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def pass_on(child, info):
    if info.si_signo in PASSED_ON and info.si_code != FROM_TERMINAL:
        # Not Popen's own: that one waits for a child that has ended, whose status is reap()'s.
        os.kill(child.pid, info.si_signo)


# --- looking -------------------------------------------------------------------------------------


class Watcher:
    """Takes samples of one child, as often as it may."""

    def __init__(self, child, record, interval):
        self.child, self.record, self.interval = child, record, interval
        self.process = Process(child.pid)
        self.begin = time.monotonic()
        self.due, self.survey_due = FIRST_SECONDS, 0.0

    def seconds(self):
        return time.monotonic() - self.begin

    def look_if_due(self):
        """True: something new was seen."""
        before = self.seconds()
        if before < self.due:
            return False
        seen = self.look(before)
        after = self.seconds()
        pause = min(self.interval, max(FIRST_SECONDS, after * GROWTH))
        self.due = before + max(pause, (after - before) * OWN_SHARE)
        return seen

    def look(self, now):
        try:
            sample = Sample(now, kernel.resident_bytes(self.child.pid))
            peak = kernel.peak_bytes(self.child.pid)
        except (Gone, Denied):
            return False
        if sample.rss == 0:  # it has ended, and waits to be asked for its status
            return False
        self.record.peak_rss = max(peak, sample.rss, self.record.peak_rss or 0)
        self.add_figures(sample)
        self.record.add(sample)
        return True

    def add_figures(self, sample):
        record = self.record
        try:
            totals = self.process.figures()
            sample.parts, sample.kinds = parts_of(totals), mapped_kinds(totals)
            sample.returned = totals["returned_bytes"]
            record.release, record.trouble = self.process.sight.release, None
            if sample.seconds >= self.survey_due:
                self.survey(sample)
        except (NotReady, Unreadable, Gone):
            pass  # before its first malloc, or between two programs, or at its end
        except (NoLibrary, Denied, Unknown) as trouble:
            record.trouble = trouble

    def survey(self, sample):
        before, record = self.seconds(), self.record
        look = self.process.look()
        record.last = look
        if record.highest is None or look.rss > record.highest.rss:
            record.highest = look
        after = self.seconds()
        self.survey_due = after + min((after - before) * SURVEY_SHARE, SURVEY_SECONDS)


def follow(child, watcher, record, display):
    """Until the program has ended."""
    while not reap(child, record):
        if watcher.look_if_due():
            display.show(record)
        wait = max(min(watcher.due - watcher.seconds(), display.patience), 0.001)
        info = signal.sigtimedwait(OWN_SIGNALS, wait)
        if info is not None:
            pass_on(child, info)
        display.relay()
    record.seconds = watcher.seconds()


# --- what is shown -------------------------------------------------------------------------------


class PlainDisplay:
    """A line a second on stderr; the program's own output goes where it always goes."""

    output = None    # for the program's stdout and stderr
    patience = 3600.0
    pause = 1.0

    def __init__(self, quiet):
        self.quiet, self.next = quiet, 0.0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return False

    def relay(self):
        pass

    def show(self, record):
        sample = record.samples[-1]
        if self.quiet or sample.seconds < self.next or not sample.parts:
            return
        self.next = max(sample.seconds, self.next + self.pause)
        words = [f"{name[:-6].replace('_', ' ')} {size(sample.parts[name])}" for name in PARTS]
        print(f"tide: {sample.seconds:7.2f} s  rss {size(sample.rss)}  {'  '.join(words)}  "
              f"returned {size(sample.returned)}", file=sys.stderr, flush=True)

    def finish(self, record):
        if record.highest and not self.quiet:
            print("\n".join(summary(record)), file=sys.stderr)


def summary(record):
    """What is told at the end: the segments when RSS was highest, and when they were seen last."""
    lines = [f"tide: {record.cmd[0]} ran {record.seconds:.2f} s, peak RSS {size(record.peak_rss)}"]
    if record.highest:
        lines.append(f"tide: at RSS {size(record.highest.rss)}, the highest that was looked at:")
        lines += segments_lines(record.highest)
        if record.last is not record.highest:
            lines.append(f"tide: at the last look, RSS {size(record.last.rss)}:")
            lines += segments_lines(record.last)
    return lines


def choose_display(args):
    quiet = args.json
    if args.plain or args.json or not sys.stdout.isatty():
        return PlainDisplay(quiet)
    if importlib.util.find_spec("rich") is None:
        print("tide: no live screen: install python3-rich", file=sys.stderr)
        return PlainDisplay(quiet)
    from .screen import LiveDisplay
    return LiveDisplay()


# --- what is written -----------------------------------------------------------------------------


def check_outputs(asked):
    """The files to write at the end; said to be impossible now rather than then."""
    wanted = [path for path in asked if path != "none"] if asked else [DEFAULT_OUTPUT]
    for path in wanted:
        if path.rsplit(".", 1)[-1] not in (*PICTURES, "json"):
            raise Usage(f"{path}: a name that ends in .svg, .png or .json is wanted")
        folder = os.path.dirname(path) or "."
        if not os.path.isdir(folder) or not os.access(folder, os.W_OK):
            raise Own(f"{path}: cannot be written")
    if importlib.util.find_spec("matplotlib") is None:
        pictures = [path for path in wanted if not path.endswith(".json")]
        if asked and pictures:
            raise Own(f"{pictures[0]}: needs python3-matplotlib")
        if pictures:
            print("tide: no picture at the end: install python3-matplotlib", file=sys.stderr)
        wanted = [path for path in wanted if path not in pictures]
    return wanted


def record_json(record):
    return {
        "cmd": record.cmd, "tidemalloc": record.release, "status": record.status,
        "seconds": round(record.seconds, 3), "peak_rss_bytes": record.peak_rss,
        "samples": [{"seconds": round(sample.seconds, 3), "rss_bytes": sample.rss,
                     "parts": sample.parts, "returned_bytes": sample.returned,
                     "mapped": sample.kinds} for sample in record.samples],
        "highest": look_json(record.highest) if record.highest else None,
        "last": look_json(record.last) if record.last else None,
    }


def write_outputs(record, paths):
    for path in paths:
        try:
            if path.endswith(".json"):
                with open(path, "w", encoding="utf-8") as file:
                    json.dump(record_json(record), file)
            elif record.samples:
                from .picture import draw
                draw(record, path)
            else:
                continue
        except OSError as error:
            print(f"tide: {path}: {error.strerror.lower()}", file=sys.stderr)
            continue
        print(f"tide: wrote {path}", file=sys.stderr)


def tell_trouble(record):
    name = record.cmd[0]
    if not record.samples:
        print(f"tide: {name} ended before the first look", file=sys.stderr)
    elif record.has_figures():
        pass
    elif isinstance(record.trouble, NoLibrary):
        print(f"tide: {name} ran without tidemalloc (linked statically, or with raised "
              "privileges?): only its RSS is known", file=sys.stderr)
    elif record.trouble:
        print(f"tide: {record.trouble}: only its RSS is known", file=sys.stderr)
    else:
        print(f"tide: {name} ended before its first malloc was seen: only its RSS is known",
              file=sys.stderr)


def watch(cmd, library, args):
    outputs = check_outputs(args.output)
    record = Record(cmd)
    signal.pthread_sigmask(signal.SIG_BLOCK, OWN_SIGNALS)
    with choose_display(args) as display:
        child = start(cmd, library, display.output)
        record.inherited = own_peak()
        watcher = Watcher(child, record, args.interval)
        try:
            follow(child, watcher, record, display)
        finally:
            watcher.process.close()
    display.finish(record)
    tell_trouble(record)
    if args.json:
        print(json.dumps(record_json(record)), flush=True)
    write_outputs(record, outputs)
    return record.status
