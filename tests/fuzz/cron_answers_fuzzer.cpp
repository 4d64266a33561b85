// Any bytes as a question whose answers by the engine and by the oracle must agree.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "tests/fuzz/cron_comparison.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

class ByteChoices final : public oracle::Choices {
 public:
  ByteChoices(const uint8_t* data, size_t size) : data_(data), size_(size) {}
  // Two bytes are enough for small choices; out of bytes, the first choice is taken.
  uint32_t below(uint32_t limit) override {
    uint32_t value = 0;
    for (int i = 0; i < (limit > 256 ? 3 : 1) && at_ < size_; ++i)
      value = value << 8 | data_[at_++];
    return value % limit;
  }

 private:
  const uint8_t* data_;
  size_t size_;
  size_t at_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ByteChoices choices(data, size);
  const std::string difference = oracle::compare(oracle::make_question(choices));
  if (difference.empty()) return 0;
  std::fprintf(stderr, "%s\n", difference.c_str());
  std::abort();
}
