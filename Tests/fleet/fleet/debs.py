"""The package as its next version."""

import re
from pathlib import Path

from fleet.command import run


def version(deb: Path) -> str:
    return run(["dpkg-deb", "--field", str(deb), "Version"]).stdout.strip()


def bumped(deb: Path, directory: Path) -> Path:
    """The same package with a higher version: what `apt` takes for an upgrade."""
    tree = directory / "next"
    run(["dpkg-deb", "--raw-extract", str(deb), str(tree)])
    control = tree / "DEBIAN" / "control"
    text = control.read_text()
    control.write_text(re.sub(r"^Version: (.*)$", r"Version: \1+next1", text, flags=re.MULTILINE))
    target = directory / deb.name.replace("_", "-next_", 1)
    run(["dpkg-deb", "--root-owner-group", "-Zgzip", "-z1", "--build", str(tree), str(target)])
    return target
