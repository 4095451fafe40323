# tools/lib/bench_run_programs.py - the real programs under every allocator.
#
# Each program has a first run that is not measured: the others' answers are compared with its own.
# It is a job like the others, as it takes as long.
from bench_allocators import LIMIT
from bench_jobs import Job, interleaved
from bench_run import Failed, empty_cell, tried

SCALE = 0.5      # of the programs' own work: seconds become about one a run
ROUNDS_MOST = 2
GUESS_S = 1.8


def program_job(program, entry, allocator, number):
    """The figures of one run. Without inputs there is none: see first_job()."""
    def figures():
        try:
            return program.run(allocator.path or None)
        except Exception as problem:  # whatever a real program may meet
            raise Failed(str(problem) or type(problem).__name__) from problem

    def make():
        if not program.folder:
            return False
        return tried(entry["results"][allocator.name], number, figures) is not None

    return Job(("programs", program.name, allocator.name), GUESS_S,
               f"{program.name} {allocator.name}", make)


def first_job(program, notes):
    """Makes the inputs, and the run without a preload; what fails here is not run at all."""
    def make():
        try:
            program.prepare()
        except Exception as problem:
            notes.append(f"program {program.name}: not run, {problem or type(problem).__name__}")
        return True

    return Job(("programs", program.name, ""), 2 * GUESS_S, f"{program.name}, inputs", make)


def empty_entry(program, allocators):
    return {"name": program.name, "what": program.what,
            "results": {allocator.name: empty_cell() for allocator in allocators
                        if allocator.name != LIMIT}}


def ready_programs(programs, notes):
    """Those that are here; the others are named in the notes."""
    ready = []
    for program in programs:
        reason = program.available()
        if reason:
            notes.append(f"program {program.name}: not run, {reason}")
        else:
            ready.append(program)
    return ready


def program_jobs(programs, entries, allocators, rounds, notes):
    """Fill the runs of `entries`, made by empty_entry() of the same programs."""
    used = [allocator for allocator in allocators if allocator.name != LIMIT]
    jobs = [first_job(program, notes) for program in programs]
    return jobs + [program_job(programs[index], entries[index], allocator, number)
                   for number, index, allocator
                   in interleaved(len(programs), used, min(rounds, ROUNDS_MOST))]


def that_ran(entries):
    """Without the programs whose first run failed: the notes say why."""
    return [entry for entry in entries
            if any(cell["runs"] or cell["failed"] for cell in entry["results"].values())]
