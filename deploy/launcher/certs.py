"""`weft certs`: a private certificate authority, and a certificate for each process.

Processes on different machines show them to each other (`replication_tls`). The authority's key is
only needed to make more of them: keep it off the machines that serve.
"""

import ipaddress
import re
import subprocess
import tempfile
from pathlib import Path

from launcher.console import LauncherError, say

AUTHORITY_DAYS = 3650
PROCESS_DAYS = 1825
KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc"]
#: A process' name, or a host's.
NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]*$")

EXTENSIONS = """\
basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature
extendedKeyUsage=serverAuth,clientAuth
subjectAltName={names}
"""


def make(directory: Path, wishes: list) -> None:
    """Makes what is missing in `directory`: ca.crt and ca.key, then NAME.crt and NAME.key for each
    NAME or NAME=HOST,... wished for. What is there stays."""
    parsed = [parse(wish) for wish in wishes]
    directory.mkdir(parents=True, exist_ok=True)
    if made(directory, "ca"):
        say(f"using the authority {directory / 'ca.crt'}")
    else:
        make_authority(directory)
    for name, hosts in parsed:
        if made(directory, name):
            say(f"{directory / name}.crt is there already")
        else:
            make_certificate(directory, name, hosts)


def parse(wish: str) -> tuple:
    """(name, other names) of `synchrotron1=worker.example.org,10.0.0.2`."""
    name, _, hosts = wish.partition("=")
    others = [host for host in hosts.split(",") if host]
    if not NAME.match(name) or name == "ca":
        raise LauncherError(f"'{name}' cannot be a process' name")
    for host in others:
        if not NAME.match(host) and not is_address(host):
            raise LauncherError(f"'{host}' is neither a host's name nor an address")
    return name, others


def made(directory: Path, name: str) -> bool:
    """Both files are there; one without the other is of no use."""
    files = [directory / f"{name}.crt", directory / f"{name}.key"]
    present = [file for file in files if file.exists()]
    if len(present) == 1:
        raise LauncherError(f"{present[0]} is there without its counterpart; remove it first")
    return bool(present)


def make_authority(directory: Path) -> None:
    openssl(
        ["req", "-x509", *KEY, "-days", str(AUTHORITY_DAYS), "-subj", "/CN=Weft private authority"]
        + ["-addext", "basicConstraints=critical,CA:TRUE,pathlen:0"]
        + ["-addext", "keyUsage=critical,keyCertSign,cRLSign"]
        + ["-keyout", str(directory / "ca.key"), "-out", str(directory / "ca.crt")]
    )
    say(f"made the authority {directory / 'ca.crt'}; keep {directory / 'ca.key'} to yourself")


def make_certificate(directory: Path, name: str, hosts: list) -> None:
    names = [f"DNS:{name}"]
    names += [f"IP:{host}" if is_address(host) else f"DNS:{host}" for host in hosts]
    with tempfile.TemporaryDirectory(prefix="weft-certs-") as scratch:
        request, extensions = Path(scratch) / "request", Path(scratch) / "extensions"
        extensions.write_text(EXTENSIONS.format(names=",".join(names)))
        key, certificate = Path(scratch) / "key", Path(scratch) / "certificate"
        openssl(["req", "-new", *KEY, "-subj", f"/CN={name}"] + ["-keyout", key, "-out", request])
        openssl(
            ["x509", "-req", "-in", request, "-days", str(PROCESS_DAYS), "-extfile", extensions]
            + ["-CA", directory / "ca.crt", "-CAkey", directory / "ca.key", "-out", certificate]
        )
        keep(key, directory / f"{name}.key")
        keep(certificate, directory / f"{name}.crt")
    say(f"made {directory / name}.crt and .key for {', '.join([name, *hosts])}")


def keep(made_file: Path, wanted: Path) -> None:
    wanted.touch(mode=0o600)
    wanted.write_bytes(made_file.read_bytes())


def is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def openssl(arguments: list) -> None:
    command = ["openssl", *map(str, arguments)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, umask=0o077)
    except FileNotFoundError:
        raise LauncherError("openssl is not installed (the Debian package is openssl)") from None
    if done.returncode != 0:
        raise LauncherError(f"openssl {command[1]} failed:\n{done.stderr.strip()}")
