"""A rebuild on the workers of a Dask cluster: an existing one, which has the archive's folder before it."""

import os
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from importlib import import_module
from typing import Any, Final

from engine.errors import Rejected
from replay.rebuild import Engine
from replay.rebuild_part import Done, Task, rebuild_part

ANSWERS_SECONDS: Final = 10
RETRIES: Final = 3
"""times a range is tried again after it failed, as on a worker that lost its disk"""


def on_dask(address: str | None = None, workers: int | None = None) -> Engine:
    """The cluster at the address; without one, so many processes on this machine (None: as many as there are cores).

    When a worker dies, the scheduler gives its ranges to others. Rejected: the package is missing, or nobody answers.
    """
    try:
        distributed: Any = import_module("distributed")
    except ImportError:
        raise Rejected("--engine dask needs the package `distributed`: pip install 'dealtrail[dask]'") from None

    def run(tasks: Sequence[Task]) -> Iterator[Done]:
        local = {"n_workers": workers or os.cpu_count(), "threads_per_worker": 1, "dashboard_address": None}
        with (
            nullcontext(address) if address else distributed.LocalCluster(**local) as cluster,
            connected(distributed, cluster) as client,
        ):
            # Not "pure": the files of a folder may be others than they were when the same was asked before.
            futures = client.map(rebuild_part, tasks, pure=False, retries=RETRIES)
            for future in distributed.as_completed(futures):
                yield future.result()
                future.release()

    return run


def connected(distributed: Any, cluster: Any) -> Any:
    """A client of the cluster."""
    try:
        return distributed.Client(cluster, timeout=ANSWERS_SECONDS)
    except (OSError, ValueError) as error:
        raise Rejected(f"--dask {cluster}: no Dask scheduler answers there ({error})") from None
