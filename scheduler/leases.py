"""Who may work on what: leases with a fence.

A lease is held for a while and renewed while the work goes on. Its epoch grows with every new owner, and
whatever is committed under it checks that epoch in the same transaction: a worker that slept through its
lease and wakes beside its successor can commit nothing.
"""

from typing import NamedTuple, Protocol


class Lease(NamedTuple):
    name: str
    epoch: int


class LeaseLost(Exception):  # noqa: N818 - said of the lease; nobody made an error
    """Somebody else owns the work now. Stop, commit nothing: the successor goes on from what was committed."""

    def __init__(self, lease: Lease) -> None:
        super().__init__(f"the lease of {lease.name} (epoch {lease.epoch}) went to another worker")
        self.lease = lease


class LeaseBook(Protocol):
    def acquire(self, name: str, *, holder: str, seconds: float) -> Lease | None:
        """A lease with a new epoch; None while another one lasts."""
        ...

    def renew(self, lease: Lease, *, seconds: float) -> bool:
        """Hold it longer, counted from now; False: it is lost. One that ran out but was not taken can be renewed."""
        ...

    def release(self, lease: Lease) -> None:
        """Give it back; nothing happens where it is lost already."""
        ...
