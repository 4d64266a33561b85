"""The scripted sessions on a real kube-apiserver: it still answers what is recorded in tests/e2e/kubectl/sessions/answers.

    tests/cluster/sessions_test.py [SESSION]...            compares
    tests/cluster/sessions_test.py --record [SESSION]...   writes its answers down; look at the difference before you commit it

What our server answers to the same steps is compared with the recorded answers by tests/e2e/kubectl/sessions_test.py.
"""
import sys
import unittest

from cluster import HERE, RUN, kubectl_program

sys.path.insert(0, str(HERE.parent / "e2e/kubectl"))
import sessions  # noqa: E402

NAMES = [name for name in sys.argv[1:] if name != "--record"]


def answers_of_the_real_server():
    chosen = [session for session in sessions.all_sessions() if not NAMES or session.name in NAMES]
    side = sessions.Side(RUN / "admin.kubeconfig", kubectl_program("1.35"), default_accounts=True)
    try:
        return [(session, answers) for session, answers in zip(chosen, side.transcripts(chosen).values(), strict=True)]
    finally:
        side.close()


class SessionsTest(unittest.TestCase):
    def test_the_real_server_answers_as_recorded(self):
        problems = []
        for session, answers in answers_of_the_real_server():
            for step, recorded, answer in zip(session.steps, sessions.read_answers(session), answers, strict=True):
                if recorded != answer:
                    problems.append(f"{session.name}.txt:{step.number}: {step.line}\n" + sessions.difference(recorded, answer))
        self.assertEqual("\n".join(problems), "")


if __name__ == "__main__":
    if "--record" in sys.argv:
        for session, answers in answers_of_the_real_server():
            sessions.write_answers(session, answers)
    else:
        unittest.main(verbosity=2, argv=sys.argv[:1])
