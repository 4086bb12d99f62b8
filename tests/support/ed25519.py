"""Ed25519 keys by way of openssl, and signatures of JSON as the Matrix specification's appendices have them."""

import base64
import json
import subprocess
import tempfile
from pathlib import Path

#: What comes before the seed of a private key in PKCS#8, and before a public key, in DER.
PRIVATE_PREFIX = bytes.fromhex("302e020100300506032b657004220420")
PUBLIC_PREFIX = bytes.fromhex("302a300506032b6570032100")


def encode(data: bytes) -> str:
    return base64.b64encode(data).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4))


def canonical(document: dict) -> bytes:
    """The bytes that a signature is of."""
    signed = {key: value for key, value in document.items() if key not in ("signatures", "unsigned")}
    return json.dumps(signed, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def openssl(*arguments: str, **files: bytes) -> bytes:
    """Runs openssl with options that name files of the given contents."""
    with tempfile.TemporaryDirectory() as directory:
        options = list(arguments)
        for name, content in files.items():
            path = Path(directory) / name
            path.write_bytes(content)
            options += [f"-{name}", str(path)]
        return subprocess.run(["openssl", *options], check=True, capture_output=True).stdout


class Ed25519Key:
    """A signing key; of a random seed if none is given."""

    def __init__(self, seed: bytes = b""):
        self.private = PRIVATE_PREFIX + seed if seed else openssl("genpkey", "-algorithm", "ed25519", "-outform", "DER")

    @property
    def public(self) -> str:
        """Unpadded base64."""
        public = openssl("pkey", "-pubout", "-inform", "DER", "-outform", "DER", **{"in": self.private})
        return encode(public.removeprefix(PUBLIC_PREFIX))

    def sign(self, document: dict, signer: str, key_id: str) -> dict:
        """The document with a signature."""
        signature = openssl("pkeyutl", "-sign", "-rawin", "-keyform", "DER", inkey=self.private, **{"in": canonical(document)})
        return {**document, "signatures": {signer: {key_id: encode(signature)}}}


def is_signed(document: dict, signature: str, public: str) -> bool:
    """Whether the signature of the document is by the key."""
    try:
        openssl("pkeyutl", "-verify", "-pubin", "-rawin", "-keyform", "DER", inkey=PUBLIC_PREFIX + decode(public),
                sigfile=decode(signature), **{"in": canonical(document)})  # fmt: skip
    except subprocess.CalledProcessError:
        return False
    return True
