#pragma once

// Parses one field of a cron expression into items; used by parse_cron() only.

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "scheduler/cron_expression.h"

namespace scheduler {

class CronFieldParser {
 public:
  CronFieldParser(CronField field, std::string_view seed, std::vector<std::string>* warnings,
                  CronExpression& result);
  // Appends the field's items to the expression.
  base::Status parse(std::string_view text, size_t offset);

 private:
  struct Part {
    std::string_view text;
    size_t offset = 0;
    [[nodiscard]] Part from(size_t begin) const { return {text.substr(begin), offset + begin}; }
    [[nodiscard]] Part until(size_t end) const { return {text.substr(0, end), offset}; }
  };

  base::Status parse_item(Part part);
  base::Status parse_star(Part base, CronItem item, bool has_step);
  base::Status parse_range(Part base, CronItem item, bool has_step);
  base::Status parse_hash(Part base, CronItem item, bool has_step, Part step);
  base::Status parse_last_day(Part part);
  base::Status parse_weekday_to_day(Part part);
  base::Status parse_last_weekday(Part part);
  base::Status parse_nth_weekday(Part part);
  base::Result<uint32_t> parse_step(Part part);
  base::Result<uint16_t> parse_value(Part part);
  [[nodiscard]] int value_of_name(std::string_view name) const;
  [[nodiscard]] bool is_month_day_form(std::string_view text) const;
  [[nodiscard]] uint64_t hash() const;
  [[nodiscard]] std::string range_text() const;

  void add(const CronItem& item) { result_.items.push_back(item); }
  void warn(const std::string& text, size_t offset);
  void warn_if_step_is_vain(const CronItem& item, Part part);
  [[nodiscard]] tl::unexpected<base::Error> refuse(const std::string& text, size_t offset) const;
  [[nodiscard]] tl::unexpected<base::Error> not_understood(Part part) const;

  CronField field_;
  const CronFieldSpec& spec_;
  std::string_view seed_;
  std::vector<std::string>* warnings_;
  CronExpression& result_;
  CronExpression::Field& out_;
};

}  // namespace scheduler
