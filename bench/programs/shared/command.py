# bench/programs/shared/command.py - a program that starts, does its work and ends.
import os
import subprocess

from .program import Failed, Program, digest_of_file, end_group, end_of, exit_text

LAUNCHER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "launch.c")


class Command(Program):
    """A kind says command() (a list) and, where the answer is not what it prints, answer(). It runs
    in self.path("run"), which before() may fill; empty at the start of each run."""
    helpers = ("cc",)

    def command(self):
        raise NotImplementedError

    def stdin(self):
        """The file that the command reads, or None."""
        return None

    def before(self):
        """Not measured: fills self.path("run")."""

    def answer(self):
        return digest_of_file(self.path("stdout"))

    def launcher(self):
        path = self.path("launch")
        if not os.path.exists(path):
            self.helper(["cc", "-O2", "-D_GNU_SOURCE", "-o", path, LAUNCHER])
        return path

    def measure(self, preload):
        launcher = self.launcher()
        self.helper(["rm", "-rf", self.path("run")])
        os.mkdir(self.path("run"))
        self.before()
        self.launch([launcher, self.path("figures"), preload or "", *self.command()])
        figures = self.read_figures()
        return figures, self.answer()

    def launch(self, command):
        with open(self.path("stdout"), "wb") as out, open(self.path("stderr"), "wb") as err, \
                open(self.stdin() or os.devnull, "rb") as source:
            process = subprocess.Popen(
                command, env=self.environment(), cwd=self.path("run"), stdin=source, stdout=out,
                stderr=err, start_new_session=True)
        try:
            code = self.wait(process)
        finally:
            end_group(process)
        if code != 0:
            raise Failed(f"{self.name}: {end_of(self.path('stderr'))}")
        self.check_preloaded(self.path("stderr"))

    def read_figures(self):
        with open(self.path("figures"), encoding="ascii") as file:
            seconds, user, system, peak, faults, status = file.read().split()
        code = os.waitstatus_to_exitcode(int(status))
        if code != 0:
            raise Failed(f"{self.name}: {exit_text(code)}: {end_of(self.path('stderr'))}")
        return {"seconds": float(seconds), "cpu_seconds": float(user) + float(system),
                "user_seconds": float(user), "system_seconds": float(system),
                "peak_rss_kib": int(peak), "minor_faults": int(faults)}
