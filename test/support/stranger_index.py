"""A reader of the search index written from storage/README.md alone: Python's standard library, none of the project's code.

stranger_index.py FOLDER TABLE VALUE prints the studies that a table has under exactly that value, one of JSON a line.
"""
import gzip
import hashlib
import json
import os
import sys

MEMBERS = (
    "studyInstanceUID patientName patientID patientBirthDate patientSex accessionNumber studyDate studyTime "
    "studyDescription modalities series instances receivedAt segments issuerOfPatientID"
).split()

root, table, value = sys.argv[1:]
if table == "study":
    value = hashlib.sha256(value.encode()).hexdigest()[:2] + "/" + value + "/"
order = lambda text: text.encode("utf-16-be")


def lines(piece, offset, length):
    with open(os.path.join(root, "lifeboat", "index", "pieces", piece["id"] + ".lbx"), "rb") as file:
        file.seek(offset)
        text = gzip.decompress(file.read(length)).decode()
    assert text.endswith("\n")
    return text[:-1].split("\n")


def may_hold(blocks):
    for number, block in enumerate(blocks):
        after = blocks[number + 1][0] if number + 1 < len(blocks) else None
        if order(block[0]) <= order(value + "\t\uffff") and (after is None or order(after) > order(value + "\t")):
            yield block


head = json.load(open(os.path.join(root, "lifeboat", "index", "head.json")))
assert head["lifeboat"] == "index-head" and head["formatVersion"] == 1
found = {}


def take(path, row):
    row = dict(zip(MEMBERS, row))
    other = found.get(path)
    segments = set(row["segments"]) | set(other["segments"] if other else [])
    if other and other["receivedAt"] > row["receivedAt"]:
        row = other
    found[path] = dict(row, segments=sorted(segments))


for path, row in head["recent"]:
    named = dict(zip(MEMBERS, row))
    if value == {"study": path + "/", "patient": named["patientID"], "accession": named["accessionNumber"]}[table]:
        take(path, row)
for piece in head["pieces"]:
    tree = piece["tables"][table]
    blocks = tree["blocks"]
    if tree["levels"] == 2:
        blocks = [json.loads(line) for block in may_hold(blocks) for line in lines(piece, *block[1:])]
    for block in may_hold(blocks):
        for line in lines(piece, *block[1:]):
            under, _, path, row = line.split("\t")
            if under == value:
                take(path, json.loads(row))
for path, row in found.items():
    row["segments"] = ["manifests/%s/%s.ndjson.gz" % (path, name) for name in row["segments"]]
    print(json.dumps(row))
