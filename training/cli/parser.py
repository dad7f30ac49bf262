"""Argument parser and error handling of every command.

Exit code 0 is done, 1 failed, 2 wrong usage. Imports nothing heavy, so `--help` stays quick.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from training.cli.memory_errors import address_space, address_space_refusal, memory_shortage
from training.cli.printed_table import format_table as format_table
from training.schema.plain_content import one_line

LESS_MEMORY = "free memory or raise its limit, or take fewer --jobs, then run the command again"
"""What to do where memory ran out."""


class Interrupted(Exception):
    """Stop on request, after everything was saved; the message says how to resume."""

    def __init__(self, cure: str = "run the command again to resume"):
        super().__init__(cure)


class _Help(argparse.ArgumentDefaultsHelpFormatter):
    """Help that shows defaults other than None, False and []."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        return action.help if action.default in (None, False, []) else super()._get_help_string(action)


class _Version(argparse.Action):
    """Option that prints the installed version, read when it is asked for."""

    def __init__(self, **options: Any):
        super().__init__(nargs=0, default=argparse.SUPPRESS, **options)

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> NoReturn:
        """Print the version, and end with exit code 0."""
        from training.cli.machine import installed_version

        print(f"grokking-tickets {installed_version('grokking-tickets') or '(not installed)'}")
        parser.exit()


class Parser(argparse.ArgumentParser):
    """Parser that shows defaults, takes `--plugin`, and prints errors in one line."""

    def __init__(self, **options: Any):
        super().__init__(formatter_class=_Help, **options)
        self.add_argument("--version", action=_Version, help="print the version of grokking-tickets and exit")
        self._takes_plugins = False

    def parse_known_args(self, *arguments: Any) -> Any:  # type: ignore[override]
        """Parse, with `--plugin` as the last argument of the help."""
        if not self._takes_plugins:
            self._takes_plugins = True
            self.add_argument(
                "--plugin",
                metavar="MODULE",
                dest="plugins",
                action="append",
                default=[],
                help="module or Python file (./mine.py) that registers tasks, methods, figures, …; "
                "may be repeated",
            )
        return super().parse_known_args(*arguments)

    def error(self, message: str) -> NoReturn:
        """End with exit code 2."""
        self.exit(2, f"error: {one_line(message)}\n")


def run_command(body: Callable[[], int], plugins: Sequence[str] = (), light: bool = False) -> int:
    """Run a command and return its exit code; print errors in one line.

    Parameters
    ----------
    plugins : sequence of str
        Plug-ins to load first.
    light : bool
        True for a command that loads no library, as a list: it is not refused where memory is limited.
    """
    from training.runs.atomic_files import RunError, RunErrors
    from training.runs.file_lock import hold_claim
    from training.runs.run_directory import NoRunError
    from training.schema.plugins import load_plugins
    from training.schema.validation import ConfigError

    if not light and (refusal := address_space_refusal(address_space())) is not None:
        return _report(refusal, 1)
    claim = None
    try:
        claim = hold_claim()
        load_plugins(plugins)
        code = body()
        if sys.stdout is not None:  # `>&-` leaves none
            sys.stdout.flush()
    except (ConfigError, NoRunError) as error:
        return _report(str(error), 2)
    except RunErrors as error:
        for each in error.refusals:
            _report(str(each), 1)
        return 1
    except RunError as error:
        return _report(str(error), 1)
    except Interrupted as cure:
        return _report(f"interrupted: all is saved; {cure}", 1)
    except BrokenPipeError:
        # The reader of our output went away, as `head` does: no error.
        _drop_output()
        return 0
    except Exception as error:
        _drop_output()
        if (shortage := memory_shortage(error)) is not None:
            return _report(f"{shortage}; {LESS_MEMORY}", 1)
        if not isinstance(error, OSError):
            raise
        where = f"{error.filename}: " if error.filename else ""
        return _report(f"{where}{error.strerror or error}", 1)
    except KeyboardInterrupt:
        return _report("interrupted: run the command again", 1)
    finally:
        if claim is not None:
            claim.release()
    return code


def _drop_output() -> None:
    """Discard unwritten output; Python would report it at exit."""
    try:
        print(end="", flush=True)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _report(message: str, code: int) -> int:
    print(f"error: {one_line(message)}", file=sys.stderr)
    return code
