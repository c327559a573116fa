"""The address by which this computer is known in its home network."""

import socket
from ipaddress import ip_address

# Reserved for documentation (RFC 5737): only the routing table is asked about it.
_SOMEWHERE = "192.0.2.1"


def own_address() -> str | None:
    """The IPv4 address that packets to the outside would carry; None without a network.

    In a container it is the container's own, which nobody outside can reach.
    """
    address = address_towards(_SOMEWHERE)
    return None if address is None or ip_address(address).is_loopback else address


def address_towards(target: str) -> str | None:
    """The address of this computer as ``target`` (IPv4) would see it; None without a way there."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((target, 9))  # of UDP this sends nothing
        except OSError:
            return None
        address: str = probe.getsockname()[0]
        return address
