#!/usr/bin/env python3
"""Puts layers (tar files) together into an image archive that `ctr images import` takes.

Layers stay uncompressed: nothing has to unpack them, and a layer's digest is its diff id.
"""
import argparse
import hashlib
import io
import json
import pathlib
import tarfile

MEDIA = "application/vnd.oci.image"


def digest_of(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Archive:
    """An OCI image layout inside a tar file."""

    def __init__(self, path):
        self.tar = tarfile.open(path, "w")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.tar.close()

    def add(self, name, data):
        member = tarfile.TarInfo(name)
        member.size = len(data)
        self.tar.addfile(member, io.BytesIO(data))

    def add_object(self, kind, value):
        data = json.dumps(value, sort_keys=True).encode()
        digest = hashlib.sha256(data).hexdigest()
        self.add(f"blobs/sha256/{digest}", data)
        return {"mediaType": f"{MEDIA}.{kind}.v1+json", "digest": f"sha256:{digest}", "size": len(data)}

    def add_layer(self, path):
        digest = digest_of(path)
        member = tarfile.TarInfo(f"blobs/sha256/{digest}")
        member.size = path.stat().st_size
        with open(path, "rb") as file:
            self.tar.addfile(member, file)
        return {"mediaType": f"{MEDIA}.layer.v1.tar", "digest": f"sha256:{digest}", "size": member.size}


def write_image(path, name, layers, config):
    platform = {"architecture": "amd64", "os": "linux"}
    with Archive(path) as archive:
        descriptors = [archive.add_layer(layer) for layer in layers]
        diff_ids = [layer["digest"] for layer in descriptors]
        described = archive.add_object("config", {**platform, "config": config, "rootfs": {"type": "layers", "diff_ids": diff_ids}})
        manifest = archive.add_object("manifest", {"schemaVersion": 2, "mediaType": f"{MEDIA}.manifest.v1+json",
                                                   "config": described, "layers": descriptors})
        manifest |= {"platform": platform, "annotations": {"io.containerd.image.name": name,
                                                           "org.opencontainers.image.ref.name": name.rpartition(":")[2]}}
        archive.add("oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
        archive.add("index.json", json.dumps({"schemaVersion": 2, "manifests": [manifest]}).encode())


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("archive")
    parser.add_argument("name", help="with its tag")
    parser.add_argument("layers", nargs="+", type=pathlib.Path)
    parser.add_argument("--entrypoint")
    parser.add_argument("--user")
    parser.add_argument("--workdir")
    parser.add_argument("--env", action="append", default=[])
    given = parser.parse_args()
    path = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]
    config = {"Env": path + given.env, "Entrypoint": [given.entrypoint] if given.entrypoint else None, "User": given.user,
              "WorkingDir": given.workdir}
    write_image(given.archive, given.name, given.layers, {key: value for key, value in config.items() if value})


if __name__ == "__main__":
    main()
