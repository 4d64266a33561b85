"""What tests of the installed chart share: this build's image in the node, a release in a namespace of its own."""
import pathlib
import subprocess
import tempfile

import cluster
from cluster import BIN, ROOT, RUN

CHART = ROOT / "charts/sparkcron"


def helm_program(major="3"):
    return subprocess.run([ROOT / "tools/bootstrap.d/helm", major], capture_output=True, text=True, check=True).stdout.strip()


def import_image():
    with tempfile.TemporaryDirectory(dir=RUN) as folder:
        archive = pathlib.Path(folder) / "sparkcron.tar"
        for command in ([ROOT / "tools/image/build", "--binaries", BIN, "--output", archive],
                        [ROOT / "tests/cluster/inside", "ctr", "-n", "k8s.io", "images", "import", archive]):
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=300)


class ReleaseTest(cluster.ClusterTest):
    HELM = "3"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.helm_path = helm_program(cls.HELM)
        import_image()

    def setUp(self):
        super().setUp()
        # Where the controller is; the first namespace has the jobs.
        self.home, self.at_home = self.new_namespace()
        self.at_home("label", "namespace", self.home, "pod-security.kubernetes.io/enforce=restricted")
        self.addCleanup(self.helm_run, "uninstall", "sparkcron", "--ignore-not-found")  # before the namespaces go

    def helm_run(self, verb, *arguments):
        return subprocess.run([self.helm_path, "--kubeconfig", RUN / "admin.kubeconfig", "--namespace", self.home, verb, *arguments],
                              capture_output=True, text=True, timeout=400)

    def helm(self, verb, *arguments):
        done = self.helm_run(verb, *arguments)
        if done.returncode != 0:
            pods = self.at_home.run("describe", "pods").stdout[-3000:]
            logs = self.at_home.run("logs", "--all-containers", "--tail=40", "-l", "app.kubernetes.io/name=sparkcron").stdout
            raise AssertionError(f"helm {verb} {' '.join(map(str, arguments))}: {done.stderr}\n{pods}\n{logs}")
        return done.stdout

    def install(self, verb="install", *more, chart=CHART):
        # The cluster's CRDs were applied by hand; a person who comes from another chart has the same.
        return self.helm(verb, "sparkcron", chart, "--set", f"sparkJobNamespaces={{{self.namespace}}}",
                         "--take-ownership", "--wait", "--timeout", "240s", *more)

    def of_the_chart(self, **more):
        spec = self.application_spec(**more)
        spec["driver"]["serviceAccount"] = "sparkcron-spark"
        return spec

    def leader(self):
        lease = self.at_home.find("lease", "sparkcron-controller")
        return lease["spec"].get("holderIdentity", "") if lease else ""
