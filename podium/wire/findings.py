"""What a look at a client or a server finds, one thing at a time."""

from typing import Literal

from podium.wire.endpoint import Answer

Result = Literal["ok", "note", "warning", "failed"]


class Finding(Answer):
    """One thing that was looked at: how it is, and what to do about it if it is not well.

    ``note``: could not be looked at, or is as it is. ``warning``: works, and may not for long. ``failed``: does not.
    """

    check: str
    result: Result
    detail: str
    fix: str | None = None

    @property
    def sentence(self) -> str:
        """Both in one line."""
        return f"{self.detail}; {self.fix}" if self.fix else self.detail


def found(check: str, result: Result, text: str) -> Finding:
    """A finding from a message that says what is so and, after its last semicolon, what to do."""
    detail, separated, fix = text.rpartition("; ")
    if result not in ("warning", "failed") or not separated:
        return Finding(check=check, result=result, detail=text)
    return Finding(check=check, result=result, detail=detail, fix=fix)
