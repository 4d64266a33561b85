"""The pages of docs/: what they show is what the programs do, where they point there is something, and the pages of
reference are up to date.

  SPARKCRON_BIN  folder with the programs
"""
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ["SPARKCRON_BIN"])
PAGES = sorted((ROOT / "docs").glob("*.md")) + [ROOT / "README.md"]
# Needs no server, and its answer is the same tomorrow, but for how far away that is.
OFFLINE = re.compile(r"\$ (printf .*\| )?sparkctl cron ")
AGO = re.compile(r"\bin (\d+ (y|mo|d|h|m|s) ?)+|(\d+ (y|mo|d|h|m|s) )+ago")


def sessions():
    """Of each ```console block, its commands with what is printed below them."""
    for page in PAGES:
        for block in re.findall(r"^```console\n(.*?)^```", page.read_text(), re.M | re.S):
            for one in re.split(r"(?m)^(?=\$ )", block):
                if one.startswith("$ "):
                    command, _, printed = one.partition("\n")
                    yield page, command, printed


def without_distance(text):
    return AGO.sub("<distance>", text)


class DocsTest(unittest.TestCase):
    maxDiff = None

    def test_commands_print_what_is_shown(self):
        ran = 0
        for page, command, shown in sessions():
            if not OFFLINE.match(command):
                continue
            with self.subTest(page=page.name, command=command):
                done = subprocess.run(["bash", "-c", command[2:]], env={"PATH": f"{BIN}:/usr/bin:/bin", "ASAN_OPTIONS": "detect_leaks=0"},
                                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
                self.assertEqual(without_distance(done.stdout).strip(), without_distance(shown).strip())
                ran += 1
        self.assertGreaterEqual(ran, 8)

    def test_links_lead_somewhere(self):
        for page in PAGES:
            for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text()):
                with self.subTest(page=page.name, target=target):
                    self.assertTrue(target.startswith("https://") or (page.parent / target).exists())

    def test_every_page_is_listed(self):
        contents = (ROOT / "docs/README.md").read_text()
        for page in (ROOT / "docs").glob("*.md"):
            with self.subTest(page=page.name):
                self.assertTrue(page.name == "README.md" or f"({page.name})" in contents)

    def test_files_that_are_named_are_there(self):
        for page in PAGES:
            for name in re.findall(r"`((?:config|tools|charts|tests|runner|monitor|scheduler|kube)/[\w./-]+)`", page.read_text()):
                with self.subTest(page=page.name, name=name):
                    self.assertTrue((ROOT / name).exists() or list(ROOT.glob(name + ".*")))

    def test_pages_of_reference_are_up_to_date(self):
        done = subprocess.run([ROOT / "docs/generate", "--check", "--flags", BIN], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_the_manual_has_every_command_of_the_programs_once(self):
        for program in ("sparkcron", "sparkctl"):
            with self.subTest(program=program), tempfile.TemporaryDirectory() as folder:
                page = pathlib.Path(folder) / "page.1"
                done = subprocess.run(["python3", ROOT / "cmake/manual.py", BIN / program, page], capture_output=True, text=True, check=False)
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                listed = subprocess.run([BIN / program, "--help"], capture_output=True, text=True, check=True).stdout
                names = re.findall(r"^  ([a-z][\w-]*)", re.search(r"^Subcommands:\n((?:  .*\n)+)", listed, re.M)[1], re.M)
                headings = re.findall(r"^\.SS (\S+)$", page.read_text(), re.M)
                self.assertEqual([one for one in headings if one in names], names)


if __name__ == "__main__":
    unittest.main(verbosity=2)
