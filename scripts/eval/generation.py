"""What was measured of a model, kept where fr2en reads it."""
import json
from pathlib import Path


def keep(model, **fields):
    """Writes fields of the model's generation_config.json; the others stay as they are."""
    path = Path(model, "generation_config.json")
    before = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    path.write_text(json.dumps({**before, **fields}, indent=1) + "\n", encoding="utf-8")
