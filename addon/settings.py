"""Every option of the server: environment name, type, default and meaning.

``load_settings()`` reads the environment and a ``.env`` file once, checks everything and reports
all problems together. Nobody else reads ``os.environ``. A field is named like its variable in
lower case; times are in milliseconds, rates in bytes a second, lists are tuples, and an empty
variable counts as unset.
"""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from addon.errors import SettingsError
from addon.options import (
    MIN_KEY_LENGTH,
    NONE,
    PUBLIC,
    is_loopback,
    read_access_keys,
    read_base_url,
    read_database_url,
    read_file,
    read_folder,
    read_host,
    read_interface,
    read_names,
    read_rate,
    read_secret_keys,
    read_switch,
    read_urls,
)

# Variables that a platform sets by itself in every app. Dokku sets DYNO too, so it comes first.
_PLATFORMS = (
    ("Dokku", "DOKKU_APP_TYPE"),
    ("Heroku", "DYNO"),
    ("Render", "RENDER"),
    ("Railway", "RAILWAY_ENVIRONMENT"),
    ("Fly.io", "FLY_APP_NAME"),
    ("Koyeb", "KOYEB_APP_NAME"),
)
_HOW_TO_SET = {
    "Dokku": "dokku config:set <app> ACCESS_KEY=<key>",
    "Heroku": "heroku config:set ACCESS_KEY=<key>",
    "Fly.io": "fly secrets set ACCESS_KEY=<key>",
}


def _from(parse: Callable[[str], object]) -> BeforeValidator:
    """Parses what the environment says, and leaves alone what a program hands over."""
    return BeforeValidator(lambda value: parse(value) if isinstance(value, str) else value)


def _option(
    default: Any,
    meaning: str,
    allowed: str,
    shown: str | None = None,
    *,
    secret: bool = False,
    **limits: Any,
) -> Any:
    """A field: ``allowed`` ends the sentence "… must be", ``shown`` is the default in words."""
    extra: dict[str, Any] = {"allowed": allowed, "shown": shown or str(default), "secret": secret}
    return Field(default, description=meaning, json_schema_extra=extra, **limits)


def _switch(meaning: str, *, on: bool, shown: str | None = None) -> Any:
    return _option(on, meaning, "on or off", shown or ("on" if on else "off"))


def _milliseconds(default: int, meaning: str, least: int, most: int) -> Any:
    allowed = f"a whole number of milliseconds from {least} to {most}"
    return _option(default, meaning, allowed, ge=least, le=most)


_KEY = f"at least {MIN_KEY_LENGTH} characters"
_SPEED = "bytes a second, at least 1KB, such as 10MB, or empty for no limit"
_PORT = "a whole number from 1 to 65535"
_ITORRENTS = "https://itorrents.org/torrent/{INFOHASH}.torrent"


class Settings(BaseSettings):
    """What ``load_settings`` read. Built by hand it takes its defaults and reads nothing."""

    model_config = SettingsConfigDict(
        env_file=".env",
        env_ignore_empty=True,
        enable_decoding=False,
        dotenv_filtering="only_existing",
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
    )

    host: Annotated[str, _from(read_host)] = _option(
        "127.0.0.1",
        "The address to listen on; 0.0.0.0 is every address of this machine.",
        "an IP address or a host name",
        "127.0.0.1 (0.0.0.0 on a PaaS)",
    )
    port: int = _option(7000, "The port to listen on.", _PORT, ge=1, le=65535)
    base_url: Annotated[str | None, _from(read_base_url)] = _option(
        None,
        "The public address of the server, such as https://films.example.org, used in every link.",
        "an absolute http or https address without user name, query or fragment",
        "from the request",
    )
    access_key: Annotated[tuple[str, ...], _from(read_access_keys)] = _option(
        (),
        "Who knows it may come in; several by comma; public opens the server to everybody.",
        f"the word {PUBLIC}, or keys of {_KEY} (ASCII, no spaces), by comma",
        "none on loopback, else made once",
        secret=True,
    )
    secret_key: Annotated[tuple[str, ...], _from(read_secret_keys)] = _option(
        (),
        "What seals install and play links; several by comma: the first seals, all open.",
        f"keys of {_KEY}, by comma",
        "made once",
        secret=True,
    )
    data_dir: Annotated[Path, _from(read_folder)] = _option(
        Path("data"),
        "The folder of the database, the keys and the cache.",
        "a folder, or a name that is still free",
    )
    database_url: Annotated[str | None, _from(read_database_url)] = _option(
        None,
        "A PostgreSQL that keeps library and keys, for a PaaS or several instances.",
        "an address such as postgresql://user:password@host:5432/name",
        "SQLite in DATA_DIR",
        secret=True,
    )
    p2p: Annotated[Literal["auto", "on", "off"], _from(read_switch)] = _option(
        "auto",
        "Let peers bring the bytes; auto is on, but off on a PaaS.",
        "auto, on or off",
    )
    p2p_timeout: int = _milliseconds(
        20000, "How long the swarm may try alone under p2p-first, in milliseconds.", 0, 300_000
    )
    p2p_head_start: int = _milliseconds(
        1500, "How long the swarm is ahead of the sources under race, in milliseconds.", 0, 60_000
    )
    strategy: Annotated[Literal["race", "p2p-first", "sources-first"], _from(str.lower)] = _option(
        "race",
        "Who is asked first: the swarm and the sources side by side, or one after the other.",
        "race, p2p-first or sources-first",
    )
    enable_http_fallback: bool = _switch(
        "Ask sources over HTTP too; off leaves the swarm alone.", on=True
    )
    source_test_timeout: int = _milliseconds(
        5000, "How long a source may take to pass its first test, in milliseconds.", 100, 60_000
    )
    resolve_budget: int = _milliseconds(
        26000, "How long one request may look for its bytes, in milliseconds.", 1000, 300_000
    )
    fallback_mode: Annotated[Literal["auto", "redirect", "proxy"], _from(str.lower)] = _option(
        "auto",
        "How a source's bytes reach the player: redirect sends it there, proxy passes them on, "
        "auto chooses by who vouches for the source.",
        "auto, redirect or proxy",
    )
    http_assist: Annotated[Literal["when-needed", "always", "never"], _from(str.lower)] = _option(
        "when-needed",
        "Whether sources fill beside a swarm that lives: when-needed is where the swarm alone does "
        "not keep up with the player.",
        "when-needed, always or never",
    )
    prepare_next: bool = _switch(
        "Make the next episode of a series ready when a viewer has watched most of one.", on=True
    )
    exclude_sources: Annotated[tuple[str, ...], _from(read_names)] = _option(
        ("WebTor.io",),
        "Sources that are never asked, by name; * is the whole built-in catalogue, the word "
        f"{NONE} excludes nothing.",
        f"names by comma, or the word {NONE}",
        "WebTor.io",
    )
    sources_file: Annotated[Path | None, _from(read_file)] = _option(
        None,
        "A TOML file of more sources; one with a built-in source's name replaces it.",
        "a file that exists",
        "none",
    )
    metadata_sources: Annotated[tuple[str, ...], _from(read_urls)] = _option(
        (_ITORRENTS,),
        "Where .torrent files are asked for by info hash, in this order; each learns which "
        f"torrents you play, the word {NONE} asks nobody.",
        f"http or https addresses by comma, or the word {NONE}",
        _ITORRENTS,
    )
    dht: bool = _switch("Find peers in the distributed hash table.", on=True)
    lsd: bool = _switch("Find peers in the local network.", on=False)
    upnp: bool = _switch("Ask the router to open the port for peers (UPnP and NAT-PMP).", on=True)
    p2p_port: int | None = _option(
        None,
        "The port on which other peers reach this one.",
        f"{_PORT}, or empty for a random one",
        "random",
        ge=1,
        le=65535,
    )
    p2p_interface: Annotated[str | None, _from(read_interface)] = _option(
        None,
        "The address or network device that carries the swarm's traffic.",
        "an IP address or the name of a network device",
        "all",
    )
    download_rate: Annotated[int | None, _from(read_rate)] = _option(
        None, "The most that the swarm downloads a second, such as 10MB.", _SPEED, "none", ge=1000
    )
    upload_rate: Annotated[int | None, _from(read_rate)] = _option(
        None, "The most that the swarm uploads a second, such as 1MB.", _SPEED, "none", ge=1000
    )
    cache_max_bytes: Annotated[int | None, _from(read_rate)] = _option(
        None,
        "The most that films may take on disk, such as 50GB; what was used longest ago is deleted.",
        "a size of at least 1MB, such as 50GB",
        "20GB, at most 80 % of what is free",
        ge=1_000_000,
    )
    max_active_torrents: int = _option(
        20,
        "How many torrents may be active at once.",
        "a whole number from 1 to 1000",
        ge=1,
        le=1000,
    )
    allow_private_addresses: bool = _switch(
        "Allow trackers, peers and sources in the local network.", on=False
    )
    trust_proxy: bool = _switch(
        "Believe the X-Forwarded headers of one proxy in front of the server.",
        on=False,
        shown="off (on on a PaaS)",
    )
    on_error: Annotated[Literal["status", "video"], _from(str.lower)] = _option(
        "status",
        "What a player gets when a film does not open: an HTTP status with the reason, or a short "
        "video that shows it.",
        "status or video",
    )
    log_format: Annotated[Literal["text", "json"], _from(str.lower)] = _option(
        "text",
        "How the log is written: text for people, json for collectors.",
        "text or json",
    )
    log_level: Annotated[Literal["debug", "info", "warning", "error"], _from(str.lower)] = _option(
        "info",
        "The least serious lines that the log shows.",
        "debug, info, warning or error",
    )

    platform: str | None = None
    """The PaaS this runs on, by the variables it sets; no setting of the user's."""

    @property
    def public(self) -> bool:
        """Open to everybody, on purpose; ``access_key`` then holds no key."""
        return self.access_key == (PUBLIC,)

    @property
    def on_loopback(self) -> bool:
        """Only programs on this machine can connect."""
        return is_loopback(self.host)

    @property
    def p2p_on(self) -> bool:
        """Peers may be looked for and talked to."""
        # What a platform charges for, forbids or cannot route is left alone until asked for.
        return self.p2p == "on" or (self.p2p == "auto" and self.platform is None)

    @property
    def wiped_disk(self) -> bool:
        """No library and no keys that are written here outlive a restart."""
        kept = {"data_dir", "database_url"} & self.model_fields_set
        return self.platform is not None and not kept

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        # load_settings reads the environment itself, because it must know what stood there in
        # order to name every problem, and because a test's environment must be all there is.
        return (init_settings,)

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        for name, value in super().__repr_args__():
            yield name, "***" if name and value and _extra(name).get("secret") else value


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """The settings of this process: its environment over ``.env`` in the working folder.

    An ``environ`` that is given is all there is: no ``.env`` is read. Raises SettingsError with
    every problem at once, one sentence each.
    """
    given = _read(environ)
    platform = _platform(os.environ if environ is None else environ)
    if platform:
        given = {"host": "0.0.0.0", "trust_proxy": "on"} | given  # noqa: S104 - its router connects from outside
    problems = []
    wrong: set[str] = set()
    try:
        settings = Settings(**given, platform=platform)
    except ValidationError as error:
        for name in dict.fromkeys(str(item["loc"][0]) for item in error.errors()):
            wrong.add(name)
            problems.append(_complaint(name, given[name]))
        right = {name: value for name, value in given.items() if name not in wrong}
        settings = Settings(**right, platform=platform)
    # A rule over several settings is not held against one that was already found wrong.
    problems += [text for names, text in _contradictions(settings) if not wrong & names]
    if problems:
        raise SettingsError(problems)
    return settings


def describe() -> list[tuple[str, str, str]]:
    """Each setting as (variable, default in words, meaning), for the table in the README."""
    return [
        (name.upper(), str(_extra(name)["shown"]), field.description or "")
        for name, field in Settings.model_fields.items()
        if _extra(name)
    ]


def _read(environ: Mapping[str, str] | None) -> dict[str, Any]:
    source = EnvSettingsSource(Settings)
    if environ is not None:
        source.env_vars = {name.lower(): value for name, value in environ.items()}
        found = source()
    else:
        try:
            found = DotEnvSettingsSource(Settings)() | source()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError([f"The file .env cannot be read: {error}."]) from None
    values = {name: value.strip() for name, value in found.items() if isinstance(value, str)}
    return {name: value for name, value in values.items() if value and name != "platform"}


def _platform(environ: Mapping[str, str]) -> str | None:
    return next((name for name, variable in _PLATFORMS if environ.get(variable)), None)


def _extra(name: str) -> dict[str, Any]:
    extra = Settings.model_fields[name].json_schema_extra
    return extra if isinstance(extra, dict) else {}


def _complaint(name: str, value: str) -> str:
    extra = _extra(name)
    # An address with a user name in it may hold a password too.
    if extra["secret"] or "@" in value:
        return f"{name.upper()} cannot be used: it must be {extra['allowed']}."
    shown = value if len(value) <= 60 else value[:59] + "…"
    return (
        f"{name.upper()} is {json.dumps(shown, ensure_ascii=False)}: it must be {extra['allowed']}."
    )


def _contradictions(settings: Settings) -> Iterator[tuple[set[str], str]]:
    """Settings that are right alone and wrong together: (the fields, a sentence)."""
    platform, keys = settings.platform, settings.access_key
    choose = f"without an access key it would answer everybody: set ACCESS_KEY to {_KEY}."
    if platform and not keys:
        how = _HOW_TO_SET.get(platform, "in the service's environment, ACCESS_KEY=<key>")
        text = (
            f"On {platform} everybody can reach the server and no key that it makes is kept, so "
            f"ACCESS_KEY must be set ({how}): {_KEY}, or {PUBLIC} to open it on purpose."
        )
        yield {"access_key"}, text
    if settings.on_loopback and not keys and not platform:
        if settings.base_url and not is_loopback(urlsplit(settings.base_url).hostname or ""):
            text = f"BASE_URL is {settings.base_url}, so others reach this server, and {choose}"
            yield {"host", "base_url", "access_key"}, text
        if settings.trust_proxy:
            text = f"TRUST_PROXY is on, so others reach this server through a proxy, and {choose}"
            yield {"host", "trust_proxy", "access_key"}, text
    if settings.public and settings.wiped_disk and not settings.secret_key:
        text = (
            f"ACCESS_KEY={PUBLIC} needs a SECRET_KEY of {_KEY} on {platform}, because nothing "
            "else there can seal links that outlive a restart."
        )
        yield {"access_key", "secret_key", "data_dir", "database_url"}, text
    if not settings.p2p_on and not settings.enable_http_fallback:
        swarm = "P2P is off" if settings.p2p == "off" else f"P2P is off on {platform} by itself"
        text = (
            f"{swarm} and ENABLE_HTTP_FALLBACK is off, so nobody could bring a film: "
            "switch one of them on."
        )
        yield {"p2p", "enable_http_fallback"}, text
