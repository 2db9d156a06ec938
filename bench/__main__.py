"""Run benchmarks: `python -m bench start call`, or all but peers, soak and attacks without a name."""

import argparse
import logging
from collections.abc import Callable
from functools import partial

import anyio

from bench import attacks, call, fleet, http, path, soak, spread, start, stdio
from bench.figures import heading
from bench.peers import beside
from capgo_mcp.config.garbage import collect_seldom


def main() -> None:
    """Run what was asked for, one after the other."""
    parser = argparse.ArgumentParser("python -m bench", description=__doc__)
    parser.add_argument(
        "names", metavar="NAME", nargs="*", help="start, path, call, stdio, http, spread, fleet, peers, soak or attacks"
    )
    parser.add_argument("--seconds", type=float, default=240, help="how long the soak lasts (default: %(default)s)")
    options = parser.parse_args()
    benches: dict[str, Callable[[], object]] = {
        "start": start.measure,
        "path": partial(anyio.run, path.measure),
        "call": partial(anyio.run, call.measure),
        "stdio": partial(anyio.run, stdio.measure),
        "http": partial(anyio.run, http.measure),
        "spread": partial(anyio.run, spread.measure),
        "fleet": partial(anyio.run, fleet.measure),
        "peers": partial(anyio.run, beside.measure),
        "soak": partial(anyio.run, soak.measure, options.seconds),
    }
    benches |= {name: partial(anyio.run, attack) for name, attack in attacks.ATTACKS.items()}
    usual = [name for name in benches if name not in {"peers", "soak", *attacks.ATTACKS}]
    chosen = options.names or usual
    if chosen == ["attacks"]:
        chosen = list(attacks.ATTACKS)
    for name in chosen:
        if name not in benches:
            parser.error(f"there is no benchmark {name!r}")
    collect_seldom()
    logging.getLogger("capgo_mcp").setLevel(logging.WARNING)
    for name in chosen:
        heading(name)
        benches[name]()


if __name__ == "__main__":
    main()
