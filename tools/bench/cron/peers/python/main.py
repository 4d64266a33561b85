"""Times croniter. Usage: main.py ZONE SECONDS < questions; see ../../run."""
import datetime
import sys
import time
import zoneinfo

import croniter


def measure(seconds, call):
    batch = 8
    best = None
    deadline = time.perf_counter() + seconds
    while best is None or time.perf_counter() < deadline:
        start = time.perf_counter_ns()
        for _ in range(batch):
            call()
        ns = (time.perf_counter_ns() - start) / batch
        best = ns if best is None else min(best, ns)
    return best


def main():
    zone = zoneinfo.ZoneInfo(sys.argv[1])
    seconds = float(sys.argv[2])
    lines = sys.stdin.read().splitlines()
    instants = [datetime.datetime.fromtimestamp(int(at), zone) for at in lines[0].split()]
    last = datetime.datetime.fromtimestamp(2200000000, zone)
    for line in lines[1:]:
        expression = line.split("\t")[0]
        try:
            schedule = croniter.croniter(expression, instants[0])
            schedule.get_next(datetime.datetime)
        except Exception:
            print(f"croniter (PyPI)\t{expression}\t-\t-")
            continue
        index = 0

        def random():
            nonlocal index
            schedule.set_current(instants[index % len(instants)], force=True)
            schedule.get_next(datetime.datetime)
            index += 1

        def chained():
            if schedule.get_next(datetime.datetime) > last:
                schedule.set_current(instants[0], force=True)

        random_ns = measure(seconds, random)
        schedule.set_current(instants[0], force=True)
        print(f"croniter (PyPI)\t{expression}\t{random_ns:.1f}\t{measure(seconds, chained):.1f}")


if __name__ == "__main__":
    main()
