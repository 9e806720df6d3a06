"""Name and address that a daemon has by itself: by its host, and on EC2 by the instance's metadata service."""

import json
import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest
from instance_metadata import InstanceMetadata
from namespaces import inside
from peers import DAEMON, PeerFactory, clean_environment
from waiting import until

INSTANCE = {
    "local-ipv4": "10.0.0.7",
    "instance-id": "i-0123456789abcdef0",
    "tags/instance/Name": "files-1",
}
#: A name that EC2 gives, for a host whose name nobody chose.
MADE_BY_EC2 = "hostname ip-10-0-0-7"


def effective(
    directory: Path, *, prefix: list[str] | None = None, endpoint: str = "", configuration: dict[str, str] | None = None
) -> tuple[dict[str, str], str]:
    """What --check-config prints, and what it says on standard error."""
    path = directory / "peer.json"
    path.write_text(json.dumps(configuration or {}))
    environment = {"AWS_EC2_METADATA_SERVICE_ENDPOINT": endpoint, "AWS_EC2_METADATA_DISABLED": "false"}
    result = subprocess.run(
        [*(prefix or []), DAEMON, "--check-config", path],
        capture_output=True,
        text=True,
        timeout=20,
        env=clean_environment(**(environment if endpoint else {})),
    )
    assert result.returncode == 0, result.stderr
    return dict(line.split(" = ", 1) for line in result.stdout.splitlines()), result.stderr


def own_address() -> str:
    """The address that a datagram to a faraway host would come from."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("this host has no IPv4 route to others")
        return probe.getsockname()[0]


# --- The host ---


def test_the_address_of_the_default_route(tmp_path):
    values, said = effective(tmp_path)
    assert values["ip"] == own_address() and said == ""


def test_the_address_without_proc(tmp_path):
    """As under ProcSubset=pid, where /proc/net and /proc/sys are missing."""
    hidden = inside("--mount --pid --fork", "mount -t proc -o subset=pid proc /proc\ntest ! -e /proc/sys")
    values, said = effective(tmp_path, prefix=hidden)
    assert values["ip"] == own_address() and said == ""


@pytest.mark.parametrize(
    ("addresses", "ip"),
    [
        (["10.9.8.7/24", "2001:db8:1::7/64"], "10.9.8.7"),
        (["2001:db8:1::7/64"], "2001:db8:1::7"),
        ([], "127.0.0.1"),
    ],
)
def test_a_host_without_default_route(tmp_path, addresses, ip):
    if shutil.which("ip") is None:
        pytest.skip("no ip(8)")
    # On the loopback interface, since kernels are built without others.
    commands = ["ip link set lo up", *(f"ip address add {address} dev lo" for address in addresses)]
    values, said = effective(tmp_path, prefix=inside("--net", "\n".join(commands)))
    assert values["ip"] == ip
    assert ("no address by which others reach it" in said) == (not addresses)


@pytest.mark.parametrize(("name", "expected"), [("host-1", "host-1"), ("localhost", None)])
def test_the_name_is_the_hosts_or_its_address(tmp_path, name, expected):
    values, _ = effective(tmp_path, prefix=inside("--uts", f"hostname '{name}'"))
    assert values["name"] == (expected or values["ip"])


# --- EC2 ---


def test_name_and_address_of_an_instance(tmp_path):
    with InstanceMetadata(INSTANCE) as service:
        values, said = effective(tmp_path, prefix=inside("--uts", MADE_BY_EC2), endpoint=service.url)
    assert (values["name"], values["ip"], said) == ("files-1", "10.0.0.7", "")
    assert service.asked["token"] == 1, "one token serves for all"


def test_a_configured_value_wins(tmp_path):
    configuration = {"name": "mine", "ip": "192.0.2.9"}
    with InstanceMetadata(INSTANCE) as service:
        values, _ = effective(tmp_path, endpoint=service.url, configuration=configuration)
    assert (values["name"], values["ip"]) == ("mine", "192.0.2.9")


def test_an_instance_with_ipv6_alone_and_no_tags(tmp_path):
    answers = {"ipv6": "2001:db8::7", "instance-id": "i-0123456789abcdef0"}
    with InstanceMetadata(answers) as service:
        values, said = effective(tmp_path, prefix=inside("--uts", "hostname localhost"), endpoint=service.url)
    assert (values["name"], values["ip"], said) == ("i-0123456789abcdef0", "2001:db8::7", "")


@pytest.mark.parametrize(
    ("service", "reason"),
    [
        (InstanceMetadata(INSTANCE, token=403), "it answered HTTP 403"),
        (InstanceMetadata(INSTANCE, token="a b\u00e9"), "it gave no token"),
        (InstanceMetadata(INSTANCE, token="t" * 5000), "it answered more than 1024 bytes"),
        (InstanceMetadata(INSTANCE, stuck="token"), "no answer within"),
        (InstanceMetadata(INSTANCE, stuck="local-ipv4"), "no answer within"),
        (InstanceMetadata(INSTANCE | {"local-ipv4": 500}), "it answered HTTP 500"),
        (InstanceMetadata(INSTANCE | {"local-ipv4": "<html>"}), "its local-ipv4 is not an IPv4 or IPv6 address"),
        (InstanceMetadata(INSTANCE | {"local-ipv4": b"\xff\xfe"}), "not text"),
        (InstanceMetadata(INSTANCE | {"tags/instance/Name": "a\nb"}), "its tags/instance/Name is not a name"),
        (InstanceMetadata(INSTANCE | {"tags/instance/Name": "x" * 100_000}), "it answered more than 1024 bytes"),
        (InstanceMetadata({}), "it knows no address"),
    ],
    ids=lambda value: value.replace(" ", "-") if isinstance(value, str) else "",
)
def test_without_help_of_the_service_the_host_speaks_for_itself(tmp_path, service, reason):
    with service:
        begin = time.monotonic()
        values, said = effective(tmp_path, prefix=inside("--uts", MADE_BY_EC2), endpoint=service.url)
        seconds = time.monotonic() - begin
    assert values["name"] == "ip-10-0-0-7" and values["ip"] == own_address()
    assert reason in said and said.count("\n") == 1 and service.url in said
    # The limit of 0.3 s, and what a loaded machine takes to start a program.
    assert seconds < 3


def test_nobody_listens_there(tmp_path):
    values, said = effective(tmp_path, endpoint="http://127.0.0.1:1")
    assert values["ip"] == own_address()
    assert "cannot connect: connection refused" in said and said.count("\n") == 1


@pytest.mark.parametrize("endpoint", ["nonsense", "ftp://127.0.0.1", "http://"])
def test_an_endpoint_that_is_no_url(tmp_path, endpoint):
    values, said = effective(tmp_path, endpoint=endpoint)
    assert values["ip"] == own_address() and said.count("\n") == 1


def test_a_daemon_starts_and_logs_one_line(peer_factory: PeerFactory):
    peer = peer_factory.new(ip=None)
    peer.write_configuration(bind_address="::")
    with InstanceMetadata(INSTANCE, stuck="token") as service:
        peer.start(AWS_EC2_METADATA_SERVICE_ENDPOINT=service.url, AWS_EC2_METADATA_DISABLED="false")
        # A reload asks nobody: what the host says of itself is taken at the start.
        peer.call("Reload")
        assert service.asked["token"] == 1
    assert peer.log().count("EC2 metadata service") == 1
    assert until(lambda: peer.url, "its URL").startswith(f"http://{own_address()}:")
