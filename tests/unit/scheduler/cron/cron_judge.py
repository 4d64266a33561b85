#!/usr/bin/env python3
"""Asks `sparkctl cron next --batch` random questions and answers them itself, by brute force.

  cron_judge.py SPARKCTL [QUESTIONS] [SEED]

Shares nothing with the engine: another language, and zones by Python's zoneinfo, which follows the
POSIX rules of zone files past their tables, so that all of 1970 to 2199 can be asked about. A
question is written together with what it means; the answer is found hour by hour and second by
second in UTC.
"""
import calendar
import datetime
import functools
import random
import subprocess
import sys
import zoneinfo

UTC = datetime.timezone.utc
EPOCH = datetime.datetime(1970, 1, 1)
MONTHS = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split()
DAYS = "SUN MON TUE WED THU FRI SAT".split()
LAST_YEAR = 2199
# Days in a row that are looked through for one slot; what has none there is not asked to be exact.
HORIZON_DAYS = 366 * 9
DIFFICULT = ("America/New_York Europe/Berlin Europe/Dublin Australia/Lord_Howe Antarctica/Troll Pacific/Apia "
             "Asia/Pyongyang Pacific/Kiritimati Pacific/Chatham Africa/Casablanca America/Havana Africa/Cairo "
             "America/Sao_Paulo Asia/Gaza America/St_Johns Asia/Amman America/Nuuk America/Scoresbysund Asia/Tehran "
             "Africa/Monrovia Asia/Kathmandu Pacific/Kwajalein America/Caracas Europe/Lisbon Antarctica/Casey "
             "Pacific/Norfolk Africa/Juba Asia/Manila America/Juneau America/Metlakatla America/Santiago UTC").split()


def name_case(source, name):
    return source.choice([name, name.lower(), name.capitalize()])


class Zone:
    def __init__(self, name):
        self.info = zoneinfo.ZoneInfo(name)

    @functools.lru_cache(maxsize=200_000)
    def offset(self, utc):
        moment = (EPOCH + datetime.timedelta(seconds=utc)).replace(tzinfo=UTC)
        return int(moment.astimezone(self.info).utcoffset().total_seconds())

    @functools.lru_cache(maxsize=200_000)
    def changes(self, begin):
        """[(instant, offset before, offset after)] in the day from `begin` on."""
        found = []
        for hour in range(begin, begin + 86400, 3600):
            low, high = hour - 1, hour + 3599
            if self.offset(low) == self.offset(high):
                continue
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if self.offset(middle) == self.offset(low) else (low, middle)
            found.append((high, self.offset(low), self.offset(high)))
        return found


@functools.lru_cache(maxsize=None)
def zone_of(name):
    return Zone(name)


class Question:
    """A random expression: `text`, and the sets and day tests that it was written from."""

    def __init__(self, source):
        self.r = source
        r = source
        self.every = 0
        kind = r.random()
        if kind < 0.04:
            self.macro()
        elif kind < 0.07:
            self.every = r.choice([1, 7, 60, 90, 3600, 5400, 86400, 100000, r.randrange(1, 10**6)])
            hours, rest = divmod(self.every, 3600)
            self.text = "@every " + r.choice([f"{self.every}s", f"{hours}h{rest // 60}m{rest % 60}s"])
        else:
            self.fields(r.choice([5, 5, 5, 6, 6, 7]))
        self.zone = r.choice(DIFFICULT) if r.random() < 0.7 else r.choice(ALL_ZONES)
        self.asked_zone = self.zone
        if r.random() < 0.05:
            self.asked_zone = r.choice(DIFFICULT)
            self.text = r.choice(["TZ=", "CRON_TZ="]) + self.zone + " " + self.text
        self.policy = r.choice(["Vixie", "Kubernetes", "Once"])
        self.count = r.choice([1, 1, 2, 3, 4])
        self.after = r.randrange(0, 7258118400 - 1)  # to the end of 2199
        if r.random() < 0.7:
            self.near_change()

    def near_change(self):
        zone = zone_of(self.zone)
        begin = self.after // 86400 * 86400
        for day in range(begin, min(begin + 370 * 86400, 7258118400), 86400):
            if zone.offset(day) != zone.offset(day + 86400):
                for at, _, _ in zone.changes(day):
                    near = self.r.choice([2, 60, 5400, 4 * 3600, 86400])
                    self.after = max(0, at + self.r.randrange(-near, near))
                    return

    def macro(self):
        name, fields = self.r.choice([("yearly", (0, 0, 1, 1, None)), ("annually", (0, 0, 1, 1, None)),
                                      ("monthly", (0, 0, 1, None, None)), ("weekly", (0, 0, None, None, 0)),
                                      ("daily", (0, 0, None, None, None)), ("midnight", (0, 0, None, None, None)),
                                      ("hourly", (0, None, None, None, None))])
        self.text = "@" + name_case(self.r, name)
        minute, hour, day, month, weekday = fields
        self.seconds, self.minutes = {0}, {minute}
        self.hours = set(range(24)) if hour is None else {hour}
        self.months = set(range(1, 13)) if month is None else {month}
        self.years = None
        self.fixed = hour is not None
        self.day_tests = [] if day is None else [lambda y, m, d: d == day]
        self.weekday_tests = [] if weekday is None else [lambda y, m, d: weekday_of(y, m, d) == weekday]
        self.both = False

    def items(self, low, high, names=None, stars=True):
        """A list of plain items: (text, values, whether it holds a star)"""
        r = self.r
        texts, values, star = [], set(), False

        def show(value):
            if names and value in names and r.random() < 0.4:
                return name_case(r, names[value])
            return f"{value:02d}" if r.random() < 0.1 else str(value)
        for _ in range(r.choice([1, 1, 1, 2, 3])):
            form = r.choice("***aaa--//~^") if stars else r.choice("aaa--//~^")
            first = r.randint(low, high)
            last = r.randint(first, high)
            step = r.randint(1, max(1, (high - low) // r.choice([1, 2, 4, 8]) + 1))
            if form == "*":
                texts.append(r.choice("**?"))
                values |= set(range(low, high + 1))
                star = True
            elif form == "a":
                texts.append(show(first))
                values.add(first)
            elif form == "-":
                texts.append(f"{show(first)}-{show(last)}")
                values |= set(range(first, last + 1))
            elif form == "/":
                texts.append(f"{show(first)}-{show(last)}/{step}")
                values |= set(range(first, last + 1, step))
            elif form == "~":
                texts.append(f"{show(first)}/{step}")
                values |= set(range(first, high + 1, step))
            else:
                texts.append(f"{r.choice('*?')}/{max(2, step)}")
                values |= set(range(low, high + 1, max(2, step)))
        return ",".join(texts), values, star

    def fields(self, count):
        r = self.r
        second, self.seconds, _ = self.items(0, 59) if count > 5 else ("", {0}, False)
        minute, self.minutes, _ = self.items(0, 59)
        hour, self.hours, _ = self.items(0, 23)
        if r.random() < 0.08:
            hour, self.hours = "0-23", set(range(24))
        self.fixed = minute[0] not in "*?" and hour[0] not in "*?" and len(self.hours) != 24
        month, self.months, _ = self.items(1, 12, dict(enumerate(MONTHS, 1)))
        year, self.years, _ = self.items(1970, LAST_YEAR) if count == 7 else ("", None, True)
        day, self.day_tests = self.day_of_month()
        weekday, self.weekday_tests = self.day_of_week()
        self.both = r.random() < 0.15
        if self.both:
            weekday = "+" + weekday
        parts = [second, minute, hour, day, month, weekday, year]
        self.text = " ".join(part for part in parts if part)

    def day_of_month(self):
        r = self.r
        if r.random() < 0.35:
            return r.choice("*?"), []
        if r.random() < 0.5:
            text, values, star = self.items(1, 31)
            # A field with a star in it says nothing, and its values are all days.
            return text, [] if star else [lambda y, m, d: d in values]
        texts, tests = [], []
        for _ in range(r.choice([1, 1, 2, 3])):
            n = r.randint(0, 30)
            kind = r.choice(["L", "L-", "LW", "L-W", "W", "a"])
            if kind == "L":
                texts.append(name_case(r, "L"))
                tests.append(lambda y, m, d: d == length(y, m))
            elif kind == "L-":
                texts.append(f"L-{n}")
                tests.append(lambda y, m, d, n=n: d == length(y, m) - n)
            elif kind == "LW":
                texts.append("LW")
                tests.append(lambda y, m, d: d == working_day(y, m, length(y, m)))
            elif kind == "L-W":
                texts.append(f"L-{n}W")
                tests.append(lambda y, m, d, n=n: d == working_day(y, m, length(y, m) - n))
            elif kind == "W":
                texts.append(f"{n + 1}W")
                tests.append(lambda y, m, d, n=n: d == working_day(y, m, n + 1))
            else:
                texts.append(str(n + 1))
                tests.append(lambda y, m, d, n=n: d == n + 1)
        return ",".join(texts), tests

    def day_of_week(self):
        r = self.r
        if r.random() < 0.4:
            return r.choice("*?"), []
        names = dict(enumerate(DAYS))
        texts, tests = [], []
        for _ in range(r.choice([1, 1, 1, 2, 3])):
            first = r.randint(0, 7)
            last = r.randint(first, 7)
            step = r.randint(1, 8)
            shown = name_case(r, names[first]) if first in names and r.random() < 0.4 else str(first)
            kind = r.choice(["a", "a", "-", "/", "~", "L", "#", "#L"])
            if kind in "a":
                texts.append(shown)
                values = {first % 7}
            elif kind == "-":
                texts.append(f"{shown}-{last}")
                values = {value % 7 for value in range(first, last + 1)}
            elif kind == "/":
                texts.append(f"{shown}-{last}/{step}")
                values = {value % 7 for value in range(first, last + 1, step)}
            elif kind == "~":
                first %= 7
                texts.append(f"{first}/{step}")
                values = set(range(first, 7, step))
            elif kind == "#":
                n = r.randint(1, 5)
                texts.append(f"{shown}#{n}")
                tests.append(lambda y, m, d, w=first % 7, n=n: weekday_of(y, m, d) == w and (d - 1) // 7 == n - 1)
                continue
            else:
                texts.append(shown + ("L" if kind == "L" else "#L"))
                tests.append(lambda y, m, d, w=first % 7: weekday_of(y, m, d) == w and d + 7 > length(y, m))
                continue
            tests.append(lambda y, m, d, v=values: weekday_of(y, m, d) in v)
        return ",".join(texts), tests

    def date_matches(self, y, m, d):
        if m not in self.months or (self.years is not None and y not in self.years):
            return False
        by_day = any(test(y, m, d) for test in self.day_tests)
        by_weekday = any(test(y, m, d) for test in self.weekday_tests)
        if not self.day_tests or not self.weekday_tests:
            return (by_day or not self.day_tests) and (by_weekday or not self.weekday_tests)
        return by_day and by_weekday if self.both else by_day or by_weekday

    def wall_matches(self, wall):
        moment = EPOCH + datetime.timedelta(seconds=wall)
        return (moment.second in self.seconds and moment.minute in self.minutes and moment.hour in self.hours
                and self.date_matches(moment.year, moment.month, moment.day))


def length(y, m):
    return calendar.monthrange(y, m)[1]


def weekday_of(y, m, d):
    return (datetime.date(y, m, d).weekday() + 1) % 7


def working_day(y, m, target):
    """Monday to Friday nearest to a day, within the month; 0 if the month has no such day."""
    if not 1 <= target <= length(y, m):
        return 0
    for away in (0, -1, 1, -2, 2):
        if 1 <= target + away <= length(y, m) and 1 <= weekday_of(y, m, target + away) <= 5:
            return target + away
    return 0


def matching_walls(question, day):
    """Wall times of the day that begins at wall second `day`."""
    moment = EPOCH + datetime.timedelta(seconds=day)
    if not question.date_matches(moment.year, moment.month, moment.day):
        return []
    return sorted(day + h * 3600 + m * 60 + s for h in question.hours for m in question.minutes
                  for s in question.seconds)


def slots_of_day(question, zone, day, cache):
    """The slots in [day, day + 86400) of UTC, found instant by instant."""
    vixie_fixed = question.policy == "Vixie" and question.fixed
    first_only = vixie_fixed or question.policy == "Once"
    walls = set()
    for wall_day in (day - 86400, day, day + 86400):
        if wall_day not in cache:
            cache[wall_day] = matching_walls(question, wall_day)
        walls.update(cache[wall_day])
    if not walls:
        return []
    found = set()
    offsets = {zone.offset(day), zone.offset(day + 86399)} | {o for c in zone.changes(day) for o in c[1:]}
    near = {o for d in (day - 86400, day) for c in zone.changes(d) for o in c[1:]}
    for wall in walls:
        instants = sorted(at for at in {wall - o for o in offsets | near} if zone.offset(at) + at == wall)
        chosen = instants[:1] if first_only else instants
        found.update(at for at in chosen if day <= at < day + 86400)
    if vixie_fixed:
        for at, before, after in zone.changes(day):
            if 0 < after - before <= 3 * 3600:
                if any(at + before <= wall < at + after for wall in walls):
                    found.add(at)
    return sorted(found)


def answer(question):
    """Expected instants, and whether the horizon was reached before `count` of them."""
    if question.every:
        first = question.after // question.every * question.every + question.every
        return [first + i * question.every for i in range(question.count)], False
    zone = zone_of(question.zone)
    result, cache = [], {}
    day = question.after // 86400 * 86400
    idle = 0
    while len(result) < question.count:
        if idle > HORIZON_DAYS:
            return result, True
        if day >= 253400000000:
            return result, True
        slots = [slot for slot in slots_of_day(question, zone, day, cache) if slot > question.after]
        result += slots
        idle = 0 if slots else idle + 1
        cache.pop(day - 86400, None)
        day += 86400
    return result[:question.count], False


def show(instant):
    return (EPOCH + datetime.timedelta(seconds=instant)).strftime("%Y-%m-%dT%H:%M:%SZ")


ALL_ZONES = sorted(name for name in zoneinfo.available_timezones()
                   if not name.startswith(("posix", "right")) and name not in ("localtime", "Factory"))


def main():
    program, total = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 300
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else random.randrange(10**9)
    questions = [Question(random.Random(f"{seed} {i}")) for i in range(total)]
    lines = [f"{q.text}\t{q.asked_zone}\t{show(q.after)}\t{q.policy}\t{q.count}\n" for q in questions]
    done = subprocess.run([program, "cron", "next", "--batch"], input="".join(lines), text=True, capture_output=True,
                          check=True)
    answers = done.stdout.splitlines()
    wrong = abs(len(answers) - total)
    never = 0
    for question, line, given in zip(questions, lines, answers):
        expected, open_end = answer(question)
        parts = given.split(";")
        good = parts[:len(expected)] == [show(slot) for slot in expected]
        if good and open_end:
            # Nothing within the horizon: either never, or later than that.
            never += 1
            good = len(parts) > len(expected) and (
                parts[len(expected)] == "NEVER" or
                parts[len(expected)] > show((expected[-1] if expected else question.after) + HORIZON_DAYS * 86400))
        elif good:
            good = len(parts) == len(expected)
        if not good:
            wrong += 1
            print(f"{line.rstrip()}\n  expected {';'.join(map(show, expected))}{' then none' if open_end else ''}"
                  f"\n  got      {given}")
    print(f"{total - wrong} passed, {wrong} failed (seed {seed}; {never} without a slot for years)")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
