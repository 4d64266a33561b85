"""An image archive: an OCI image layout in a tar, which also holds the manifest.json of `docker load`.

The same files make the same bytes: entries are sorted, owners are numbers, every time is the given one."""
import gzip
import hashlib
import io
import json
import tarfile

CONFIG = "application/vnd.oci.image.config.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


class Layer:
    """Files by absolute path, without the leading slash. Folders that lead to one are made."""

    def __init__(self):
        self._entries = {}

    def folder(self, path, mode=0o755, owner=0):
        self._put(path, tarfile.DIRTYPE, mode, owner)

    def file(self, path, content, mode=0o644):
        self._put(path, tarfile.REGTYPE, mode, 0, content=content)

    def link(self, path, target):
        self._put(path, tarfile.SYMTYPE, 0o777, 0, target=target)

    def _put(self, path, kind, mode, owner, content=b"", target=""):
        parts = path.split("/")
        for depth in range(1, len(parts)):
            parent = "/".join(parts[:depth])
            if parent not in self._entries:
                self.folder(parent)
        entry = tarfile.TarInfo(path)
        entry.type, entry.mode, entry.uid, entry.gid, entry.linkname = kind, mode, owner, owner, target
        entry.size = len(content)
        self._entries[path] = (entry, content)

    def entries(self):
        """(TarInfo, content), folders before what is in them."""
        return [self._entries[path] for path in sorted(self._entries)]

    def size(self):
        return sum(entry.size for entry, _ in self._entries.values())

    def tar(self, time):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
            for entry, content in self.entries():
                entry.mtime = time
                tar.addfile(entry, io.BytesIO(content))
        return out.getvalue()


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def as_json(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


class Image:
    """One platform. `config` is the OCI image configuration's "config"."""

    def __init__(self, layers, architecture, config, time, created):
        self.blobs = {}
        tars = [layer.tar(time) for layer in layers]
        self.config = self._blob(CONFIG, as_json({
            "architecture": architecture, "os": "linux", "created": created, "config": config,
            "history": [{"created": created, "created_by": "tools/image/build"} for _ in layers],
            "rootfs": {"type": "layers", "diff_ids": [digest(tar) for tar in tars]}}))
        # Level 6 is what every zlib has had for decades; mtime and name stay out of the header.
        self.layers = [self._blob(LAYER, gzip.compress(tar, 6, mtime=0)) for tar in tars]
        self.manifest = self._blob(MANIFEST, as_json({
            "schemaVersion": 2, "mediaType": MANIFEST, "config": self.config, "layers": self.layers}))
        self.platform = {"architecture": architecture, "os": "linux"}

    def _blob(self, media_type, data):
        self.blobs[digest(data)] = data
        return {"mediaType": media_type, "digest": digest(data), "size": len(data)}


def write(path, images, name, time):
    """One index entry per image, told apart by their platforms."""
    tag = name.rpartition(":")[2]
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [
        {**image.manifest, "platform": image.platform,
         "annotations": {"io.containerd.image.name": name, "org.opencontainers.image.ref.name": tag}}
        for image in images]}

    def place(blob):
        return "blobs/" + blob["digest"].replace(":", "/")

    files = {"oci-layout": as_json({"imageLayoutVersion": "1.0.0"}), "index.json": as_json(index),
             "manifest.json": as_json([{"Config": place(image.config), "RepoTags": [name],
                                        "Layers": [place(layer) for layer in image.layers]} for image in images])}
    for image in images:
        files.update({"blobs/" + key.replace(":", "/"): data for key, data in image.blobs.items()})
    layer = Layer()
    for file, content in files.items():
        layer.file(file, content)
    path.write_bytes(layer.tar(time))
