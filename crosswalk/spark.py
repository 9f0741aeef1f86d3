"""A batch on Spark, where one machine does not hold it; see `mapping.match.spark`."""

import os
import sys
from collections.abc import Callable, Collection, Container, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING, Final

from crosswalk.problems import Problem, ProblemsError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from mapping.match.batch import Resolution, Table
    from mapping.match.groups import Pair
    from mapping.match.model import Model

_SHARES: Final = 4  # parts of a shuffle for each core of this machine
_SETTINGS: Final = {
    "spark.ui.showConsoleProgress": "false",  # what is done is told by us
    "spark.driver.maxResultSize": "0",  # pairs that are left come to the driver, however many
    # Few records are few tasks, also where they are kept between steps.
    "spark.sql.optimizer.canChangeCachedPlanOutputPartitioning": "true",
    "spark.sql.adaptive.coalescePartitions.parallelismFirst": "false",
}
_LOGGING: Final = Path(__file__).with_name("spark-log4j2.properties")
_ON_THIS_MACHINE: Final = {
    "spark.ui.enabled": "false",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.extraJavaOptions": f"-Dlog4j2.configurationFile={_LOGGING}",
}


def missing() -> tuple[str, str] | None:
    """What this machine lacks for Spark, and what to do; None: nothing."""
    for name in ("pyspark", "pandas", "pyarrow"):
        if find_spec(name) is None:
            return f"Spark cannot be used: {name} is not installed", "pip install 'crosswalk[spark]'"
    if which("java") is None and "JAVA_HOME" not in os.environ:
        return "Spark cannot be used: there is no Java", "install Java 17 or newer, or set JAVA_HOME"
    return None


def resolve(
    master: str,
    table: "Table",
    model: "Model",
    *,
    progress: Callable[[str], None] | None = None,
    together: "Collection[Pair]" = (),
    apart: "Container[Pair]" = frozenset(),
) -> "Resolution":
    """What `mapping.match.batch.resolve` comes to. Raises ProblemsError where Spark cannot start."""
    with session(master) as started:
        from mapping.match import spark

        frame = spark.frame_of(started, table)
        return spark.resolve(frame, model, progress=progress, together=together, apart=apart)


@contextmanager
def session(master: str) -> "Iterator[SparkSession]":
    """`master`: as Spark names it: `local[4]`, `spark://HOST:7077`, `yarn`. Raises ProblemsError where it cannot start.

    Everything else is Spark's own to configure (`spark-defaults.conf`, SPARK_DRIVER_MEMORY).
    """
    if found := missing():
        raise _refused(*found)
    from pyspark.sql import SparkSession

    settings = dict(_SETTINGS)
    if master.startswith("local"):
        settings |= _ON_THIS_MACHINE | {"spark.sql.shuffle.partitions": str(_SHARES * (os.cpu_count() or 1))}
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    try:
        started = SparkSession.builder.appName("crosswalk").master(master).config(map=settings).getOrCreate()
    except Exception as error:  # Java raises what it likes, through a gateway that has errors of its own
        raise _refused(f"Spark does not start on {master}", "it says why above; name a master that is there") from error
    started.sparkContext.setLogLevel("ERROR")
    try:
        yield started
    finally:
        started.stop()


def _refused(text: str, hint: str) -> ProblemsError:
    return ProblemsError([Problem(code="CW132", text=text, hint=hint)])
