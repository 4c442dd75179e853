"""What a command writes becomes lines: all of it, in order, readable."""

import pytest
from hypothesis import given, strategies

from podium.client.shell.lines import LONGEST, Lines, readable


def texts(lines: Lines, *chunks: tuple[str, bytes]) -> list[tuple[str, str]]:
    found = [line for stream, chunk in chunks for line in lines.feed(stream, chunk)]
    return [(line.stream, line.text) for line in [*found, *lines.end()]]


def test_chunks_become_lines_of_their_streams() -> None:
    """However they are cut; the last one needs no line end."""
    chunks = [
        ("stdout", b"one\ntw"),
        ("stderr", b"oh"),
        ("stdout", b"o\n\nth"),
        ("stderr", b" no\n"),
        ("stdout", b"ree"),
    ]
    assert texts(Lines(), *chunks) == [
        ("stdout", "one"),
        ("stdout", "two"),
        ("stdout", ""),
        ("stderr", "oh no"),
        ("stdout", "three"),
    ]


def test_each_line_is_later_than_the_one_before() -> None:
    """The server sorts by time."""
    moments = [line.at for line in Lines().feed("stdout", b"x\n" * 1000)]
    assert moments == sorted(set(moments))


@given(strategies.lists(strategies.binary(max_size=50)))
def test_nothing_is_lost(chunks: list[bytes]) -> None:
    """Any bytes in any pieces are the same lines as in one piece."""
    pieces = texts(Lines(), *(("stdout", chunk) for chunk in chunks))
    assert pieces == texts(Lines(), ("stdout", b"".join(chunks)))
    assert len(pieces) == len(b"".join(chunks).removesuffix(b"\n").split(b"\n")) - (not b"".join(chunks))


def test_a_long_line_goes_on_in_the_next_and_no_character_is_cut() -> None:
    """A line without an end does not wait for one."""
    text = "é" * LONGEST + "!"
    lines = Lines()
    early = lines.feed("stdout", text.encode())
    assert early
    assert all(len(line.text.encode()) <= LONGEST for line in early)
    assert "".join(line.text for line in [*early, *lines.end()]) == text


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"\x1b[1;31mred\x1b[0m", "red"),
        (b" 10%\r 50%\r100%\r", "100%"),
        (b"caf\xc3\xa9 \xff\x00", "café \\xff\\x00"),
        (b"tab\there", "tab\there"),
        (b"windows\r", "windows"),
    ],
)
def test_a_line_reads_as_on_a_terminal(data: bytes, text: str) -> None:
    """Without its colours, with what overwrites the rest; bytes that are no text are written out."""
    assert readable(data) == text
