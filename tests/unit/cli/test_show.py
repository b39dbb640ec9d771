"""Output: boxes and colours for terminals, plain columns for everybody else."""

from __future__ import annotations

import io

import pytest

from shared.cli.show import Show, clean


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Yes."""
        return True


def test_a_pipe_gets_plain_columns() -> None:
    """Without a terminal a table is aligned text with no control characters and no wrapping."""
    out = io.StringIO()
    Show(out).table(("Name", "Rows"), [("a" * 120, ("7", "red")), ("b", "1,000")], right=("Rows",))
    assert out.getvalue() == f"Name{' ' * 116}   Rows\n{'a' * 120}      7\nb{' ' * 119}  1,000\n"


def test_a_terminal_gets_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal gets a ruled table, with the styles that cells ask for."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    out = Terminal()
    Show(out).table(("Name",), [(("late", "red"),)])
    assert "\x1b[31mlate" in out.getvalue()
    assert "─" in out.getvalue()


def test_no_color_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    """With NO_COLOR a terminal gets no escape sequence at all."""
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    out = Terminal()
    show = Show(out)
    show.table(("Name",), [(("late", "red"),)])
    show.line("over", "bold green")
    assert "\x1b" not in out.getvalue()
    assert "late" in out.getvalue()


def test_a_long_line_stays_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that is longer than the screen can be copied in one piece."""
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "40")
    out = Terminal()
    Show(out).line("logferry query " + "x" * 100)
    assert out.getvalue() == "logferry query " + "x" * 100 + "\n"


@pytest.mark.parametrize("text", ["\x1b[2J", "a\rb", "\x9b31m", "\u202eevil", "nul\0"])
def test_data_cannot_steer_a_terminal(text: str) -> None:
    """Control characters in data are written out, whatever the output."""
    out = io.StringIO()
    Show(out).table(("Value",), [(text,)])
    assert text not in out.getvalue()
    assert "\\x" in out.getvalue()


def test_text_that_is_text_stays() -> None:
    """Letters of any script and brackets that look like markup are shown as they are."""
    assert clean("Crème [bold]日本[/bold] \\") == "Crème [bold]日本[/bold] \\"
    out = Terminal()
    Show(out).line("[red]not markup[/red]")
    assert "[red]not markup[/red]" in out.getvalue()
