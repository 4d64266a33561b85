// Times croner. Usage: node main.js ZONE SECONDS < questions; see ../../run.
import { readFileSync } from "node:fs";
import { Cron } from "croner";

const [zone, seconds] = [process.argv[2], Number(process.argv[3])];
const lines = readFileSync(0, "utf8").trimEnd().split("\n");
const instants = lines[0].split(" ").map((at) => new Date(Number(at) * 1000));
const last = new Date(2200000000 * 1000);

function measure(call) {
  const batch = 16;
  let best = Infinity;
  const deadline = process.hrtime.bigint() + BigInt(Math.round(seconds * 1e9));
  do {
    const start = process.hrtime.bigint();
    for (let i = 0; i < batch; i++) call();
    best = Math.min(best, Number(process.hrtime.bigint() - start) / batch);
  } while (process.hrtime.bigint() < deadline);
  return best.toFixed(1);
}

for (const line of lines.slice(1)) {
  const [expression] = line.split("\t");
  let schedule;
  try {
    schedule = new Cron(expression, { timezone: zone, paused: true });
  } catch {
    console.log(`croner (npm)\t${expression}\t-\t-`);
    continue;
  }
  let index = 0;
  const random = measure(() => schedule.nextRun(instants[index++ % instants.length]));
  let at = instants[0];
  const chained = measure(() => {
    at = schedule.nextRun(at);
    if (at === null || at > last) at = instants[0];
  });
  console.log(`croner (npm)\t${expression}\t${random}\t${chained}`);
}
