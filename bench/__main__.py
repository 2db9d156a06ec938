"""Run benchmarks: `python -m bench start call`, or all but the soak without a name."""

import argparse
import gc
import logging
from collections.abc import Callable
from functools import partial

import anyio

from bench import call, fleet, http, path, soak, start, stdio
from bench.figures import heading


def main() -> None:
    """Run what was asked for, one after the other."""
    parser = argparse.ArgumentParser("python -m bench", description=__doc__)
    parser.add_argument("names", metavar="NAME", nargs="*", help="start, path, call, stdio, http, fleet or soak")
    parser.add_argument("--seconds", type=float, default=240, help="how long the soak lasts (default: %(default)s)")
    options = parser.parse_args()
    benches: dict[str, Callable[[], object]] = {
        "start": start.measure,
        "path": partial(anyio.run, path.measure),
        "call": partial(anyio.run, call.measure),
        "stdio": partial(anyio.run, stdio.measure),
        "http": partial(anyio.run, http.measure),
        "fleet": partial(anyio.run, fleet.measure),
        "soak": partial(anyio.run, soak.measure, options.seconds),
    }
    chosen = options.names or [name for name in benches if name != "soak"]
    for name in chosen:
        if name not in benches:
            parser.error(f"there is no benchmark {name!r}")
    gc.freeze()
    logging.getLogger("capgo_mcp").setLevel(logging.WARNING)
    for name in chosen:
        heading(name)
        benches[name]()


if __name__ == "__main__":
    main()
