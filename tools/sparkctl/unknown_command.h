#pragma once

// What to say of a word that is no command of sparkctl.
//
// Threads: pure.

#include <string>
#include <vector>

namespace sparkctl {

// A sentence: the command that was probably meant, or how to do what other tools have a command of
// that name for, or where the commands are listed.
std::string explain_unknown_command(const std::string& word,
                                    const std::vector<std::string>& commands);

}  // namespace sparkctl
