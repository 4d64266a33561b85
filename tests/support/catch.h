#pragma once

// The one include of Catch2: v2 in Debian 12, ready for v3.
#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif
