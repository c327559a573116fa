"""A small HTTP tracker (BEP 3, compact answers of BEP 23) in a process of its own."""

import socket
import threading
import time
from collections.abc import Iterable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.rig.child import Child, options, serve

MODES = ("answer", "empty", "fail", "hang", "broken", "garbage")


class Tracker(Child):
    """The parent's end."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        super().__init__("tests.rig.tracker", host=host)
        self.url: str = self.started["url"]

    def introduce(self, hashes: Sequence[str], peers: Iterable[tuple[str, int]]) -> None:
        """Name these peers to whoever asks for one of the hashes (40 digits each)."""
        self.ask("introduce", hashes=list(hashes), peers=[list(peer) for peer in peers])

    def behave(self, mode: str, reason: str = "") -> None:
        """answer, empty (no peers), fail (with a reason), hang, broken (500) or garbage."""
        self.ask("behave", mode=mode, reason=reason)

    def announces(self, hashes: Sequence[str] = ()) -> list[dict[str, Any]]:
        """Who has asked: hash, ip, port, event, left; all, or of these hashes."""
        seen: list[dict[str, Any]] = self.ask("announces")
        return [one for one in seen if not hashes or one["hash"] in hashes]


class Swarms:
    """The child's end: who is in which swarm, and how to answer."""

    def __init__(self) -> None:
        self.mode, self.reason = "answer", ""
        self.seen: list[dict[str, Any]] = []
        self._peers: dict[str, dict[tuple[str, int], None]] = {}
        self._lock = threading.Lock()

    def introduce(self, hashes: list[str], peers: list[list[Any]]) -> None:
        with self._lock:
            for name in hashes:
                self._peers.setdefault(name, {}).update(dict.fromkeys(map(tuple, peers)))

    def behave(self, mode: str, reason: str) -> None:
        assert mode in MODES
        self.mode, self.reason = mode, reason

    def announces(self) -> list[dict[str, Any]]:
        with self._lock:
            return list(self.seen)

    def announced(self, query: dict[str, list[str]], ip: str) -> bytes:
        """Note who asks, and what to answer."""
        name = query["info_hash"][0].encode("latin-1").hex()
        me = (ip, int(query["port"][0]))
        event = query.get("event", [""])[0]
        with self._lock:
            self.seen.append(
                {"hash": name, "ip": ip, "port": me[1], "event": event, "left": query["left"][0]}
            )
            swarm = self._peers.setdefault(name, {})
            others = [] if self.mode == "empty" else [peer for peer in swarm if peer != me]
            if event == "stopped":
                swarm.pop(me, None)
            else:
                swarm[me] = None
        if self.mode == "fail":
            return bencode({"failure reason": self.reason.encode()})
        compact = b"".join(socket.inet_aton(ip) + port.to_bytes(2) for ip, port in others)
        return bencode({"interval": 1800, "min interval": 5, "peers": compact})


class Handler(BaseHTTPRequestHandler):
    """One request; the server object carries the swarms."""

    protocol_version = "HTTP/1.1"
    swarms: Swarms

    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query, encoding="latin-1")
        body = self.swarms.announced(query, self.client_address[0])
        while self.swarms.mode == "hang":
            time.sleep(0.05)
        if self.swarms.mode == "garbage":
            body = b"<html>this is not bencode</html>"
        self.send_response(500 if self.swarms.mode == "broken" else 200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        pass


class Server(ThreadingHTTPServer):
    """Quiet about clients that give up waiting."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass


def bencode(value: Any) -> bytes:
    """What a tracker's answer needs of it."""
    if isinstance(value, int):
        return b"i%de" % value
    if isinstance(value, bytes):
        return b"%d:%b" % (len(value), value)
    pairs = sorted((key.encode(), item) for key, item in value.items())
    return b"d" + b"".join(bencode(key) + bencode(item) for key, item in pairs) + b"e"


def main() -> None:
    """Run until the parent goes."""
    swarms = Swarms()
    handler = type("Bound", (Handler,), {"swarms": swarms})
    server = Server((options()["host"], 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    host, port = server.server_address[:2]
    serve(
        {"url": f"http://{host!s}:{port}/announce"},
        {
            "introduce": swarms.introduce,
            "behave": swarms.behave,
            "announces": swarms.announces,
        },
    )


if __name__ == "__main__":
    main()
