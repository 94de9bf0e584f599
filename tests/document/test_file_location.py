"""What path a written location names."""

from __future__ import annotations

import pytest

from naftiko_run.document.file_location import written_path


@pytest.mark.parametrize(
    ("location", "path"),
    [
        ("file:///srv/skills", "/srv/skills"),
        ("file:///./skills", "./skills"),
        ("file:///../skills", "../skills"),
        ("file://./skills", "./skills"),
        ("file:///..", ".."),
        ("file:///.hidden/skills", "/.hidden/skills"),
        ("file://localhost/srv/skills", "/srv/skills"),
        ("FILE:///srv/two%20words", "/srv/two words"),
        ("skills/two%20words", "skills/two%20words"),
        ("/./skills", "/./skills"),
    ],
)
def test_a_location_names_the_path(location, path):
    assert written_path(location) == path
