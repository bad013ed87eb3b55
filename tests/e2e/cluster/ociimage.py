#!/usr/bin/env python3
"""Write an OCI image archive that holds one static binary: ociimage.py OUT NAME:TAG BINARY"""

from __future__ import annotations

import hashlib
import io
import json
import platform
import sys
import tarfile
from pathlib import Path
from typing import Any

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}  # as Linux and as Go call them
OCI = "application/vnd.oci.image"


def tar_of(files: dict[str, tuple[bytes, int]]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, (data, mode) in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), mode
            archive.addfile(entry, io.BytesIO(data))
    return out.getvalue()


def main() -> None:
    out, name, binary = sys.argv[1:4]
    blobs: dict[str, bytes] = {}

    def blob(data: bytes, kind: str) -> dict[str, Any]:
        digest = hashlib.sha256(data).hexdigest()
        blobs[digest] = data
        return {"mediaType": f"{OCI}.{kind}", "digest": f"sha256:{digest}", "size": len(data)}

    def document(content: dict[str, Any], kind: str) -> dict[str, Any]:
        return blob(json.dumps(content).encode(), kind)

    layer = blob(tar_of({"app": (Path(binary).read_bytes(), 0o755)}), "layer.v1.tar")
    machine = platform.machine()
    config = {
        "architecture": ARCHITECTURES.get(machine, machine),
        "os": "linux",
        "config": {"Entrypoint": ["/app"]},
        "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]},
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{OCI}.manifest.v1+json",
        "config": document(config, "config.v1+json"),
        "layers": [layer],
    }
    image = document(manifest, "manifest.v1+json")
    image["annotations"] = {
        "io.containerd.image.name": name,
        "org.opencontainers.image.ref.name": name.rsplit(":", 1)[1],
    }
    files = {
        "oci-layout": (b'{"imageLayoutVersion":"1.0.0"}', 0o644),
        "index.json": (json.dumps({"schemaVersion": 2, "manifests": [image]}).encode(), 0o644),
    }
    files |= {f"blobs/sha256/{digest}": (data, 0o644) for digest, data in blobs.items()}
    Path(out).write_bytes(tar_of(files))


if __name__ == "__main__":
    main()
