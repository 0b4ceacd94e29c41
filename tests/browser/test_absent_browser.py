"""Without a browser the tests are skipped with a reason, but in CI they fail."""

import pytest

from tests.browser import conftest


@pytest.fixture(autouse=True)
def no_browser(monkeypatch):
    monkeypatch.setattr(conftest.shutil, "which", lambda name: None)


def test_on_a_laptop_the_reason_is_told(monkeypatch):
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="chromium is not installed"):
        conftest.chromium_path()


def test_in_ci_it_is_a_failure(monkeypatch):
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="chromium is not installed"):
        conftest.chromium_path()
