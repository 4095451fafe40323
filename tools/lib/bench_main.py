# tools/lib/bench_main.py - what tools/bench does, one step after the other.
import datetime
import importlib.util
import json
import os
import signal
import sys
import tempfile

import bench_compare
import bench_instructions
import bench_options
import bench_price
import bench_price_table
import bench_rows
import bench_run
import bench_run_programs
import bench_summary
import bench_table
from bench_allocators import NAMES, OURS, Unknown, find
from bench_jobs import expected, work_off
from bench_machine import commit, compiler, machine, settings
from bench_setup import (ROOT, Parts, Unready, build, install, install_programs,
                         say)

FORMAT = "tidemalloc-bench-1"


class Unreadable(Exception):
    """A file that is no result of the benchmark; the text says which and why."""


def load(path):
    try:
        with open(path, encoding="utf-8") as file:
            result = json.load(file)
    except (OSError, ValueError) as problem:
        raise Unreadable(f"{path}: {problem}") from problem
    if not isinstance(result, dict) or result.get("format") != FORMAT:
        raise Unreadable(f"{path}: not a {FORMAT} file")
    return result


def check_outputs(*paths):
    """Before half an hour of work, not after it."""
    for path in filter(None, paths):
        where = os.path.dirname(path) or "."
        if os.path.isdir(path) or not os.path.isdir(where) or not os.access(where, os.W_OK):
            raise Unready(f"{path}: cannot be written")


def prepare(options):
    """Installs and builds what is needed; the parts of the build."""
    if not options.no_install:
        peers = [name for name in NAMES if not options.only or name in options.only]
        tools = ["strace"] if options.system_calls else []
        if options.full or options.instructions:
            tools.append("valgrind")
        install(peers, tools)
    folder = os.path.abspath(options.build or os.path.join(ROOT, "build", "release"))
    if not options.no_build:
        build(folder)
    return Parts(folder)


def real_programs(options):
    """The programs to run, with their packages; none when they were not asked for."""
    if not options.programs:
        return []
    import bench_programs  # only here: a run without programs needs none of it
    programs = bench_programs.programs(scale=bench_run_programs.SCALE)
    if not options.no_install:
        install_programs(programs)
    return programs


def new_result(options, parts, allocators):
    return {
        "format": FORMAT,
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "commit": commit(ROOT),
        "mode": "full" if options.full else "quick",
        "rounds": options.rounds,
        "machine": machine(parts.folder),
        "settings": settings(),
        "allocators": [allocator.described() for allocator in allocators],
        "rows": [], "programs": [], "notes": [],
    }


def instruction_jobs(bench, rows, allocators, counts, notes):
    """Of tidemalloc, in a full run, where that has rows of one thread."""
    ours = [allocator for allocator in allocators if allocator.name == OURS]
    try:
        return bench_instructions.count_jobs(bench, rows, ours, counts, notes)
    except bench_instructions.NoCounts as problem:
        notes.append(f"instructions: not counted, {problem}")
        return []


def put_instructions(result, counts, parts):
    bench_instructions.put_counts(result["rows"], counts)
    result["notes"] += bench_instructions.notes_on(ROOT, bench_instructions.ours(counts),
                                                   compiler(parts.folder))


def run_jobs(jobs, programs):
    """Seconds by part. The folders of the programs are gone afterwards."""
    try:
        return work_off(jobs)
    finally:
        for program in programs:
            program.close()


def all_jobs(options, bench, rows, allocators, programs, result, counts):
    """In the order of the parts. They fill what the result has for rows and programs."""
    notes, rounds = result["notes"], options.rounds
    result["rows"] = [bench_run.empty_row(row, allocators) for row in rows]
    result["programs"] = [bench_run_programs.empty_entry(one, allocators) for one in programs]
    jobs = bench_run.row_jobs(bench, rows, result["rows"], allocators, rounds)
    if options.system_calls:
        jobs += bench_run.call_jobs(bench, rows, result["rows"], allocators, notes)
    if options.full:
        jobs += instruction_jobs(bench, rows, allocators, counts, notes)
    return jobs + bench_run_programs.program_jobs(programs, result["programs"], allocators, rounds,
                                                  notes)


def measure(options, folder):
    """A whole result."""
    parts, counts = prepare(options), {}
    programs = real_programs(options)
    allocators = find(parts, ROOT, options.allocator, options.only)
    rows = bench_rows.select(parts.program, options.full, options.rows, options.family,
                             options.threads)
    result = new_result(options, parts, allocators)
    programs = bench_run_programs.ready_programs(programs, result["notes"])
    jobs = all_jobs(options, bench_run.Bench(parts.program, folder), rows, allocators, programs,
                    result, counts)
    say(f"rows: {len(rows)}, allocators: {len(allocators)}, rounds: {options.rounds}, programs: "
        f"{len(programs)}; about {expected(jobs)} minutes, more where others are at work")
    result["durations"] = run_jobs(jobs, programs)
    result["programs"] = bench_run_programs.that_ran(result["programs"])
    if counts:
        put_instructions(result, counts, parts)
    bench_summary.finish(result)
    return result


def write_json(result, path):
    with open(path, "w", encoding="utf-8") as file:
        json.dump(result, file, indent=1)
        file.write("\n")
    say(f"result: {path}")


def write_report(result, path):
    """The HTML page, where its library is here."""
    if importlib.util.find_spec("plotly") is None:
        say("no HTML report: python3-plotly is missing")
        return
    import bench_report  # only here: the tables need no plotting library
    bench_report.write(result, path)
    say(f"report: {path}")


def show(result, options):
    bench_table.print_result(result)
    if options.html:
        write_report(result, options.html)
    if options.compare:
        bench_compare.print_comparison(load(options.compare[0]), result)


def run_instructions(options, folder):
    """The mode of its own; the exit status."""
    parts = prepare(options)
    allocators = find(parts, ROOT, options.allocator, options.only or [OURS])
    rows = bench_rows.select(parts.program, True, options.rows, options.family, [1])
    notes, bench = [], bench_run.Bench(parts.program, folder)
    counts = {}
    work_off(bench_instructions.count_jobs(bench, rows, allocators, counts, notes))
    for note in notes:
        say(f"note: {note}")
    if not counts:
        raise bench_rows.NoRows("no row was counted")
    whole = not options.rows and not options.family
    ours, by = bench_instructions.ours(counts), compiler(parts.folder)
    same = True
    if options.check:
        same = bench_instructions.check(ROOT, ours, by, whole)
    elif options.update:
        bench_instructions.update(ROOT, ours, by, whole and not notes)
    else:
        bench_table.print_instructions(counts, [allocator.name for allocator in allocators])
    return 0 if same and not notes else 1


def run_price(options, folder):
    """The mode of its own; the exit status. System calls are always counted: they are a goal."""
    check_outputs(options.json)
    options.system_calls = True
    parts = prepare(options)
    programs = real_programs(options)
    allocators = bench_price.needed(find(parts, ROOT, options.allocator, options.only))
    rows = bench_price.select(parts.program, options.full, options.rows, options.family,
                              options.threads)
    result = {**new_result(options, parts, allocators), "format": bench_price.FORMAT,
              "mode": "price", "off": dict(bench_price.KEEP_ALL)}
    programs = bench_run_programs.ready_programs(programs, result["notes"])
    price = bench_price.Price(bench_run.Bench(parts.program, folder), allocators, result)
    jobs = price.jobs(rows, programs, options.rounds)
    say(f"rows: {len(rows)}, on and off, rounds: {options.rounds}, programs: {len(programs)}; "
        f"about {expected(jobs)} minutes, more where others are at work")
    result["durations"] = run_jobs(jobs, programs)
    result["programs"] = bench_run_programs.that_ran(result["programs"])
    bench_summary.finish_cells(result["rows"] + result["programs"])
    if options.json:
        write_json(result, options.json)
    bench_price_table.print_price(result)
    return 1 if bench_summary.failures(result) else 0


def run_benchmark(options, folder):
    check_outputs(options.json, options.html)
    if options.compare:
        load(options.compare[0])  # before half an hour of work, not after it
    result = measure(options, folder)
    if options.json:
        write_json(result, options.json)
    show(result, options)
    failed = bench_summary.failures(result)
    return 1 if any(name == OURS for _, name, _ in failed) else 0


def act(options, folder):
    if options.instructions:
        return run_instructions(options, folder)
    if options.price:
        return run_price(options, folder)
    if options.compare and len(options.compare) == 2:
        bench_compare.print_comparison(*map(load, options.compare))
        return 0
    if options.source:
        show(load(options.source), options)
        return 0
    return run_benchmark(options, folder)


def main(description):
    """The exit status: 1 when tidemalloc failed or something is missing, 130 when interrupted."""
    options = bench_options.read(description)
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:  # as under nohup
            signal.signal(number, lambda number, _: sys.exit(128 + number))
    with tempfile.TemporaryDirectory(prefix="tide-bench-") as folder:
        try:
            return act(options, folder)
        except (Unready, Unknown, Unreadable, bench_rows.NoRows, bench_instructions.NoCounts,
                OSError) as problem:
            say(f"error: {problem}")
            return 1
        except KeyboardInterrupt:
            return 130
