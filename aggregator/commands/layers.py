"""The layers that settings come from: flags over variables over the [service] table over defaults."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from aggregator.explain import errors_of
from aggregator.mistakes import Mistake, Mistaken
from aggregator.servers.url import has_password, is_insecure
from aggregator.settings import FROM_FILE, Settings


def variable(name: str) -> str:
    """The variable of a setting."""
    return f"AGGREGATOR_{name.upper()}"


def flag(name: str) -> str:
    """The flag of a setting."""
    return f"--{name.replace('_', '-')}"


@dataclass(frozen=True)
class Layer:
    """What one source says, by setting, and how it calls a setting when it says something wrong."""

    said: dict[str, Any]
    mistake: Callable[[str, str], Mistake]

    def says_one_of(self, names: tuple[str, str]) -> bool:
        """Does it say at least one of them?"""
        return any(name in self.said for name in names)

    def read(self, mistakes: list[Mistake]) -> dict[str, Any]:
        """What it says, in seconds and bytes and with files read; what is wrong goes to `mistakes`."""
        said = dict(self.said)
        for url, file in FROM_FILE.items():
            if url in said and file in said:
                mistakes.append(self.mistake(file, f"expected one of it and {self.mistake(url, '').key}, not both"))
            elif file in said:
                said[url] = self._content(said.pop(file), file, mistakes)
        return self._checked({name: text for name, text in said.items() if text is not None}, mistakes)

    def _content(self, path: str, name: str, mistakes: list[Mistake]) -> str | None:
        try:
            with open(path, encoding="utf-8") as file:
                return file.read(8192).strip()
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "it is not text"
            mistakes.append(self.mistake(name, f"the file {path} cannot be read: {reason}"))
            return None

    def _checked(self, said: dict[str, Any], mistakes: list[Mistake]) -> dict[str, Any]:
        try:
            right = Settings.model_validate(said)
        except ValidationError as error:
            for place, message, _ in errors_of(error):
                mistakes.append(self.mistake(str(place[0]), message))
            return {}
        return {name: getattr(right, name) for name in said}


def load_settings(
    flags: Mapping[str, Any], environ: Mapping[str, str], service: Settings | None = None, file: str = ""
) -> Settings:
    """The settings in force.

    flags: by setting, None where not given; other names are left alone. environ: an empty variable says nothing.
    service: what `file` declares. The URLs that `*_url_file` name are read here, so that only `*_url` is left.
    Mistaken, with every mistake, each named by its flag, its variable, or its table and key.
    """
    layers = [_declared(service, file), _variables(environ), _flags(flags)]
    mistakes = list(_open_passwords(layers[-1]))
    for pair in FROM_FILE.items():
        _overrule(layers, pair)
    read = [layer.read(mistakes) for layer in layers]
    settings = Settings().model_copy(update={name: value for layer in read for name, value in layer.items()})
    mistakes += [*_same_port(settings), *_insecure(settings)]
    if mistakes:
        raise Mistaken(mistakes)
    return settings


def _declared(service: Settings | None, file: str) -> Layer:
    # As text, so that every layer is read in the same way.
    said = service.model_dump(mode="json", exclude_unset=True) if service else {}
    said = {name: text for name, text in said.items() if text is not None}
    return Layer(said, lambda name, message: Mistake(file, "service", name, message))


def _variables(environ: Mapping[str, str]) -> Layer:
    said = {name: environ[variable(name)] for name in Settings.model_fields if environ.get(variable(name))}
    return Layer(said, lambda name, message: Mistake("", "", variable(name), message))


def _flags(flags: Mapping[str, Any]) -> Layer:
    said = {name: flags[name] for name in Settings.model_fields if flags.get(name) is not None}
    return Layer(said, lambda name, message: Mistake("", "", flag(name), message))


def _overrule(layers: list[Layer], names: tuple[str, str]) -> None:
    """Of a URL and its file, only the highest layer that says either counts."""
    highest = max((at for at, layer in enumerate(layers) if layer.says_one_of(names)), default=0)
    for layer in layers[:highest]:
        for name in names:
            layer.said.pop(name, None)


def _open_passwords(flags: Layer) -> Iterator[Mistake]:
    for url, file in FROM_FILE.items():
        if has_password(str(flags.said.get(url, ""))):
            message = f"a password on the command line is seen by all; use {variable(url)} or {flag(file)} instead"
            yield flags.mistake(url, message)


def _same_port(settings: Settings) -> Iterator[Mistake]:
    if settings.port and (settings.host, settings.port) == (settings.admin_host, settings.admin_port):
        message = f"{settings.port} is the public listener's port too; expected: another one for the admin listener"
        yield Mistake("", "", "admin_port", message)


def _insecure(settings: Settings) -> Iterator[Mistake]:
    for url in FROM_FILE:
        if not settings.allow_insecure_redis and (text := getattr(settings, url)) and is_insecure(text):
            message = (
                "the server may be on another machine, and the URL has neither TLS nor a password: who reaches it "
                "reads every screen. Use TLS or a password, or set allow_insecure_redis where the network is closed"
            )
            yield Mistake("", "", url, message)
