"""The EC2 example: user data that cloud-init takes, a package that is proved, and Terraform that Terraform takes."""

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from peers import DAEMON, REPOSITORY, clean_environment

EC2 = REPOSITORY / "packaging" / "ec2"
UNPACKED_PACKAGES = str(REPOSITORY / ".build" / "tools" / "usr" / "lib" / "python3" / "dist-packages")
VALUES = {
    "friends_name": "peers.fleet.internal",
    "package_url": "https://example.org/p2p-peer.deb",
    "package_sha256": "0" * 64,
}


def run(*arguments: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*map(str, arguments)], capture_output=True, text=True, timeout=60, **options)


def user_data() -> str:
    """As terraform's templatefile makes it."""
    text = (EC2 / "cloud-init.yaml").read_text()
    for name, value in VALUES.items():
        assert f"${{{name}}}" in text
        text = text.replace(f"${{{name}}}", value)
    assert "${" not in text and "%{" not in text, "Terraform would take it for a value of its own"
    return text


def files() -> dict[str, dict[str, str]]:
    return {file["path"]: file for file in yaml.safe_load(user_data())["write_files"]}


def test_user_data_is_a_cloud_config():
    assert user_data().startswith("#cloud-config\n")
    assert len(user_data()) < 16384, "EC2 takes no more"
    command = yaml.safe_load(user_data())["runcmd"][0]
    assert command == ["/run/p2p-peer-install", VALUES["package_url"], VALUES["package_sha256"]]
    assert files()[command[0]]["permissions"] == "0700"


def test_cloud_init_takes_the_user_data(tmp_path):
    path = tmp_path / "user-data.yaml"
    path.write_text(user_data())
    result = run(*cloud_init(), "schema", "--config-file", path, env=clean_environment(PYTHONPATH=UNPACKED_PACKAGES))
    assert result.returncode == 0, result.stdout + result.stderr


def cloud_init() -> list[str]:
    """Installed, or as .ci/setup unpacked it: then it runs on Debian's own Python, whose packages it imports."""
    installed = shutil.which("cloud-init", path="/usr/bin")
    return [installed] if installed else ["/usr/bin/python3", "-m", "cloudinit.cmd.main"]


def test_the_daemon_takes_the_drop_in(tmp_path):
    (tmp_path / "peer.d").mkdir()
    (tmp_path / "peer.d" / "50-fleet.json").write_text(files()["/etc/p2p-peer/peer.d/50-fleet.json"]["content"])
    (tmp_path / "peer.json").write_bytes((REPOSITORY / "etc" / "p2p-peer" / "peer.json").read_bytes())
    result = run(DAEMON, "--check-config", tmp_path / "peer.json", env=clean_environment())
    assert result.returncode == 0, result.stderr
    assert "friend_primary = http://peers.fleet.internal:8001\n" in result.stdout


# --- The installation, with stand-ins for what changes a host ---

CALLS = ("apt-get", "systemctl", "curl", "aws")


def install(directory: Path, url: str, sha256: str) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """Runs the script; each stand-in notes how it was called, and the two that fetch write "package"."""
    programs = directory / "programs"
    programs.mkdir()
    calls = directory / "calls"
    for name in CALLS:
        program = programs / name
        program.write_text(
            f'#!/bin/sh\necho "{name} $*" >>"{calls}"\nfor last; do\n'
            'case $previous in --output) printf package >"$last";; esac\nprevious=$last\ndone\n'
            + ('printf package >"$last"\n' if name == "aws" else "")
        )
        program.chmod(0o755)
    script = directory / "install"
    script.write_text(files()["/run/p2p-peer-install"]["content"])
    environment = clean_environment(PATH=f"{programs}:{os.environ['PATH']}", TMPDIR=str(directory))
    result = run("sh", script, url, sha256, env=environment)
    assert not list(directory.glob("tmp.*")), "the fetched package stays"
    return result, calls.read_text().splitlines() if calls.exists() else []


@pytest.mark.parametrize("url", ["https://example.org/p.deb", "s3://bucket/a/p.deb"])
def test_the_package_is_proved_and_installed(tmp_path, url):
    result, calls = install(tmp_path, url, hashlib.sha256(b"package").hexdigest())
    assert result.returncode == 0, result.stderr
    assert "apt-get install -q -y /" in calls[-2] and calls[-2].endswith("/p2p-peer.deb")
    assert calls[-1] == "systemctl enable --now p2p-peer.service"
    assert any(url in call for call in calls)


def test_another_package_is_not_installed(tmp_path):
    result, calls = install(tmp_path, "https://example.org/p.deb", "0" * 64)
    assert result.returncode != 0
    assert not any("p2p-peer" in call and not call.startswith("curl") for call in calls), calls


def test_another_kind_of_url_is_refused(tmp_path):
    result, calls = install(tmp_path, "http://example.org/p.deb", "0" * 64)
    assert result.returncode == 64 and "expected https:// or s3://" in result.stderr
    assert calls == ["apt-get update -q"]


# --- Terraform ---


def terraform(
    *arguments: str, data: Path, cwd: Path = EC2 / "terraform", **options: Any
) -> subprocess.CompletedProcess[str]:
    if shutil.which("terraform") is None:
        pytest.skip("no terraform here")
    environment = clean_environment(TF_DATA_DIR=str(data), TF_IN_AUTOMATION="1", CHECKPOINT_DISABLE="1")
    return run("terraform", *arguments, cwd=cwd, env=environment, **options)


def test_terraform_is_formatted(tmp_path):
    result = terraform("fmt", "-check", "-diff", data=tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr


def test_terraform_validates(tmp_path):
    """Only with the provider in a mirror or cache of this host: nothing is downloaded."""
    mirror = os.environ.get("TF_PLUGIN_MIRROR")
    if not mirror:
        pytest.skip("TF_PLUGIN_MIRROR names no directory with the provider hashicorp/aws")
    # A copy, since init writes a lock file.
    shutil.copytree(EC2, tmp_path / "ec2")
    options: dict[str, Any] = {"data": tmp_path / "data", "cwd": tmp_path / "ec2" / "terraform"}
    init = terraform("init", "-backend=false", "-input=false", f"-plugin-dir={mirror}", **options)
    assert init.returncode == 0, init.stderr
    result = terraform("validate", "-json", **options)
    assert json.loads(result.stdout)["valid"], result.stdout


def test_the_user_data_is_a_template_of_terraform(tmp_path):
    """`templatefile` needs no provider, so the console can do it."""
    expression = f'jsonencode(templatefile("{EC2}/cloud-init.yaml", {json.dumps(VALUES)}))\n'
    result = terraform("console", data=tmp_path / "data", cwd=tmp_path, input=expression)
    assert result.returncode == 0, result.stderr
    assert json.loads(json.loads(result.stdout)) == user_data()
