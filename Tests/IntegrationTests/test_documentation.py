"""What the programs say about themselves: manual pages, completions, and the journal's catalog."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from peers import BINARIES, DAEMON, P2PADM, REPOSITORY

PAGES = ("p2p-peer.8", "p2padm.1", "peer.json.5")
CATALOG = REPOSITORY / "packaging" / "systemd" / "p2p-peer.catalog"


def run(*command: object, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=60, **options)


def needs(program: str) -> str:
    path = shutil.which(program)
    if not path:
        pytest.skip(f"{program} is not installed")
    return path


# --- Manual pages ---


def test_the_manual_pages_say_what_the_programs_say(tmp_path):
    made = run(sys.executable, REPOSITORY / "man" / "generate", "--binaries", BINARIES, "--output", tmp_path)
    assert made.returncode == 0, made.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(PAGES)
    for page in PAGES:
        assert (tmp_path / page).read_text() == (REPOSITORY / "man" / page).read_text(), (
            f"man/{page} is stale: man/generate makes it again"
        )


@pytest.mark.parametrize("page", PAGES)
def test_man_has_nothing_to_complain_about(page):
    man = run(needs("man"), "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", REPOSITORY / "man" / page)
    if man.returncode != 0 and "groff" in man.stderr:
        pytest.skip(man.stderr)
    assert (man.returncode, man.stderr) == (0, "")


@pytest.mark.parametrize("page", PAGES)
def test_mandoc_has_nothing_to_complain_about(page):
    lint = run(needs("mandoc"), "-T", "lint", "-W", "warning", REPOSITORY / "man" / page)
    assert lint.stdout == ""


# --- The journal's catalog ---


def test_journalctl_takes_the_catalog(tmp_path):
    journalctl = needs("journalctl")
    (tmp_path / "var/lib/systemd/catalog").mkdir(parents=True)
    (tmp_path / "usr/lib/systemd/catalog").mkdir(parents=True)
    shutil.copy(CATALOG, tmp_path / "usr/lib/systemd/catalog")
    update = run(journalctl, f"--root={tmp_path}", "--update-catalog")
    assert (update.returncode, update.stderr) == (0, "")
    dump = run(journalctl, f"--root={tmp_path}", "--dump-catalog")
    identifiers = re.findall(r"^-- ([0-9a-f]{32})$", CATALOG.read_text(), re.MULTILINE)
    assert sorted(re.findall(r"^-- ([0-9a-f]{32})$", dump.stdout, re.MULTILINE)) == sorted(identifiers)


def test_fields_of_the_catalog_are_fields_of_the_log():
    sources = "".join(path.read_text() for path in (REPOSITORY / "Sources").rglob("*.swift"))
    fields = set(re.findall(r"@([A-Z0-9_]+)@", CATALOG.read_text()))
    assert fields and not {field for field in fields if f'"{field.lower()}"' not in sources}


# --- Completions ---


def completion(program: Path, shell: str) -> str:
    script = run(program, "--generate-completion-script", shell)
    assert script.returncode == 0, script.stderr
    return script.stdout


def complete(program: Path, words: list[str], cwd: Path) -> set[str]:
    """What bash offers for the last of `words`."""
    script = f"""{completion(program, "bash")}
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE="$*"
COMP_POINT=${{#COMP_LINE}} COMP_TYPE=9 COMP_KEY=9 COMPREPLY=()
_{program.name} "$1" "${{COMP_WORDS[COMP_CWORD]}}" "${{COMP_WORDS[COMP_CWORD - 1]}}"
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    bash = run(needs("bash"), "--norc", "-c", script, "bash", program.name, *words, cwd=cwd)
    assert bash.stderr == ""
    return set(bash.stdout.split("\n")) - {""}


@pytest.mark.parametrize(
    ("program", "words", "offered"),
    [
        (P2PADM, ["s"], {"status", "search"}),
        (P2PADM, ["re"], {"reload", "rescan"}),
        (P2PADM, ["get", "--o"], {"--output"}),
        (P2PADM, ["get", "x", "--output", "dir"], {"directory"}),
        (
            P2PADM,
            ["search", "--"],
            {"--fanout", "--ttl", "--via", "--timeout", "--socket", "--json", "--version", "--help"},
        ),
        (P2PADM, ["peers", "--socket", "a"], {"admin.sock"}),
        (DAEMON, ["--co"], {"--config"}),
        (DAEMON, ["--check-config", "pe"], {"peer.json"}),
        (DAEMON, ["--set", "rate_"], {"rate_limit.requests_per_minute=", "rate_limit.downloads_per_minute="}),
    ],
)
def test_bash_completes(tmp_path, program, words, offered):
    (tmp_path / "directory").mkdir()
    (tmp_path / "admin.sock").touch()
    (tmp_path / "peer.json").touch()
    assert complete(program, words, tmp_path) == offered


@pytest.mark.parametrize("shell", ["zsh", "fish"])
@pytest.mark.parametrize("program", [P2PADM, DAEMON])
def test_other_shells_can_read_theirs(tmp_path, program, shell):
    path = tmp_path / program.name
    path.write_text(completion(program, shell))
    check = run(needs(shell), "-n", path)
    assert (check.returncode, check.stderr) == (0, "")
