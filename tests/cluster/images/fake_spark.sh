#!/bin/sh
# A driver that is no Spark: it writes down what happened to it, which is the truth that tests compare with.
# FAKE_TRUTH: the file. FAKE_SECONDS: how long it runs. FAKE_EXIT: its exit code. FAKE_ON_TERM: seconds that it
# lingers after SIGTERM.
tell() { [ -z "$FAKE_TRUTH" ] || echo "$1 $FAKE_RUN ${SPARKCRON_SCHEDULED_TIME:--} $(hostname) $(date +%s)" >> "$FAKE_TRUTH"; }
on_term() {
  kill "$waits" 2>/dev/null
  sleep "${FAKE_ON_TERM:-0}"
  tell term
  exit 143
}
trap on_term TERM
tell start
echo "fake driver of slot ${SPARKCRON_SCHEDULED_TIME:--}"
sleep "${FAKE_SECONDS:-0}" &
waits=$!
wait "$waits"
echo "fake driver done"
tell end
exit "${FAKE_EXIT:-0}"
