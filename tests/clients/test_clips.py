"""ffprobe and mpv play what ``ON_ERROR=video`` answers for a film that nobody has."""

from concurrent.futures import ThreadPoolExecutor

from addon.web.clips import FOLDER
from tests.clients.players import MPV, facts, run
from tests.clients.test_players import nobodys
from tests.house.clients import require_client
from tests.rig.http import request
from tests.rig.lab import Lab


def test_players_play_the_reason(lab: Lab) -> None:
    require_client("ffprobe")
    require_client("mpv")
    server = lab.server(ON_ERROR="video", RESOLVE_BUDGET="1000")
    key = nobodys("clip")
    url = server.add(f"magnet:?xt=urn:btih:{key}&dn=clip")["playUrl"]
    with ThreadPoolExecutor() as pool:
        seen = pool.submit(facts, url)
        played = pool.submit(run, "mpv", *MPV, "--length=2", url)
    assert seen.result()["streams"] == facts(str(FOLDER / "no-metadata.mp4"))["streams"]
    assert played.result().returncode == 0, played.result()
    told = request(f"{server.url}/api/resolutions?infoHash={key}").json()["resolutions"]
    assert {entry["outcome"] for entry in told} == {"failed"}
    status = url.replace("/play/", "/status/").rpartition("/")[0]
    assert request(status).json()["state"] in ("preparing", "failed"), "it is still told"
    answer = request(url)
    assert (answer.status, answer.headers["content-type"]) == (200, "video/mp4")
    assert answer.headers["x-resolution"]
    assert answer.body == (FOLDER / "no-metadata.mp4").read_bytes()
    assert request(url, method="HEAD").headers["content-type"] != "video/mp4"
