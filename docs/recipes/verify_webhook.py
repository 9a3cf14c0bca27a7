"""A notification of the register is genuine: Standard Webhooks with ed25519. Python 3.9 or later, `pip install cryptography`."""
import base64
import json
import re
import sys
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

TOLERANCE_SECONDS = 5 * 60


def verify_webhook(headers, body, jwks, now):
    """Returns the webhook-id, or raises ValueError that says why not.

    headers: by lower-case name; body: the bytes as they came, before any parsing;
    jwks: what /.well-known/webhook-keys.json gave; now: seconds since 1970.
    """
    webhook_id = headers.get("webhook-id")
    timestamp = headers.get("webhook-timestamp")
    signatures = headers.get("webhook-signature")
    if not webhook_id or not timestamp or not signatures:
        raise ValueError("a header is missing")
    if not re.fullmatch(r"[0-9]{1,12}", timestamp):
        raise ValueError("the timestamp is no number")
    if abs(now - int(timestamp)) > TOLERANCE_SECONDS:
        raise ValueError("the timestamp is too far from now")
    keys = [
        Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(key["x"] + "=="))
        for key in jwks["keys"]
        if key.get("kty") == "OKP" and key.get("crv") == "Ed25519"
    ]
    signed = f"{webhook_id}.{timestamp}.".encode() + body
    # While keys rotate there are several signatures and several keys: one pair that fits is enough
    for one in signatures.split(" "):
        if not one.startswith("v1a,"):
            continue
        try:
            signature = base64.b64decode(one[4:], validate=True)
        except ValueError:
            continue
        for key in keys:
            try:
                key.verify(signature, signed)
                return webhook_id
            except InvalidSignature:
                pass
    raise ValueError("no signature is by a key of the register")


# python verify_webhook.py FOLDER…: each holds the files headers, body, jwks.json and now; prints `good` or why not
if __name__ == "__main__":
    for folder in map(Path, sys.argv[1:]):
        lines = (folder / "headers").read_text().strip().split("\n")
        try:
            verify_webhook(
                dict(line.split(": ", 1) for line in lines),
                (folder / "body").read_bytes(),
                json.loads((folder / "jwks.json").read_text()),
                int((folder / "now").read_text()),
            )
            print("good")
        except ValueError as error:
            print(error)
