"""Opening a store: whose file it is, and what is said where it cannot be reached."""

import stat
from pathlib import Path

import pytest

from crosswalk.store.errors import StoreError
from crosswalk.store.opening import open_store
from crosswalk.store.tokens import new_key


def test_a_new_file_can_be_read_by_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "crosswalk.db"

    database, _ = open_store(f"sqlite:///{file}", key=new_key(), key_file=None)
    database.close()

    modes = {stat.S_IMODE(one.stat().st_mode) for one in tmp_path.iterdir()}
    assert modes == {0o600}


def test_a_server_that_does_not_answer_is_told_in_our_words(tmp_path: Path) -> None:
    nowhere = f"postgresql://somebody:s3cret@/db?host={tmp_path}"

    with pytest.raises(StoreError) as caught:
        open_store(nowhere, key=new_key(), key_file=None)

    assert (caught.value.code, "s3cret" in caught.value.text + caught.value.hint) == ("CW501", False)


def test_a_folder_that_is_not_there_is_told_in_our_words(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as caught:
        open_store(f"sqlite:///{tmp_path}/nowhere/crosswalk.db", key=new_key(), key_file=None)

    assert caught.value.code == "CW501"
