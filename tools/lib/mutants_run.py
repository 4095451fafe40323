"""A copy of the tree in which mutants live one after another: builds, and runs tests.

Tests are run as ctest would, by what it tells of them, but without it: one that hangs is to be
ended soon, and what was to be built for them is read off their commands.
"""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time

from mutants_list import Refused, broken

SKIPPED_FOLDERS = ("build", ".git", "__pycache__")
# Not optimised across files: one file that changes is then compiled once. Warnings are no errors:
# who breaks something may leave something unused.
SETTINGS = ("-DTIDE_LTO=OFF", "-DTIDE_WERROR=OFF")
BASELINE_SECONDS = 300


def run(command, **options):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", check=False, **options)


class Copy:
    """Of the tree `root`, in `folder`."""

    def __init__(self, root, folder):
        self.root, self.tree = root, folder / "tree"
        self.tests = {}  # of a build: {name: what ctest tells}
        self.needs = {}  # of a build: {name of a test: what has to be built for it}

    def bring_up_to_date(self):
        """Files that are as they were are left alone, so that little is built again."""
        wanted = set()
        for at, folders, names in os.walk(self.root):
            folders[:] = [name for name in folders if name not in SKIPPED_FOLDERS]
            wanted |= {(pathlib.Path(at) / name).relative_to(self.root) for name in names}
        for file in wanted:
            source, target = self.root / file, self.tree / file
            target.parent.mkdir(parents=True, exist_ok=True)
            if not target.is_file() or target.read_bytes() != source.read_bytes():
                shutil.copy(source, target, follow_symlinks=False)
        for at, folders, names in os.walk(self.tree):
            folders[:] = [name for name in folders if name not in SKIPPED_FOLDERS]
            for name in names:
                path = pathlib.Path(at) / name
                if path.relative_to(self.tree) not in wanted:
                    path.unlink()

    def configure(self, preset):
        done = run(["cmake", "--preset", preset, *SETTINGS], cwd=self.tree)
        if done.returncode != 0:
            raise Refused(f"cmake --preset {preset}:\n{done.stdout}")
        self.read_tests(preset)
        ninja = run(["ninja", "-C", self.folder(preset), "-t", "targets", "all"]).stdout
        outputs = {line.rsplit(":", 1)[0] for line in ninja.splitlines()}
        files = [file.read_text() for file in self.folder(preset).rglob("CTestTestfile.cmake")]
        self.needs[preset] = {name: needs_of(name, files, self.folder(preset), outputs)
                              for name in self.tests[preset]}

    def read_tests(self, preset):
        """The commands of those that are built; of others ctest knows the names."""
        told = run(["ctest", "--preset", preset, "--show-only=json-v1"], cwd=self.tree).stdout
        self.tests[preset] = {test["name"]: test for test in json.loads(told)["tests"]}

    def folder(self, preset):
        return self.tree / "build" / preset

    def build(self, preset, names):
        """None, or what the compiler says."""
        if preset not in self.tests:
            self.configure(preset)
        for name in names:
            if name not in self.tests[preset]:
                raise Refused(f"the build {preset} has no test {name}")
        targets = set().union(*(self.needs[preset][name] for name in names))
        done = run(["ninja", "-C", self.folder(preset), "-j1", *sorted(targets)])
        if done.returncode != 0:
            return done.stdout[-3000:]
        if any("command" not in self.tests[preset][name] for name in names):
            self.read_tests(preset)
        return None

    def run_test(self, preset, name, seconds):
        """(passed, seconds it took, the last that it said)."""
        test = self.tests[preset][name]
        properties = {each["name"]: each["value"] for each in test["properties"]}
        own = {key: value for key, value in os.environ.items() if not key.startswith("TIDE_")}
        own.update(entry.split("=", 1) for entry in properties.get("ENVIRONMENT", []))
        begun = time.monotonic()
        with subprocess.Popen(test["command"], cwd=properties["WORKING_DIRECTORY"], env=own,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace",
                              start_new_session=True) as process:
            try:
                said, status = process.communicate(timeout=seconds)[0], process.returncode
            except subprocess.TimeoutExpired:
                said, status = f"did not end in {seconds} s", None
            end_group(process)
        took = time.monotonic() - begun
        if status is not None and status == properties.get("SKIP_RETURN_CODE"):
            raise Refused(f"{name} skips itself here: {last_line(said)}")
        passed = (status == 0) != bool(properties.get("WILL_FAIL"))
        return passed and status is not None, took, last_line(said)

    def apply(self, mutant):
        """Returns what mend wants."""
        texts = broken(mutant, self.tree)
        whole = {file: (self.tree / file).read_text(encoding="utf-8") for file in texts}
        for file, text in texts.items():
            (self.tree / file).write_text(text, encoding="utf-8")
        return whole

    def mend(self, whole):
        """With new times: what was built from the broken files is old."""
        for file, text in whole.items():
            (self.tree / file).write_text(text, encoding="utf-8")


def needs_of(name, files, folder, outputs):
    """What can be built of all that ctest's files say of a test: its command and environment."""
    lines = [line for text in files for line in text.splitlines() if f"([=[{name}]=] " in line]
    words = re.findall(rf"{re.escape(str(folder))}/([^\s\";]+)", " ".join(lines))
    found = outputs.intersection(words)
    # Of a folder that is named: its programs.
    found |= {output for output in outputs for word in words
              if output.startswith(word + "/kv_") and "CMakeFiles" not in output}
    if any(word.startswith("objects-") for word in words):  # of all floors, one by one
        found |= {output for output in outputs if re.fullmatch(r"libtide_\w+\.a", output)}
    return found or {"all"}


def end_group(process):
    """Children that a test left behind, as broken ones do."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def last_line(said):
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return lines[-1][:160] if lines else ""
