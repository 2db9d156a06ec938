"""A bounded store of what belongs to each caller: who called last stays longest, and who calls now stays for sure."""

from collections.abc import Iterator
from dataclasses import dataclass

from capgo_mcp.client.capgo import Capgo
from capgo_mcp.client.circuit_breaker import Standing
from capgo_mcp.server.tools import Toolbox


@dataclass
class Seat:
    """What belongs to one key.

    Attributes:
        capgo: The client that calls with it.
        toolbox: The tools that call with it.
        calls: How many calls run.
        left_at: When the last one ended.
    """

    capgo: Capgo
    toolbox: Toolbox
    calls: int = 0
    left_at: float = 0.0

    @property
    def may_go(self) -> bool:
        """Whether nothing is lost with it: a refused key that is forgotten would be tried again, and fail again."""
        return not self.calls and self.capgo.standing is not Standing.REFUSED


class Seats:
    """The seats of callers, by the hash of their keys.

    Args:
        capacity: How many there are.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._seats: dict[bytes, Seat] = {}  # the one that called last stands last

    def __iter__(self) -> Iterator[Seat]:
        return iter(self._seats.values())

    @property
    def has_room(self) -> bool:
        """Whether there is a seat for one more."""
        return len(self._seats) < self._capacity or any(seat.may_go for seat in self)

    def take(self, name: bytes) -> Seat | None:
        """The seat of a caller, which moves to the end of the line."""
        seat = self._seats.pop(name, None)
        if seat is not None:
            self._seats[name] = seat
        return seat

    def holds(self, name: bytes, seat: Seat) -> bool:
        """Whether a caller has this very seat."""
        return self._seats.get(name) is seat

    def put(self, name: bytes, seat: Seat) -> bool:
        """Give someone a seat, the one that was not used for the longest time if need be; False if none is free."""
        if len(self._seats) >= self._capacity:
            unused = next((other for other, its in self._seats.items() if its.may_go), None)
            if unused is None:
                return False
            del self._seats[unused]
        self._seats[name] = seat
        return True

    def drop(self, name: bytes) -> None:
        """Take a seat away."""
        self._seats.pop(name, None)

    def drop_unused(self, since: float) -> None:
        """Take the seats of those away who have not called since a moment."""
        unused = [name for name, seat in self._seats.items() if seat.may_go and seat.left_at < since]
        for name in unused:
            del self._seats[name]
