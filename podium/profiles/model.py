"""All settings as one pydantic-settings model, made from the registry.

It serves `podium config validate`, which checks everything at once, and `podium config schema`, which editors read.
Nothing else imports this module: pydantic takes longer to import than most commands take to run.
"""

from functools import cache
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, create_model
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from podium.profiles.declaration import Section, declaration_of
from podium.profiles.errors import SettingsError
from podium.profiles.registry import ALL, SETTINGS, Setting
from podium.profiles.resolve import Resolved
from podium.profiles.settings import Settings
from podium.profiles.values import expected, parse

_BOUNDS: Final = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}


@cache
def settings_model() -> type[BaseSettings]:
    """The model; an instance of it takes its values from its arguments alone."""

    class Model(BaseSettings):
        model_config = SettingsConfigDict(extra="forbid", title="Podium settings")

        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return (init_settings,)

    return create_model("PodiumSettings", __base__=Model, __doc__="Settings of Podium.", **_fields(Settings, ""))


@cache
def json_schema() -> dict[str, Any]:
    """The JSON schema of `podium.toml`: nested tables, without what such a file may not set."""
    schema: dict[str, Any] = _without_guarded(settings_model().model_json_schema())
    return schema


def problems(resolved: Resolved) -> list[SettingsError]:
    """Everything that is wrong with any source: unknown keys, and values that lose as well as those that win."""
    found = list(resolved.problems)
    for setting in ALL.values():
        for candidate in resolved.offered(setting):
            try:
                resolved.read(setting, candidate)
            except SettingsError as error:
                found.append(error)
    try:
        settings_model()(**_given(resolved))
        for path in SETTINGS:
            resolved.value(path)
    except ValidationError as error:
        found += [_problem(resolved, each["loc"]) for each in error.errors()]
    except SettingsError as error:
        found.append(error)
    return list({str(each): each for each in found}.values())


def _given(resolved: Resolved) -> dict[str, Any]:
    """Of each setting that is given, the value that wins, as it is written; in nested tables."""
    tree: dict[str, Any] = {"profile": resolved.profile}
    for setting in resolved.given():
        *tables, field = setting.path.split(".")
        table = tree
        for name in tables if setting.section else ():
            table = table.setdefault(name, {})
        if setting.section:
            table[field] = resolved.origin(setting.path).raw
    return tree


def _problem(resolved: Resolved, place: tuple[int | str, ...]) -> SettingsError:
    names = [str(part) for part in place]
    while names and ".".join(names) not in SETTINGS:
        names.pop()
    setting = SETTINGS[".".join(names)]
    return resolved.wrong_value(setting, resolved.origin(setting.path))


def _fields(section: type[Section], prefix: str) -> dict[str, Any]:
    return {
        name: _field(SETTINGS[prefix + name], annotation)
        if declaration_of(annotation)
        else (_table(annotation, f"{prefix}{name}."), Field(default_factory=dict, validate_default=True))
        for name, annotation in section.__annotations__.items()
    }


def _table(section: type[Section], prefix: str) -> type[BaseModel]:
    return create_model(
        section.__name__,
        __config__=ConfigDict(extra="forbid"),
        __doc__=section.__doc__,
        **_fields(section, prefix),
    )


def _field(setting: Setting, annotation: Any) -> tuple[Any, Any]:
    def read(raw: Any) -> Any:
        return parse(setting, raw)

    def describe(schema: dict[str, Any]) -> None:
        schema["x-variable"] = setting.name
        if setting.declaration.guarded:
            schema["x-guarded"] = True
        for form in schema.get("anyOf", [schema]):
            if form.get("type") in {"number", "integer"}:
                form |= {_BOUNDS[bound]: limit for bound, limit in setting.declaration.bounds}
            if form.get("type") == "number" and "a duration" in expected(setting):
                form["type"] = ["number", "string"]

    return (
        Annotated[annotation, BeforeValidator(read)],
        Field(default=setting.default, description=setting.sentence, json_schema_extra=describe),
    )


def _without_guarded(schema: Any) -> Any:
    """The schema without the properties that project files may not set."""
    if isinstance(schema, list):
        return [_without_guarded(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: {name: _without_guarded(each) for name, each in value.items() if not each.get("x-guarded")}
        if key == "properties"
        else _without_guarded(value)
        for key, value in schema.items()
    }
