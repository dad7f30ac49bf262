"""Campaign D: faults in every write of a training, an analysis and a drawing; limits of memory and disk.

`python tests/campaigns/write_faults.py --cases 90 --seed 0` prints by kind what was tried and what failed.
"""

import resource
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from campaigns.recipes import RECIPES, write_recipe
from campaigns.recipes import content as content_of
from campaigns.trying import ROOT, Tried, command, differing, files_of_arms, generator, in_parallel, run

FAULTS = ("ENOSPC", "EIO", "EACCES", "short", "kill")
LIMITS = {"300 MB": 300, "800 MB": 800, "1100 MB": 1100, "file of 4 KiB": None}
"""Limits of the address space in MiB, and of a file's size."""
NAMES = ("training", "taking over", "analysis", "drawing")
LIMITED = ("training", "large training", "analysis", "drawing")
WIDE = {"model": {"d_mlp": 40_000}, "max_steps": 1}
"""Arm that trains in 2 GB, but not in 1.1."""


def faulty_environment(folder, n, kind):
    """Return the variables that make the n-th write below `folder` fail."""
    return {
        "PYTHONPATH": f"{Path(__file__).with_name('faulty_start')}:{ROOT}",
        "FAULT_FOLDER": str(folder),
        "FAULT_COUNT": str(folder.with_name(f"{folder.name}_count")),
        "FAULT_AT": str(n),
        "FAULT_KIND": kind,
    }


def results(path):
    """Return the files of a run that its commands decide: arms, tables and pictures.

    Hashes remembered for the next look (`inputs.json`) are no result: a run on a read-only disk has none.
    """
    files = files_of_arms(path)
    for folder in ("analyses", "figures"):
        for file in sorted((path / folder).rglob("*")):
            if file.is_file() and file.name not in (".lock", "inputs.json"):
                files[str(file.relative_to(path))] = file.read_bytes()
    return files


class Commands:
    """Commands of this campaign, each with the folder that it starts from."""

    def __init__(self, folder):
        content = RECIPES["imp"] | {"arms": {k: v for k, v in RECIPES["imp"]["arms"].items() if k != "imp_3"}}
        self.recipe, self.folder = write_recipe("tiny", folder, content=content), folder
        (folder / "again").mkdir()
        large = content_of({"wide": WIDE}, task={"name": "add", "p": 67, "frac_train": 0.5})
        self.large = write_recipe("large", folder, content=large)
        self.other = write_recipe("other", folder / "again", content=content)

    def prepare(self):
        """Make the runs from which commands start; return how they ended."""
        start = {name: self.folder / "start" / name for name in NAMES}
        for name in ("training", "large training"):
            (self.folder / "start" / name).mkdir(parents=True)
        ended = [run("training", self.recipe, "--out", start["taking over"])]
        shutil.copytree(start["taking over"], start["analysis"])
        drawing = shutil.copytree(start["taking over"], start["drawing"])
        return [*ended, run("analyses", "grokking", "--no-plot", "--run", drawing / "tiny")]

    def copy(self, name, to):
        """Copy the folder from which a command starts."""
        shutil.copytree(self.folder / "start" / name, to)

    def start(self, name, out, **options):
        """Run a command in a folder, and return how it ended."""
        if name == "training":
            return run("training", self.recipe, "--out", out, "--jobs", 2, **options)
        if name == "large training":
            return run("training", self.large, "--out", out, "--jobs", 1, "--yes", **options)
        if name == "taking over":
            return run("training", self.other, "--out", out, "--jobs", 1, **options)
        if name == "analysis":
            return run("analyses", "grokking", "--no-plot", "--run", out / "tiny", **options)
        return run("figures", "outcomes", "--run", out / "tiny", **options)

    def results(self, name, out):
        """Return the files that a command has decided."""
        return results(out / {"taking over": "other", "large training": "large"}.get(name, "tiny"))


def try_command(commands, name, n_cases, rng):
    """Return what faults at `n_cases` writes of one command showed."""
    tried, folder = Tried("D"), commands.folder / name
    folder.mkdir()
    expected, n_writes = undisturbed(tried, commands, name, folder / "undisturbed")
    if expected is None:
        return tried
    places = sorted(rng.sample(range(1, n_writes + 1), min(n_cases, n_writes)))
    for i, n in enumerate(places):
        fault = FAULTS[i % len(FAULTS)]
        judge_fault(tried, commands, name, folder / f"{n}", expected, n, fault)
        shutil.rmtree(folder / f"{n}")
    return tried


def undisturbed(tried, commands, name, out):
    """Return the results of a command without faults, and its number of writes."""
    commands.copy(name, out)
    environment = faulty_environment(out, 0, "")
    if not tried.judge(f"{name} undisturbed", commands.start(name, out, **environment)):
        return None, 0
    return commands.results(name, out), Path(environment["FAULT_COUNT"]).stat().st_size


def judge_fault(tried, commands, name, out, expected, n, fault):
    """Run a command with one fault, then without, and compare the results."""
    commands.copy(name, out)
    kind = f"{name}, {fault}"
    tried.counts[kind] += 1
    ended = commands.start(name, out, **faulty_environment(out, n, fault))
    judge_failed(tried, kind, ended, n, is_failure=fault in ("ENOSPC", "EIO", "EACCES"))
    judge_whole(tried, kind, commands.results(name, out), expected, n, ended)
    tried.judge(kind, commands.start(name, out))
    if difference := differing(expected, commands.results(name, out)):
        tried.fail(kind, "unequal", f"at write {n}: {difference}; the first time: {ended.described()}")


def judge_failed(tried, kind, ended, n, is_failure):
    """Count a failure unless a command failed in one line."""
    if tried.judge(kind, ended, codes=range(-64, 3)) and is_failure and ended.code:
        lines = [line for line in ended.text.splitlines() if line.startswith("error: ")]
        if len(lines) != 1 or ended.code not in (1, 2):
            tried.fail(kind, "exit code", f"at write {n}, {len(lines)} error lines: {ended.described()}")


def judge_whole(tried, kind, got, expected, n, ended):
    """Count results that look whole and are not: those of finished arms, tables and pictures."""
    finished = tuple(path.removesuffix("DONE") for path in got if path.endswith("/DONE"))
    whole = [path for path in got if path.startswith((*finished, "analyses", "figures"))]
    whole = [path for path in whole if not path.endswith((".tmp", "state.pt"))]
    if ended.code == 0 and fewer(got, expected):
        tried.fail(kind, "lost", f"at write {n}, exit 0, and missing: {fewer(got, expected)}")
    if difference := differing(
        {path: expected.get(path) for path in whole}, {path: got[path] for path in whole}
    ):
        tried.fail(kind, "unequal", f"at write {n}, read as whole: {difference}")


def fewer(got, expected):
    """Return the paths that are missing."""
    return sorted(expected.keys() - got.keys())


def limit_of(name):
    """Return a function that limits the process that calls it."""
    megabytes = LIMITS[name]
    if megabytes is None:
        return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
    return lambda: resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20,) * 2)


def try_limits(commands, name, limits):
    """Return what limits did to a command: one line, and the same command goes on without them."""
    tried, folder = Tried("D"), commands.folder / f"{name} limited"
    folder.mkdir()
    commands.copy(name, folder / "undisturbed")
    tried.judge(f"{name} undisturbed", commands.start(name, folder / "undisturbed"))
    expected = commands.results(name, folder / "undisturbed")
    for limit in limits:
        kind, out = f"{name}, {limit}", folder / limit
        commands.copy(name, out)
        tried.counts[kind] += 1
        ended = commands.start(name, out, limit=limit_of(limit))
        judge_failed(tried, kind, ended, 0, is_failure=True)
        tried.judge(kind, commands.start(name, out))
        if difference := differing(expected, commands.results(name, out)):
            tried.fail(kind, "unequal", f"{difference}; the first time: {ended.described()}")
    return tried


def campaign(cases, seed, folder, lanes=2, names=NAMES, limits=tuple(LIMITS)):
    """Return what faults in the writes of every command showed, and limits."""
    tried, commands = Tried("D"), Commands(folder)
    if not all(tried.judge("preparation", ended) for ended in commands.prepare()):
        return tried
    weights = {"training": 0.5, "taking over": 0.2, "analysis": 0.15, "drawing": 0.15}
    total = sum(weights[name] for name in names)
    parts = [
        lambda name=name: try_command(
            commands, name, round(cases * weights[name] / total), generator(seed, name)
        )
        for name in names
    ]
    parts += [lambda name=name: try_limits(commands, name, limits) for name in LIMITED if limits]
    tried.add(in_parallel("D", parts, lanes))
    return tried


if __name__ == "__main__":
    sys.exit(command("Campaign D: faults in writes, limits of memory and disk.", 100, campaign))
