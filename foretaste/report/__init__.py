"""The run report, and the pictures in it."""

from foretaste.report.group import GroupPicture, picture_group
from foretaste.report.html import render_html
from foretaste.report.markdown import render_markdown
from foretaste.report.reliability import ReliabilityLine, reliability_lines
from foretaste.report.run import (
    CampaignLine,
    ChampionLine,
    ComparisonLine,
    DetectorLine,
    FileLine,
    PosteriorBin,
    RunReport,
    ShareLine,
    StepLine,
)
from foretaste.report.summarise import (
    campaign_lines,
    detector_lines,
    posterior_bins,
    share_lines,
)
from foretaste.report.waterfall import Step, waterfall, waterfall_svg

__all__ = [
    "CampaignLine",
    "ChampionLine",
    "ComparisonLine",
    "DetectorLine",
    "FileLine",
    "GroupPicture",
    "PosteriorBin",
    "ReliabilityLine",
    "RunReport",
    "ShareLine",
    "Step",
    "StepLine",
    "campaign_lines",
    "detector_lines",
    "picture_group",
    "posterior_bins",
    "reliability_lines",
    "render_html",
    "render_markdown",
    "share_lines",
    "waterfall",
    "waterfall_svg",
]
