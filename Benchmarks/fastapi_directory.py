"""The directory of ../shared/SEED-API.md A as a FastAPI application in memory: what bench_directory.py compares with.

usage: DIRECTORY_ACCOUNTS=N uvicorn fastapi_directory:app   (Peer1 to PeerN, password sd1234)

Kept as lean as the document allows, in its favour: passwords are compared as they are, and nothing is written.
"""

import json
import logging
import os
import secrets
import time
from typing import Any

from fastapi import FastAPI, HTTPException

LEASE_SECONDS = 60
PASSWORD = "sd1234"

app = FastAPI()
accounts = {f"Peer{number}": PASSWORD for number in range(1, int(os.environ.get("DIRECTORY_ACCOUNTS", "4")) + 1)}
#: By account: when it was last heard of, in seconds.
seen: dict[str, float] = {}
#: By account: the files of its last list, each once.
files: dict[str, dict[str, Any]] = {}


def active_peers() -> list[str]:
    now = time.monotonic()
    for peer in [peer for peer, heard in seen.items() if now - heard > LEASE_SECONDS]:
        del seen[peer]
        logging.getLogger("uvicorn").info("Peer '%s' se ha desconectado por inactividad", peer)
    return list(seen)


@app.post("/login")
async def log_in(username: str, password: str, files_index: str) -> dict[str, str]:
    if accounts.get(username) != password:
        raise HTTPException(401, "Usuario o contraseña incorrectos")
    try:
        files[username] = {entry["filename"]: entry["url"] for entry in json.loads(files_index)}
    except (ValueError, TypeError, KeyError):
        raise HTTPException(400, "Formato inválido en files_index") from None
    seen[username] = time.monotonic()
    return {"status": "OK", "token": secrets.token_hex(32)}


@app.get("/buscar_archivos")
async def holders(filename: str) -> dict[str, Any]:
    found = [{"peer": peer, "url": files[peer][filename]} for peer in active_peers() if filename in files[peer]]
    if not found:
        raise HTTPException(404, "Archivo no encontrado")
    return {"archivo": filename, "disponible_en": found}


@app.get("/peers_activos")
async def peers() -> dict[str, list[str]]:
    return {"peers": active_peers()}


@app.get("/ver_archivos")
async def listed() -> dict[str, list[dict[str, Any]]]:
    return {
        "archivos": [
            {"peer": peer, "filename": name, "url": url} for peer in active_peers() for name, url in files[peer].items()
        ]
    }
