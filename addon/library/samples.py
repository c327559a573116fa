"""Four openly licensed films, so that a new library is not empty."""

from dataclasses import dataclass

from addon.torrents.magnet import InfoHash, Magnet

_WEB_SEED = "https://webtorrent.io/torrents/"
_TRACKERS = (
    "udp://tracker.opentrackr.org:1337/announce",
    "udp://explodie.org:6969/announce",
    "udp://open.stealth.si:80/announce",
    "udp://tracker.torrent.eu.org:451/announce",
)


@dataclass(frozen=True, slots=True)
class Sample:
    """A film, the SHA-1 info hash of its torrent, and its IMDb id where we are sure of it."""

    name: str
    info_hash: str
    file: str
    imdb_id: str | None

    def magnet(self) -> Magnet:
        """The magnet link of the sample."""
        return Magnet(
            InfoHash(v1=self.info_hash),
            name=self.name,
            trackers=_TRACKERS,
            web_seeds=(_WEB_SEED,),
            exact_sources=(f"{_WEB_SEED}{self.file}.torrent",),
        )


# The last stands first in the catalog.
SAMPLES = (
    Sample(
        "Cosmos Laundromat (2015)",
        "c9e15763f722f23e98a29decdfae341b98d53056",
        "cosmos-laundromat",
        None,
    ),
    Sample(
        "Tears of Steel (2012)",
        "209c8226b299b308beaf2b9cd3fb49212dbd13ec",
        "tears-of-steel",
        "tt2285752",
    ),
    Sample(
        "Sintel (2010)",
        "08ada5a7a6183aae1e09d831df6748d566095a10",
        "sintel",
        "tt1727587",
    ),
    Sample(
        "Big Buck Bunny (2008)",
        "dd8255ecdc7ca55fb0bbf81323d87062db1f6d1c",
        "big-buck-bunny",
        "tt1254207",
    ),
)
