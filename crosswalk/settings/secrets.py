"""References to what is kept outside of the file: `env:NAME`, `file:PATH`. A secret never stands in the file itself."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from crosswalk.settings.faults import Faults, Spot, reason_of, suggest
from crosswalk.settings.source import Node, Row, Scalar, Table

_REFERENCE: Final = re.compile(r"^(env|file):(.*)$", re.DOTALL)
# What people know from shells and other tools.
_FOREIGN: Final = re.compile(
    r"^\$\{\{?\s*(?:(env|file)[:.])?([^}]*?)\s*\}?\}$|^\$([A-Za-z_]\w*)$|^\{\{\s*([\w.]+)\s*\}\}$"
)
_NAME: Final = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*$")
_LARGEST: Final = 64 * 1024


class References:
    """Fetches what a file refers to, from the environment, the `.env` beside the file, and files."""

    def __init__(self, folder: Path, environment: Mapping[str, str], faults: Faults) -> None:
        self._folder = folder
        self._environment = environment
        self._faults = faults
        self._beside: Mapping[str, str] | None = None
        self._hidden = ""  # why the .env that is there cannot be read
        # Scalars whose reference leads nowhere: what else is wrong with them is no second fault.
        self.failed: set[int] = set()
        self.read: set[Path] = set()  # what was looked into, be it that it was not there

    def fetch(self, node: Node, spot: Spot) -> None:
        """Put what is referred to in the place of every reference below a node."""
        if isinstance(node, Table):
            for name, entry in node:
                self.fetch(entry.value, spot / name)
        elif isinstance(node, Row):
            for at, item in enumerate(node.items):
                self.fetch(item, spot / at)
        elif isinstance(node.value, str) and node.shown is None:
            self._fetch_one(node, node.value, spot)

    def _fetch_one(self, node: Scalar, text: str, spot: Spot) -> None:
        foreign = _FOREIGN.match(text)
        if foreign:
            kind = foreign[1] or "env"
            name = next((one for one in foreign.groups()[1:] if one), "NAME")
            self._fail(node, spot, f"{text} is no reference", f"write {kind}:{name}")
            return
        found = _REFERENCE.match(text)
        if found is None:
            return
        value = self._variable(node, found[2], spot) if found[1] == "env" else self._file(node, found[2], spot)
        node.shown = text
        if value is not None:
            node.value = value

    def _variable(self, node: Scalar, name: str, spot: Spot) -> str | None:
        if not _NAME.match(name):
            self._fail(node, spot, "env: names no variable", "write env:NAME, of letters, digits and _")
            return None
        value = self._environment.get(name)
        if value is None:
            value = self.beside.get(name)
        if value:
            return value
        if value is None and self._hidden:
            text = f"{name} is not set, and .env beside the file cannot be read: {self._hidden}"
            self._fail(node, spot, text, "correct .env, or who may read it")
            return None
        what = "is not set" if value is None else "is empty"
        near = suggest(name, sorted(self.beside)) if self.beside else ""
        likely = f"{near}  or " if near.startswith("did") else ""
        self._fail(node, spot, f"{name} {what}", f"{likely}set it, or add it to .env")
        return None

    def _file(self, node: Scalar, name: str, spot: Spot) -> str | None:
        if not name:
            self._fail(node, spot, "'file:' names no file", "write file:PATH")
            return None
        path = self._folder / Path(name).expanduser()
        self.read.add(path)
        try:
            with path.open("rb") as file:
                raw = file.read(_LARGEST + 1)
            text = raw.decode("utf-8-sig")
        except OSError as error:
            self._fail(node, spot, f"{name} cannot be read: {reason_of(error)}", "correct the path, or who may read it")
            return None
        except UnicodeDecodeError:
            self._fail(node, spot, f"{name} holds no text", "a file of one secret in UTF-8")
            return None
        text = text[: -len("\r\n")] if text.endswith("\r\n") else text.removesuffix("\n")
        if text and len(raw) <= _LARGEST:
            return text
        self._fail(node, spot, f"{name} is {'too large' if text else 'empty'}", "a file of one secret in UTF-8")
        return None

    def _fail(self, node: Scalar, spot: Spot, text: str, hint: str) -> None:
        self.failed.add(id(node))
        self._faults.add("CW103", node.mark, text, hint, at=spot)

    @property
    def beside(self) -> Mapping[str, str]:
        """Of the `.env` beside the file; read when first needed."""
        if self._beside is None:
            path = self._folder / ".env"
            self.read.add(path)
            try:
                self._beside = dotenv(path.read_text(encoding="utf-8-sig"))
            except FileNotFoundError:
                self._beside = {}
            except OSError as error:
                self._beside = {}
                self._hidden = reason_of(error)
            except UnicodeDecodeError:
                self._beside = {}
                self._hidden = "it is not UTF-8"
        return self._beside


def dotenv(text: str) -> dict[str, str]:
    """NAME=VALUE by line; `export`, comments and quotes as usual. Nothing is expanded."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        name, value = name.strip(), value.strip()
        if not equals or not _NAME.match(name):
            continue
        quoted = re.match(r"""^(?:"((?:[^"\\]|\\.)*)"|'([^']*)')\s*(?:#.*)?$""", value)
        if quoted:
            value = quoted[2] if quoted[1] is None else re.sub(r"\\(.)", _escaped, quoted[1])
        else:
            value = re.split(r"\s#", value, maxsplit=1)[0].rstrip()
        found[name] = value
    return found


def _escaped(found: re.Match[str]) -> str:
    return {"n": "\n", "t": "\t", "r": "\r"}.get(found[1], found[1])
