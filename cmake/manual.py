#!/usr/bin/env python3
"""Writes a man page from what a program's --help says: manual.py PROGRAM OUTPUT. All subcommands are on the one page."""
import pathlib
import re
import subprocess
import sys


def help_of(program, *words):
    return subprocess.run([program, *words, "--help"], capture_output=True, text=True, check=True).stdout


def sections(text):
    """(what it does, usage, {heading: lines}, paragraphs after the last heading)."""
    lines = text.splitlines()
    about = lines[0] if not lines[0].startswith("Usage:") else ""
    usage = next(line.removeprefix("Usage: ") for line in lines if line.startswith("Usage:"))
    found, heading, rest = {}, None, []
    for line in lines[lines.index("Usage: " + usage) + 1:]:
        if re.fullmatch(r"[A-Z][a-z]+:", line):
            heading = line[:-1]
            found[heading] = []
        elif line.startswith(" ") and heading:
            found[heading].append(line)
        elif line.strip():
            heading = None
            rest.append(line)
    return about, usage, found, rest


def entries(lines):
    """[name, description]: a name is two spaces in, its description beside it or on lines of its own."""
    found = []
    for line in lines:
        if line.startswith("   "):
            found[-1][1] = f"{found[-1][1]} {line.strip()}".strip()
        else:
            name, _, description = line.strip().partition("  ")
            found.append([name, description.strip()])
    return found


def escape(text):
    text = text.replace("\\", r"\e").replace("-", r"\-").replace("'", r"\(aq")
    return r"\&" + text if text.startswith(".") else text


def options_of(lines):
    page = []
    for name, description in entries(lines):
        flags, blank, value = name.partition(" ")
        page += [".TP", r"\fB" + escape(flags.replace(",", ", ")) + r"\fR" + escape(blank + value),
                 escape(description) or r"\&"]
    return page


def subcommands(found):
    """By their first names: "logs, log" is one."""
    return [name.partition(",")[0] for name, _ in entries(found.get("Subcommands", []))]


def command(program, words, level):
    """The subcommand's part, and those of its own. The footer of the program is not said again."""
    about, usage, found, _ = sections(help_of(program, *words))
    page = [f".{level} " + escape(" ".join(words)), escape(about), ".PP", r"\fB" + escape(usage) + r"\fR"]
    for heading in ("Positionals", "Options"):
        page += options_of([line for line in found.get(heading, []) if "--help" not in line])
    for name in subcommands(found):
        page += command(program, [*words, name], "SS")
    return page


def examples(lines):
    page = []
    for line in lines:
        page += [".nf", escape(line.strip()), ".fi"]
    return page


def page_of(program):
    name = pathlib.Path(program).name
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    about, usage, found, rest = sections(help_of(program))
    page = [f'.TH {name.upper()} 1 "" "{version}"', ".SH NAME", rf"{name} \- {escape(about.rstrip('.'))}",
            ".SH SYNOPSIS", r"\fB" + escape(usage) + r"\fR", ".SH OPTIONS", *options_of(found.get("Options", [])),
            ".SH COMMANDS"]
    for name in subcommands(found):
        page += command(program, [name], "SS")
    page += [".SH EXAMPLES", *examples(found.get("Examples", []))]
    if rest:
        page += [".SH EXIT STATUS", escape(" ".join(rest).removeprefix("Exit codes: "))]
    others = [other for other in ("sparkcron", "sparkctl") if other != name]
    page += [".SH SEE ALSO", ", ".join(rf"\fB{other}\fR(1)" for other in others)]
    return "\n".join(page) + "\n"


if __name__ == "__main__":
    pathlib.Path(sys.argv[2]).write_text(page_of(str(pathlib.Path(sys.argv[1]).resolve())))
