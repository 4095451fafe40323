# tools/lib/bench_progress.py - a progress bar for work whose length is learned on the way.
#
# Every job has a key; jobs of one key take about as long as each other. What is known of a key is
# the mean of its jobs so far; before that, the first guess, scaled by how wrong guesses have been
# for other keys that begin alike.
# On a terminal a bar (python3-rich), elsewhere a line each ten seconds. All on stderr.
import collections
import sys
import time

from bench_print import has_rich

LINE_S = 10
FRAMES_A_SECOND = 2  # what it costs is time of the machine that is measured


def spoken(seconds):
    seconds = max(0, round(seconds))
    return f"{seconds // 60}:{seconds % 60:02}"


def spoken_parts(durations):
    """How long a run took, from {part: seconds}."""
    parts = ", ".join(f"{part} {spoken(seconds)}" for part, seconds in durations.items())
    return f"{spoken(sum(durations.values()))} minutes ({parts})"


class Estimate:
    """The seconds that are left."""

    def __init__(self, guesses):
        """guesses: (key, seconds) of every job that is to come."""
        self.waiting = collections.Counter(key for key, _ in guesses)
        self.guess = dict(guesses)
        self.seen = {}  # key: [jobs, seconds]
        self.guessed, self.taken = collections.Counter(), collections.Counter()
        self.begin = time.monotonic()

    def finish(self, key, seconds):
        self.waiting[key] -= 1
        seen = self.seen.setdefault(key, [0, 0.0])
        seen[0] += 1
        seen[1] += seconds
        self.guessed[key[0]] += self.guess[key]
        self.taken[key[0]] += seconds

    def drop(self, key):
        """No more jobs of that key."""
        self.waiting[key] = 0

    def of(self, key):
        if key in self.seen:
            return self.seen[key][1] / self.seen[key][0]
        guessed = self.guessed[key[0]]
        return self.guess[key] * (self.taken[key[0]] / guessed if guessed else 1)

    def left(self):
        return sum(count * self.of(key) for key, count in self.waiting.items() if count > 0)

    def share(self):
        past = time.monotonic() - self.begin
        return past / (past + self.left()) if past else 0.0


class Lines:
    def __init__(self, guesses):
        self.estimate = Estimate(guesses)
        self.said = time.monotonic()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        return False

    def doing(self, text):
        if time.monotonic() - self.said >= LINE_S:
            self.said = time.monotonic()
            print(f"{self.estimate.share():4.0%}  {text}, about "
                  f"{spoken(self.estimate.left())} left", file=sys.stderr, flush=True)

    def done(self, key, seconds):
        self.estimate.finish(key, seconds)

    def drop(self, key):
        self.estimate.drop(key)


def make_bar():
    """rich's, whose last column counts down between the jobs, too."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn
    from rich.text import Text

    class Left(ProgressColumn):
        def render(self, task):
            return Text(f"{spoken(task.fields['ends'] - time.monotonic())} left")

    return Progress(
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"),
        Left(), console=Console(stderr=True), transient=True,
        refresh_per_second=FRAMES_A_SECOND)


class Bar:
    def __init__(self, guesses):
        self.estimate = Estimate(guesses)
        self.bar = make_bar()
        self.task = self.bar.add_task("starting", total=1.0, ends=self.ends())

    def ends(self):
        return time.monotonic() + self.estimate.left()

    def __enter__(self):
        self.bar.start()
        return self

    def __exit__(self, *exception):
        self.bar.stop()
        return False

    def doing(self, text):
        self.bar.update(self.task, description=f"{text:44.44}")

    def done(self, key, seconds):
        self.estimate.finish(key, seconds)
        self.bar.update(self.task, completed=self.estimate.share(), ends=self.ends())

    def drop(self, key):
        self.estimate.drop(key)
        self.bar.update(self.task, ends=self.ends())


def progress(guesses):
    """Both have doing(text), done(key, seconds), drop(key), and are context managers."""
    return Bar(guesses) if has_rich() and sys.stderr.isatty() else Lines(guesses)
