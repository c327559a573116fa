"""Makes the clips that ``ON_ERROR=video`` shows, one for each reason why a film does not play:

    .venv/bin/python -m tests.rig.clips

Needs ffmpeg with drawtext and the font DejaVu Sans (Debian: ``ffmpeg``, ``fonts-dejavu-core``).
The same ffmpeg makes the same bytes.
"""

import subprocess
import tempfile
from pathlib import Path

from addon.web.clips import FOLDER

SIZE = (640, 360)
SECONDS = 7
# A still picture needs no more, and each key frame costs as much as all between.
RATE = 5
# Lines of at most 44 signs fit.
TEXTS = {
    "no-metadata": (
        "Nothing is known of this film yet",
        "Nobody has sent the torrent's description\n(its metadata) in time.",
        "Try again in a few minutes,\nor choose another version.",
    ),
    "no-peers": (
        "Nobody delivers this film now",
        "No peer has sent the piece\nthat your player waits for.",
        "Try again later, or choose another version.",
    ),
    "no-source": (
        "Nobody delivers this film now",
        "Neither a peer nor a source\nhas what your player waits for.",
        "Try again later, or choose another version.",
    ),
    "edge-piece": (
        "The film's edge cannot be checked",
        "A piece that it shares with another file\nhas not come, and is not shown unchecked.",
        "Try again later, or choose another version.",
    ),
    "disk-full": (
        "The server has no room for this film",
        "Its disk is full, or the film is larger\nthan CACHE_MAX_BYTES allows.",
        "Try again when others have ended,\nor choose a smaller version.",
    ),
    "busy": (
        "The server cannot do this now",
        "It is still looking for the film,\nor it has too much to do.",
        "Try again in a moment.",
    ),
    "needs-database": (
        "The server has lost this film",
        "It was restarted on a disk that keeps\nnothing, and nobody has sent it again.",
        "Add the film again; whoever runs the\nserver may set DATABASE_URL.",
    ),
}
# The words, their size, their colour, and how far down they begin.
LINES = ((30, "white", 90), (22, "0xd0d0d0", 160), (22, "0x8ecae6", 250))


def make(code: str, folder: Path = FOLDER) -> Path:
    """Make one clip; its path."""
    target = folder / f"{code}.mp4"
    with tempfile.TemporaryDirectory() as texts:
        filters = []
        for number, (text, (size, colour, top)) in enumerate(zip(TEXTS[code], LINES, strict=True)):
            # Read from a file, so that no sign has to be escaped.
            Path(texts, f"{number}.txt").write_text(text)
            filters.append(
                f"drawtext=font=DejaVu Sans:textfile={number}.txt:expansion=none:fontsize={size}"
                f":fontcolor={colour}:line_spacing=8:x=40:y={top}"
            )
        picture = f"color=c=0x14213d:size={SIZE[0]}x{SIZE[1]}:rate={RATE}:duration={SECONDS}"
        subprocess.run(
            [
                *("ffmpeg", "-v", "error", "-nostdin", "-y", "-f", "lavfi", "-i", picture),
                *("-f", "lavfi", "-i", "anullsrc=channel_layout=mono:sample_rate=44100"),
                *("-t", str(SECONDS), "-vf", ",".join(filters), "-c:v", "libx264"),
                *("-profile:v", "baseline", "-level", "3.0", "-pix_fmt", "yuv420p", "-crf", "24"),
                *("-preset", "veryslow", "-g", str(RATE * SECONDS), "-c:a", "aac", "-b:a", "32k"),
                *("-fflags", "+bitexact", "-flags", "+bitexact", "-threads", "1"),
                *("-map_metadata", "-1", "-movflags", "+faststart", str(target.absolute())),
            ],
            cwd=texts,
            check=True,
        )
    return target


def main() -> None:
    """Make them all."""
    FOLDER.mkdir(exist_ok=True)
    for code in TEXTS:
        make(code)


if __name__ == "__main__":
    main()
