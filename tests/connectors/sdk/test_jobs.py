"""Export jobs: started once, waited for with patience, taken up again after a crash."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from connectors.sdk.errors import LaterError, ShapeError
from connectors.sdk.fakes import Bench
from connectors.sdk.jobs import Patience, Progress, await_job


class Exports:
    """A vendor's jobs: each takes the next of these fates, a list of answers whose last one stays."""

    def __init__(self, *fates: list[Progress]) -> None:
        self._fates: Iterator[list[Progress]] = iter(fates)
        self.jobs: dict[str, list[Progress]] = {}
        self.polls: list[str] = []

    def start(self) -> str:
        job = f"job-{len(self.jobs) + 1}"
        self.jobs[job] = next(self._fates)
        return job

    def poll(self, job: str) -> Progress:
        self.polls.append(job)
        fate = self.jobs.get(job)
        if fate is None:
            return Progress("gone")
        return fate.pop(0) if len(fate) > 1 else fate[0]


RUNNING, DONE, FAILED, GONE = (
    Progress("running"),
    Progress("done", "file-1"),
    Progress("failed", None, "E7"),
    Progress("gone"),
)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def wait(
    bench: Bench, exports: Exports, *, job: str | None = None, patience: Patience | None = None
) -> tuple[object, list[str]]:
    noted: list[str] = []
    result = await_job(
        exports.start, exports.poll, tools=bench.tools(), where="Acme responses", job=job, remember=noted.append,
        patience=patience,
    )  # fmt: skip
    return result, noted


def test_a_job_is_noted_before_it_is_waited_for(bench: Bench) -> None:
    assert wait(bench, Exports([RUNNING, RUNNING, DONE])) == ("file-1", ["job-1"])


def test_polls_grow_rarer_up_to_a_limit(bench: Bench) -> None:
    patience = Patience(first=timedelta(seconds=1), rarest=timedelta(seconds=3), factor=2)

    wait(bench, Exports([RUNNING] * 5 + [DONE]), patience=patience)

    assert bench.clock.slept == [1, 2, 3, 3, 3]


def test_a_job_of_an_earlier_run_is_taken_up(bench: Bench) -> None:
    exports = Exports([RUNNING, DONE])
    job = exports.start()

    assert wait(bench, exports, job=job) == ("file-1", [])


def test_a_job_that_expired_meanwhile_is_started_anew(bench: Bench) -> None:
    assert wait(bench, Exports([DONE]), job="of yesterday") == ("file-1", ["job-1"])


def test_an_expired_job_and_a_failed_one_leave_a_third_try(bench: Bench) -> None:
    assert wait(bench, Exports([FAILED], [DONE]), job="of yesterday") == ("file-1", ["job-1", "job-2"])


def test_a_failed_job_is_started_once_more_and_then_it_is_an_error(bench: Bench) -> None:
    exports = Exports([FAILED], [RUNNING, FAILED])

    with pytest.raises(ShapeError, match=r"Acme responses: the export failed twice \(E7\)"):
        wait(bench, exports)

    assert set(exports.jobs) == {"job-1", "job-2"}


def test_a_vendor_that_forgets_every_job_is_not_asked_for_ever(bench: Bench) -> None:
    exports = Exports(*[[GONE]] * 100)

    with pytest.raises(ShapeError, match="failed twice"):
        wait(bench, exports)

    assert len(exports.jobs) == 2


def test_a_slow_job_is_left_to_the_next_run(bench: Bench) -> None:
    exports = Exports([RUNNING])

    with pytest.raises(LaterError, match="not ready after 0:10:00"):
        wait(bench, exports, patience=Patience(longest=timedelta(minutes=10)))

    assert len(exports.jobs) == 1
    assert timedelta(minutes=10) <= timedelta(seconds=sum(bench.clock.slept)) <= timedelta(minutes=11)
