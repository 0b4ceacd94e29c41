#!/usr/bin/env python3
"""Plan, run and write the tables of a suite: `python run_all.py --profile demo`.

Finished cells are kept, so the same command goes on after an interruption. Common options:
--suite maco, --profile toy|demo|paper, --data-root DIR (without it a phantom is drawn),
--only GLOB, --tasks A,B, --baselines A,B, --labels 1,10,100, --jobs N, --dry-run.
`maco-bench run-all --help` lists them all.
"""

import sys

from benchmark.cli import main

if __name__ == "__main__":
    sys.exit(main(["run-all", *sys.argv[1:]]))
