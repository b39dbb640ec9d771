"""Blob paths, blob events and message texts."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.functions_host.blobs import CREATED, BlobMessage, Pattern, created
from local.functions_host.config import HostError
from local.functions_host.queues import decode_text, encode_body


@pytest.mark.parametrize(
    ("path", "blob", "expected"),
    [
        ("drop/{name}", "a/b c.txt", {"name": "a/b c.txt"}),
        ("drop/in/{name}.csv", "in/x.csv", {"name": "x"}),
        ("drop/in/{name}.csv", "in/x.txt", None),
        ("drop/{name}.{ext}", "a.b.c", {"name": "a.b", "ext": "c"}),
        ("drop", "anything", {}),
        ("drop/a+b", "aab", None),
    ],
)
def test_paths(path: str, blob: str, expected: dict[str, str] | None) -> None:
    """A path's parameters take any text, slashes too; the text around them is literal."""
    assert Pattern(path, "f").match("drop", blob) == expected
    assert Pattern(path, "f").match("drop2", blob) is None


def test_path_without_container_is_refused() -> None:
    """A path that names no container is an error that names the function."""
    with pytest.raises(HostError, match="Function f"):
        Pattern("{name}", "f")


@pytest.mark.parametrize(
    ("event", "account", "expected"),
    [
        (
            {"eventType": CREATED, "data": {"url": "https://a.blob.core.windows.net/c/x%20y"}},
            "",
            ("c", "x y"),
        ),
        ({"type": CREATED, "data": {"url": "http://127.0.0.1:1/acc/c/x%2525"}}, "/acc", ("c", "x%25")),
        (
            {"eventType": CREATED, "subject": "/blobServices/default/containers/c/blobs/a/b%"},
            "",
            ("c", "a/b%"),
        ),
    ],
)
def test_events_in_both_schemas(event: object, account: str, expected: tuple[str, str]) -> None:
    """Container and name come from the URL, decoded once, or from the subject as it is."""
    found = created(event, account)
    assert found is not None
    assert (found.container, found.blob) == expected


@pytest.mark.parametrize("event", [{}, [], 3, None, "x", {"eventType": "Microsoft.Storage.BlobDeleted"}])
def test_other_events_are_none(event: object) -> None:
    """What is no BlobCreated is left alone."""
    assert created(event, "") is None


def test_event_without_a_blob_is_an_error() -> None:
    """A BlobCreated event that names no blob is refused, not guessed at."""
    with pytest.raises(ValueError, match="names no blob"):
        created({"eventType": CREATED, "data": {}}, "")


def test_queue_message_is_the_real_hosts() -> None:
    """The message on the host's own queue has the real one's keys."""
    assert msgspec.to_builtins(BlobMessage("Host.Functions.f", "BlockBlob", "c", "n", "0x1")) == {
        "Type": "BlobTrigger",
        "FunctionId": "Host.Functions.f",
        "BlobType": "BlockBlob",
        "ContainerName": "c",
        "BlobName": "n",
        "ETag": "0x1",
    }


@given(st.binary())
def test_base64_round_trip(body: bytes) -> None:
    """Any body survives base64; line breaks inside do not matter."""
    text = encode_body(body, "base64")
    assert decode_text(text, "base64") == body
    assert decode_text("\n".join(text), "base64") == body


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_decoding_never_raises(text: str) -> None:
    """Any text is a body or is not; it is never an exception, and plain text always is."""
    decoded = decode_text(text, "base64")
    assert decoded is None or isinstance(decoded, bytes)
    assert decode_text(text, "none") == text.encode()
