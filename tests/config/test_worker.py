"""The threads in which a web worker hashes passwords."""

import os
from concurrent.futures import ThreadPoolExecutor

from config import worker

OWN = (os.PRIO_PROCESS, 0)


def test_hashing_has_a_lower_priority_than_the_rest() -> None:
    before = os.getpriority(*OWN)
    run_apart = worker.hash_threads()
    assert {run_apart(os.getpriority, OWN) for _call in range(4)} == {10}
    assert os.getpriority(*OWN) == before


def test_a_server_with_a_lower_priority_keeps_it() -> None:
    def lowered() -> int:
        os.setpriority(*OWN, 15)
        return worker._at_low_priority(os.getpriority, OWN)

    with ThreadPoolExecutor(1) as threads:
        assert threads.submit(lowered).result() == 15
