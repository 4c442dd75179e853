"""Which value a setting has, and where it comes from.

The first source that gives a setting wins: flag, environment, `.env`, `podium.toml`, `prefect.toml`,
`pyproject.toml`, active profile, default. Within a source Podium's own name wins over its PREFECT_ alias, and a
canonical name over an older one.
"""

import os
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Final, TypeVar

from podium.profiles.declaration import HOME, Section
from podium.profiles.derived import DERIVED, URL, derive, with_password
from podium.profiles.errors import SettingsError, UnknownKey, WrongProfile, WrongValue
from podium.profiles.layers import Candidate, Layer, environment_layer, flag_layer, flatten, layer, project_layers
from podium.profiles.locations import absolute, fill, fill_url, home_directory
from podium.profiles.profile_file import BUILT_IN, DEFAULT_PROFILE, ProfileFile, read_profiles, similar_profile
from podium.profiles.registry import SETTINGS, Setting, find, mask, near_miss, own_form
from podium.profiles.settings import Settings
from podium.profiles.values import Unreadable, expected, parse, text

S = TypeVar("S", bound=Section)

SHOWN_LENGTH: Final = 60


def resolve(
    flags: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
    profile: str | None = None,
    cwd: Path | None = None,
) -> "Resolved":
    """Read every source. `flags` maps settings' paths or names to values; None means not given.

    `profile` is the profile asked for on the command line. Raises SettingsError when the profile file cannot be read
    or the profile does not exist; what else is wrong waits in `problems` until `settings` is asked for.
    """
    return Resolved(flags or {}, os.environ if environ is None else environ, profile, cwd or Path())


def load_settings(
    flags: Mapping[str, Any] | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    profile: str | None = None,
    cwd: Path | None = None,
) -> Settings:
    """The settings of this process. Raises SettingsError with one line that says what to change."""
    return resolve(flags, environ, profile, cwd).settings


def profiles_path(environ: Mapping[str, str] | None = None) -> Path:
    """The profile file of this process, whether it is there and in order or not."""
    environ = os.environ if environ is None else environ
    home = home_directory(environ)
    return absolute(Path(fill(environ.get("PODIUM_PROFILES_PATH") or f"{HOME}/profiles.toml", home)), environ)


class Resolved:
    """The sources of one process, read once.

    `profile` is the name of the profile in use, `home` the home directory, `problems` what is wrong with keys,
    `notices` what was ignored.
    """

    def __init__(self, flags: Mapping[str, Any], environ: Mapping[str, str], profile: str | None, cwd: Path) -> None:
        self.environ = environ
        own = [flag_layer({**flags, "profile": profile or flags.get("profile")}), environment_layer(environ)]
        self._layers = own
        self.home = home_directory(environ, self._raw("home"))
        path = self._raw("profiles_path") or f"{HOME}/profiles.toml"
        self.profiles: ProfileFile = read_profiles(absolute(Path(fill(str(path), self.home)), environ))
        chosen = self._profile_candidates()[0]
        self.profile = str(chosen.raw)
        self._check_profile(chosen)
        self._layers = [*own, *project_layers(cwd), self._profile_layer(), self._built_in_layer()]
        self.problems: list[SettingsError] = [each for one in self._layers for each in one.problems]
        self.notices = [each for one in self._layers for each in one.notices]

    def _raw(self, path: str) -> Any:
        given = self._given(path)
        return given[0].raw if given and given[0].raw else None

    def _given(self, path: str) -> list[Candidate]:
        return [each for one in self._layers for each in one.candidates.get(path, ()) if not each.ignored]

    def _profile_candidates(self) -> list[Candidate]:
        file = self.profiles
        candidates = [each for each in self._given("profile") if each.raw]
        if file.active:
            candidates.append(Candidate("profile", file.where("active"), "active", file.active))
        return [*candidates, Candidate("default", "default", "PODIUM_PROFILE", DEFAULT_PROFILE)]

    def _check_profile(self, chosen: Candidate) -> None:
        known = self.profiles.names()
        if self.profile not in known:
            place = f"environment: {chosen.key}" if chosen.source == "env" else chosen.where
            raise WrongProfile(place, self.profile, known, similar_profile(self.profile, known))

    def _profile_layer(self) -> Layer:
        content = self.profiles.profiles.get(self.profile, {})
        return layer("profile", flatten(self.profiles.file, content, ("profiles", self.profile)), strict=True)

    def _built_in_layer(self) -> Layer:
        content = BUILT_IN.get(self.profile, {})
        return layer("profile", [(key, value, "built-in profile") for key, value in content.items()], strict=True)

    def candidates(self, key: str) -> list[Candidate]:
        """Every value offered for a setting, in order of precedence, ending with the default.

        Those that a source may not give are in the list too, with `ignored` set. Raises UnknownKey.
        """
        setting = _known(key)
        if setting.path == "profile":
            return self._profile_candidates()
        offered = self.offered(setting)
        given = any(not each.ignored for each in offered)
        followed = derive(self, setting.path) if setting.path in DERIVED and not given else None
        if followed:
            offered.append(followed[1]._replace(raw=followed[0]))
        return [*offered, Candidate("default", "default", setting.name, setting.default)]

    def offered(self, setting: Setting) -> list[Candidate]:
        """What the sources say of a setting, without what follows from other settings and the default."""
        return [each for one in self._layers for each in one.candidates.get(setting.path, ())]

    def origin(self, key: str) -> Candidate:
        """The candidate that wins. Raises UnknownKey."""
        return next(each for each in self.candidates(key) if not each.ignored)

    def value(self, key: str) -> Any:
        """The value of a setting. Raises UnknownKey and WrongValue."""
        setting = _known(key)
        if setting.path == "home":
            return self.home
        return self._finished(setting, self.read(setting, self.origin(setting.path)))

    def read(self, setting: Setting, candidate: Candidate) -> Any:
        """The value a candidate gives a setting. Raises WrongValue."""
        if candidate.source == "default":
            return setting.default
        try:
            return parse(setting, candidate.raw)
        except Unreadable:
            raise self.wrong_value(setting, candidate) from None

    def wrong_value(self, setting: Setting, candidate: Candidate) -> WrongValue:
        """The error for a candidate that its setting cannot have; it shows no secret."""
        return wrong_value(setting, candidate.where, candidate.key, candidate.raw)

    def _finished(self, setting: Setting, value: Any) -> Any:
        if isinstance(value, Path):
            return absolute(Path(fill(str(value), self.home)), self.environ) if setting.section else value
        if setting.path == URL:
            return with_password(self, fill_url(value, self.home, self.environ))
        return value

    def given(self) -> Iterator[Setting]:
        """The settings that some source other than the default gives, in the order of their printed names."""
        paths = {path for one in self._layers for path in one.candidates if path != "profile"} | set(DERIVED)
        settings = [setting for path in paths if (setting := find(path)) and self.origin(path).source != "default"]
        yield from sorted(settings, key=self.printed_name)

    def printed_name(self, setting: Setting) -> str:
        """The name a setting was given under, as Podium spells it; its canonical name when nobody gave it."""
        origin = self.origin(setting.path)
        if origin.nested or origin.raw is None or origin.key not in setting.names:
            return setting.name
        return own_form(origin.key) if own_form(origin.key) in setting.names else setting.name

    @cached_property
    def settings(self) -> Settings:
        """All settings, typed. Raises the first SettingsError among the problems."""
        if self.problems:
            raise self.problems[0]
        tree: dict[str, Any] = {"profile": self.profile, "home": self.home}
        changed = {setting.path for setting in self.given() if setting.section} | _FILLED_IN
        for path in changed - {"profile", "home"}:
            *tables, field = path.split(".")
            table = tree
            for name in tables:
                table = table.setdefault(name, {})
            table[field] = self.value(path)
        return _build(Settings, tree)


_FILLED_IN: Final = {
    setting.path for setting in SETTINGS.values() if isinstance(setting.default, Path) or setting.path in DERIVED
}


def _build(section: type[S], tree: dict[str, Any]) -> S:
    fields = section.__annotations__
    return section(
        **{
            name: _build(fields[name], value) if isinstance(fields[name], type) else value
            for name, value in tree.items()
        }
    )


def _known(key: str) -> Setting:
    setting = find(key)
    if setting is None:
        raise UnknownKey("argument", key, near_miss(key))
    return setting


def wrong_value(setting: Setting, where: str, key: str, raw: Any) -> WrongValue:
    """The error for a value that a setting cannot have; it shows no secret."""
    shown = mask(setting, text(raw))
    if len(shown) > SHOWN_LENGTH:
        shown = shown[:SHOWN_LENGTH] + "…"
    return WrongValue(where, key, expected(setting), None if setting.secret else repr(shown))
