"""The root file system that every host starts from: a small Debian 12 with what the package depends on."""

import hashlib
import shutil
import sys
from pathlib import Path

from fleet.command import run

SUITE = "bookworm"
_PACKAGES = Path(__file__).parents[1] / "packages.txt"
_SOURCES = Path("/etc/apt/sources.list.d/debian.sources")
_MIRROR = "http://deb.debian.org/debian"


def packages() -> list[str]:
    lines = _PACKAGES.read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def mirror() -> str:
    """The mirror that this machine's own apt uses."""
    if _SOURCES.exists():
        for line in _SOURCES.read_text().splitlines():
            if line.startswith("URIs:"):
                return line.split()[1]
    return _MIRROR


def prepare(directory: Path) -> Path:
    """Returns `directory`/rootfs-HASH, made where it is not there; HASH is that of what goes into it."""
    recipe = "\n".join([SUITE, *packages(), Path(__file__).read_text()])
    root = directory.resolve() / f"rootfs-{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"
    if root.exists():
        return root
    print(f"test-fleet: making the hosts' root file system (a minute or two, once): {root}", file=sys.stderr)
    # Renamed when it is complete, so that an interrupted run leaves nothing that looks ready.
    unfinished = root.with_suffix(".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    include = f"--include={','.join(packages())}"
    run(["debootstrap", "--variant=minbase", include, SUITE, str(unfinished), mirror()], timeout=1200)
    _configure(unfinished)
    unfinished.rename(root)
    return root


def _configure(root: Path) -> None:
    """Network by systemd-networkd, a journal that survives a boot, and no timers that disturb a measurement."""
    systemctl = ["systemctl", f"--root={root}"]
    run([*systemctl, "enable", "systemd-networkd.service"])
    timers = ["apt-daily.timer", "apt-daily-upgrade.timer", "man-db.timer", "e2scrub_all.timer"]
    run([*systemctl, "mask", *timers])
    (root / "var/log/journal").mkdir(exist_ok=True)
    shutil.rmtree(root / "var/cache/apt/archives", ignore_errors=True)


if __name__ == "__main__":
    print(prepare(Path(sys.argv[1])))
