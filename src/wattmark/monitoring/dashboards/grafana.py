"""Dashboards as the JSON that Grafana loads, made with its own builders (grafana-foundation-sdk 0.0.21).

Only whoever changes a dashboard needs this; the JSON comes with the package. The classic schema is written,
which every Grafana from 9 on takes.
"""

from __future__ import annotations

import json
import warnings
from typing import TYPE_CHECKING, Any

from wattmark.core.errors import MissingExtra
from wattmark.monitoring.dashboards.board import Board, Kind, Mark, Panel, Placed, Row, Variable, placed

if TYPE_CHECKING:
    from types import ModuleType

SOURCE = "${datasource}"
SCHEMA_VERSION = 39
"""Of the classic schema: Grafana 10.2 (2023); later ones bring it up to date themselves."""
RED, GREEN = "red", "green"
FILL = 15


def dashboard_json(board: Board) -> str:
    """The dashboard as text, read back through the SDK's own model. Raises MissingExtra without the SDK."""
    sdk = _Sdk()
    built = json.dumps(sdk.dashboard(board).build(), cls=sdk.encoder, indent=2, sort_keys=True)
    again = sdk.models.Dashboard.from_json(json.loads(built))
    return json.dumps(again, cls=sdk.encoder, indent=2, sort_keys=True) + "\n"


class _Sdk:
    """The SDK's modules, loaded when they are needed, and how a board becomes their objects."""

    def __init__(self) -> None:
        try:
            with warnings.catch_warnings():
                # The SDK would rather have the next schema, which only Grafana 12 and later take.
                warnings.simplefilter("ignore", DeprecationWarning)
                self._load()
        except ImportError:
            raise MissingExtra("dashboards", "dashboards") from None

    def _load(self) -> None:
        from grafana_foundation_sdk.builders import common, dashboard, prometheus, stat, table, timeseries
        from grafana_foundation_sdk.cog.encoder import JSONEncoder
        from grafana_foundation_sdk.cog.plugins import register_default_plugins
        from grafana_foundation_sdk.models import common as common_models
        from grafana_foundation_sdk.models import dashboard as models
        from grafana_foundation_sdk.models import prometheus as query_models

        register_default_plugins()
        self.encoder, self.models, self.shapes = JSONEncoder, models, common_models
        self.build, self.common, self.prometheus = dashboard, common, prometheus
        self.table = query_models.PromQueryFormat.TABLE
        self.kinds: dict[Kind, ModuleType] = {
            Kind.LINES: timeseries,
            Kind.NUMBER: stat,
            Kind.TABLE: table,
        }

    def dashboard(self, board: Board) -> Any:
        """The builder of a whole dashboard."""
        made = (
            self.build.Dashboard(board.title)
            .uid(board.uid)
            .description(board.what)
            .tags(["wattmark"])
            .editable()
            .refresh("1m")
            .time(board.span, "now")
            .timezone("browser")
            .tooltip(self.models.DashboardCursorSync.CROSSHAIR)
            .version(1)
            .with_variable(self.build.DatasourceVariable("datasource").label("Prometheus").type("prometheus"))
            .link(self._links())
        )
        for variable in board.variables:
            made = made.with_variable(self._variable(variable))
        for mark in board.marks:
            made = made.annotation(self._mark(mark))
        for number, place in enumerate(placed(board), start=1):
            if isinstance(place, Placed):
                made = made.with_panel(self._panel(place, number))
            else:
                made = made.with_row(self._row(*place, number))
        return made

    def _links(self) -> Any:
        """A menu of our other dashboards, which keeps the time."""
        return (
            self.build.DashboardLink("wattmark")
            .type(self.models.DashboardLinkType.DASHBOARDS)
            .tags(["wattmark"])
            .as_dropdown(True)
            .keep_time(True)
        )

    def _source(self) -> Any:
        return self.shapes.DataSourceRef(type_val="prometheus", uid=SOURCE)

    def _variable(self, variable: Variable) -> Any:
        query = f"label_values({variable.series}, {variable.name})"
        return (
            self.build.QueryVariable(variable.name)
            .label(variable.label)
            .datasource(self._source())
            .query({"query": query, "refId": variable.name})
            .refresh(self.models.VariableRefresh.ON_TIME_RANGE_CHANGED)
            .sort(self.models.VariableSort.ALPHABETICAL_ASC)
            .multi(True)
            .include_all(True)
            .all_value(".*")
            .current(self.models.VariableOption(selected=True, text="All", value="$__all"))
        )

    def _mark(self, mark: Mark) -> Any:
        return (
            self.build.AnnotationQuery()
            .name(mark.name)
            .datasource(self._source())
            .enable(True)
            .icon_color(mark.colour)
            .expr(mark.expr)
            .title_format(mark.title)
            .step("60s")
        )

    def _row(self, row: Row, y: int, number: int) -> Any:
        return self.build.Row(row.title).id(number).grid_pos(self.models.GridPos(h=1, w=24, x=0, y=y))

    def _panel(self, place: Placed, number: int) -> Any:
        panel = place.panel
        made = (
            self.kinds[panel.kind]
            .Panel()
            .id(number)
            .title(panel.title)
            .description(panel.what)
            .datasource(self._source())
            .unit(panel.unit)
            .grid_pos(self.models.GridPos(h=panel.height, w=panel.width, x=place.x, y=place.y))
        )
        for letter, query in zip("ABCDEFGH", panel.queries, strict=False):
            made = made.with_target(self._query(panel, query.expr, query.legend, letter))
        if panel.warn is not None:
            made = made.thresholds(self._thresholds(panel.warn))
        if panel.repeat:
            made = made.repeat(panel.repeat).repeat_direction("v")
        match panel.kind:
            case Kind.LINES:
                return self._lines(made, panel)
            case Kind.NUMBER:
                last = self.common.ReduceDataOptions().calcs(["lastNotNull"])
                return made.reduce_options(last).color_mode(self.shapes.BigValueColorMode.VALUE)
            case Kind.TABLE:
                return made.with_transformation(_without_time(self.models))

    def _query(self, panel: Panel, expr: str, legend: str, letter: str) -> Any:
        made = self.prometheus.Dataquery().expr(expr).ref_id(letter)
        if legend:
            made = made.legend_format(legend)
        if panel.kind is Kind.LINES:
            return made.range()
        made = made.instant()
        return made.format(self.table) if panel.kind is Kind.TABLE else made

    def _thresholds(self, warn: float) -> Any:
        steps = [self.models.Threshold(value=None, color=GREEN), self.models.Threshold(value=warn, color=RED)]
        return self.build.ThresholdsConfig().mode(self.models.ThresholdsMode.ABSOLUTE).steps(steps)

    def _lines(self, made: Any, panel: Panel) -> Any:
        shapes = self.shapes
        made = (
            made.line_width(1)
            .fill_opacity(FILL if panel.stacked else 0)
            .show_points(shapes.VisibilityMode.NEVER)
            .span_nulls(False)
            .axis_soft_min(0)
            .tooltip(self.common.VizTooltipOptions().mode(shapes.TooltipDisplayMode.MULTI))
            .legend(
                self.common.VizLegendOptions()
                .display_mode(shapes.LegendDisplayMode.LIST)
                .placement(shapes.LegendPlacement.BOTTOM)
                .show_legend(True)
            )
        )
        if panel.stacked:
            made = made.stacking(self.common.StackingConfig().mode(shapes.StackingMode.NORMAL))
        value = self.models.DynamicConfigValue
        for letter, query in zip("ABCDEFGH", panel.queries, strict=False):
            if query.dashed:
                looks = [value("custom.lineStyle", {"fill": "dash", "dash": [10, 10]})]
                if query.fill_to:
                    looks += [value("custom.fillOpacity", FILL), value("custom.fillBelowTo", query.fill_to)]
                made = made.override_by_query(letter, looks)
        return made


def _without_time(models: Any) -> Any:
    hidden = {"Time": True, "__name__": True, "job": True}
    return models.DataTransformerConfig(id_val="organize", options={"excludeByName": hidden})
