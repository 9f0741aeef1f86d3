"""What tests on Spark stand under: its extra and Java, which `make spark` sets up."""

import pytest

from crosswalk.spark import missing

_LACKING = missing()
HERE = _LACKING is None
MARKS = [
    pytest.mark.skipif(not HERE, reason=f"{_LACKING[0]}; make spark sets it up and runs this" if _LACKING else ""),
    # The gateway to Java leaves its sockets to the collector.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
