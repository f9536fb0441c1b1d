"""A reader written from storage/README.md alone: Python's standard library, none of the project's code.

Prints one line of JSON for each content in the archive folder given: study, series, instance, key, both hashes as
computed here, and whether it is the one to show.
"""
import gzip
import hashlib
import json
import os
import sys


def segments(folder):
    for name in os.listdir(folder):
        with gzip.open(os.path.join(folder, name), "rt", encoding="utf-8", newline="\n") as file:
            text = file.read()
        assert text.endswith("\n"), "cut off"
        header, *lines = [json.loads(line) for line in text[:-1].split("\n")]
        assert header["formatVersion"] == 1 and header["count"] == len(lines)
        yield header, lines


def study(root, uid):
    shard = hashlib.sha256(uid.encode()).hexdigest()[:2]
    contents, metadata = {}, {}
    for header, lines in segments(os.path.join(root, "manifests", shard, uid)):
        assert header["lifeboat"] == "manifest" and header["studyInstanceUID"] == uid
        for line in lines:
            identity = (line["sopInstanceUID"], line["dataSetSha256"])
            other = contents.get(identity)
            if other is None or (line["receivedAt"], line["key"]) > (other["receivedAt"], other["key"]):
                contents[identity] = line
    for header, lines in segments(os.path.join(root, "metadata", shard, uid)):
        assert header["lifeboat"] == "metadata"
        for line in lines:
            metadata[(line["sopInstanceUID"], line["dataSetSha256"])] = line["json"]
    shown = {}
    for line in contents.values():
        instance = (line["seriesInstanceUID"], line["sopInstanceUID"])
        other = shown.get(instance)
        if other is None or (line["receivedAt"], line["key"]) > (other["receivedAt"], other["key"]):
            shown[instance] = line
    for identity, line in sorted(contents.items()):
        with open(os.path.join(root, *line["key"].split("/")), "rb") as file:
            data = file.read()
        assert len(data) == line["size"]
        yield {
            "study": uid,
            "series": line["seriesInstanceUID"],
            "sop": line["sopInstanceUID"],
            "key": line["key"],
            "sha256": hashlib.sha256(data).hexdigest(),
            "dataSetSha256": hashlib.sha256(data[line["dataSetOffset"]:]).hexdigest(),
            "shown": shown[(line["seriesInstanceUID"], line["sopInstanceUID"])] is line,
            "patient": metadata[identity].get("00100020", {}).get("Value", [""])[0],
        }


root = sys.argv[1]
assert json.load(open(os.path.join(root, "lifeboat.json")))["formatVersion"] == 1
for shard in sorted(os.listdir(os.path.join(root, "manifests"))):
    for uid in sorted(os.listdir(os.path.join(root, "manifests", shard))):
        for content in study(root, uid):
            print(json.dumps(content))
