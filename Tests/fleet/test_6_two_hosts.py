"""The README's two hosts, from nothing to a transfer, as it is written there."""

import shutil
from pathlib import Path

from fleet.figures import Step
from fleet.fleet import Fleet

README = Path(__file__).parents[2] / "README.md"
MARKER = "<!-- fleet: two hosts -->"
#: The hosts' numbers in 192.0.2.0/24, as the README's lines name them.
NUMBERS = {"a": 10, "b": 11}


def test_two_hosts_as_the_readme_says(step: Step, fleet: Fleet, deb: Path) -> None:
    """the README's lines for two hosts, executed as they are written"""
    step.hosts = 2
    lines = _lines()
    with fleet.spare("a", NUMBERS["a"]) as a, fleet.spare("b", NUMBERS["b"]) as b:
        hosts = {"a": a, "b": b}
        for host in hosts.values():
            shutil.copy(deb, host.path("/root"))
        for name, command in lines:
            hosts[name].shell(command)
    step.measure("lines", len(lines), "", at_most=10)


def _lines() -> list[tuple[str, str]]:
    """The commands of the code block after the marker: (host, command). What has no prompt is output."""
    text = README.read_text()
    assert MARKER in text, f"README.md has no {MARKER}"
    block = text.split(MARKER, 1)[1].lstrip("\n").split("\n\n", 1)[0]
    if block.startswith("```"):
        block = text.split(MARKER, 1)[1].split("```")[1]
    lines = [line.strip() for line in block.splitlines()]
    commands = [(line[0], line[3:]) for line in lines if line[:3] in ("a$ ", "b$ ")]
    assert commands, block
    return commands
