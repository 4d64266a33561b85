#pragma once

// The words of a label selector. Threads: plain values.

#include <cstddef>
#include <string>
#include <string_view>

namespace kube::server::machinery {

class SelectorLexer {
 public:
  enum class Kind {
    End,
    Identifier,
    Comma,
    Open,
    Close,
    Not,
    Equals,
    DoubleEquals,
    NotEquals,
    GreaterThan,
    LessThan,
    In,
    NotIn,
    Unknown,
  };
  // "in" and "notin" are operators only where an operator may stand.
  enum class Where { Operator, Value };
  struct Token {
    Kind kind = Kind::End;
    std::string text;
  };

  explicit SelectorLexer(std::string_view text) : text_(text) {}
  [[nodiscard]] Token peek(Where where) const;
  Token take(Where where);

 private:
  Token scan(Where where, size_t& position) const;

  std::string_view text_;
  size_t position_ = 0;
};

}  // namespace kube::server::machinery
