#include "scheduler/ahead.h"

#include <algorithm>

namespace scheduler {
namespace {

// Joins the span before `second` with it.
void join_with_before(std::vector<Span>& spans, std::vector<Span>::iterator second) {
  std::prev(second)->last = std::max(std::prev(second)->last, second->last);
  spans.erase(second);
}

void join_nearest(std::vector<Span>& spans) {
  auto nearest = std::next(spans.begin());
  for (auto span = nearest; span != spans.end(); ++span)
    if (span->first - std::prev(span)->last < nearest->first - std::prev(nearest)->last)
      nearest = span;
  join_with_before(spans, nearest);
}

}  // namespace

void add_ahead(std::vector<Span>& spans, Instant slot, const Schedule& schedule) {
  const auto touches = [&](const Span& before, const Span& after) {
    return after.first <= before.last || schedule.next(before.last) == after.first;
  };
  auto at =
      std::find_if(spans.begin(), spans.end(), [&](const Span& span) { return span.last >= slot; });
  if (at != spans.end() && at->first <= slot) return;
  at = spans.insert(at, Span{.first = slot, .last = slot});
  const auto after = std::next(at);
  if (after != spans.end() && touches(*at, *after)) join_with_before(spans, after);
  if (at != spans.begin() && touches(*std::prev(at), *at)) join_with_before(spans, at);
  if (spans.size() > kMostAhead) join_nearest(spans);
}

void forget_ahead(std::vector<Span>& spans, Instant accounted) {
  std::erase_if(spans, [&](const Span& span) { return span.last <= accounted; });
}

}  // namespace scheduler
