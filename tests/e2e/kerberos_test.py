"""A real KDC (MIT's, from Debian): a driver logs in with the keytab of a Secret and the krb5.conf of a ConfigMap."""
import base64
import os
import random
import shutil
import socket
import subprocess
import unittest

import harness
from harness import Kubectl, wait_for
from spark_test import SPARK_4_0, spark_home

REALM = "ETL.TEST"
PRINCIPAL = f"etl/night@{REALM}"

SCRIPT = """
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
user = spark._jvm.org.apache.hadoop.security.UserGroupInformation.getLoginUser()
print('logged in as', user.getUserName(), 'with', user.getAuthenticationMethod().name(), user.isFromKeytab(), user.hasKerberosCredentials())
"""


def program(name):
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
    if found is None:
        raise AssertionError(f"{name} is missing: run tools/bootstrap test")
    return found


class Kdc:
    """In a folder of its own; it has one principal, whose key is in `keytab`."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        self.keytab = folder / "etl.keytab"
        # An address of its own, so that nobody takes its port meanwhile.
        self.address = f"127.{random.randrange(1, 255)}.{random.randrange(256)}.{random.randrange(1, 255)}:8888"
        # By TCP alone, as behind many firewalls.
        self.configuration = (f"[libdefaults]\n  default_realm = {REALM}\n  dns_lookup_kdc = false\n  udp_preference_limit = 1\n"
                              f"[realms]\n  {REALM} = {{\n    kdc = {self.address}\n  }}\n")
        (folder / "krb5.conf").write_text(self.configuration)
        (folder / "kdc.conf").write_text(f"[kdcdefaults]\n  kdc_listen = \"\"\n  kdc_tcp_listen = {self.address}\n"
                                         f"[realms]\n  {REALM} = {{\n    database_name = {folder}/principal\n"
                                         f"    key_stash_file = {folder}/stash\n    acl_file = {folder}/acl\n  }}\n"
                                         f"[logging]\n  kdc = FILE:{folder}/log\n")
        self.environment = {**os.environ, "KRB5_CONFIG": str(folder / "krb5.conf"), "KRB5_KDC_PROFILE": str(folder / "kdc.conf")}
        self.run("kdb5_util", "create", "-s", "-P", "secret")
        self.run("kadmin.local", "-q", f"addprinc -randkey {PRINCIPAL}")
        self.run("kadmin.local", "-q", f"ktadd -k {self.keytab} {PRINCIPAL}")
        self.process = subprocess.Popen([program("krb5kdc"), "-n"], env=self.environment, cwd=folder, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)

    def run(self, name, *arguments):
        done = subprocess.run([program(name), *arguments], env=self.environment, capture_output=True, text=True, timeout=240, check=False)
        if done.returncode != 0:
            raise AssertionError(f"{name} {' '.join(arguments)}: {done.stderr}")

    def listens(self):
        if self.process.poll() is not None:
            raise AssertionError(f"the KDC ended:\n{self.log()}")
        host, port = self.address.split(":")
        with socket.socket() as probe:
            return probe.connect_ex((host, int(port))) == 0

    def log(self):
        path = self.folder / "log"
        return path.read_text() if path.exists() else ""

    def stop(self):
        self.process.terminate()
        self.process.wait(60)


class KerberosTest(harness.E2ETest):
    def test_a_driver_logs_in_with_the_keytab_of_a_secret(self):
        kdc = Kdc(self.folder / "kdc")
        self.addCleanup(kdc.stop)
        wait_for(kdc.listens, "the KDC listens")
        service = self.service(spark_home=spark_home(SPARK_4_0)).start()
        kubectl = Kubectl(service)
        script = self.folder / "who.py"
        script.write_text(SCRIPT)
        kubectl.apply(
            {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "etl-keytab", "namespace": "default"},
             "data": {"etl.keytab": base64.b64encode(kdc.keytab.read_bytes()).decode()}},
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "krb5", "namespace": "default"},
             "data": {"krb5.conf": kdc.configuration}},
            {"apiVersion": "sparkoperator.k8s.io/v1beta2", "kind": "SparkApplication", "metadata": {"name": "who", "namespace": "default"},
             "spec": {"type": "Python", "sparkVersion": "4.0.1", "image": "apache/spark:4.0.1", "mainApplicationFile": f"local://{script}",
                      "sparkConf": {"spark.kerberos.principal": PRINCIPAL, "spark.kerberos.keytab": "/etc/keytabs/etl.keytab",
                                    "spark.kubernetes.kerberos.krb5.configMapName": "krb5",
                                    "spark.hadoop.hadoop.security.authentication": "kerberos"},
                      "driver": {"memory": "512m", "secrets": [{"name": "etl-keytab", "path": "/etc/keytabs", "secretType": "Generic"}]},
                      "executor": {"instances": 1}}})
        log = kubectl.await_completed("who")
        self.assertIn(f"logged in as {PRINCIPAL} with KERBEROS True True", log)
        # The KDC has heard of it.
        self.assertIn(f"{PRINCIPAL} for krbtgt/{REALM}@{REALM}", kdc.log())


if __name__ == "__main__":
    unittest.main(verbosity=2)
