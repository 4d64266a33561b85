// Times the crates cron, croner and saffron. Usage: peers ZONE SECONDS < questions; see ../../../run.
use chrono::{DateTime, TimeZone, Utc};
use chrono_tz::Tz;
use std::hint::black_box;
use std::io::BufRead;
use std::str::FromStr;
use std::time::{Duration, Instant};

fn measure(budget: Duration, mut call: impl FnMut()) -> f64 {
    const BATCH: u32 = 256;
    let mut best = f64::MAX;
    let deadline = Instant::now() + budget;
    while best == f64::MAX || Instant::now() < deadline {
        let start = Instant::now();
        for _ in 0..BATCH {
            call();
        }
        best = best.min(start.elapsed().as_nanos() as f64 / f64::from(BATCH));
    }
    best
}

fn report<T: Copy + PartialOrd>(
    engine: &str,
    expression: &str,
    budget: Duration,
    instants: &[T],
    last: T,
    next: Option<impl Fn(T) -> Option<T>>,
) {
    let Some(next) = next else {
        println!("{engine}\t{expression}\t-\t-");
        return;
    };
    let mut index = 0;
    let random = measure(budget, || {
        black_box(next(black_box(instants[index % instants.len()])));
        index += 1;
    });
    let mut at = instants[0];
    let chained = measure(budget, || {
        at = match next(at) {
            Some(slot) if slot < last => slot,
            _ => instants[0],
        }
    });
    println!("{engine}\t{expression}\t{random:.1}\t{chained:.1}");
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let zone = Tz::from_str(&arguments[1]).expect("zone");
    let budget = Duration::from_secs_f64(arguments[2].parse().expect("seconds"));
    let lines: Vec<String> = std::io::stdin().lock().lines().map(|l| l.unwrap()).collect();
    let utc: Vec<DateTime<Utc>> = lines[0]
        .split_whitespace()
        .map(|word| Utc.timestamp_opt(word.parse().unwrap(), 0).unwrap())
        .collect();
    let local: Vec<DateTime<Tz>> = utc.iter().map(|at| at.with_timezone(&zone)).collect();
    let last_utc = Utc.timestamp_opt(2_200_000_000, 0).unwrap();
    let last = last_utc.with_timezone(&zone);
    for line in &lines[1..] {
        let fields: Vec<&str> = line.split('\t').collect();
        let (expression, six) = (fields[0], fields[1]);

        let schedule = cron::Schedule::from_str(six).ok();
        let next = schedule.as_ref().map(|s| move |at: DateTime<Tz>| s.after(&at).next());
        report("cron (crate)", expression, budget, &local, last, next);

        let schedule = croner::Cron::from_str(expression).ok();
        let next = schedule
            .as_ref()
            .map(|s| move |at: DateTime<Tz>| s.find_next_occurrence(&at, false).ok());
        report("croner (crate)", expression, budget, &local, last, next);

        if arguments[1] == "UTC" {
            // Five fields of it, with the names of the weekdays.
            let five = six.strip_prefix("0 ").unwrap_or(six);
            let schedule = five.parse::<saffron::Cron>().ok();
            let next = schedule
                .as_ref()
                .map(|s| move |at: DateTime<Utc>| s.next_after(at));
            report("saffron (crate)", expression, budget, &utc, last_utc, next);
        }
    }
}
