"""The report that the guide shows is the one that authors get."""

import re
from pathlib import Path

from engine.definitions import validate_paths

GUIDE = (Path(__file__).parents[2] / "app_definitions" / "README.md").read_text()


def test_the_report_in_the_guide_is_what_validate_says(tmp_path):
    shown = re.search(r"```\n(entities/contacts\.yaml:.*?)```", GUIDE, re.DOTALL)[1]
    written = re.search(r"```yaml\n# entities/contacts\.yaml\n(.*?)```", GUIDE, re.DOTALL)[1]
    (tmp_path / "entities").mkdir()
    (tmp_path / "app.yaml").write_text("name: crm\n")
    (tmp_path / "entities" / "contacts.yaml").write_text(written.replace("type: email", "type: emial"))
    assert shown in validate_paths([tmp_path]).text.replace(f"{tmp_path}/", "")
