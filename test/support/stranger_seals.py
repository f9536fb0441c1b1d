"""Checks the seals of an archive folder, written from storage/README.md alone: Python's standard library and `openssl` (or
the `cryptography` package), none of the project's code.

Usage: stranger_seals.py FOLDER PUBLIC_KEY.pem
Prints one line for each thing that is wrong, and `seals N instances M` at the end; exit code 1 when anything was wrong.
"""
import base64
import gzip
import hashlib
import json
import os
import subprocess
import sys

root, key_file = sys.argv[1:3]
wrong = []


def sha256(data):
    return hashlib.sha256(data).digest()


def read(key):
    with open(os.path.join(root, *key.split("/")), "rb") as file:
        return file.read()


def signed(json_path, signature_path):
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.serialization import load_pem_public_key
    except ImportError:
        command = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", key_file, "-rawin"]
        done = subprocess.run(command + ["-in", json_path, "-sigfile", signature_path], capture_output=True)
        return done.returncode == 0
    with open(key_file, "rb") as key, open(signature_path, "rb") as signature, open(json_path, "rb") as text:
        try:
            load_pem_public_key(key.read()).verify(signature.read(), text.read())
            return True
        except InvalidSignature:
            return False


def tree_hash(hashes):
    """RFC 6962 2.1 from the hashes of the leaves."""
    if not hashes:
        return sha256(b"")
    if len(hashes) == 1:
        return hashes[0]
    k = 1
    while k * 2 < len(hashes):
        k *= 2
    return sha256(b"\x01" + tree_hash(hashes[:k]) + tree_hash(hashes[k:]))


pem = open(key_file).read()
der = base64.b64decode("".join(line for line in pem.splitlines() if not line.startswith("-")))
folder = "seals/" + hashlib.sha256(der).hexdigest()[:32]
names = sorted(n for n in os.listdir(os.path.join(root, folder)) if n.endswith(".json"))
hashes, leaves, previous = [], [], None
for number, name in enumerate(names, 1):
    path = os.path.join(root, folder, name)
    data = read(folder + "/" + name)
    seal = json.loads(data)
    if name != "%08d.json" % number or seal["sequence"] != number:
        wrong.append(name + ": not the seal that should stand here")
    if not signed(path, path[:-5] + ".sig"):
        wrong.append(name + ": signature")
    if seal["previous"] != previous:
        wrong.append(name + ": not chained to the seal before")
    previous = hashlib.sha256(data).hexdigest()
    for part in seal["leaves"]:
        packed = read(part["key"])
        if hashlib.sha256(packed).hexdigest() != part["sha256"]:
            wrong.append(part["key"] + ": changed")
        lines = gzip.decompress(packed).split(b"\n")[:-1]
        leaves += lines
        hashes += [sha256(b"\x00" + line) for line in lines]
    if len(hashes) != seal["treeSize"] or tree_hash(hashes).hex() != seal["rootHash"]:
        wrong.append(name + ": its leaves do not give its root")

named = set()
for path, _, files in os.walk(os.path.join(root, "manifests")):
    for file in files:
        with gzip.open(os.path.join(path, file), "rt", encoding="utf-8", newline="\n") as text:
            for line in text.read().split("\n")[1:-1]:
                entry = json.loads(line)
                named.add((entry["key"], entry["sha256"], entry["size"], entry["receivedAt"], entry["dataSetSha256"]))
for line in leaves:
    leaf = json.loads(line)
    if (leaf["key"], leaf["sha256"], leaf["size"], leaf["receivedAt"], leaf["dataSetSha256"]) not in named:
        wrong.append(leaf["key"] + ": no manifest says what was sealed")
    try:
        if hashlib.sha256(read(leaf["key"])).hexdigest() != leaf["sha256"]:
            wrong.append(leaf["key"] + ": its bytes are not those that were sealed")
    except FileNotFoundError:
        wrong.append(leaf["key"] + ": gone")

for line in wrong:
    print(line)
print("seals %d instances %d" % (len(names), len(leaves)))
sys.exit(1 if wrong else 0)
