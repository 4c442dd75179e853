"""Files of JSON, JSON lines or YAML that commands read."""

import sys
from pathlib import Path
from typing import Any

import msgspec

from podium.cli.diagnostics import ExitCode, Failure


def read_document(file: str, option: str) -> Any:
    """The value in a file of JSON or YAML; `-` is stdin. A file of JSON lines is a list. Raises Failure."""
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(f"{option}: {file} cannot be read: {error}", ExitCode.USAGE) from None
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        if file.endswith(".json"):
            raise Failure(f"{option}: {file} is not JSON: {error}", ExitCode.USAGE) from None
    lines = [line for line in text.splitlines() if line.strip()]
    if file.endswith((".jsonl", ".ndjson")) or all(line[:1] == "{" and line.rstrip()[-1:] == "}" for line in lines):
        return _lines(lines, file, option)
    return _yaml(text, file, option)


def _lines(lines: list[str], file: str, option: str) -> list[Any]:
    values = []
    for number, line in enumerate(lines, 1):
        try:
            values.append(msgspec.json.decode(line))
        except (msgspec.DecodeError, RecursionError) as error:
            raise Failure(f"{option}: line {number} of {file} is not JSON: {error}", ExitCode.USAGE) from None
    return values


def _yaml(text: str, file: str, option: str) -> Any:
    # Loaded on use, and not needed for JSON.
    import yaml

    try:
        return msgspec.to_builtins(yaml.safe_load(text), str_keys=True)
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f"line {mark.line + 1} of " if mark is not None else ""
        reason = getattr(error, "problem", None) or str(error)
        raise Failure(f"{option}: {place}{file} is not YAML: {reason}", ExitCode.USAGE) from None
