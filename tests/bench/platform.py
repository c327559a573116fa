"""The figure of a platform: memory, where 512 MB are all there is."""

import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.bench.measures import Figure, drain
from tests.bench.sources import film_in
from tests.faults.services import hinted
from tests.faults.web_seed import WebSeed
from tests.rig.lab import MIB, Lab
from tests.rig.platform import Platform

SIZE = 256 * MIB
# A film of 40 Mbit/s is read so fast at most, once its player's buffer is full.
PACE = 20_000_000


def three_films(lab: Lab, runs: int) -> Iterator[Figure]:
    """(m) peak memory of both processes while three films play from HTTP sources."""
    idle = Figure("(m) peak memory on a platform, idle", "MiB")
    fast = Figure("(m) peak memory on a platform, 3 films as fast as they come", "MiB")
    slow = Figure("(m) peak memory on a platform, 3 films from sources of 20 MB/s", "MiB")
    for figure, rate in ((fast, 0), (slow, PACE)):
        for _ in range(runs):
            root = Path(tempfile.mkdtemp(dir=lab.folder))
            with WebSeed(root, root / "nginx", rate=rate) as seed, Platform(root) as platform:
                time.sleep(2)
                idle.values.append(platform.dyno.rss(peak=True) / MIB)
                urls = [_offer(root, seed, platform) for _ in range(3)]
                with ThreadPoolExecutor(len(urls)) as pool:
                    assert [size for _, _, size in pool.map(drain, urls)] == [SIZE] * 3
                figure.values.append(platform.dyno.rss(peak=True) / MIB)
    yield from (idle, fast, slow)


def _offer(root: Path, seed: WebSeed, platform: Platform) -> str:
    """A new film that the web seed has; the link to it."""
    torrent = film_in(root, SIZE)
    raw = root / f"{torrent.key}.torrent"
    raw.write_bytes(torrent.raw)
    magnet = hinted(torrent, xs=[seed.url(raw.name)], ws=[seed.url(torrent.files[0].path.name)])
    url: str = platform.add(magnet)["playUrl"]
    return url.replace("https:", "http:", 1)


PLATFORM_MEASURES: dict[str, Callable[[Lab, int], Iterator[Figure]]] = {"m": three_films}
