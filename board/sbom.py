#!/usr/bin/env python3
"""The image's bill of materials, as CycloneDX 1.6: Debian's packages and the program's crates.

sbom.py VERSION DEBIAN_MANIFEST CARGO_LOCK prints it. Nothing in it depends on when it was made.
"""

import json
import sys
import tomllib
from urllib.parse import quote


def debian(path):
    for line in open(path, encoding="utf-8"):
        name, version, architecture, sha256 = line.split()
        yield {
            "type": "library",
            "name": name,
            "version": version,
            "purl": f"pkg:deb/debian/{name}@{quote(version)}?arch={architecture}",
            "hashes": [{"alg": "SHA-256", "content": sha256}],
        }


def crates(path):
    with open(path, "rb") as file:
        for package in tomllib.load(file)["package"]:
            if "checksum" in package:
                yield {
                    "type": "library",
                    "name": package["name"],
                    "version": package["version"],
                    "purl": f"pkg:cargo/{package['name']}@{quote(package['version'])}",
                    "hashes": [{"alg": "SHA-256", "content": package["checksum"]}],
                }


version, manifest, lock = sys.argv[1:]
json.dump(
    {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {"type": "firmware", "name": "exstreamtv", "version": version}
        },
        "components": [*debian(manifest), *crates(lock)],
    },
    sys.stdout,
    indent=1,
)
print()
