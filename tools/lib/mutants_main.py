"""./tools/mutants: what it is asked for, and several copies at work."""
import argparse
import collections
import threading
import time
from concurrent import futures

import mutants_list
from mutants_list import ROOT, Refused
from mutants_run import BASELINE_SECONDS, Copy

TIMES_LONGER = 5  # than without a mutant: then a test hangs, on a busy machine too


class Work:
    """What several copies share: the mutants, one list for each copy, and what became of them."""

    def __init__(self, root, mutants, copies):
        self.root = root
        self.shares = [mutants[i::copies] for i in range(copies)]
        self.lock = threading.Lock()
        self.results = collections.Counter()

    def tell(self, result, text):
        with self.lock:
            self.results[result] += 1
            print(f"{result:9}{text}", flush=True)

    def run_all(self):
        with futures.ThreadPoolExecutor(len(self.shares)) as pool:
            list(pool.map(self.run_share, range(len(self.shares))))

    def run_share(self, number):
        copy = Copy(self.root, self.root / "build/mutants" / str(number))
        try:
            copy.bring_up_to_date()
            good = self.prove_tests(copy, self.shares[number])
        except Refused as refused:
            self.tell("ERROR", str(refused))
            return
        for mutant in self.shares[number]:
            if not mutant.changes or not good.keys() >= set(mutant.tests):
                continue
            whole = copy.apply(mutant)
            try:
                self.run_mutant(copy, mutant, good)
            except Refused as refused:
                self.tell("ERROR", f"{mutant.name}: {refused}")
            copy.mend(whole)

    def prove_tests(self, copy, mutants):
        """The tests that pass as long as nothing is broken, and how long each took."""
        wanted = {}
        for mutant in mutants:
            for name in mutant.tests:
                wanted.setdefault(mutant.build, {})[name] = mutant
        good = {}
        for preset, names in wanted.items():
            problem = copy.build(preset, names)
            if problem:
                raise Refused(f"the build {preset} fails:\n{problem}")
            for name in names:
                passed, took, said = copy.run_test(preset, name, BASELINE_SECONDS)
                if passed:
                    good[name] = took
                else:
                    self.tell("ERROR", f"{name} ({preset}) fails without a mutant "
                                       f"after {took:.1f} s: {said}")
        for mutant in mutants:
            if not mutant.changes and good.keys() >= set(mutant.tests):
                self.tell("own", f"{mutant.name}: {mutant.breaks}, in {' '.join(mutant.tests)}")
        return good

    def run_mutant(self, copy, mutant, times):
        begun = time.monotonic()
        problem = copy.build(mutant.build, mutant.tests)
        if problem:
            raise Refused(f"does not compile:\n{problem}")
        built, seen, missed = time.monotonic() - begun, [], []
        for name in mutant.tests:
            seconds = max(mutant.seconds, round(TIMES_LONGER * times[name]))
            passed, took, said = copy.run_test(mutant.build, name, seconds)
            (missed if passed else seen).append(f"{name} ({took:.1f} s: {said})")
        if missed:
            self.tell("SURVIVED", f"{mutant.name}: {mutant.breaks}\n          not seen by " +
                                  ", ".join(missed))
        else:
            self.tell("caught", f"{mutant.name} (built in {built:.1f} s)\n          by " +
                                "\n          by ".join(seen))


def choose(mutants, parts):
    chosen = [mutant for mutant in mutants if any(part in mutant.name for part in parts)]
    for part in parts:
        if not any(part in mutant.name for mutant in chosen):
            raise Refused(f"{part}: no such mutant (./tools/mutants --list)")
    return chosen


def run_chosen(root, arguments):
    mutants = [mutant for _, each in mutants_list.read_all(root) for mutant in each]
    if arguments.only:
        mutants = choose(mutants, arguments.only)
    for mutant in mutants:
        mutants_list.broken(mutant, root)
    begun = time.monotonic()
    work = Work(root, mutants, arguments.jobs)
    work.run_all()
    took = time.monotonic() - begun
    print(", ".join(f"{count} {result}" for result, count in sorted(work.results.items())) +
          f" in {took / 60:.1f} minutes")
    return 2 if work.results["ERROR"] else 1 if work.results["SURVIVED"] else 0


def positive(text):
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def act(root, arguments):
    if arguments.check:
        count = mutants_list.check(root, arguments.build)
        print(f"{count} mutants apply, and are those of {mutants_list.DOC}")
    elif arguments.update:
        mutants_list.update(root)
    elif arguments.list:
        for title, mutants in mutants_list.read_all(root):
            print(title)
            for mutant in mutants:
                print(f"  {mutant.name:32}{mutant.breaks}")
    else:
        return run_chosen(root, arguments)
    return 0


def main(description, root=ROOT, words=None):
    parser = argparse.ArgumentParser(description=description,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_mutually_exclusive_group()
    for name in ("list", "check", "update"):
        what.add_argument(f"--{name}", action="store_true")
    parser.add_argument("--build", metavar="FOLDER")
    what.add_argument("--only", nargs="+", metavar="NAME")
    parser.add_argument("-j", dest="jobs", type=positive, default=2, metavar="N")
    try:
        return act(root, parser.parse_args(words))
    except Refused as refused:
        print(f"mutants: {refused}")
        return 2
