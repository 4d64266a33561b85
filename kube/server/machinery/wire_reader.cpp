#include "kube/server/machinery/wire_reader.h"

namespace kube::server::machinery {

std::optional<uint64_t> WireReader::varint() {
  uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (data_.empty()) return std::nullopt;
    const auto byte = static_cast<unsigned char>(data_.front());
    data_.remove_prefix(1);
    value |= uint64_t{byte & 0x7FU} << shift;
    if ((byte & 0x80U) == 0) return value;
  }
  return std::nullopt;
}

std::optional<uint64_t> WireReader::fixed(size_t size) {
  if (data_.size() < size) return std::nullopt;
  uint64_t value = 0;
  for (size_t i = 0; i < size; ++i) {
    value |= uint64_t{static_cast<unsigned char>(data_[i])} << (8 * i);
  }
  data_.remove_prefix(size);
  return value;
}

std::optional<WireReader::Field> WireReader::next() {
  const auto tag = varint();
  if (!tag || (*tag >> 3U) == 0 || (*tag >> 3U) > 0x1FFFFFFFU) return std::nullopt;
  Field field;
  field.number = static_cast<uint32_t>(*tag >> 3U);
  std::optional<uint64_t> scalar;
  switch (*tag & 7U) {
    case 0:
      scalar = varint();
      break;
    case 1:
      field.type = Type::Fixed64;
      scalar = fixed(8);
      break;
    case 2:
      field.type = Type::Bytes;
      scalar = varint();
      if (!scalar || *scalar > data_.size()) return std::nullopt;
      field.bytes = data_.substr(0, *scalar);
      data_.remove_prefix(*scalar);
      break;
    case 5:
      field.type = Type::Fixed32;
      scalar = fixed(4);
      break;
    default:
      return std::nullopt;
  }
  if (!scalar) return std::nullopt;
  field.scalar = *scalar;
  return field;
}

}  // namespace kube::server::machinery
