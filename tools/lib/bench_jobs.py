# tools/lib/bench_jobs.py - what a run is made of: jobs, in parts, worked off under one bar.
#
# All jobs of a run are known before the first begins, so that the time it takes can be told at the
# start and the bar counts down to its end, not to that of a part.
import collections
import dataclasses
import time

from bench_progress import Estimate, progress, spoken


@dataclasses.dataclass(frozen=True)
class Job:
    """One run that is to be made. make() puts its figures into the result, and says whether more
    jobs of this key are of use. A key begins with the name of its part."""
    key: tuple
    guess: float  # seconds, for the first estimate of the time left
    label: str
    make: object


def interleaved(count, allocators, rounds):
    """(round, index, allocator): forth and back over the allocators, whatever `count` is."""
    for number in range(rounds):
        for index in range(count):
            forth = (number + index) % 2 == 0
            for allocator in allocators if forth else reversed(allocators):
                yield number, index, allocator


def expected(jobs):
    """How long they may take, in words, as far as that can be known before the first."""
    return spoken(Estimate([(job.key, job.guess) for job in jobs]).left())


def work_off(jobs):
    """{part: seconds that it took}"""
    ended, taken = set(), collections.Counter()
    with progress([(job.key, job.guess) for job in jobs]) as bar:
        for number, job in enumerate(jobs, 1):
            if job.key in ended:
                continue
            bar.doing(f"{number}/{len(jobs)} {job.label}")
            begin = time.monotonic()
            more = job.make()
            seconds = time.monotonic() - begin
            taken[job.key[0]] += seconds
            bar.done(job.key, seconds)
            if not more:
                ended.add(job.key)
                bar.drop(job.key)
    return {part: round(seconds, 1) for part, seconds in taken.items()}
