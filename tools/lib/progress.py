# tools/lib/progress.py - a progress bar with the time left, for work whose length is known.
#
# On a terminal a bar (python3-rich), elsewhere one line for each step that is done. All on stderr.
import sys
import time

try:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn
except ImportError:
    Console = None


class Lines:
    """One line a step, for logs."""

    def __init__(self, seconds):
        self.end = time.monotonic() + seconds

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        return False

    def doing(self, text):
        pass

    def done(self, text):
        left = max(0, round(self.end - time.monotonic()))
        print(f"{text}, about {left} s left", file=sys.stderr, flush=True)

    def tick(self):
        pass


class Bar:
    """A bar that moves with the clock: the steps have known lengths."""

    def __init__(self, seconds):
        self.start = time.monotonic()
        self.seconds = seconds
        self.bar = Progress(
            TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"),
            TextColumn("{task.fields[left]}"), console=Console(stderr=True), transient=True)
        self.task = self.bar.add_task("starting", total=seconds, left="")

    def __enter__(self):
        self.bar.start()
        return self

    def __exit__(self, *exception):
        self.bar.stop()
        return False

    def doing(self, text):
        self.bar.update(self.task, description=f"{text:28}")
        self.tick()

    def done(self, text):
        self.tick()

    def tick(self):
        past = time.monotonic() - self.start
        left = max(0, round(self.seconds - past))
        self.bar.update(self.task, completed=min(past, self.seconds), left=f"{left} s left")


def progress(seconds):
    """Both have doing(text), done(text), tick(), and are context managers."""
    terminal = Console is not None and sys.stderr.isatty()
    return Bar(seconds) if terminal else Lines(seconds)
