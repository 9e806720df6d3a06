"""Certificates made by openssl(1) for the tests of TLS."""

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Identity:
    """A certificate and its key, PEM files."""

    certificate: Path
    key: Path

    @property
    def pem(self) -> tuple[bytes, bytes]:
        """Key and certificate, as grpcio takes them."""
        return self.key.read_bytes(), self.certificate.read_bytes()


def _openssl(*arguments: object) -> None:
    run = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


class Authority:
    """A certificate authority in a directory."""

    def __init__(self, directory: Path, name: str) -> None:
        self._directory = directory
        self.identity = self._request(name)
        _openssl(
            *("x509", "-req", "-in", directory / f"{name}.csr", "-signkey", self.identity.key),
            *("-out", self.identity.certificate, "-days", 2),
            *("-extfile", self._extensions(name, "basicConstraints=critical,CA:TRUE")),
        )

    @property
    def certificate(self) -> Path:
        return self.identity.certificate

    def issue(self, name: str, subject_names: str = "IP:127.0.0.1,DNS:localhost", days: int = 2) -> Identity:
        """A certificate for these names; one that has expired where `days` is negative."""
        identity = self._request(name)
        serials = self._directory / f"{name}.database"
        serials.touch()
        configuration = self._directory / f"{name}.cnf"
        configuration.write_text(
            f"[ca]\ndefault_ca=here\n[here]\ndatabase={serials}\nrand_serial=yes\nnew_certs_dir={self._directory}\n"
            "default_md=sha256\npolicy=any\nunique_subject=no\n[any]\ncommonName=supplied\n"
        )
        dates = ["-startdate", "20200101000000Z", "-enddate", "20200102000000Z"] if days < 0 else ["-days", days]
        _openssl(
            *("ca", "-batch", "-notext", "-config", configuration, "-in", self._directory / f"{name}.csr"),
            *("-cert", self.certificate, "-keyfile", self.identity.key, "-out", identity.certificate, *dates),
            *("-extfile", self._extensions(name, f"subjectAltName={subject_names}")),
        )
        return identity

    def _request(self, name: str) -> Identity:
        identity = Identity(self._directory / f"{name}.pem", self._directory / f"{name}.key")
        _openssl(
            *("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-subj", f"/CN={name}", "-keyout", identity.key, "-out", self._directory / f"{name}.csr"),
        )
        return identity

    def _extensions(self, name: str, text: str) -> Path:
        path = self._directory / f"{name}.ext"
        path.write_text(text + "\n")
        return path
