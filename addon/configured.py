"""The settings, as each part takes them: what ``app.py`` builds its parts with."""

from collections.abc import Callable
from urllib.parse import urlsplit

from addon.errors import Problem, SettingsError
from addon.net.addresses import PORTS, AddressPolicy
from addon.net.own_address import own_address
from addon.playback.rules import Rules
from addon.settings import Settings
from addon.sources.catalogue import BUILT_IN, load_catalogue
from addon.sources.registry import KeptSources, Registry
from addon.sources.template import Template, parse_template
from addon.swarm.session import SwarmConfig

# Heroku's router cuts what is silent for 30 s and takes the server for broken; the answer's head
# has waited for 2 s before.
ROUTER_PATIENCE = 25.0


def swarm_config(settings: Settings) -> SwarmConfig:
    """How the piece store and the swarm run."""
    return SwarmConfig(
        folder=settings.data_dir / "cache",
        most=settings.cache_max_bytes,
        p2p=settings.p2p_on,
        interface=settings.p2p_interface,
        port=settings.p2p_port or 0,
        dht=settings.dht,
        lsd=settings.lsd,
        upnp=settings.upnp,
        download_rate=settings.download_rate or 0,
        upload_rate=settings.upload_rate or 0,
        max_active=settings.max_active_torrents,
        allow_private=settings.allow_private_addresses,
    )


def rules(settings: Settings) -> Rules:
    """How a film is looked for, in seconds."""
    return Rules(
        budget=settings.resolve_budget / 1000,
        p2p=settings.p2p_on,
        sources=settings.enable_http_fallback,
        strategy=settings.strategy,
        head_start=settings.p2p_head_start / 1000,
        p2p_timeout=settings.p2p_timeout / 1000,
        mode=settings.fallback_mode,
    )


def address_policy(settings: Settings) -> AddressPolicy:
    """Where the server may go over HTTP: never to itself."""
    own = {(settings.host, settings.port)}
    if settings.base_url:
        parts = urlsplit(settings.base_url)
        own.add((parts.hostname or "", parts.port or PORTS[parts.scheme]))
    return AddressPolicy(allow_private=settings.allow_private_addresses, own=frozenset(own))


def registry(settings: Settings, kept: KeptSources) -> Registry:
    """The built-in sources, those of SOURCES_FILE, and what is kept of changes to them."""
    own = load_catalogue(settings.sources_file) if settings.sources_file else []
    return Registry(load_catalogue(BUILT_IN), own, kept, settings.exclude_sources)


def torrent_caches(settings: Settings) -> list[tuple[str, Template]]:
    """METADATA_SOURCES, each named after its host."""
    caches = []
    for text in settings.metadata_sources:
        try:
            caches.append((urlsplit(text).hostname or text, parse_template(text)))
        except Problem as problem:
            raise SettingsError([f"METADATA_SOURCES: {problem.detail}"]) from None
    return caches


def silence(settings: Settings) -> float | None:
    """For how many seconds a body may not begin. At home it waits for as long as its player."""
    return ROUTER_PATIENCE if settings.platform else None


def why_no_p2p(settings: Settings) -> str | None:
    """The setting that keeps peers away, in a few words; None when they are asked."""
    if settings.p2p_on:
        return None
    return "P2P=off" if settings.p2p == "off" else f"P2P=auto is off on {settings.platform}"


def seen_from_outside(settings: Settings) -> Callable[[], str | None] | None:
    """What finds this computer's address for others; None where nobody else can connect."""
    # A proxy on this computer lets others in.
    return own_address if settings.trust_proxy or not settings.on_loopback else None


def notice(settings: Settings) -> str | None:
    """What the front page tells of this configuration; None when everything is on."""
    if settings.p2p_on:
        return None
    if settings.p2p == "off":
        return "P2P is off (P2P=off): films come from HTTP sources only."
    return (
        f"P2P is off: with P2P=auto peers are left alone on {settings.platform}, because such "
        "platforms forbid, block or charge for their traffic. Films come from HTTP sources only."
    )
