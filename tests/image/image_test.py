#!/usr/bin/env python3
"""The container image that tools/image/build makes of the programs in SPARKCRON_BIN."""
import gzip
import hashlib
import io
import json
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tarfile
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BIN = pathlib.Path(os.environ.get("SPARKCRON_BIN", ROOT / "build/dev/bin"))
sys.path.insert(0, str(ROOT / "tools/image"))
import elf  # noqa: E402: of the tool


def build(output, binaries=BIN, *more, **environment):
    return subprocess.run([ROOT / "tools/image/build", "--binaries", binaries, *output, *more], text=True,
                          capture_output=True, env={**os.environ, **environment}, check=False)


class Archive:
    def __init__(self, path):
        with tarfile.open(path) as tar:
            self.order = tar.getnames()
            self.files = {entry.name: tar.extractfile(entry).read() for entry in tar if entry.isfile()}
        self.manifest_digest = self.json("index.json")["manifests"][0]["digest"]
        self.manifest = json.loads(self.blob(self.manifest_digest))
        self.config = json.loads(self.blob(self.manifest["config"]["digest"]))
        self.layers = [gzip.decompress(self.blob(layer["digest"])) for layer in self.manifest["layers"]]

    def json(self, name):
        return json.loads(self.files[name])

    def blob(self, digest):
        return self.files["blobs/" + digest.replace(":", "/")]

    def entries(self):
        for layer in self.layers:
            with tarfile.open(fileobj=io.BytesIO(layer)) as tar:
                yield from tar


class ImageTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="sparkcron-image-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        done = build(["--output", cls.folder / "a.tar"], SOURCE_DATE_EPOCH="1700000000")
        assert done.returncode == 0, done.stderr
        cls.said = done.stdout
        cls.image = Archive(cls.folder / "a.tar")
        cls.entries = {entry.name: entry for entry in cls.image.entries()}

    def test_two_builds_have_the_same_digest(self):
        # Of copies with other times, in another folder.
        copies = self.folder / "elsewhere"
        copies.mkdir()
        for name in ("sparkcron", "sparkctl"):
            shutil.copy(BIN / name, copies / name)
        done = build(["--output", self.folder / "b.tar"], copies, SOURCE_DATE_EPOCH="1700000000")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual((self.folder / "a.tar").read_bytes(), (self.folder / "b.tar").read_bytes())
        self.assertIn(self.image.manifest_digest, self.said)

    def test_every_digest_and_size_is_that_of_its_content(self):
        for name, content in self.image.files.items():
            if name.startswith("blobs/sha256/"):
                self.assertEqual(name.rpartition("/")[2], hashlib.sha256(content).hexdigest())
        for part in [self.image.manifest["config"], *self.image.manifest["layers"]]:
            self.assertEqual(part["size"], len(self.image.blob(part["digest"])))
        self.assertEqual(self.image.config["rootfs"]["diff_ids"],
                         ["sha256:" + hashlib.sha256(layer).hexdigest() for layer in self.image.layers])

    def test_docker_load_finds_the_same_image(self):
        [loaded] = self.image.json("manifest.json")
        self.assertEqual(loaded["RepoTags"], ["localhost/sparkcron:0.1.0"])
        self.assertEqual(loaded["Config"], "blobs/" + self.image.manifest["config"]["digest"].replace(":", "/"))
        self.assertEqual([path for path in loaded["Layers"] if path not in self.image.files], [])

    def test_the_platform_is_that_of_the_programs(self):
        machine = struct.unpack_from("<H", (BIN / "sparkcron").read_bytes()[:20], 18)[0]
        self.assertEqual(self.image.config["architecture"], {62: "amd64", 183: "arm64"}[machine])
        self.assertEqual(self.image.json("index.json")["manifests"][0]["platform"],
                         {"architecture": self.image.config["architecture"], "os": "linux"})

    def test_it_runs_as_nobody_s_user_and_nothing_is_writable_but_tmp_and_the_data_folder(self):
        self.assertEqual(self.image.config["config"]["User"], "65532:65532")
        writable = []
        for entry in self.entries.values():
            self.assertEqual(entry.mode & 0o6000, 0, entry.name)
            if not entry.issym() and (entry.mode & 0o022 or entry.uid != 0):
                writable.append(entry.name)
        self.assertEqual(sorted(writable), ["tmp", "var/lib/sparkcron"])

    def test_there_is_no_program_but_ours_and_the_loader(self):
        programs = sorted(name for name, entry in self.entries.items()
                          if entry.isfile() and entry.mode & 0o111 and ".so" not in name)
        self.assertEqual(programs, ["usr/bin/sparkcron", "usr/bin/sparkctl"])

    def test_nothing_else_is_in_it(self):
        known = re.compile(
            r"(usr/bin/(sparkcron|sparkctl)|usr/lib(64)?/([a-z0-9_]+-linux-gnu/)?[A-Za-z0-9_.+-]+\.so[0-9.]*"
            r"|usr/share/zoneinfo/.+|usr/share/doc/[a-z0-9.+-]+/copyright|var/lib/dpkg/status\.d/[a-z0-9.+-]+"
            r"|etc/(passwd|group|nsswitch\.conf|localtime|ssl/certs/ca-certificates\.crt)|lib|lib64)")
        odd = [name for name, entry in self.entries.items() if not entry.isdir() and not known.fullmatch(name)]
        self.assertEqual(odd, [])

    def test_unpacked_it_stays_below_60_MB_without_the_two_programs_of_a_debug_build(self):
        rest = sum(entry.size for name, entry in self.entries.items() if not name.startswith("usr/bin/"))
        self.assertLess(rest, 40e6)

    def test_it_runs_from_itself_alone(self):
        root = self.folder / "root"
        done = build(["--rootfs", root])
        self.assertEqual(done.returncode, 0, done.stderr)
        (root / "proc").mkdir()

        def inside(*command):
            own = [] if os.geteuid() == 0 else ["--map-root-user"]
            script = 'mount -t proc proc "$0/proc" && exec chroot --userspec=65532:65532 "$0" "$@"'
            return subprocess.run(["unshare", *own, "--mount", "--pid", "--fork", "sh", "-c", script, root, *command],
                                  capture_output=True, text=True, check=False,
                                  env={"PATH": os.environ["PATH"], "ASAN_OPTIONS": "detect_leaks=0"})

        version = inside("/usr/bin/sparkcron", "--version")
        self.assertEqual((version.stdout, version.returncode), ("sparkcron 0.1.0\n", 0), version.stderr)
        zone = inside("/usr/bin/sparkctl", "cron", "next", "0 2 * * *", "--zone", "America/New_York",
                      "--after", "2026-07-01T00:00:00Z")
        self.assertIn("2026-07-01T02:00:00-04:00", zone.stdout, zone.stderr)
        away = inside("/usr/bin/sparkcron", "controller", "--kubeconfig", "/nowhere", "--data-dir", "/tmp/d")
        self.assertEqual(away.returncode, 1)
        self.assertIn("/nowhere", away.stderr)
        self.assertNotEqual(inside("/bin/sh", "-c", "true").returncode, 0)

    def test_the_dockerfile_says_what_the_archive_says(self):
        text = (ROOT / "tools/image/Dockerfile").read_text().rpartition("FROM scratch")[2]
        config = self.image.config["config"]
        self.assertIn(f"USER {config['User']}\n", text)
        self.assertIn(f"ENTRYPOINT {json.dumps(config['Entrypoint'])}\n", text)
        self.assertIn(f"CMD {json.dumps(config['Cmd'])}\n", text)
        self.assertIn(f"ENV {' '.join(config['Env'])}\n", text)

    def test_what_is_missing_is_said(self):
        missing = build(["--output", self.folder / "c.tar"], self.folder)
        self.assertEqual(missing.returncode, 2)
        self.assertIn("sparkcron is missing: cmake --preset release", missing.stderr)
        untagged = build(["--output", self.folder / "c.tar"], BIN, "--name", "localhost:5000/sparkcron")
        self.assertIn("give a tag", untagged.stderr)


class ElfTest(unittest.TestCase):
    def test_another_architecture_is_read_by_its_machine(self):
        with tempfile.NamedTemporaryFile() as file:
            # An ELF header of arm64 and nothing else.
            file.write(b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", 2, 183, 1, 0, 64, 0, 0, 64, 56, 0, 0, 0, 0))
            file.flush()
            self.assertEqual(elf.Elf(file.name).architecture, "arm64")

    def test_what_is_no_program_is_refused_by_name(self):
        with tempfile.NamedTemporaryFile() as file:
            with self.assertRaisesRegex(ValueError, f"{file.name} is not a 64-bit little-endian ELF file"):
                elf.Elf(file.name)


if __name__ == "__main__":
    unittest.main()
