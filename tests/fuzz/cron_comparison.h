#pragma once

// Compares the engine with the oracle on one question, by every call there is.

#include <string>

#include "tests/fuzz/cron_oracle.h"

namespace oracle {

// Empty: both agree. Otherwise what was asked and what each said.
std::string compare(const Question& question);

}  // namespace oracle
