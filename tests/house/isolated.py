"""Runs a command where loopback is the only network, and ends what it leaves running.

    python -m tests.house.isolated COMMAND [ARGUMENT...]

The exit status is the command's, or 1 if it left processes behind. Where the machine allows no
network namespace, the command runs without one and a line says so; under CI that is a failure.
"""

import contextlib
import ctypes
import fcntl
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

# From linux/sched.h, linux/sockios.h, linux/if.h and linux/prctl.h.
CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 0x1
PR_SET_CHILD_SUBREAPER = 36
NOBODY = 65534
LAST_MOMENTS = 3.0  # seconds in which processes may end that nobody waited for


def enter() -> None:
    """Move this process into a network namespace with nothing but loopback, or raise OSError.

    Root keeps its real user ids, so that a test can start a program as somebody else (VLC refuses
    to run as root). Everybody else gets a user namespace in which they are who they were.
    """
    user, group = os.getuid(), os.getgid()
    try:
        _unshare(CLONE_NEWNET)
    except PermissionError:
        _unshare(CLONE_NEWUSER | CLONE_NEWNET)
        Path("/proc/self/setgroups").write_text("deny")
        # A root that may not unshare cannot change users either: be nobody at once.
        Path("/proc/self/uid_map").write_text(f"{user or NOBODY} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group or NOBODY} {group} 1")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        asked = struct.pack("16sh14x", b"lo", 0)
        _, flags = struct.unpack("16sh14x", fcntl.ioctl(control, SIOCGIFFLAGS, asked))
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | IFF_UP))


def _unshare(what: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "unshare"):
        raise OSError("this system has no network namespaces")
    if libc.unshare(what) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def refused() -> str:
    """Why this machine allows no such namespace; "" if it does. Tried in a child process."""
    out, into = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            enter()
        except OSError as error:
            os.write(into, str(error).encode())
        finally:
            os._exit(0)
    os.close(into)
    with os.fdopen(out) as told:
        why = told.read()
    os.waitpid(child, 0)
    return why


def adopt_orphans() -> None:
    """Processes whose parent has ended become this process's children instead of init's."""
    with contextlib.suppress(AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def children() -> dict[int, str]:
    """The command lines of this process's living children."""
    found = {}
    for listed in Path("/proc/self/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for pid in listed.read_text().split():
                # What has ended and only waits to be asked for its status has no command line.
                if command := Path(f"/proc/{pid}/cmdline").read_bytes():
                    found[int(pid)] = command.replace(b"\0", b" ").decode(errors="replace").strip()
    return found


def _end_what_is_left() -> list[str]:
    named: dict[int, str] = {}
    patience = time.monotonic() + LAST_MOMENTS
    while left := children():
        if time.monotonic() > patience:
            named |= left
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
    return list(named.values())


def main(command: Sequence[str]) -> int:
    """Run it; the exit status."""
    if why := refused():
        print(f"The tests can reach the network: no namespace of their own ({why}).", flush=True)
        if os.environ.get("CI"):
            return 1
    else:
        enter()
    adopt_orphans()
    # The terminal sends an interrupt to the command as well; everything else is passed on.
    signal.signal(signal.SIGINT, lambda *_: None)
    running = subprocess.Popen(command)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _frame: running.send_signal(number))
    status = running.wait()
    if left := _end_what_is_left():
        print("Left running and ended now:", *left, sep="\n  ", file=sys.stderr, flush=True)
        return status or 1
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
