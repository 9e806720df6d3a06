"""Names that want out of a shared directory, into what is private in it, or into a shell, a log or a statement.

The same ones in the same order each time, so that a number of them is a part of all.
"""

import itertools

#: Files beside the shared directory, of the system, and of nobody.
_TARGETS = ["secret.txt", "outside/secret.txt", "etc/passwd", "proc/self/environ", "planted.txt", "peer.json"]
_PARENTS = ["..", "./..", "dir/../..", "..//..", "%2e%2e", "..;", "．．", "‥", "..\\..", "..\u2215..", ".. ", "..\u200b"]
_SEPARATED = ["{}/{}", "{}\\{}", "{}%2f{}", "{}%252f{}", "{}%c0%af{}", "{}\u2215{}", "{}\uff0f{}", "{}\0{}", "{}/./{}"]


def _climbing() -> list[str]:
    names = ["../" * depth + target for depth in (1, 2, 3, 4, 5, 6, 8, 16, 40) for target in _TARGETS]
    names += ["dir/" + "../" * depth + target for depth in (2, 3) for target in _TARGETS]
    names += ["missing/" + "../" * 2 + target for target in _TARGETS]
    return names + [form.format(up, "secret.txt") for up, form in itertools.product(_PARENTS, _SEPARATED)]


def _absolute() -> list[str]:
    paths = ["/etc/passwd", "/proc/self/environ", "/proc/self/cwd/secret.txt", "/proc/self/root/etc/passwd", "/dev/zero"]
    paths += ["/dev/stdin", "/proc/self/fd/0", "/proc/self/fd/3/../secret.txt", "/tmp/planted.txt", "/", "/."]
    prefixes = ["", "/", "//", "/./", "file://", "file:", "\\\\?\\", "C:", "~", "~root", "dir/"]
    return [prefix + path for prefix, path in itertools.product(prefixes, paths)]


def _private() -> list[str]:
    """What lies beneath the root and is nobody else's: the staging area, hidden files, links, devices."""
    staging = [".p2p-peer", ".p2p-peer/", ".p2p-peer/x", ".p2p-peer/../../secret.txt", ".P2P-PEER/x", "./.p2p-peer/x"]
    staging += ["dir/.p2p-peer/x", ".p2p-peer/upload-0", ".p2p-peer/" + "0" * 64, "dir/../.p2p-peer/x", ".p2p-peer\0"]
    planted = ["link-out.txt", "link-absolute.txt", "link-dir/secret.txt", "link-dir", "link-dir/new.txt", "link-loop"]
    planted += ["link-loop/x", "link-inside.txt", "fifo", "fifo/x", "socket", "link-fifo", "dir", "dir/", ".hidden"]
    return staging + planted + [name + "/" for name in planted] + [name + "/.." for name in planted]


def _malformed() -> list[str]:
    names = ["", ".", "..", "...", "/", "//", "///", "./", "../", "a/", "a//b", "/a", "a/.", "a/..", "a/./b", " ", "\t"]
    names += [f"a{chr(code)}b" for code in [*range(0x20), 0x7F, 0x80, 0x85, 0x9B, 0xA0, 0x2028, 0x202E, 0xFEFF, 0xFFFD]]
    names += ["a" * count for count in (255, 256, 300, 4095, 4096, 4097, 60_000)]
    names += ["a/" * count + "b" for count in (100, 2047, 2048, 3000)]
    names += ["é" * 128, "e\u0301" * 90, "𝔞" * 64, "\U0010ffff", "a" * 250 + "\u202etxt.exe", "ﬀ.txt", "İ", "ß"]
    return names


def _meaningful() -> list[str]:
    """Names that mean something to a shell, a terminal, a database, a log, HTTP or Windows."""
    shell = ["$(touch planted.txt)", "`touch planted.txt`", ";touch planted.txt", "|cat", "&", ">planted.txt", "<x", "*", "?"]
    shell += ["-rf", "--output=x", "-", "~", "$HOME", "${IFS}", "a b", "a'b", 'a"b', "a\\b", "a\nb", "{a,b}", "[a]", "!!", "#x"]
    terminal = ["\x1b[2J", "\x1b]0;x\x07", "\x9b2J", "\r\n", "a\rb", "\x08\x08", "\u202e", "%s%n%p", "%x" * 20, "\x1b]8;;x\x1b\\"]
    database = ["' OR 1=1 --", '" OR ""="', "%", "_", "';DROP TABLE file;--", "a*b", 'NEAR("a","b")', "NULL", "\\x00", "a%00b"]
    web = ["a\r\nX-Injected: 1", "a?b=c", "a#b", "a;b", "a%0d%0ab", "http://127.0.0.1/x", "//127.0.0.1/x", "<script>", "&lt;"]
    web += ["a%", "a%2", "a%zz", "%00", "%u002e%u002e/", "..%5c..%5csecret.txt", "%f0%80%80%af", "+", "a+b", "\u0130"]
    windows = ["CON", "NUL", "aux.txt", "COM1", "C:\\x", "C:x", "x:stream", "x::$DATA", "\\\\host\\share", "trailing.", "trailing "]
    json = ['{"$ref":"x"}', "\\u0000", "\\ud800", "\u0000\u0001", "[object Object]", "__proto__", "constructor", "undefined"]
    return shell + terminal + database + web + windows + json


CORPUS: list[str] = list(
    dict.fromkeys(itertools.chain(_climbing(), _absolute(), _private(), _malformed(), _meaningful()))
)
