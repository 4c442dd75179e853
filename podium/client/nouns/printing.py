"""Texts of others on a terminal."""


def printable(text: str) -> str:
    """The text without control characters, which a terminal would obey."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() or char == "\n" else repr(char)[1:-1] for char in text)


def on_one_line(text: str) -> str:
    """The text as a cell: without control characters, its line ends too."""
    return printable(text).replace("\n", "\\n")
