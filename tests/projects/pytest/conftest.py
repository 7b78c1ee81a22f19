import os
import subprocess

import pytest

# gw0, gw1, ...: DATABASE_URL_1 is the first worker's. Before any test module imports the application, which reads DATABASE_URL.
worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
os.environ["DATABASE_URL"] = os.environ[f"DATABASE_URL_{worker + 1}"]


@pytest.fixture(scope="module", autouse=True)
def pristine():
    subprocess.run(["terp-fixtures", "reset", os.environ["DATABASE_URL"], "--quiet"], check=True, stdout=subprocess.DEVNULL)
