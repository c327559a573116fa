"""The user's choices about playing, and the pure rules that follow from them."""

from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from addon.sources.base import Trust
from addon.sources.probe import Found

Strategy = Literal["race", "p2p-first", "sources-first"]
Mode = Literal["auto", "redirect", "proxy"]

# A link must outlive the start of the film; a player asks for it again at each seek.
MIN_LIFE = 4 * 3600.0
# A swarm that has no peer by then is not waited for any longer.
NO_PEERS_YET = 1.0


@dataclass(frozen=True, slots=True)
class Rules:
    """How a film is looked for; times in seconds."""

    budget: float = 26.0
    p2p: bool = True
    sources: bool = True
    strategy: Strategy = "race"
    head_start: float = 1.5
    p2p_timeout: float = 20.0
    mode: Mode = "auto"

    def sources_wait(self, *, peers: int) -> float:
        """How long after its beginning a resolution leaves the field to the swarm, which has
        ``peers`` peers."""
        if not self.p2p or self.strategy == "sources-first":
            return 0.0
        if self.strategy == "p2p-first":
            return min(self.p2p_timeout, self.budget)
        return self.head_start if peers else min(self.head_start, NO_PEERS_YET)

    def may_redirect(self, found: Found, now: float, *, secure: bool) -> bool:
        """Whether a player is sent to this source rather than served through the store.

        ``secure``: the player came over https, and must not be sent to plain http. ``now`` is in
        seconds since 1970.
        """
        link = found.link
        if link is None or self.mode == "proxy" or link.headers or not link.resumable:
            return False
        if secure and urlsplit(link.url).scheme != "https":
            return False
        if link.expires_at is not None and link.expires_at - now < MIN_LIFE:
            return False
        if not (found.verified or link.trust is Trust.OWN):
            return False
        return self.mode == "redirect" or link.redirectable
