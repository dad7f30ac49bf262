"""Command of an analysis, declared once for the terminal and for Python."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analyses.running.command_line import Result, parser, publish, use_one_thread
from analyses.tables.schema import Analysis
from training.cli.parser import Parser, run_command
from training.schema.validation import ConfigError, names

if TYPE_CHECKING:
    from analyses.loading.needs import LeftOut
    from analyses.tables.inputs import Inputs
    from analyses.tables.storage import Settings
    from training.inspection.run import Run
    from training.inspection.trained_network import Network
    from training.runs.run_directory import RunDir

Measure = Callable[["RunDir", "list[Network]", argparse.Namespace], Result]
"""Function from a run, its networks and the arguments to a result."""


class RaisingParser(Parser):
    """Parser whose errors are raised, for options that come from Python."""

    def error(self, message: str) -> Any:
        """Raise a `ConfigError`."""
        raise ConfigError(message.removeprefix("argument ").removeprefix("--"))


@dataclass(frozen=True)
class MeasuredRun:
    """Result of an analysis of a run, with what its saved tables record."""

    result: Result
    run: RunDir
    roles: Mapping[str, str]
    """Role of every arm."""
    settings: Settings
    """Fields in which the run's arms differ."""
    inputs: Inputs
    """Files that were read, hashed before measuring: later changes make the tables stale."""
    arguments: Mapping[str, Any]
    """Arguments that change the tables, where they differ from their defaults."""
    left_out: Sequence[LeftOut] = ()
    """Networks that are not finished; networks, and columns of networks, that lack what it needs."""


@dataclass(frozen=True, kw_only=True)
class Command:
    """Command of an analysis: its arguments, what measures, its figures.

    `main` is its command line; `measured` measures a run with parsed arguments.
    """

    analysis: Analysis
    measure: Measure
    figures: Sequence[str] = ()
    """Names of the figures to draw; by default the one that is named as the analysis."""
    steps: bool = True
    """True: it takes `--steps`."""
    add_arguments: Callable[[argparse.ArgumentParser], None] = lambda p: None
    """Adds further arguments to its parser."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Further arguments that change the tables, with their defaults; None stands for the default too."""
    refusal: Callable[[argparse.Namespace], str | None] = lambda args: None
    """Returns why arguments do not go together; None if they do."""
    without_run: Callable[[Command, argparse.Namespace], int] | None = None
    """Does what the command does without `--run`; None if it needs a run."""

    def parser(self, kind: type[Parser] = Parser) -> Parser:
        """Return the command line."""
        p = parser(self.analysis, run_required=self.without_run is None, steps=self.steps, kind=kind)
        self.add_arguments(p)
        return p

    def parse(self, argv: Sequence[str] | None, kind: type[Parser] = Parser) -> argparse.Namespace:
        """Return the arguments of a command line."""
        p = self.parser(kind)
        args = p.parse_args(argv)
        if (reason := self.refusal(args)) is not None:
            p.error(reason)
        return args

    def main(self, argv: Sequence[str] | None = None) -> int:
        """Parse, measure, write, print, draw; return the exit code."""
        args = self.parse(argv)
        use_one_thread()
        return run_command(lambda: self._start(args), args.plugins)

    def _start(self, args: argparse.Namespace) -> int:
        if args.run is None:
            assert self.without_run is not None, "the parser requires --run"
            return self.without_run(self, args)
        return self.analyse(args, args.run)

    def analyse(self, args: argparse.Namespace, path: str) -> int:
        """Measure the run at `path`, write and print the result, draw the figures."""
        from analyses.tables.origin import output_folder
        from training.runs.run_directory import RunDir

        target = output_folder(RunDir(path), args.out, self.analysis, self.changed(args))
        measured = self.measured(path, args)
        return publish(
            self.analysis,
            args,
            measured.result,
            target,
            self.figures,
            roles=measured.roles,
            settings=measured.settings,
            inputs=measured.inputs,
            arguments=measured.arguments,
        )

    def measured(self, run: Run | RunDir | Path | str, args: argparse.Namespace) -> MeasuredRun:
        """Return the result of measuring a run's networks."""
        from analyses.loading.chosen_networks import open_networks, printed_left_out
        from analyses.loading.mixed_origins import trained_by
        from analyses.loading.needs import admitted
        from analyses.tables.inputs import RunInputs
        from training.config.arm_differences import differing_fields

        chosen = open_networks(run, args.arms, args.seeds, getattr(args, "steps", None))
        inputs = RunInputs(chosen.run).read(self.analysis.reads, chosen.finished, chosen.reasons())
        networks, lacking = admitted(self.analysis, chosen.finished)
        reasons = {entry.network: entry.reason for entry in lacking if not entry.columns}
        result = self.measure(chosen.run.files, networks, args)
        left_out = [*chosen.unfinished, *lacking]
        recipe = networks[0].recipe
        mixture, printed = trained_by(networks)
        printed += printed_left_out(left_out, len(networks))
        return MeasuredRun(
            result=result.with_networks(
                len(networks), [entry.record for entry in left_out], mixture, printed
            ),
            run=chosen.run.files,
            roles={arm: recipe.role(arm) for arm in recipe.arms},
            settings=differing_fields(recipe),
            inputs=replace(inputs, left_out=reasons),
            arguments=self.changed(args),
            left_out=left_out,
        )

    def changed(self, args: argparse.Namespace) -> dict[str, Any]:
        """Return the arguments that change the tables, where they differ from their defaults."""
        defaults = {"arms": None, "seeds": None, "steps": None, **self.options}
        values = {name: getattr(args, name, None) for name in defaults}
        return {name: v for name, v in values.items() if v is not None and v != defaults[name]}

    def with_options(self, given: Mapping[str, Any]) -> argparse.Namespace:
        """Return the arguments for options that come from Python.

        Raises
        ------
        ConfigError
            If an option is unknown (the message lists those there are) or a value does not fit.
        """
        p = self.parser(RaisingParser)
        shared = {action.dest for action in parser(self.analysis)._actions} - {"arms", "seeds", "steps"}
        actions = {action.dest: action for action in p._actions if action.dest not in {*shared, "help"}}
        if unknown := given.keys() - actions.keys():
            raise ConfigError(f"options: expected some of {names(actions)}, got {names(unknown)}")
        argv = ["--run", "."]  # which run it is makes no difference here
        for name, value in given.items():
            flag = actions[name].option_strings[0]
            if value is None or value is False:
                continue
            if actions[name].nargs == 0:
                argv.append(flag)
            elif isinstance(value, list | tuple | range):
                argv += [flag, *map(str, value)]
            else:
                argv.append(f"{flag}={value}")
        return self.parse(argv, RaisingParser)
