"""Declared command of an analysis."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from analyses.running.command_line import parser, publish, use_one_thread
from analyses.running.result import Result
from analyses.running.saving import Measured
from analyses.tables.schema import Analysis
from training.cli.parser import Parser, run_command

if TYPE_CHECKING:
    from training.inspection.run import Run
    from training.inspection.trained_network import Network
    from training.runs.run_directory import RunDir

CHANGE_NO_TABLE = ("jobs", "runs")
"""Options that a table does not depend on."""


def _nothing(*_: Any) -> None:
    """Add no option, or check none."""


@dataclass(frozen=True, kw_only=True)
class Command:
    """Command line of one analysis: its options, what measures, its figures."""

    analysis: Analysis
    measure: Callable[[RunDir, list[Network], argparse.Namespace], Result]
    """Function from a run, its networks and the options to the result."""
    figures: tuple[str, ...] = ()
    """Figures that are drawn; by default the one of the same name."""
    add_options: Callable[[argparse.ArgumentParser], None] = _nothing
    """Adds the options that only this analysis has."""
    check: Callable[[argparse.ArgumentParser, argparse.Namespace], None] = _nothing
    """Refuses options that contradict each other, by `parser.error`."""
    takes_steps: bool = True
    """True if it can be limited to some checkpoints."""
    body: Callable[[argparse.Namespace], int] | None = None
    """Work other than analysing the run of `--run`, which then is no required argument."""
    without_run: tuple[str, ...] = ()
    """Options that have a meaning only without `--run`."""

    @property
    def drawn(self) -> tuple[str, ...]:
        """Arguments of `python -m figures` that name what is drawn."""
        if self.analysis.measure is not None:  # a plug-in may bring no figure, or some
            return ("--analysis", self.analysis.name)
        return self.figures or (self.analysis.name,)

    def main(self, argv: Sequence[str] | None = None) -> int:
        """Parse, measure, write; return the exit code."""
        args = self.parse(argv)
        use_one_thread()
        body = self.body or self.analyse
        return run_command(lambda: body(args), args.plugins)

    def parse(self, argv: Sequence[str] | None = None, kind: type[Parser] = Parser) -> argparse.Namespace:
        """Return the arguments of a command line."""
        p = parser(self.analysis, run_required=self.body is None, steps=self.takes_steps, kind=kind)
        self.add_options(p)
        args = p.parse_args(argv)
        self.check(p, args)
        return args

    def analyse(self, args: argparse.Namespace) -> int:
        """Measure the networks of `--run`, write and print the result, draw the figures."""
        from training.runs.run_directory import RunDir

        run, result, measured = self.measured(args.run, args)
        target = run if args.out is None else RunDir(args.out)
        return publish(self.analysis, args, result, target, self.drawn, measured)

    def measured(self, path: Run | RunDir | str, args: argparse.Namespace) -> tuple[RunDir, Result, Measured]:
        """Return a run, its result, and the record of what was measured."""
        from analyses.loading.chosen_networks import open_networks
        from analyses.tables.inputs import RunInputs

        run, networks = open_networks(path, args.arms, getattr(args, "steps", None))
        inputs = RunInputs(run).digest(args.arms)  # before measuring: later changes make the tables stale
        result = self.measure(run, networks, args)
        recipe = networks[0].recipe
        roles = {arm: recipe.role(arm) for arm in recipe.arms}
        return run, result, Measured(roles=roles, inputs=inputs, arguments=self.changed(args))

    def changed(self, args: argparse.Namespace) -> dict[str, Any]:
        """Return the arguments that change the tables, where they differ from their defaults."""
        defaults = {"arms": None, "steps": None, **self.options()}
        return {
            name: getattr(args, name)
            for name, default in defaults.items()
            if name not in CHANGE_NO_TABLE and getattr(args, name, default) != default
        }

    def options(self) -> Mapping[str, Any]:
        """Return the options that only this analysis has, with their defaults."""
        p = argparse.ArgumentParser(add_help=False)
        self.add_options(p)
        return vars(p.parse_args([]))


def command_of(name: str) -> Command:
    """Return the command of a registered analysis.

    Raises
    ------
    ConfigError
        If there is no analysis of this name, or it does not say what measures.
    """
    import importlib

    from analyses.running.registry import ANALYSES, NAMES
    from training.schema.validation import ConfigError

    analysis = ANALYSES[name]
    measure = analysis.measure
    if measure is not None:
        return Command(analysis=analysis, measure=lambda run, networks, _: measure(run, networks))
    if name not in NAMES:
        raise ConfigError(f"analysis {name!r}: expected a function as its field measure, got none")
    command: Command = importlib.import_module(f"analyses.{name}.command").COMMAND
    return command
