"""Waiting for a fact, with a deadline: the only place where a test lets time pass."""

import time
from collections.abc import Callable
from typing import TypeVar

Fact = TypeVar("Fact")

#: Seconds. A loaded machine of two cores must get there; a right daemon needs a fraction.
DEADLINE = 15.0
_PAUSE = 0.01


def until(fact: Callable[[], Fact], what: str, seconds: float = DEADLINE) -> Fact:
    """Asks for `fact` until it is true, and returns it.

    Errors count as "not yet"; the last one is told when the deadline has passed.
    """
    deadline = time.monotonic() + seconds
    last: object = None
    while True:
        try:
            last = fact()
            if last:
                return last
        except (AssertionError, OSError, ValueError, KeyError, LookupError) as error:
            last = error
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds:g} s in vain for {what}; last: {last!r}")
        time.sleep(_PAUSE)
