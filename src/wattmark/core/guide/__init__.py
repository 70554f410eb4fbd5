"""The metric guide: what each KPI and tool is good for, and which of them fit a purpose and a machine."""

from wattmark.core.guide.choose import Capabilities, Choice, Pick, Wish, choose
from wattmark.core.guide.entries import Framework, Guide, KpiGuide, Source, Tool, Vanity
from wattmark.core.guide.reading import guide_from

__all__ = [
    "Capabilities",
    "Choice",
    "Framework",
    "Guide",
    "KpiGuide",
    "Pick",
    "Source",
    "Tool",
    "Vanity",
    "Wish",
    "choose",
    "guide_from",
]
