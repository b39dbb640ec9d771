"""Hostile files where no other test has them: archives' names, and a routes file that somebody else has written."""

from __future__ import annotations

import io
import os
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.errors import RoutesError
from shared.routes import loads
from shared.routes.read import MOST_VALUES
from tests.azurite import Azurite
from tests.ferry import ROUTES, Ferry, ferry

MEMBERS = [
    "../../../etc/cron.d/x",
    "/etc/passwd",
    "C:\\windows\\x",
    "a\n\x1b[2J",
    "..",
    "x/../../y",
    "same",
    "same",
]
WITH_MEMBER = ROUTES.replace("Size: { type: int } }", "Size: { type: int }, File: { fact: member } }", 1)


@pytest.fixture(scope="module")
def app(azurite: Azurite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ferry]:
    with ferry(azurite, tmp_path_factory.mktemp("files"), WITH_MEMBER) as made:
        yield made


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_the_names_in_an_archive_are_only_names(
    app: Ferry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Paths out of the archive, absolute ones, links and control characters: each file is read, none is written."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for number, name in enumerate(MEMBERS):
            archive.writestr(name, b'{"Name":"n%d"}\n' % number)
        link = zipfile.ZipInfo("link")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    app.drop("lines/names.zip", packed.getvalue())
    app.take("lines/names.zip")
    rows = {row["Name"]: row["File"] for row in app.server.rows("Lines_CL")}
    shown = [name.replace("\\", "/").replace("\n\x1b", "\ufffd\ufffd") for name in MEMBERS]
    assert rows == {f"n{number}": name for number, name in enumerate(shown)}
    assert [line["raw"] for line in app.dead()] == ["/etc/passwd"]
    assert list(tmp_path.iterdir()) == []
    assert not Path("/etc/cron.d/x").exists()


@pytest.mark.timeout(60)
@pytest.mark.parametrize("form", ["[{}]", "{{ {} }}"])
def test_a_routes_file_is_no_bomb(form: str) -> None:
    """Aliases of aliases, thirty times nine: refused with a sentence, and not built."""
    levels = [f"a0: &a0 {form.format(', '.join('x' if form[0] == '[' else f'k{n}: x' for n in range(9)))}"]
    for level in range(1, 30):
        inner = ", ".join(f"*a{level - 1}" if form[0] == "[" else f"k{n}: *a{level - 1}" for n in range(9))
        levels.append(f"a{level}: &a{level} {form.format(inner)}")
    with pytest.raises(RoutesError, match=f"over {MOST_VALUES:,} values"):
        loads("\n".join(levels))


@pytest.mark.parametrize(
    "value",
    [
        "!!python/object/apply:os.system ['touch owned']",
        "!!python/name:os.system",
        "!include /etc/passwd",
        "!!binary aGk=",
    ],
)
def test_a_routes_file_makes_no_objects(value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tag is a mistake with its line: nothing is called, imported or read."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RoutesError, match=r"routes\.yaml:\d+:\d+: "):
        loads(ROUTES.replace("table: Lines_CL", f"table: {value}"))
    assert os.listdir(tmp_path) == []  # noqa: PTH208


@pytest.mark.parametrize(
    "key", ["endpoint: https://evil.example", "rule: dcr-1", "storage: x", "identity: y", "env: z"]
)
def test_a_routes_file_cannot_say_where_data_goes(key: str) -> None:
    """Endpoint, rule, storage and identity are settings: a route that names them is refused."""
    with pytest.raises(RoutesError, match=key.partition(":")[0]):
        loads(ROUTES.replace("    table: Lines_CL", f"    {key}\n    table: Lines_CL"))
