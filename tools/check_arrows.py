#!/usr/bin/env python3
"""Keeps the arrows between the folders of src/: who may include whom. Prints each breach and ends with 1.

usage: tools/check_arrows.py [ROOT]
"""

import re
import sys
from pathlib import Path

# What a folder's files may include besides their own folder.
LOWER = {
    "base": set(),
    "media": {"base"},
    "wire": {"media", "base"},
    "net": {"base"},
    "http": {"net", "wire", "base"},
    "bus": {"net", "wire", "base"},
    "store": {"base"},
}
# What the doors of such a folder may include besides.
LOWER_DOOR = {"store": {"net"}}
# Stages never include each other: they meet at ports in media/, joined in cli/.
STAGES = {"broadcaster", "ingest", "codec", "transcoder", "packager", "origin", "push", "edge", "audience", "player", "studio"}
STAGE_PURE = {"base", "media", "wire"}
STAGE_DOOR = STAGE_PURE | {"net", "http", "bus"}
DOOR = re.compile(r"^(server|client|worker)(_\w+)?\.(h|cc)$")
# Whose records and doors may ask the database.
STORING = {"studio"}
RECORDS = re.compile(r"^(\w+_)?records(_test)?\.(h|cc)$")
# sim/ runs the stages' deciders in virtual time: it sees all of them, and never the network.
VIRTUAL = {"sim"}
# cli/ builds the world, so it sees all of it; nothing sees cli/.
WORLD = {"cli"}

FOLDERS = set(LOWER) | STAGES | VIRTUAL | WORLD
QUOTED = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)
ASIO = re.compile(r"^\s*#\s*include\s*<boost/asio[./]", re.MULTILINE)
ROW = re.compile(r"^\|\s*`(\w+)/`\s*\|\s*(\S.*?)\s*\|", re.MULTILINE)


def allowed(folder, file_name):
    """The folders that a file may include, its own among them."""
    if folder in WORLD:
        return FOLDERS
    if folder in VIRTUAL:
        return {folder} | STAGES | STAGE_PURE
    if folder in STAGES:
        stored = {"store"} if folder in STORING and (DOOR.match(file_name) or RECORDS.match(file_name)) else set()
        return {folder} | stored | (STAGE_DOOR if DOOR.match(file_name) else STAGE_PURE)
    return {folder} | LOWER[folder] | (LOWER_DOOR.get(folder, set()) if DOOR.match(file_name) else set())


def breaches(root):
    """Every breach in the tree under root/src, as sentences."""
    source = Path(root) / "src"
    found = []
    folders = sorted(entry.name for entry in source.iterdir() if entry.is_dir())
    for folder in folders:
        if folder not in FOLDERS:
            found.append(f"src/{folder}/: tools/check_arrows.py does not say what it may include")
            continue
        for path in sorted((source / folder).rglob("*")):
            if path.suffix in (".h", ".cc"):
                found += file_breaches(path, path.relative_to(source), folder)
    return found + list(table_breaches(source, folders))


def file_breaches(path, name, folder):
    text = path.read_text(encoding="utf-8")
    for included in QUOTED.findall(text):
        target = included.split("/")[0]
        if "/" not in included or target not in FOLDERS:
            yield f'src/{name}: "{included}" is not named from src/ (folder/file.h)'
        elif target not in allowed(folder, path.name):
            yield f'src/{name}: "{included}": {folder}/ may not include {target}/{door_hint(folder, target)}'
    if folder != "net" and ASIO.search(text):
        yield f"src/{name}: only net/ knows Boost.Asio"


def door_hint(folder, target):
    if folder in STORING and target == "store":
        return " here, only in its *_records.*, server.*, client.* or worker.*"
    if target in (STAGE_DOOR if folder in STAGES else LOWER_DOOR.get(folder, set())):
        return " here, only in its server.*, client.* or worker.*"
    return ""


def table_breaches(source, folders):
    """src/README.md has one sentence for each folder, and no folder that is not there."""
    readme = source / "README.md"
    rows = dict(ROW.findall(readme.read_text(encoding="utf-8"))) if readme.exists() else {}
    for folder in folders:
        if folder not in rows:
            yield f"src/README.md: no sentence for {folder}/"
    for folder in rows:
        if folder not in folders:
            yield f"src/README.md: there is no folder {folder}/"


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent
    found = breaches(root)
    for breach in found:
        print(breach)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
