#!/usr/bin/env python3
"""The ban of throwing calls of std::filesystem, fed with what must pass and what must not."""
import unittest

from throwing_filesystem import throwing_calls

GOOD = {
    "with an error": "std::error_code ec; fs::exists(p, ec);",
    "with an error by reference": "void f(std::error_code& problem) { std::filesystem::remove_all(p, problem); }",
    "one of several errors": "std::error_code a, b; fs::rename(x, y, b);",
    "over lines": "std::error_code ec;\nfs::permissions(p, fs::perms::owner_all,\n    fs::perm_options::replace, ec);",
    "an iterator": "std::error_code ec; fs::directory_iterator entry(folder, ec);\n"
                   "for (const fs::directory_iterator end; !ec && entry != end; entry.increment(ec)) {}",
    "of a status": "const fs::file_status found = entry->status(ec); if (fs::is_directory(found)) {}",
    "of a status in place": "std::error_code ec; if (fs::is_symlink(fs::symlink_status(p, ec))) {}",
    "a member with an error": "std::error_code ec; entry->is_directory(ec);",
    "a comment": "// fs::exists(p) would throw",
    "a text": 'say("fs::exists(p)");',
    "another class": "answer.status();",
    "another remove": "api.remove(type, key); std::remove(a, b, c); files::exists(p);",
    "a type": "fs::perms::owner_all; fs::path here;",
}
BAD = {
    "exists": "if (fs::exists(p)) {}",
    "in full": "std::filesystem::create_directories(p);",
    "of a namespace alias's parent": "filesystem::file_size(p);",
    "another's error": "std::error_code ec; fs::exists(p, options);",
    "error elsewhere in the line": "std::error_code ec; fs::remove(fs::weakly_canonical(p, ec));",
    "over lines too": "fs::rename(\n  a,\n  b);",
    "an iterator without": "fs::directory_iterator entry(folder);",
    "an iterator that is counted up": "std::error_code ec; fs::directory_iterator entry(folder, ec); ++entry;",
    "a loop": "std::error_code ec; for (const auto& entry : fs::directory_iterator(folder, ec)) {}",
    "a loop over a variable": "std::error_code ec; fs::directory_iterator all(folder, ec); for (auto& one : all) {}",
    "a deep loop": "std::error_code ec;\nfor (auto& e : std::filesystem::recursive_directory_iterator(f, ec)) {}",
    "a member": "if (entry.is_directory()) {}",
    "a member through a pointer": "total += entry->file_size();",
    "exists of an entry": "fs::directory_entry entry(p, ec); entry.exists();",
    "current_path": "auto here = fs::current_path();",
    "temp_directory_path": "auto here = fs::temp_directory_path();",
}


class ThrowingFilesystem(unittest.TestCase):
    def test_what_cannot_throw_passes(self):
        for name, code in GOOD.items():
            with self.subTest(name):
                self.assertEqual(throwing_calls(code), [])

    def test_what_throws_is_found(self):
        for name, code in BAD.items():
            with self.subTest(name):
                self.assertTrue(throwing_calls(code))

    def test_the_line_is_told(self):
        self.assertEqual(throwing_calls("\n\nfs::exists(p);"), [(3, "exists() without an error_code throws")])


if __name__ == "__main__":
    unittest.main()
