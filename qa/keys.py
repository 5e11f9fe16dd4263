"""Keys: taken from the environment, and masked in whatever is shown."""

from __future__ import annotations

import json
import os
import re
from urllib.parse import quote

from index.errors import ModelError


def environment_key(variable: str, needed: bool = False) -> str:
    """The key that ``variable`` holds, or "". Raises ModelError where it holds none, or what is none."""
    key = os.environ.get(variable, "").strip()
    if needed and not key:
        raise ModelError(f"{variable} is not set; set it to your key")
    if not (key.isascii() and key.isprintable() and " " not in key):
        raise ModelError(f"{variable} holds what is no key (spaces or odd characters); set it again")
    return key


def scrub(text: str, *secrets: str) -> str:
    """``text`` without keys: these, those of the environment, and what looks like one."""
    name = re.compile(r"KEY|TOKEN|SECRET|PASSW|CREDENTIAL")
    known = [v for k, v in os.environ.items() if name.search(k.upper()) and len(v.strip()) >= 8]
    for secret in sorted({s.strip() for s in (*secrets, *known)} - {""}, key=len, reverse=True):
        for form in (secret, quote(secret, safe=""), json.dumps(secret)[1:-1]):
            text = text.replace(form, "***")
    return mask(re.sub(r"\bsk-[\w*-]{6,}|(?<=Bearer )[^\s'\"]+", "***", text))


def mask(text: str) -> str:
    """``text`` without the user names and passwords, or queries, of the addresses in it."""
    return re.sub(r"(://[^\s?]*)\?\S*", r"\1?***", re.sub(r"://[^/\s]*@", "://***@", text))
