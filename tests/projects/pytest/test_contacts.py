import os
import subprocess

import clients


def test_begins_with_what_was_captured():
    assert (clients.count(), clients.with_contact()) == (120, 109)


def test_an_open_connection_sees_the_reset():
    clients.add("NEW-1")
    clients.forget_contacts()
    assert (clients.count(), clients.with_contact()) == (121, 0)
    subprocess.run(["terp-fixtures", "reset", os.environ["DATABASE_URL"], "--quiet"], check=True)
    assert (clients.count(), clients.with_contact()) == (120, 109)
