"""The command `maco-bench`. Exit: 0 all done, 1 something failed, 2 usage, 3 blocked."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence

from benchmark import __version__
from benchmark.commands import (
    audit,
    check,
    compare,
    datasets,
    encode,
    figures,
    listing,
    report,
    tables,
    work,
)
from benchmark.commands.output import hint
from benchmark.errors import MacoBenchError, MissingDataError

EPILOG = """examples:
  maco-bench list tasks
  maco-bench plan --profile toy
  maco-bench run rsna_zero_shot --baseline maco
  maco-bench encode --baseline maco --images FOLDER --out features.npz
  maco-bench check-baseline mine.py:build
  maco-bench compare maco mae_hr_clip --task rsna_zero_shot
"""
_BLOCKED, _INTERRUPTED = 3, 130


def parser() -> argparse.ArgumentParser:
    """The parser with all commands."""
    top = argparse.ArgumentParser(
        prog="maco-bench",
        description="Benchmark of chest-X-ray vision-language foundation models.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=__version__)
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    for module in (listing, work, datasets, audit, encode, check, tables, compare, figures, report):
        module.add(commands)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; a user's mistake is one sentence, not a trace."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    return call(parser().parse_args(argv))


def call(arguments: argparse.Namespace) -> int:
    """Call a command's handler and turn its errors into exit codes."""
    try:
        code: int = arguments.handler(arguments)
        return code
    except MacoBenchError as error:
        hint(f"error: {error}")
        return _BLOCKED if isinstance(error, MissingDataError) else error.exit_code
    except BrokenPipeError:
        # The reader of our output (`| head`) has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        hint("interrupted; finished cells are kept, the next call goes on from here")
        return _INTERRUPTED
