"""Addresses: read, made canonical, hashed together with the subnet around them."""

from __future__ import annotations

import ipaddress
import re
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from foretaste.core.keys import WorkspaceKey, subnet_of
from foretaste.intake.cells import mask_of
from foretaste.intake.problems import Mask

_OCTET: Final = "(?:[0-9]|[1-9][0-9]|1[0-9]{2}|2[0-4][0-9]|25[0-5])"
#: An IPv4 address in its one canonical spelling.
_PLAIN_V4: Final = re.compile(rf"({_OCTET}\.{_OCTET}\.{_OCTET})\.{_OCTET}")


def canonical_ip(address: str) -> str | None:
    """Give one spelling per address, None for junk; mapped IPv4 is IPv4.

    Parameters
    ----------
    address
        An IPv4 or IPv6 address; ports, zones and lists of addresses are junk.
    """
    try:
        ip = ipaddress.ip_address(address.strip())
    except ValueError:
        return None
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.scope_id is not None:
            return None
        if ip.ipv4_mapped is not None:
            return str(ip.ipv4_mapped)
    return str(ip)


def networks_of(addresses: pa.Array, key: WorkspaceKey) -> tuple[pa.Array, pa.Array, Mask]:
    """Hash addresses and their /24 or /64.

    Returns
    -------
    tuple
        network pseudonyms, subnet pseudonyms, and the (n,) mask of junk addresses.
    """
    encoded = addresses.dictionary_encode()
    pairs = [_with_subnet(address) for address in encoded.dictionary.to_pylist()]
    canonical, subnets = [ip for ip, _ in pairs], [subnet for _, subnet in pairs]
    junk = mask_of(pc.take(pa.array([ip is None for ip in canonical], pa.bool_()), encoded.indices))
    return (
        pc.take(_hashed(key, "network", canonical), encoded.indices),
        pc.take(_hashed(key, "subnet", subnets), encoded.indices),
        junk,
    )


def _with_subnet(address: str) -> tuple[str | None, str | None]:
    # The general way costs 20 times as much, and nearly every address is of this kind.
    if plain := _PLAIN_V4.fullmatch(address):
        return address, f"{plain[1]}.0/24"
    canonical = canonical_ip(address)
    return canonical, None if canonical is None else subnet_of(canonical)


def pseudonyms(values: pa.Array, kind: str, key: WorkspaceKey) -> pa.Array:
    """Hash each distinct value once; null stays null."""
    encoded = values.dictionary_encode()
    return pc.take(_hashed(key, kind, encoded.dictionary.to_pylist()), encoded.indices)


def _hashed(key: WorkspaceKey, kind: str, values: list[str | None]) -> pa.Array:
    return pa.array(
        [None if value is None else key.pseudonym(kind, value) for value in values], pa.string()
    )
