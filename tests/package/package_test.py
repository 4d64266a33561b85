#!/usr/bin/env python3
"""The Debian package: what is in it, and its life in a Debian that knows nothing of us: installed, started, upgraded,
removed, purged. Needs root, and mmdebstrap. With --build FOLDER of that build, else build/release, which it brings up
to date first."""
import argparse
import os
import pathlib
import re
import shlex
import shutil
import ssl
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
UNIT = "lib/systemd/system/sparkcron.service"


def run(*command, check=True, **more):
    done = subprocess.run(command, capture_output=True, text=True, check=False, **more)
    if check and done.returncode != 0:
        raise AssertionError(f"{shlex.join(map(str, command))}: {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done


def package(build, folder, version):
    """Packs what the build made, as another version if asked."""
    run("cpack", "-B", folder / version, "-D", f"CPACK_PACKAGE_VERSION={version}", cwd=build)
    [made] = (folder / version).glob("*.deb")
    return made


# apt gives packages' scripts one without /usr/local/bin, where a systemctl of the test is.
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Root:
    """A minimal Debian. No service runs in it; what systemd would do is done by hand, from the unit."""

    def __init__(self, folder):
        self.path = folder
        run("mmdebstrap", "--variant=minbase", "--include=systemd,man-db,bash-completion,python3-minimal", "bookworm", folder)

    def inside(self, *command, check=True, **more):
        return run("chroot", self.path, *command, check=check, **more)

    def install(self, file, *options):
        shutil.copy(file, self.path / "tmp" / file.name)
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        # The names of the archive's machines are resolved as they are outside.
        shutil.copy("/etc/resolv.conf", self.path / "etc/resolv.conf")
        self.inside("apt-get", "update", "-qq", env=environment)
        return self.inside("apt-get", "install", "-y", "-qq", "--no-install-recommends", "-o", "Dpkg::Options::=--force-confold",
                           "-o", f"DPkg::Path={PATH}", *options,
                           f"/tmp/{file.name}", env=environment)

    def unit(self):
        text = (self.path / UNIT).read_text()
        return {key: value for key, value in re.findall(r"^([A-Za-z]+)=(.*)$", text, flags=re.MULTILINE)}


class Service:
    """What the unit says, started as its user says, with the settings of /etc/default."""

    def __init__(self, root):
        unit = root.unit()
        settings = root.inside("sh", "-c", ". /etc/default/sparkcron && echo $SPARK_HOME").stdout.strip()
        # StateDirectory= and RuntimeDirectory= with their modes.
        state = root.path / "var/lib" / unit["StateDirectory"]
        for kind, where in (("State", "/var/lib"), ("Runtime", "/run")):
            root.inside("install", "-d", "-m", unit[f"{kind}DirectoryMode"], "-o", unit["User"], "-g", unit["User"], f"{where}/{unit[f'{kind}Directory']}")
        command = unit["ExecStart"].replace("$SPARKCRON_OPTIONS", "--listen 127.0.0.1:0")
        self.kubeconfig = state / "kubeconfig"
        self.process = subprocess.Popen(
            ["/usr/sbin/chroot", "--userspec", f"{unit['User']}:{unit['User']}", root.path, *shlex.split(command)],
            env={"PATH": "/usr/bin:/bin", "SPARK_HOME": settings}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def wait_until_ready(self):
        # sparkcron announces itself when somebody answers.
        for line in self.process.stdout:
            found = re.search(r"listens on (https://127\.0\.0\.1:\d+)", line)
            if found:
                return self.answer_when_ready(found[1] + "/readyz")
        raise AssertionError(f"it ended: {self.process.wait()}")

    def answer_when_ready(self, url):
        # Its caches are filled after that; until then the answer is 500.
        until = time.monotonic() + 60
        while True:
            try:
                return urllib.request.urlopen(url, context=ssl._create_unverified_context()).read().decode()
            except urllib.error.HTTPError as error:
                with error:
                    if time.monotonic() > until:
                        raise AssertionError(error.read().decode()) from error
            time.sleep(0.1)

    def stop(self):
        self.process.terminate()
        code = self.process.wait()
        self.process.stdout.close()
        return code


class Systemd:
    """A Debian in which systemd seems to run: a systemctl that writes down what it is told, and when."""

    CALLS = "var/log/systemctl-calls"

    def __init__(self, root):
        self.root = root
        (root.path / "run/systemd/system").mkdir(parents=True, exist_ok=True)
        fake = root.path / "usr/local/bin/systemctl"
        # What is on disk at that moment: the program that a start would run.
        fake.write_text(f"#!/bin/sh\necho \"$* $(test -x /usr/bin/sparkcron && echo with || echo without)\" >> /{self.CALLS}\n")
        fake.chmod(0o755)

    def told(self):
        """Since the last time."""
        file = self.root.path / self.CALLS
        lines = file.read_text().splitlines() if file.exists() else []
        file.unlink(missing_ok=True)
        return lines


RELOAD = "--system daemon-reload with"
ENABLE = "enable --quiet sparkcron.service with"
START = "start sparkcron.service with"


class PackageTest(unittest.TestCase):
    build = None

    @classmethod
    def setUpClass(cls):
        if cls.build is None:
            cls.build = ROOT / "build/release"
            run("cmake", "--preset", "release", cwd=ROOT)
            run("cmake", "--build", "--preset", "release", cwd=ROOT)
        if os.geteuid() != 0:
            raise AssertionError("a Debian of its own needs root")
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="sparkcron-package-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.folder.chmod(0o755)
        cls.old, cls.new = package(cls.build, cls.folder, "0.0.1"), package(cls.build, cls.folder, "0.1.0")

    def service(self, root):
        """Ended with the test, however that ends."""
        service = Service(root)
        self.addCleanup(service.process.stdout.close)
        self.addCleanup(service.process.wait)
        self.addCleanup(service.process.kill)
        return service

    def test_what_is_in_it(self):
        listed = run("dpkg-deb", "--contents", self.new).stdout
        files = {line.split()[5]: line.split()[:2] for line in listed.splitlines() if not line.startswith("d")}
        named = sorted(name for name in files if not name.startswith("./usr/share/sparkcron/"))
        self.assertEqual(named, [
            "./etc/default/sparkcron", "./usr/bin/sparkcron", "./usr/bin/sparkctl", f"./usr/{UNIT}",
            "./usr/share/bash-completion/completions/sparkctl",
            # Of what the dashboard's pages bring along.
            "./usr/share/doc/sparkcron/LICENSE.htm", "./usr/share/doc/sparkcron/LICENSE.preact",
            "./usr/share/doc/sparkcron/copyright",
            "./usr/share/man/man1/sparkcron.1.gz", "./usr/share/man/man1/sparkctl.1.gz"])
        self.assertEqual({owner for _, owner in files.values()}, {"root/root"})
        self.assertEqual({mode for mode, _ in files.values()}, {"-rwxr-xr-x", "-rw-r--r--"})
        fields = run("dpkg-deb", "--field", self.new).stdout
        self.assertIn("libcurl4", fields)
        self.assertIn("Architecture: " + run("dpkg", "--print-architecture").stdout, fields)

    def test_what_systemd_is_told(self):
        root = Root(self.folder / "with-systemd")
        systemd = Systemd(root)
        said = root.install(self.old).stdout
        self.assertIn("there is no Spark in /opt/spark: set SPARK_HOME in /etc/default/sparkcron", said)
        self.assertEqual(systemd.told(), [RELOAD, ENABLE])
        # Only what ran runs again, by the new program.
        root.install(self.new)
        self.assertEqual(systemd.told(), [RELOAD, "try-restart sparkcron.service with"])
        # Stopped while the program is there; nothing left that systemd would look for.
        link = root.path / "etc/systemd/system/multi-user.target.wants/sparkcron.service"
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to("/" + UNIT)
        root.inside("dpkg", "--remove", "sparkcron")
        self.assertEqual(systemd.told(), ["stop sparkcron.service with", "--system daemon-reload without"])
        self.assertFalse(link.is_symlink())
        # Installed again it is enabled and started, as if it had never been there. Its settings, which stayed, are for
        # systemd, and no script of the shell.
        submit = root.path / "opt/my spark/bin/spark-submit"
        submit.parent.mkdir(parents=True)
        submit.write_text("")
        submit.chmod(0o755)
        (root.path / "etc/default/sparkcron").write_text('SPARK_HOME="/opt/my spark"\nSPARKCRON_OPTIONS=--listen 127.0.0.1:1 ; exit 1\n')
        root.install(self.new)
        self.assertEqual(systemd.told(), [RELOAD, ENABLE, START])
        root.install(self.old, "--allow-downgrades")
        self.assertEqual(systemd.told(), [RELOAD, "try-restart sparkcron.service with"], "an upgrade again, not an installation")
        # A service that does not stop keeps nobody from removing it.
        (root.path / "usr/local/bin/systemctl").write_text("#!/bin/sh\n[ $1 != stop ]\n")
        root.inside("dpkg", "--purge", "sparkcron")
        self.assertEqual(root.inside("dpkg-query", "-W", "sparkcron", check=False).returncode, 1)

    def test_a_life(self):
        root = Root(self.folder / "root")
        root.install(self.old)
        self.assertEqual(root.inside("sparkcron", "--version").stdout, "sparkcron 0.1.0\n")
        account = root.inside("getent", "passwd", "sparkcron").stdout
        self.assertRegex(account, r"^sparkcron:x:[1-9]\d{2}:\d+::/var/lib/sparkcron:/usr/sbin/nologin$")
        verified = root.inside("systemd-analyze", "verify", "--man=no", "/" + UNIT, check=False)
        self.assertEqual((verified.returncode, verified.stderr), (0, ""))

        # Man pages read without a warning; each flag of --help is on them.
        for program in ("sparkcron", "sparkctl"):
            page = root.inside("sh", "-c", f"zcat /usr/share/man/man1/{program}.1.gz | man --warnings -l -",
                               env={"PATH": os.environ["PATH"], "MANWIDTH": "200", "LC_ALL": "C"}, check=False)
            self.assertEqual((page.returncode, page.stderr), (0, ""))
            shown = re.sub(r".\x08", "", page.stdout)
            for flag in re.findall(r"--[a-z-]+", root.inside(program, "--help").stdout):
                self.assertIn(flag, shown)
        # The completion is bash, and completes.
        completed = root.inside("bash", "-c", ". /usr/share/bash-completion/completions/sparkctl; COMP_CWORD=1; "
                                "COMP_WORDS=(sparkctl desc); _sparkctl; echo ${COMPREPLY[*]}").stdout
        self.assertEqual(completed, "describe\n")

        # Started without Spark it says what is missing; with one it serves, as its own user, in a private folder.
        service = self.service(root)
        said = service.process.stdout.read()
        self.assertEqual(service.stop(), 1)
        self.assertIn("SPARK_HOME /opt/spark has no bin/spark-submit", said)
        submit = root.path / "opt/spark/bin/spark-submit"
        submit.parent.mkdir(parents=True)
        submit.write_text("#!/bin/sh\nexit 0\n")
        submit.chmod(0o755)
        service = self.service(root)
        self.assertEqual(service.wait_until_ready(), "ok")
        self.assertEqual(service.kubeconfig.stat().st_mode & 0o777, 0o600)
        self.assertEqual(str(service.kubeconfig.stat().st_uid), account.split(":")[2])
        # Its group operates it.
        shared = (root.path / "run/sparkcron/kubeconfig").stat()
        self.assertEqual((shared.st_mode & 0o777, str(shared.st_gid)), (0o640, account.split(":")[3]))
        applied = root.inside("sparkctl", "--kubeconfig", "/var/lib/sparkcron/kubeconfig", "create", "-f",
                              "/usr/share/sparkcron/samples/nightly-etl.yaml").stdout
        self.assertIn("nightly-etl", applied)

        # An upgrade leaves data and changed settings; the running program is not in its way.
        settings = root.path / "etc/default/sparkcron"
        settings.write_text(settings.read_text() + "# mine\n")
        root.install(self.new)
        self.assertEqual(root.inside("dpkg-query", "-W", "-f", "${Version}", "sparkcron").stdout, "0.1.0")
        self.assertTrue(settings.read_text().endswith("# mine\n"))
        self.assertEqual(service.stop(), 0)
        service = self.service(root)
        self.assertEqual(service.wait_until_ready(), "ok")
        listed = root.inside("sparkctl", "--kubeconfig", "/var/lib/sparkcron/kubeconfig", "list").stdout
        self.assertIn("nightly-etl", listed)
        self.assertEqual(service.stop(), 0)

        # Removed, programs and service are gone and the data is there; purged, nothing is.
        root.inside("dpkg", "--remove", "sparkcron")
        self.assertFalse((root.path / "usr/bin/sparkcron").exists())
        self.assertFalse((root.path / UNIT).exists())
        self.assertTrue((root.path / "var/lib/sparkcron/api.db").exists())
        self.assertTrue(settings.exists())
        root.inside("dpkg", "--purge", "sparkcron")
        self.assertFalse((root.path / "var/lib/sparkcron").exists())
        self.assertFalse(settings.exists())
        left = run("find", root.path, "-xdev", "-name", "*sparkcron*", "-not", "-path", "*/tmp/*").stdout.split()
        # What dpkg and adduser keep for themselves.
        self.assertEqual([name for name in left if "/var/log/" not in name], [])


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=pathlib.Path)
    options, rest = parser.parse_known_args()
    PackageTest.build = options.build and options.build.resolve()
    unittest.main(argv=[sys.argv[0], *rest])
