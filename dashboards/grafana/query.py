"""A question to ClickHouse as Grafana's plugin takes it: the SDK knows no ClickHouse.

Source: `src/types/sql.ts` of the plugin, at 4.20.0.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Generic, TypeVar

from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models.common import DataSourceRef

from dashboards.grafana.names import CHOSEN, DATASOURCE_TYPE, PLUGIN_VERSION

T = TypeVar("T")


class Format(IntEnum):
    """What the plugin's backend makes of the rows."""

    TIMESERIES = 0
    TABLE = 1


@dataclass(frozen=True, slots=True)
class ClickHouseQuery(Dataquery):
    """SQL with Grafana's macros and variables. `format` is what counts; `queryType` is for Grafana's editor alone."""

    sql: str
    format: Format
    ref_id: str = "A"
    datasource_uid: str = CHOSEN

    def to_json(self) -> dict[str, object]:
        """As the SDK's encoder asks for it."""
        return {
            "datasource": {"type": DATASOURCE_TYPE, "uid": self.datasource_uid},
            "editorType": "sql",
            "format": int(self.format),
            "pluginVersion": PLUGIN_VERSION,
            "queryType": self.format.name.lower(),
            "rawSql": self.sql,
            "refId": self.ref_id,
        }


@dataclass(frozen=True, slots=True)
class Ready(Builder[T], Generic[T]):
    """What is built already, where the SDK asks for a builder."""

    made: T

    def build(self) -> T:
        """It."""
        return self.made


def source() -> DataSourceRef:
    """The chosen data source."""
    return DataSourceRef(type_val=DATASOURCE_TYPE, uid=CHOSEN)
