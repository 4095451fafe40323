# bench/programs/z3.py - z3 decides generated formulas of several theories.
from .shared.command import Command
from .shared.draw import Draw

PROBLEMS = 9
BITS = 16
TASKS, MACHINES, END = 12, 8, 72
STORES = 120


def product(draw):
    """Bit vectors: a product of two odd numbers, to be taken apart."""
    wanted = (draw.below(1 << BITS - 1) * 2 + 1) * (draw.below(1 << BITS - 1) * 2 + 1)
    return f"""(declare-const x (_ BitVec {2 * BITS})) (declare-const y (_ BitVec {2 * BITS}))
(assert (= (bvmul x y) (_ bv{wanted} {2 * BITS})))
(assert (bvult x (_ bv{1 << BITS} {2 * BITS}))) (assert (bvult y (_ bv{1 << BITS} {2 * BITS})))
(assert (bvule x y)) (assert (bvult (_ bv{1 << BITS - 4} {2 * BITS}) x))
"""


def schedule(draw):
    """Differences of integers: tasks in order on machines that do one thing at a time."""
    lines, steps = [], []
    for task in range(TASKS):
        machines, order = list(range(MACHINES)), []
        while machines:
            order.append(machines.pop(draw.below(len(machines))))
        for place, machine in enumerate(order):
            steps.append((task, place, machine, 1 + draw.below(9)))
            lines.append(f"(declare-const s{task}_{place} Int) (assert (>= s{task}_{place} 0))")
    for task, place, machine, long in steps:
        after = f"s{task}_{place + 1}" if place + 1 < MACHINES else str(END + draw.below(8))
        lines.append(f"(assert (<= (+ s{task}_{place} {long}) {after}))")
        for other, place2, machine2, long2 in steps:
            if other > task and machine2 == machine:
                lines.append(f"(assert (or (<= (+ s{task}_{place} {long}) s{other}_{place2}) "
                             f"(<= (+ s{other}_{place2} {long2}) s{task}_{place})))")
    return "\n".join(lines) + "\n"


def arrays(draw):
    """Arrays: the same values stored at distinct places in two orders give the same array."""
    order = list(range(STORES))
    for place in range(STORES - 1, 0, -1):
        other = draw.below(place + 1)
        order[place], order[other] = order[other], order[place]
    lines = ["(declare-const a (Array Int Int))"]
    lines += [f"(declare-const i{n} Int) (declare-const v{n} Int)" for n in range(STORES)]
    names = " ".join(f"i{n}" for n in range(STORES))
    lines.append(f"(assert (distinct {names}))")
    first, second = "a", "a"
    for n in range(STORES):
        first = f"(store {first} i{n} v{n})"
        second = f"(store {second} i{order[n]} v{order[n]})"
    return "\n".join(lines) + f"\n(assert (not (= {first} {second})))\n"


class Z3(Command):
    name = "z3"
    what = "z3: formulas over bit vectors, integers and arrays, a few of each kind, decided"
    packages = ("z3",)
    binary = "z3"

    def make_inputs(self):
        draw, kinds = Draw(5), (product, schedule, arrays)
        problems = [kinds[number % len(kinds)](draw)
                    for number in range(self.scaled(PROBLEMS, least=len(kinds)))]
        # With (push) and (pop) z3 would leave out its simplifications and its SAT solver.
        self.write("problems.smt2", "(check-sat)\n(reset)\n".join(problems) + "(check-sat)\n")

    def command(self):
        return ["z3", "smt.random_seed=1", "sat.random_seed=1", self.path("problems.smt2")]


def programs(scale=1.0):
    return [Z3(scale)]
