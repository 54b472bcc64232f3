"""Reads an archive the way anybody would, and prints its files as JSON."""

import hashlib
import io
import json
import sys
import zipfile

archive = zipfile.ZipFile(io.BytesIO(sys.stdin.buffer.read()))
assert archive.testzip() is None
files = {name: archive.read(name) for name in archive.namelist()}
assert archive.namelist()[-1] == "manifest.json", "the manifest is last"
told = json.loads(files["manifest.json"])["files"]
assert [file["name"] for file in told] == archive.namelist()[:-1]
for file in told:
    data = files[file["name"]]
    assert file["bytes"] == len(data), file
    assert file["sha256"] == hashlib.sha256(data).hexdigest(), file
json.dump({name: data.decode() for name, data in files.items()}, sys.stdout)
