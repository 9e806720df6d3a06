"""`p2padm menu` on a pseudo-terminal and through a pipe, in both languages, against real daemons."""

import contextlib
import subprocess
from collections.abc import Iterator

import pytest
from peers import P2PADM, Peer, PeerFactory, clean_environment
from slow_link import SlowLink
from terminal import Terminal
from waiting import until

CTRL_C, CTRL_D = "\x03", "\x04"
SPANISH, ENGLISH = "es_CO.UTF-8", "en_US.UTF-8"

#: What the tests look for, by language: choice, file name, which file, path, which peer, done, bye.
WORDS = {
    ENGLISH: ("Choice: ", "part of it: ", "none): ", "(path): ", "none): ", "[done]", "Bye."),
    SPANISH: ("Opción: ", "parte de él: ", "ninguno): ", "(ruta): ", "ninguno): ", "[listo]", "Hasta luego."),
}


@pytest.fixture(scope="module")
def pair(shared_factory: PeerFactory) -> list[Peer]:
    pair = shared_factory.fleet(2, accept_uploads=True)
    pair[1].share("docs/report.pdf", 300_000)
    pair[1].share("docs/año.txt", b"2026")
    pair[1].wait_for_files(2)
    return pair


def menu(peer: Peer, locale: str = ENGLISH, term: str = "xterm", **size: int) -> Terminal:
    return Terminal(
        [P2PADM, "menu"], **size, **clean_environment(P2PADM_SOCKET=str(peer.socket), LC_ALL=locale, TERM=term)
    )


# --- The four choices ---


@pytest.mark.parametrize("locale", [ENGLISH, SPANISH])
@pytest.mark.parametrize("term, columns", [("xterm", 80), ("dumb", 80), ("vt52", 30)])
def test_the_four_choices(peer_factory, tmp_path, locale, term, columns):
    one, two = peer_factory.fleet(2, accept_uploads=True)
    content = two.share("docs/report.pdf", 300_000)
    two.wait_for_files(1)
    (tmp_path / "mine.txt").write_text("mine")
    choice, name, which, path, peer, done, bye = WORDS[locale]
    with menu(one, locale, term, columns=columns) as terminal:
        terminal.answer(choice, "1")
        terminal.answer(name, "REPORT")
        terminal.expect(" 1  peer2  docs/report.pdf  300 kB\n")
        terminal.answer(which, "1")
        terminal.expect(f"{done} docs/report.pdf")
        assert (one.shared / "docs/report.pdf").read_bytes() == content
        terminal.answer(choice, "2")
        terminal.answer(path, str(tmp_path / "mine.txt"))
        terminal.answer(peer, "peer2")
        terminal.expect(f"{done} mine.txt")
        assert (two.shared / "mine.txt").read_text() == "mine"
        until(lambda: two.status()["catalog"]["files"] == 2, "the upload to be shared")
        terminal.answer(choice, "3")
        terminal.answer(peer, "1")
        terminal.expect("  docs/report.pdf  300 kB\n  mine.txt  4 B\n")
        terminal.answer(choice, "0")
        terminal.expect(bye)
        assert terminal.finish() == 0
    # Lines alone: nothing that a dumb terminal would show as rubbish.
    assert "\x1b" not in terminal.shown


@pytest.mark.parametrize("locale", [ENGLISH, SPANISH])
def test_wrong_input_is_asked_again_with_a_hint(pair, locale):
    choice, name, which, path, peer, *_ = WORDS[locale]
    with menu(pair[0], locale) as terminal:
        for wrong in ("7", "", "search", "\x1b[A", "ñ" * 300):
            terminal.answer(choice, wrong)
            terminal.expect("1, 2, 3")
        terminal.answer(choice, "1")
        terminal.answer(name, "report")
        for wrong in ("0", "2", "-1", "x", "99999999999999999999"):
            terminal.answer(which, wrong)
            terminal.expect(f'"{wrong}" ')
        terminal.answer(which, "")
        terminal.answer(choice, "1")
        terminal.answer(name, "nothing-like-it")
        terminal.expect('"nothing-like-it"')
        terminal.answer(choice, "2")
        for wrong in ("/nowhere/x", "/dev/zero", "/"):
            terminal.answer(path, wrong)
            terminal.expect(wrong)
        terminal.answer(path, "")
        terminal.answer(choice, "3")
        terminal.answer(peer, "nobody")
        terminal.expect('"nobody"')
        terminal.answer(peer, "")
        terminal.answer(choice, "0")
        assert terminal.finish() == 0


def test_names_with_letters_of_the_language(pair):
    with menu(pair[0]) as terminal:
        terminal.answer("Choice: ", "1")
        terminal.answer("part of it: ", "AÑO")
        terminal.expect(" 1  peer2  docs/año.txt  4 B\n")
        terminal.answer("none): ", "")
        terminal.answer("Choice: ", "0")
        assert terminal.finish() == 0


def test_a_long_list_stops_at_each_screen(peer_factory):
    one, two = peer_factory.fleet(2)
    for number in range(12):
        two.share(f"file-{number:02}", b"x")
    two.wait_for_files(12)
    with menu(one, rows=6) as terminal:
        terminal.answer("Choice: ", "3")
        terminal.answer("none): ", "1")
        assert terminal.answer("Enter: more, 0: enough: ", "").count("file-") == 5
        assert terminal.answer("Enter: more, 0: enough: ", "0").count("file-") == 5
        assert "file-" not in terminal.answer("Choice: ", "0")
        assert terminal.finish() == 0


# --- Background, and leaving ---


def test_the_end_is_announced_without_losing_what_is_typed(peer_factory):
    with slow_pair(peer_factory) as (one, link), menu(one) as terminal:
        start_download(terminal)
        terminal.expect("under way: large.bin from peer2")
        terminal.expect("Choice: ")
        terminal.type("3")
        link.allow(1 << 40)
        assert terminal.expect("[done] large.bin from peer2: ").endswith("\n")
        # The question is put again; the 3 is still there, and Enter is all that is missing.
        terminal.answer("Choice: ", "")
        terminal.expect("Which peer?")
        terminal.type("\n")
        terminal.answer("Choice: ", "0")
        assert terminal.finish() == 0


def test_leaving_during_a_download_asks(peer_factory):
    with slow_pair(peer_factory) as (one, link), menu(one) as terminal:
        start_download(terminal)
        terminal.answer("Choice: ", "0")
        terminal.answer("m: menu: ", "what")
        terminal.expect('"what" is none of them')
        terminal.answer("m: menu: ", "m")
        terminal.answer("Choice: ", "0")
        terminal.answer("m: menu: ", "c")
        terminal.expect("Cancelled")
        assert terminal.finish() == 0
        until(lambda: one.status()["transfers"]["active"] == 0, "the daemon to stop the download")
        assert not (one.shared / "large.bin").exists()
        link.allow(1 << 40)


def test_ctrl_d_leaves_and_waits_for_the_download(peer_factory):
    with slow_pair(peer_factory) as (one, link), menu(one) as terminal:
        start_download(terminal)
        terminal.expect("Choice: ")
        terminal.type(CTRL_D)
        terminal.expect("Waiting for the transfers under way: 1; Ctrl-C cancels them.")
        link.allow(1 << 40)
        terminal.expect("[done] large.bin")
        terminal.expect("Bye.")
        assert terminal.finish() == 0
        assert (one.shared / "large.bin").stat().st_size == SIZE


def test_ctrl_c_goes_back_to_the_menu_and_then_leaves(peer_factory):
    with slow_pair(peer_factory) as (one, link), menu(one) as terminal:
        start_download(terminal)
        terminal.answer("Choice: ", "2")
        terminal.expect("(path): ")
        terminal.type("/half/a/na" + CTRL_C)
        terminal.expect("back to the menu")
        # The download does not mind.
        terminal.expect("under way: large.bin from peer2")
        terminal.expect("Choice: ")
        terminal.type(CTRL_C)
        terminal.expect("m: menu: ")
        terminal.type(CTRL_C)
        terminal.expect("Cancelled")
        assert terminal.finish() == 130
        link.allow(1 << 40)


@pytest.mark.parametrize("keys, code", [(CTRL_D, 0), (CTRL_C, 130)])
def test_leaving_with_nothing_under_way(pair, keys, code):
    with menu(pair[0]) as terminal:
        terminal.expect("Choice: ")
        terminal.type(keys)
        assert terminal.finish() == code
        assert "Bye." in terminal.shown


# --- Daemons ---


@pytest.mark.parametrize("locale, words", [(ENGLISH, "No daemon answers on"), (SPANISH, "Ningún demonio responde en")])
def test_no_daemon(tmp_path, locale, words):
    with Terminal(
        [P2PADM, "menu"], **clean_environment(P2PADM_SOCKET=str(tmp_path / "none"), LC_ALL=locale)
    ) as terminal:
        terminal.expect(f"{words} {tmp_path / 'none'}")
        assert terminal.finish() == 69


def test_a_daemon_that_goes_and_comes_back(peer_factory):
    one, two = peer_factory.fleet(2)
    with menu(one) as terminal:
        terminal.expect("Choice: ")
        one.kill()
        terminal.type("3\n")
        terminal.expect("No daemon answers on")
        one.keep_ports()
        one.start()
        until(lambda: one.alive() == {two.url}, "peer1 to know peer2 again")
        terminal.answer("Choice: ", "3")
        terminal.answer("none): ", "peer2")
        terminal.expect("peer2 shares no files.")
        terminal.answer("Choice: ", "0")
        assert terminal.finish() == 0


def test_a_peer_that_takes_no_uploads_is_told_with_its_reason(peer_factory, tmp_path):
    one, _ = peer_factory.fleet(2)
    (tmp_path / "mine.txt").write_text("mine")
    with menu(one) as terminal:
        terminal.answer("Choice: ", "2")
        terminal.answer("(path): ", str(tmp_path / "mine.txt"))
        terminal.answer("none): ", "1")
        terminal.expect("[failed] mine.txt to peer2: peer2 does not keep it: ")
        terminal.answer("Choice: ", "0")
        assert terminal.finish() == 0


# --- Through a pipe ---


@pytest.mark.parametrize("locale, bye", [("es_ES", "Hasta luego."), ("C", "Bye.")])
def test_through_a_pipe_it_waits_for_what_it_has_started(peer_factory, locale, bye):
    one, two = peer_factory.fleet(2)
    content = two.share("report.pdf", 300_000)
    two.wait_for_files(1)
    result = subprocess.run(
        [P2PADM, "menu"],
        input="1\r\nreport\r\n1\r\n",
        capture_output=True,
        text=True,
        encoding="ascii",
        timeout=60,
        env=clean_environment(P2PADM_SOCKET=str(one.socket), LANG=locale, LC_ALL="", LC_MESSAGES=""),
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.endswith(f"{bye}\n")
    assert (one.shared / "report.pdf").read_bytes() == content


def test_json_is_refused(pair):
    assert pair[0].adm("menu", "--json").returncode == 64


# --- A download that takes as long as a test wants ---

SIZE = 8 << 20


@contextlib.contextmanager
def slow_pair(peer_factory: PeerFactory) -> Iterator[tuple[Peer, SlowLink]]:
    """A peer, and the link to its only neighbour, which passes half of the neighbour's large.bin."""
    one = peer_factory()
    two = peer_factory.new(ip="127.0.0.2", friend_primary=one.url)
    two.share("large.bin", SIZE)
    two.launch()
    status = until(two._answering, "the second to answer")
    two.ports, two.url = status["ports"], status["url"]
    two.wait_for_files(1)
    grpc, rest = two.ports["grpc"], two.ports["rest"]
    with (
        SlowLink(("127.0.0.2", rest), ("127.0.0.1", rest), allow=1 << 40),
        SlowLink(("127.0.0.2", grpc), ("127.0.0.1", grpc), allow=SIZE // 2) as link,
    ):
        until(lambda: one.alive() == {two.url}, "them to know each other")
        yield one, link


def start_download(terminal: Terminal) -> None:
    terminal.answer("Choice: ", "1")
    terminal.answer("part of it: ", "large")
    terminal.answer("none): ", "1")
    terminal.expect("Downloading large.bin from peer2")
