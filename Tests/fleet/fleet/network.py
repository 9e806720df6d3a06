"""The hosts' network: one bridge, cut and slowed on demand. It has no way out of its namespace."""

from collections.abc import Iterable

from fleet.command import run

BRIDGE = "br0"
#: TEST-NET-1 (RFC 5737), so that the README's addresses can be used as they are written.
PREFIX = "192.0.2."
GATEWAY = PREFIX + "1"
_TABLE = ("bridge", "fleet")


def create() -> None:
    run(["ip", "link", "set", "lo", "up"])
    run(["ip", "link", "add", BRIDGE, "type", "bridge"])
    run(["ip", "address", "add", f"{GATEWAY}/24", "dev", BRIDGE])
    run(["ip", "link", "set", BRIDGE, "up"])


def port(host: str) -> str:
    """The bridge's end of a host's link, as systemd-nspawn names it."""
    return f"vb-{host}"


def partition(one: Iterable[str], other: Iterable[str]) -> None:
    """Drops what goes between the two groups of hosts, in both directions and without a word to either."""
    sides = [", ".join(f'"{port(host)}"' for host in side) for side in (one, other)]
    run(["nft", "add", "table", *_TABLE])
    run(["nft", "add", "chain", *_TABLE, "forward", "{ type filter hook forward priority 0; }"])
    for here, there in (sides, sides[::-1]):
        rule = f"iifname {{ {here} }} oifname {{ {there} }} drop"
        run(["nft", "add", "rule", *_TABLE, "forward", rule])


def heal() -> None:
    run(["nft", "delete", "table", *_TABLE])


def slow_down(host: str, rate: str) -> None:
    """Bounds what the host receives to `rate` (tc's words: "80mbit")."""
    limit = ["tbf", "rate", rate, "burst", "64kbit", "latency", "50ms"]
    run(["tc", "qdisc", "replace", "dev", port(host), "root", *limit])


def speed_up(host: str) -> None:
    run(["tc", "qdisc", "del", "dev", port(host), "root"])
