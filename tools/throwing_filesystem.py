"""Finds calls of std::filesystem that throw: those of functions with an error_code overload that are given none.

A file that a user's pod named, a folder without permission or a full disk must never end the service, and an
exception out of the file system once did. Used by tools/check; its own test is throwing_filesystem_test.py.

Limits: text, not types. An error_code is known by its declaration in the same file; a file_status, whose
is_directory() cannot throw, by its declaration or by where it comes from.
"""
import re

FUNCTIONS = ("exists is_block_file is_character_file is_directory is_empty is_fifo is_other is_regular_file is_socket "
             "is_symlink status symlink_status create_directories create_directory create_symlink "
             "create_directory_symlink create_hard_link remove remove_all rename copy copy_file copy_symlink file_size "
             "last_write_time permissions canonical weakly_canonical absolute relative proximate temp_directory_path "
             "current_path read_symlink space resize_file hard_link_count equivalent directory_iterator "
             "recursive_directory_iterator directory_entry").split()
# Of directory_entry; the second kind are names that other classes have, too.
MEMBERS = ("is_block_file is_character_file is_directory is_fifo is_other is_regular_file is_socket is_symlink file_size "
           "last_write_time hard_link_count symlink_status").split()
SHARED_MEMBERS = "exists status refresh".split()

CALL = re.compile(r"\b(?:std::filesystem|filesystem|fs)::(%s)\s*(?:\w+\s*)?[({]" % "|".join(FUNCTIONS))
MEMBER = re.compile(r"(?:\.|->)(%s)\(\s*\)" % "|".join(MEMBERS))
SHARED_MEMBER = re.compile(r"(?:\.|->)(%s)\(\s*\)" % "|".join(SHARED_MEMBERS))
RANGE = re.compile(r"\bfor\s*\([^;()]*:\s*(?:std::)?(?:filesystem|fs)::(?:recursive_)?directory_iterator\b")
ITERATOR = re.compile(r"\b(?:recursive_)?directory_iterator&?\s+(\w+)")
ERROR = re.compile(r"\berror_code\s*&?\s+(\w+(?:\s*,\s*\w+)*)|\berror_code\s*&\s*(\w+)")
STATUS = re.compile(r"\bfile_status\s*&?\s+(\w+)|(\w+)\s*=\s*[^;]*\b(?:symlink_)?status\(")


def without_comments(text):
    """Comments and the insides of literals as blanks, so that places stay what they are."""
    pattern = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"', re.S)
    return pattern.sub(lambda found: re.sub(r"[^\n]", " ", found.group()), text)


def arguments(text, opening):
    """The arguments of the call whose bracket opens there, split at its own commas."""
    depth, start, parts = 0, opening + 1, []
    for at in range(opening, len(text)):
        if text[at] in "([{":
            depth += 1
        elif text[at] in ")]}":
            depth -= 1
            if depth == 0:
                parts.append(text[start:at].strip())
                return [part for part in parts if part]
        elif text[at] == "," and depth == 1:
            parts.append(text[start:at].strip())
            start = at + 1
    return []


def names(pattern, text):
    found = set()
    for match in pattern.finditer(text):
        for group in match.groups():
            found.update(re.findall(r"\w+", group or ""))
    return found


def throwing_calls(text):
    """[(line, why)] of a C++ file's text."""
    text = without_comments(text)
    errors, statuses, iterators = names(ERROR, text), names(STATUS, text), names(ITERATOR, text)
    problems = []

    def report(match, why):
        problems.append((text.count("\n", 0, match.start()) + 1, why))

    for match in CALL.finditer(text):
        given = arguments(text, match.end() - 1)
        name = match.group(1)
        if given and re.sub(r".*(?:\.|->)|^\*", "", given[-1]) in errors:
            continue
        if name.endswith("_iterator") and not given:
            continue  # the end
        if len(given) == 1 and (given[0] in statuses or re.search(r"\bstatus\(", given[0]) or
                                re.search(r"\bsymlink_status\(", given[0])):
            continue  # of a file_status, which is a value
        report(match, f"{name}() without an error_code throws")
    for match in MEMBER.finditer(text):
        report(match, f"{match.group(1)}() without an error_code throws")
    if re.search(r"\bdirectory_(?:iterator|entry)\b", text):
        for match in SHARED_MEMBER.finditer(text):
            report(match, f"{match.group(1)}() without an error_code throws")
    for match in RANGE.finditer(text):
        report(match, "a range-for over a folder throws as it goes on: use increment(error)")
    for iterator in iterators:
        for match in re.finditer(rf"\+\+\s*{iterator}\b|\b{iterator}\s*\+\+", text):
            report(match, "++ of an iterator over a folder throws: use increment(error)")
        for match in re.finditer(rf"\bfor\s*\([^;()]*:\s*{iterator}\s*\)", text):
            report(match, "a range-for over a folder throws as it goes on: use increment(error)")
    return sorted(set(problems))
