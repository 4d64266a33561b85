#include "kube/server/machinery/selector_lexer.h"

namespace kube::server::machinery {
namespace {

constexpr std::string_view kSymbols = "=!(),><";

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

SelectorLexer::Kind symbol(std::string_view text) {
  using Kind = SelectorLexer::Kind;
  if (text == "=") return Kind::Equals;
  if (text == "==") return Kind::DoubleEquals;
  if (text == "!=") return Kind::NotEquals;
  if (text == "!") return Kind::Not;
  if (text == "(") return Kind::Open;
  if (text == ")") return Kind::Close;
  if (text == ",") return Kind::Comma;
  if (text == ">") return Kind::GreaterThan;
  if (text == "<") return Kind::LessThan;
  return Kind::Unknown;
}

}  // namespace

SelectorLexer::Token SelectorLexer::peek(Where where) const {
  size_t position = position_;
  return scan(where, position);
}

SelectorLexer::Token SelectorLexer::take(Where where) {
  return scan(where, position_);
}

SelectorLexer::Token SelectorLexer::scan(Where where, size_t& position) const {
  while (position < text_.size() && is_space(text_[position]))
    ++position;
  if (position >= text_.size()) return {Kind::End, ""};
  const size_t start = position;
  if (kSymbols.find(text_[position]) != std::string_view::npos) {
    // The longest operator wins: "==" and "!=" before "=" and "!".
    const size_t length = symbol(text_.substr(start, 2)) == Kind::DoubleEquals ||
                                  symbol(text_.substr(start, 2)) == Kind::NotEquals
                              ? 2
                              : 1;
    position += length;
    const std::string_view text = text_.substr(start, length);
    return {symbol(text), std::string(text)};
  }
  while (position < text_.size() && !is_space(text_[position]) &&
         kSymbols.find(text_[position]) == std::string_view::npos) {
    ++position;
  }
  const std::string_view word = text_.substr(start, position - start);
  if (where == Where::Operator && word == "in") return {Kind::In, "in"};
  if (where == Where::Operator && word == "notin") return {Kind::NotIn, "notin"};
  return {Kind::Identifier, std::string(word)};
}

}  // namespace kube::server::machinery
