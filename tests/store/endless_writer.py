"""Writes batches into the store at argv[1] until it is killed; a line on stdout for every batch that is stored.

Run as a process of its own by `test_survival.py`.
"""

import itertools
import sys

from lab.store.store import Store
from tests.store.samples import BATCH as MADE
from tests.store.samples import RUN, SCENARIO, make_trial

BATCH = 4


def main(directory: str) -> None:
    store = Store.open(directory)
    store.begin_run(RUN)
    store.add_scenario(RUN.id, SCENARIO)
    done = len(store.finished(RUN.id, SCENARIO.id, SCENARIO.hash))
    print("ready", flush=True)
    for start in itertools.count(done, BATCH):
        store.add_trials(RUN.id, [make_trial(index) for index in range(start, start + BATCH)], MADE)
        print(start + BATCH, flush=True)


if __name__ == "__main__":
    from lab.errors import EarshotError

    try:
        main(sys.argv[1])
    except EarshotError as error:
        sys.exit(f"{type(error).__name__}: {error}")
