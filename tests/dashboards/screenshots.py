"""Makes the pictures of docs/dashboards: every page of the preview over made-up days, in the Chromium of this machine.

python tests/dashboards/screenshots.py [FOLDER] [--phone]
"""

import argparse
import io
import sys
import tempfile
import threading
import time
from contextlib import closing
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.append(str(Path(__file__).parent))  # test folders are no packages

import chromium
import made_up

from dashboards.all import DASHBOARDS

ROOT = Path(__file__).resolve().parents[2]
PAGES = {
    "today": "loanstream-today",
    "latency-and-flow": "loanstream-flow",
    "approvals-and-reasons": "loanstream-approvals",
    "model-performance-and-drift": "loanstream-model",
    "fairness": "loanstream-fairness",
    "documents": "loanstream-documents",
    "data-quality-and-dead-letters": "loanstream-quality",
    "one-application": "loanstream-application",
}
"""Name of the page in docs/dashboards -> the dashboard that it explains."""
DAYS, CANDIDATES = 60, 160_000
COLOURS = 240
DRAWN_S = 1.0
"""Charts grow to their place for so long after their figures came."""


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("folder", nargs="?", type=Path, default=ROOT / "docs" / "dashboards")
    given.add_argument("--phone", action="store_true", help="390 pixels wide, to look at; not for docs")
    asked = given.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    from loanstream.stack.clickhouse.embedded import EmbeddedWarehouse
    from stores.warehouse.migrate import migrate

    with tempfile.TemporaryDirectory() as place, EmbeddedWarehouse(Path(place) / "warehouse") as warehouse:
        now = int(time.time())
        with closing(warehouse.client()) as client:
            migrate(client)
            made_up.fill_models(client, now)
            made_up.fill(client, now, CANDIDATES, days=DAYS, later_s=made_up.until_wednesday(now))
            made_up.count(client)
            made_up.fill_workers(client, int(time.time()))  # else every worker had been silent since
            application = _referred(client)
        _look(warehouse, application, asked.folder, 390 if asked.phone else 1280)


def _referred(client) -> str:
    """An application that a person has decided some hours ago."""
    asked = (
        "SELECT application_id FROM loanstream.outcomes_log WHERE kind = 'human_decision' AND tenant = {bank:String} "
        "AND at < now() - INTERVAL 3 HOUR ORDER BY at DESC LIMIT 1"
    )
    return client.query(asked, parameters={"bank": made_up.BANKS[0]}).first_row[0]


def _look(warehouse, application: str, folder: Path, width: int) -> None:
    from dashboards.preview.serve import listener, serve

    with listener(0) as listening:
        address = f"http://localhost:{listening.getsockname()[1]}"
        served = threading.Thread(
            target=serve, args=(lambda: warehouse.client("reader"), None, listening, lambda: None), daemon=True
        )
        served.start()
        with chromium.Chromium() as browser:
            browser.look(width, 844 if width < 600 else 900)
            for name, uid in PAGES.items():
                assert uid in DASHBOARDS
                chosen = (
                    f"var-tenant={made_up.BANKS[0]}&var-application={application}&" if name == "one-application" else ""
                )
                browser.open(f"{address}/d/{uid}?{chosen}refresh=off", within_s=120)
                time.sleep(DRAWN_S)
                browser.picture(folder / f"{name}.png")
                _smaller(folder / f"{name}.png")


def _smaller(path: Path) -> None:
    """A page has few colours: a palette of them is a third of the bytes. The commonest stay as they are, so that large
    areas keep theirs; the rest are spread over what there is, so that a rare red stays red.
    """
    picture = Image.open(io.BytesIO(path.read_bytes())).convert("RGB")
    colours, places, counts = np.unique(
        np.asarray(picture).reshape(-1, 3), axis=0, return_inverse=True, return_counts=True
    )
    spread = picture.quantize(COLOURS // 2, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).getpalette() or []
    commonest = colours[np.argsort(-counts)[: COLOURS // 2]]
    palette = np.concatenate([commonest, np.reshape(spread, (-1, 3))[: COLOURS // 2]]).astype(int)
    nearest = np.concatenate(
        [((some[:, None, :].astype(int) - palette) ** 2).sum(2).argmin(1) for some in np.array_split(colours, 64)]
    )
    smaller = Image.fromarray(nearest[places].reshape(picture.height, picture.width).astype(np.uint8))
    smaller.putpalette(palette.astype(np.uint8).tobytes())
    smaller.save(path, optimize=True)


if __name__ == "__main__":
    main()
