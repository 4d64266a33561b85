"""The pages of docs/: what they show is what the programs do, where they point there is something, and the pages of
reference are up to date.

  SPARKCRON_BIN  folder with the programs
"""
import functools
import itertools
import os
import pathlib
import re
import shlex
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ["SPARKCRON_BIN"])
PAGES = sorted((ROOT / "docs").glob("*.md")) + [ROOT / "README.md"]
GENERATED = ("fields.md", "flags.md")
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


def shown_commands():
    """Each command of our programs in a block of a shell or in a sentence: the program, its words, without what follows
    `--`."""
    for page in PAGES:
        if page.name in GENERATED:
            continue
        text = page.read_text()
        for block in (re.findall(r"^```(?:sh|console)\n(.*?)^```", text, re.M | re.S)
                      + re.findall(r"(?<!`)`((?:sparkctl|sparkcron) [^`\n]+)`(?!`)", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S))):
            for line in re.sub(r"\\\n", " ", block).splitlines():
                lexer = shlex.shlex(line.removeprefix("$ "), posix=True, punctuation_chars="|&;")
                lexer.whitespace_split = True
                try:
                    words = list(lexer)
                except ValueError:  # what a program printed
                    continue
                for separator, part in itertools.groupby(words, lambda word: word.strip("|&;") == ""):
                    program, *rest = part
                    if not separator and program in ("sparkcron", "sparkctl"):
                        yield page, program, rest[:rest.index("--")] if "--" in rest else rest


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

    @staticmethod
    @functools.cache
    def help_of(program, *command):
        done = subprocess.run([BIN / program, *command, "--help"], capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{program} {command}: {done.stderr}"
        return done.stdout

    def test_commands_that_are_shown_are_there_with_their_options(self):
        def commands(text):
            listed = re.search(r"^Subcommands:\n((?:  .*\n)+)", text, re.M)
            return re.findall(r"(?:^  |, )([a-z][\w-]*)(?=,|  )", listed[1], re.M) if listed else []
        seen = 0
        for page, program, words in shown_commands():
            with self.subTest(page=page.name, command=words):
                known = all_help = self.help_of(program)
                path = []
                for word in words:
                    if word in commands(known):
                        path.append(word)
                        known = self.help_of(program, *path)
                        all_help += known
                self.assertTrue(path or words[0].startswith("--"), "no such command")
                for option in [word.partition("=")[0] for word in words if re.match(r"--?[a-zA-Z]", word)]:
                    self.assertRegex(all_help, rf"(?m)^  (?:\S+,)?{re.escape(option)}[ ,\n]")
                seen += 1
        self.assertGreaterEqual(seen, 60)

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
