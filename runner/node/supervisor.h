#pragma once

// The supervisor: a small process per pod that outlives the service. It starts the containers of
// one pod as the launch file says, writes their logs, writes down starts and ends in the journal,
// and leaves no process behind.
//
//   exactly once   It holds supervisor.lock for its life and starts nothing when the journal has
//                  begun. So the node may start a supervisor again whenever it is in doubt.
//   stop           SIGTERM tells it to read stop.json: SIGTERM to the main process of each
//                  container, after the grace period SIGKILL to every descendant.
//   own death      Its children die with it (PR_SET_PDEATHSIG); the node sweeps what they left.
//   who does not   What does not end after SIGKILL (it waits for a device) is waited for, seldom
//   end            looked at, and named in the journal: the pod is not over while it lives.
//
// One thread; no locks; uses the machine's clocks directly, since it is a process of its own.

namespace runner::node {

// argv: program, pod folder. 0 when the pod ended or was another supervisor's business.
int supervise_main(int argc, char** argv);

}  // namespace runner::node
