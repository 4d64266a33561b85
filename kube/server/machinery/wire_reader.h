#pragma once

// WireReader: protobuf's wire format, bounds checked. Threads: plain value.

#include <cstdint>
#include <optional>
#include <string_view>

namespace kube::server::machinery {

class WireReader {
 public:
  enum class Type { Varint = 0, Fixed64 = 1, Bytes = 2, Fixed32 = 5 };
  struct Field {
    uint32_t number = 0;
    Type type = Type::Varint;
    uint64_t scalar = 0;     // of Varint and the fixed ones
    std::string_view bytes;  // of Bytes
  };

  explicit WireReader(std::string_view data) : data_(data) {}
  [[nodiscard]] bool done() const { return data_.empty(); }
  // nullopt when the data is malformed; then nothing more can be read.
  std::optional<Field> next();
  std::optional<uint64_t> varint();

 private:
  std::optional<uint64_t> fixed(size_t size);

  std::string_view data_;
};

}  // namespace kube::server::machinery
