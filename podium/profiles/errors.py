"""What can be wrong with settings and profiles, each said in one line: where, what, and what was expected."""


class SettingsError(Exception):
    """Something about settings or profiles is not usable. `str()` of it is the line to show; it holds no secret."""


class UnknownKey(SettingsError):
    """A name that is no setting."""

    def __init__(self, source: str, key: str, near_miss: str | None) -> None:
        self.source = source
        self.key = key
        self.near_miss = near_miss
        hint = f" Did you mean {near_miss}?" if near_miss else " `podium config view --show-defaults` lists all."
        super().__init__(f"{source}: {key} is not a setting.{hint}")


class WrongValue(SettingsError):
    """A value that a setting cannot have."""

    def __init__(self, source: str, key: str, expected: str, got: str | None) -> None:
        self.source = source
        self.key = key
        self.expected = expected
        shown = f", not {got}" if got is not None else ""
        super().__init__(f"{source}: {key} must be {expected}{shown}.")


class NotSettable(SettingsError):
    """A setting that cannot be set in this place."""


class InvalidFile(SettingsError):
    """A file that cannot be read or is not valid TOML."""

    def __init__(self, where: str, problem: str) -> None:
        self.where = where
        super().__init__(f"{where}: {problem}")


class ProfileNotFound(SettingsError):
    """A profile that does not exist."""

    def __init__(self, source: str, name: str, known: list[str], near_miss: str | None = None) -> None:
        self.name = name
        hint = f" Did you mean {near_miss}?" if near_miss else f" Profiles: {', '.join(known)}."
        super().__init__(f"{source}: there is no profile {name!r}.{hint}")


class WrongProfile(ProfileNotFound):
    """The profile that is to be used does not exist."""


class NotWritable(SettingsError):
    """The profile file cannot be written."""


class ProfileExists(SettingsError):
    """A profile that exists already."""


class StoreBusy(SettingsError):
    """Somebody else has held the profile file for too long."""
