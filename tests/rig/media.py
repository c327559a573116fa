"""Things to play: seeded random files, and small real films made by ffmpeg."""

import random
import subprocess
from pathlib import Path

KINDS = {
    "first.mp4": ("-movflags", "+faststart"),
    "last.mp4": (),
    "film.mkv": (),
}
RATE = 25
SIZE = (640, 360)


def random_file(path: Path, size: int, seed: int) -> Path:
    """A file of bytes that look random and are the same for the same seed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(random.Random(seed).randbytes(size))
    return path


def damaged_copy(source: Path, folder: Path, offset: int, length: int = 16) -> Path:
    """The same file in another folder, with ``length`` bytes turned over at ``offset``."""
    folder.mkdir(parents=True, exist_ok=True)
    data = bytearray(source.read_bytes())
    data[offset : offset + length] = bytes(255 - byte for byte in data[offset : offset + length])
    copy = folder / source.name
    copy.write_bytes(data)
    return copy


def film(folder: Path, kind: str, seconds: int = 60, size: int = 24_000_000) -> Path:
    """A film of about ``size`` bytes; ``kind`` is one of ``KINDS`` (the moov atom of an mp4 stands
    first or last). Made once in a folder.

    Its picture is ffmpeg's test pattern with a clock, a key frame each second; its tone is a sine.
    The video is padded to a constant rate, because a test pattern alone compresses to nothing.
    """
    target = folder / kind
    if target.exists():
        return target
    kbits = size * 8 // seconds // 1000 - 64
    pattern = f"testsrc2=size={SIZE[0]}x{SIZE[1]}:rate={RATE}:duration={seconds}"
    rates = ("-b:v", f"{kbits}k", "-minrate", f"{kbits}k", "-maxrate", f"{kbits}k")
    done = subprocess.run(
        [
            *("ffmpeg", "-v", "error", "-nostdin", "-y", "-f", "lavfi", "-i", pattern),
            *("-f", "lavfi", "-i", f"sine=frequency=440:duration={seconds}"),
            *("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", str(RATE)),
            *(*rates, "-bufsize", f"{kbits}k", "-x264-params", "nal-hrd=cbr"),
            *("-c:a", "aac", "-b:a", "64k", *KINDS[kind], str(target.with_name("new-" + kind))),
        ],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    target.with_name("new-" + kind).rename(target)
    return target
