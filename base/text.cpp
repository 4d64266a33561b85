#include "base/text.h"

namespace base {

std::string cut_text(std::string_view text, size_t most) {
  if (text.size() <= most) return std::string(text);
  size_t end = most;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U)
    --end;
  return std::string(text.substr(0, end));
}

bool is_utf8(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const size_t more = lead < 0x80U    ? 0
                        : lead < 0xC2U  ? text.size()
                        : lead < 0xE0U  ? 1
                        : lead < 0xF0U  ? 2
                        : lead <= 0xF4U ? 3
                                        : text.size();
    if (more >= text.size() - i) return false;
    for (size_t k = 1; k <= more; ++k) {
      const auto byte = static_cast<unsigned char>(text[i + k]);
      // Where the second byte is bounded more closely: overlong, surrogates, too large.
      const unsigned lowest = k == 1 && lead == 0xE0U   ? 0xA0U
                              : k == 1 && lead == 0xF0U ? 0x90U
                                                        : 0x80U;
      const unsigned highest = k == 1 && lead == 0xEDU   ? 0x9FU
                               : k == 1 && lead == 0xF4U ? 0x8FU
                                                         : 0xBFU;
      if (byte < lowest || byte > highest) return false;
    }
    i += more + 1;
  }
  return true;
}

}  // namespace base
