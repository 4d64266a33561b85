"""Our answers to the scripted sessions against those that a real kube-apiserver gave, recorded in sessions/answers."""
import sys
import unittest

import sessions
from case import VERSION
from server import Kubectl, Server


class Sessions(unittest.TestCase):
    def test_the_embedded_server_answers_as_the_real_one_did(self):
        chosen = sessions.all_sessions()
        if NAMES:
            chosen = [session for session in chosen if session.name in NAMES]
        recorded = {session.name: sessions.read_answers(session) for session in chosen}
        server = Server().start()
        self.addCleanup(server.close)
        side = sessions.Side(server.data / "kubeconfig", Kubectl(server, VERSION).program)
        self.addCleanup(side.close)
        answers = side.transcripts(chosen)
        problems = []
        for session in chosen:
            problems += sessions.compare(session, recorded[session.name], answers[session.name])
        if problems:
            self.fail(f"{len(problems)} steps are answered otherwise:\n\n" + "\n".join(problems))
        self.assertGreater(sum(len(session.steps) for session in chosen), 0)


NAMES = sys.argv[1:] if __name__ == "__main__" else []

if __name__ == "__main__":
    unittest.main(verbosity=2, argv=sys.argv[:1])
