#include <algorithm>
#include <array>
#include <optional>

#include "scheduler/cron_duration.h"
#include "scheduler/cron_expression.h"
#include "scheduler/cron_field_parser.h"
#include "scheduler/quoted.h"

namespace scheduler {
namespace {

constexpr size_t kMaxLength = 1024;

bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return result;
}

tl::unexpected<base::Error> refuse(std::string message, size_t offset) {
  return base::failure(base::Code::InvalidArgument,
                       std::move(message) + " (at " + std::to_string(offset) + ")");
}

struct Word {
  std::string_view text;
  size_t offset = 0;
};

struct Macro {
  std::string_view name;
  std::string_view fields;
};
constexpr std::array<Macro, 7> kMacros{{
    {"@yearly", "0 0 1 1 *"},
    {"@annually", "0 0 1 1 *"},
    {"@monthly", "0 0 1 * *"},
    {"@weekly", "0 0 * * 0"},
    {"@daily", "0 0 * * *"},
    {"@midnight", "0 0 * * *"},
    {"@hourly", "0 * * * *"},
}};

class Parser {
 public:
  Parser(std::string_view text, std::string_view seed, std::vector<std::string>* warnings)
      : text_(text), seed_(seed), warnings_(warnings) {}

  base::Result<CronExpression> parse() {
    if (text_.size() > kMaxLength) {
      return base::failure(base::Code::InvalidArgument, "the expression is longer than " +
                                                            std::to_string(kMaxLength) + " bytes");
    }
    split();
    RETURN_IF_ERROR(take_zone());
    if (count_ > 0 && words_[0].text.front() == '@')
      RETURN_IF_ERROR(parse_macro());
    else
      RETURN_IF_ERROR(parse_fields());
    return std::move(result_);
  }

 private:
  void split() {
    for (size_t at = 0; at < text_.size();) {
      if (is_space(text_[at])) {
        ++at;
        continue;
      }
      const size_t begin = at;
      while (at < text_.size() && !is_space(text_[at]))
        ++at;
      if (count_ < words_.size()) words_[count_] = {text_.substr(begin, at - begin), begin};
      ++count_;
    }
  }

  base::Status take_zone() {
    if (count_ == 0) return {};
    const Word& word = words_[0];
    const bool short_prefix = word.text.starts_with("TZ=");
    if (!short_prefix && !word.text.starts_with("CRON_TZ=")) return {};
    const size_t prefix = short_prefix ? 3 : 8;
    result_.has_zone = true;
    result_.zone = word.text.substr(prefix);
    result_.zone_offset = word.offset + prefix;
    if (result_.zone.empty())
      return refuse("a time zone such as Europe/Berlin expected after " + std::string(word.text),
                    result_.zone_offset);
    std::move(words_.begin() + 1, words_.end(), words_.begin());
    --count_;
    return {};
  }

  base::Status parse_macro() {
    const Word& word = words_[0];
    const std::string name = lower(word.text);
    if (name == "@every") return parse_every();
    const auto* macro = std::find_if(kMacros.begin(), kMacros.end(),
                                     [&](const Macro& m) { return m.name == name; });
    if (macro == kMacros.end()) {
      return refuse(quoted(word.text) +
                        " is not one of @yearly, @annually, @monthly, @weekly, @daily, "
                        "@midnight, @hourly and @every",
                    word.offset);
    }
    if (count_ > 1)
      return refuse("nothing more expected after " + std::string(word.text), words_[1].offset);
    text_ = macro->fields;
    count_ = 0;
    split();
    return parse_fields();
  }

  base::Status parse_every() {
    if (count_ != 2) {
      const size_t offset =
          count_ > 2 ? words_[2].offset : words_[0].offset + words_[0].text.size();
      return refuse("@every: one duration such as 1h30m expected", offset);
    }
    const Word& word = words_[1];
    const std::optional<int64_t> nanoseconds = parse_go_duration(word.text);
    constexpr int64_t kSecond = 1'000'000'000;
    const std::string found = "@every: " + quoted(word.text);
    if (!nanoseconds) return refuse(found + " is not a duration such as 1h30m", word.offset);
    if (*nanoseconds < kSecond) return refuse(found + " is shorter than one second", word.offset);
    if (*nanoseconds % kSecond != 0)
      return refuse(found + " is not a whole number of seconds", word.offset);
    result_.every_seconds = *nanoseconds / kSecond;
    return {};
  }

  base::Status parse_fields() {
    if (count_ < 5 || count_ > 7) {
      return base::failure(
          base::Code::InvalidArgument,
          "5 fields, 6 (seconds first) or 7 (year last) expected, got " + std::to_string(count_));
    }
    result_.items.reserve(16);
    result_.has_seconds = count_ >= 6;
    result_.has_years = count_ == 7;
    const Word zero{.text = "0"};
    RETURN_IF_ERROR(parse_field(CronField::Second, result_.has_seconds ? words_[0] : zero));
    const size_t first = result_.has_seconds ? 1 : 0;
    for (size_t i = 0; i < 5; ++i)
      RETURN_IF_ERROR(parse_field(static_cast<CronField>(i + 1), words_[first + i]));
    if (result_.has_years) RETURN_IF_ERROR(parse_field(CronField::Year, words_[6]));
    return {};
  }

  base::Status parse_field(CronField field, Word word) {
    if (field == CronField::DayOfWeek && word.text.front() == '+') {
      result_.both_days = true;
      word.text.remove_prefix(1);
      ++word.offset;
      if (word.text.empty()) return refuse("day-of-week: a weekday expected after +", word.offset);
    }
    CronFieldParser parser(field, seed_, warnings_, result_);
    return parser.parse(word.text, word.offset);
  }

  std::string_view text_;
  std::string_view seed_;
  std::vector<std::string>* warnings_;
  std::array<Word, 9> words_;
  size_t count_ = 0;
  CronExpression result_;
};

}  // namespace

base::Result<CronExpression> parse_cron(std::string_view text, std::string_view seed,
                                        std::vector<std::string>* warnings) {
  return Parser(text, seed, warnings).parse();
}

}  // namespace scheduler
