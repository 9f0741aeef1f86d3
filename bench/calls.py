"""The smallest number of calls that written records can take, by what their stream declares."""

from math import ceil

from connectors.sdk.contract import StreamSpec


def least(spec: StreamSpec, changed: int) -> int:
    """In how few calls so many records can be looked at, written, and read back where answers have no values.

    Each batch is looked at right before it is sent, where no condition guards the write, and read back right behind; so
    one call serves at most the end of one batch and the beginning of the next.
    """
    batches = [min(spec.batch, changed - start) for start in range(0, changed, spec.batch)]
    reads_back, looks = not spec.answers_with_values, spec.precondition == "none"
    if reads_back and looks:
        reads = sum(
            ceil((done + following) / spec.fetch_batch)
            for done, following in zip([0, *batches], [*batches, 0], strict=True)
        )
    elif reads_back:
        reads = sum(ceil(size / spec.fetch_batch) for size in batches)
    else:
        reads = ceil(changed / spec.fetch_batch) if looks else 0
    return len(batches) + reads
