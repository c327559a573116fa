"""The composition root: builds every part once, in order, and undoes it in reverse.

Nothing else constructs collaborators, and two applications in one process share nothing.
"""

import logging
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING

import gevent
from flask import Request

from addon import configured
from addon.access.gate import Gate
from addon.access.installs import Installs
from addon.access.keys import load_keys
from addon.access.links import Links
from addon.access.pairing import Pairings
from addon.database.health import KeptHealth
from addon.database.installs import KeptInstalls
from addon.database.keys import KeptKeys
from addon.database.library import KeptLibrary
from addon.database.opening import open_database
from addon.database.sources import KeptSources
from addon.database.torrents import KeptTorrents
from addon.errors import Problem
from addon.library.catalogs import Catalogs
from addon.library.following import Following
from addon.library.shelves import Shelves
from addon.library.sidecars import Sidecars
from addon.library.streams import Streams
from addon.library.titles import Titles
from addon.net.addresses import AddressPolicy, Refused
from addon.net.client import Client
from addon.playback.feeders import Feeders
from addon.playback.fingerprints import Fingerprints
from addon.playback.journal import Journal
from addon.playback.metadata import MetadataSearch
from addon.playback.next_episode import NextEpisodes
from addon.playback.readiness import Readiness
from addon.playback.resolver import Resolver
from addon.playback.store import SwarmTorrent
from addon.playback.torrents import Torrents
from addon.playback.viewers import Viewers
from addon.playback.whole import WholeFiles
from addon.settings import Settings
from addon.sources.finder import Sources
from addon.sources.health import Experience
from addon.sources.keeping import Keeping
from addon.sources.metadata import MetadataSources
from addon.swarm.session import Swarm
from addon.torrents.metainfo import Metainfo
from addon.web import (
    api,
    clips,
    dav,
    health,
    kodi,
    metrics,
    pages,
    pairing,
    player,
    playlists,
    site,
    sources,
    status,
    stremio,
    subtitles,
)
from addon.web.sending import Sender
from addon.web.sessions import Sessions
from addon.web.urls import public_base

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

log = logging.getLogger(__name__)

STOPPING_LOOK = 0.2


class Application:
    """The WSGI application and everything that lives as long as it does."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._watcher: gevent.Greenlet | None = None
        self._started = False
        settings.data_dir.mkdir(parents=True, exist_ok=True)

        self._database = open_database(settings.database_url, settings.data_dir)
        self._kept_keys = KeptKeys(self._database)
        revoked = KeptInstalls(self._database)
        library = KeptLibrary(self._database)

        self._keys = load_keys(settings, self._kept_keys)
        gate = Gate(self._keys, settings.host, settings.base_url, settings.trust_proxy)
        installs = Installs(self._keys, revoked)
        kept = self._kept = KeptTorrents(self._database)
        # Where the disk is wiped, a link must carry all that it needs to play after a restart.
        links = Links(self._keys, kept.magnet_of if settings.wiped_disk else None)

        journal = Journal()
        self._swarm = Swarm(
            configured.swarm_config(settings),
            on_metadata=self._metadata_arrived,
        )
        self._titles = Titles(library, kept)

        policy = configured.address_policy(settings)
        client = self._client = Client(policy)
        kept_health = KeptHealth(self._database)
        registry = configured.registry(settings, KeptSources(self._database))
        self._sources = Sources(
            client,
            registry,
            experience=Experience(time.time, kept_health.load()),
            screen=settings.source_test_timeout / 1000,
        )
        self._keeping = Keeping(self._sources.experience, kept_health.save)
        self._feeders = Feeders(client, self._sources, settings.http_assist)
        self._places = MetadataSources(client, configured.torrent_caches(settings))
        self._search = MetadataSearch(
            self._swarm,
            self._places if settings.enable_http_fallback else None,
            self._metadata_arrived,
        )
        self._torrents = Torrents(
            self._swarm, kept, self._titles, self._search, self._feeders.names
        )
        self._resolver = Resolver(
            self._swarm,
            self._torrents,
            journal,
            configured.rules(settings),
            self._search,
            self._sources,
            self._feeders,
            partial(_may_send, policy),
        )
        self._readiness = Readiness(self._resolver, self._swarm, self._feeders.names)
        catalogs = Catalogs(library, self._torrents)
        streams = Streams(library, self._torrents)
        sidecars = Sidecars(self._torrents)
        subtitle_links = subtitles.SubtitleLinks(links, sidecars, Fingerprints(self._swarm).of)

        def base_of(asked: Request) -> str:
            return public_base(asked, settings.base_url)

        def is_secure(asked: Request) -> bool:
            return base_of(asked).startswith("https://")

        sessions = Sessions(self._keys, base_of)
        apis = api.Api(
            gate,
            sessions,
            links,
            self._torrents,
            journal,
            settings.base_url,
            subtitle_links,
            self._titles.title_of,
        )
        stremio_face = stremio.Stremio(
            gate,
            installs,
            links,
            catalogs,
            streams,
            settings.base_url,
            subtitle_links,
            settings.p2p_on,
            self._readiness.peers,
        )
        following = Following(self._titles.links, streams)
        self._next_episodes = NextEpisodes(self._resolver, self._torrents, following.after)
        viewers = Viewers()
        self._sender = Sender(configured.silence(settings))
        films = player.Player(
            gate,
            links,
            revoked,
            self._torrents,
            self._resolver,
            viewers,
            self._sender,
            is_secure,
            self._next_episodes if settings.prepare_next else None,
            clips.Clips(viewers) if settings.on_error == "video" else None,
        )
        shelves = Shelves(library, streams, self._torrents)
        lists = playlists.Lists(stremio_face.enter, base_of, links, shelves)
        tree = dav.Dav(stremio_face.enter, base_of, links, shelves, films.answer)
        self._page_install = pages.PageInstall(installs, self._kept_keys)
        around = pages.Surroundings(
            configured.seen_from_outside(settings), configured.notice(settings)
        )
        self._flask = site.build(
            [
                health.blueprint(self._swarm, self._is_stopping, configured.why_no_p2p(settings)),
                metrics.blueprint(
                    apis.require_access,
                    self._swarm,
                    lambda: self._feeders.running,
                    lambda: films.sender.running,
                ),
                api.blueprint(apis),
                sources.blueprint(apis.require_access, registry, self._sources, self._torrents),
                player.blueprint(films),
                pages.blueprint(gate, sessions, self._page_install, base_of, around),
                stremio.blueprint(stremio_face),
                subtitles.blueprint(
                    subtitles.SubtitleFiles(
                        gate,
                        links,
                        revoked,
                        self._torrents.put_back,
                        WholeFiles(self._resolver),
                        sidecars,
                    )
                ),
                playlists.blueprint(lists),
                dav.blueprint(tree),
                kodi.blueprint(stremio_face.enter, base_of),
                pairing.blueprint(
                    pairing.Desk(gate, sessions, installs, Pairings(time.monotonic), base_of)
                ),
                status.blueprint(
                    status.Status(
                        gate, links, revoked, self._readiness, is_secure, self._torrents.put_back
                    ),
                ),
            ],
            trust_proxy=settings.trust_proxy,
        )
        self._stopping: Callable[[], bool] = lambda: False

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        self.start()
        return self._flask.wsgi_app(environ, start_response)

    def start(self, stopping: Callable[[], bool] | None = None) -> None:
        """Start the swarm, in the process that serves; ``stopping`` says that it is to end."""
        if stopping is not None:
            self._stopping = stopping
        if self._started:
            return
        self._started = True
        self._swarm.start()
        self._swarm.sweep(lambda info_hash: self._kept.find(info_hash) is not None)
        self._torrents.start()
        self._watcher = gevent.spawn(self._watch)
        self._keeping.start()
        self._titles.samples()
        self._greet()

    def close(self) -> None:
        """End every stream, keep what is on file, leave the swarm, close the database."""
        if self._watcher is not None:
            self._watcher.kill()
        self._swarm.cancel_readers()
        self._readiness.close()
        self._next_episodes.close()
        self._resolver.close()
        self._feeders.close()
        self._search.close()
        self._torrents.close()
        self._swarm.close()
        self._places.close()
        self._sources.close()
        self._client.close()
        self._keeping.close()
        self._database.dispose()

    def _metadata_arrived(self, torrent: SwarmTorrent, metainfo: Metainfo) -> None:
        try:
            self._torrents.metadata_arrived(torrent, metainfo)
        except Problem as problem:
            # The film plays all the same; after a restart its metadata is looked for again.
            log.warning("[%s] metadata is not kept: %s", torrent.info_hash.key[:8], problem)

    def _is_stopping(self) -> bool:
        return self._stopping()

    def _watch(self) -> None:
        """When the server is told to end, streams end at once: the next one serves them."""
        while not self._stopping():
            gevent.sleep(STOPPING_LOOK)
        self._resolver.let_go()
        self._sender.end()
        self._swarm.cancel_readers()

    def _greet(self) -> None:
        settings = self._settings
        host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host  # noqa: S104
        base = settings.base_url or f"http://{host}:{settings.port}"
        log.info("Self-Streme is ready: open %s/", base)
        if self._keys.generated:
            # Once, as Jupyter does; afterwards the key stands in the database only. The log hides
            # keys, so this goes to the terminal itself.
            print(  # noqa: T201
                f"\n  Access key (shown once): {self._keys.access_keys[0]}\n"
                f"  Install in Stremio:      {base}/{self._page_install.token()}/manifest.json\n",
                flush=True,
            )


def create_app(settings: Settings) -> Application:
    """Build the application; nothing is started and no connection is opened yet."""
    return Application(settings)


def _may_send(policy: AddressPolicy, url: str) -> bool:
    """Whether a player may be sent to a URL."""
    try:
        policy.check_redirect_target(url)
    except Refused as reason:
        log.info("no player is sent to a source: %s", reason)
        return False
    return True
