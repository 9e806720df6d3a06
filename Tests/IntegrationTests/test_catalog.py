"""What a user sees of the catalog: files appear, move and go; a second start is quick; damage is survived."""

import hashlib
import os
from pathlib import Path
from urllib.parse import quote

import pytest
import requests
from peers import Peer
from waiting import until

#: Seconds until a change is to be found.
SOON = 3.0


def paths(peer: Peer, query: str = "") -> set[str]:
    return set(peer.search(query, ttl=0)[0][peer.url])


def test_a_file_that_appears_is_found(peer):
    peer.share("new report.txt", b"new")
    until(lambda: paths(peer, "report") == {"new report.txt"}, "the file to be found", SOON)
    peer.share("in/a/new/directory.txt", b"deep")
    until(lambda: paths(peer, "directory") == {"in/a/new/directory.txt"}, "the file to be found", SOON)


def test_a_file_that_is_written_slowly_gets_the_checksum_of_its_end(peer):
    with (peer.shared / "growing.bin").open("wb", buffering=0) as file:
        for _ in range(20):
            file.write(os.urandom(10_000))
    wanted = hashlib.sha256((peer.shared / "growing.bin").read_bytes()).hexdigest()
    until(lambda: peer.call("Files")["files"][0].get("sha256") == wanted, "its checksum", 10)


def test_a_renamed_file_is_found_under_its_new_name_alone(peer):
    peer.share("old.txt", b"x")
    until(lambda: paths(peer) == {"old.txt"}, "the old name", SOON)
    (peer.shared / "old.txt").rename(peer.shared / "new.txt")
    until(lambda: paths(peer) == {"new.txt"}, "the new name", SOON)


def test_a_renamed_directory_takes_its_files_along(peer):
    peer.share("old/sub/a.txt", b"a")
    peer.share("old/b.txt", b"b")
    until(lambda: len(paths(peer)) == 2, "both files", SOON)
    (peer.shared / "old").rename(peer.shared / "new")
    until(lambda: paths(peer) == {"new/sub/a.txt", "new/b.txt"}, "the new paths", SOON)
    peer.share("new/sub/c.txt", b"c")
    until(lambda: "new/sub/c.txt" in paths(peer), "a file in the renamed directory", SOON)


def test_a_deleted_file_is_gone(peer):
    peer.share("a.txt", b"a")
    until(lambda: paths(peer) == {"a.txt"}, "the file", SOON)
    (peer.shared / "a.txt").unlink()
    until(lambda: paths(peer) == set(), "it to be gone", SOON)


def test_hidden_and_temporary_files_are_not_shared(peer):
    for name in (".hidden", "a.tmp", "a.part", "backup~", ".git/config"):
        target = peer.shared / name
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(b"x")
    peer.share("shown.txt", b"x")
    until(lambda: "shown.txt" in paths(peer), "the other file", SOON)
    assert paths(peer) == {"shown.txt"}


def test_a_second_start_does_not_hash_again(peer):
    size = 64 << 20
    peer.share("large.bin", size)
    peer.wait_for_files(1)
    digest = peer.call("Files")["files"][0]["sha256"]
    peer.restart()
    catalog = peer.status()["catalog"]
    assert (catalog["files"], catalog["hashed"]) == (1, 1)
    peer.call("Rescan")
    assert peer.call("Files")["files"][0]["sha256"] == digest
    # What the process has read since its start.
    read = dict(line.split(": ") for line in Path(f"/proc/{peer.pid}/io").read_text().splitlines())
    assert int(read["rchar"]) < size
    assert "\np2p_files_hashed_total 0\n" in requests.get(peer.metrics_url, timeout=20).text


def test_what_changed_while_it_was_down_is_known_after_the_start(peer):
    for name in ("kept.txt", "changed.txt", "deleted.txt"):
        peer.share(name, b"before")
    peer.wait_for_files(3)
    assert peer.stop() == 0
    (peer.shared / "changed.txt").write_bytes(b"after, and longer")
    (peer.shared / "deleted.txt").unlink()
    (peer.shared / "new.txt").write_bytes(b"new")
    peer.start()
    until(lambda: paths(peer) == {"kept.txt", "changed.txt", "new.txt"}, "the changes", SOON)
    wanted = hashlib.sha256(b"after, and longer").hexdigest()
    until(
        lambda: {f["path"]: f.get("sha256") for f in peer.call("Files")["files"]}["changed.txt"] == wanted,
        "its checksum",
    )


def test_names_that_are_not_utf8_do_not_stop_the_scan(peer_factory):
    peer = peer_factory.new()
    root = os.fsencode(peer.shared)
    for name in (b"bad-\xff\xfe.txt", b"\xc3\x28.txt"):
        with open(os.path.join(root, name), "wb") as file:
            file.write(b"x")
    os.mkdir(os.path.join(root, b"dir-\xff"))
    with open(os.path.join(root, b"dir-\xff", b"inside.txt"), "wb") as file:
        file.write(b"x")
    peer.share("zz good.txt", b"good")
    peer.start()
    until(lambda: "zz good.txt" in paths(peer), "the good file", SOON)
    assert peer.call("Rescan")["files"] == len(paths(peer))


def test_names_with_control_characters_and_quotes_are_found_and_served(peer):
    names = [
        "tab\there",
        "new\nline",
        'quo"te',
        "semi;colon",
        "back\\slash",
        "perc%25ent",
        "emoji 🎉",
        "e\u0301 combining",
        "+plus &and",
    ]
    for name in names:
        peer.share(name, name.encode())
    until(lambda: paths(peer) == set(names), "all of them", SOON)
    for name in names:
        answer = requests.get(f"{peer.url}/files/{quote(name)}", timeout=20)
        assert answer.content == name.encode(), name


@pytest.mark.parametrize("damage", [b"this is no database", b""])
def test_a_damaged_database_is_set_aside_and_rebuilt(peer, damage):
    peer.share("a.txt", b"a")
    peer.wait_for_files(1)
    assert peer.stop() == 0
    for journal in peer.state.glob("catalog.sqlite-*"):
        journal.unlink()
    (peer.state / "catalog.sqlite").write_bytes(damage * 100)
    peer.start()
    peer.wait_for_files(1)
    assert paths(peer) == {"a.txt"}
    if damage:
        assert list(peer.state.glob("catalog.sqlite.damaged-*"))


def test_a_database_damaged_in_the_middle_is_rebuilt(peer):
    for number in range(500):
        (peer.shared / f"some longer name of a file {number:04}.txt").write_bytes(b"x")
    peer.call("Rescan")
    peer.wait_for_files(500)
    assert peer.stop() == 0
    database = peer.state / "catalog.sqlite"
    size = database.stat().st_size
    with database.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(size - 4096))
    peer.start()
    # The search that runs into the damage may fail; one soon after it does not.
    until(lambda: len(paths(peer, "name of a file 04")) == 100, "the files to be found again")


def test_rescan_counts(peer):
    peer.share("a.txt", b"a")
    peer.share("b.txt", b"bb")
    peer.wait_for_files(2)
    answer = peer.call("Rescan")
    assert (answer["files"], answer["bytes"]) == (2, 3)
