"""What usage types of AWS say: ``USE2-BoxUsage:p4d.24xlarge`` is an instance that ran in Ohio.

Only machines are taken; what is billed beside them under the same type (EBS optimisation, CPU credits, EMR's
surcharge on the same hours) would count the same hours again. Usage types as in the Amazon EC2 user guide
("Understand your billing and usage reports") and in reports read by Cloud Carbon Footprint.
"""

from __future__ import annotations

import re

EC2 = "AmazonEC2"
EC2_SERVICES = (
    EC2,
    "Amazon Elastic Compute Cloud - Compute",
    "Amazon Elastic Compute Cloud",
    "EC2 - Instances",
)
_RAN = re.compile(
    r"(?:[A-Z0-9]+-)?(?:BoxUsage|SpotUsage|DedicatedUsage|HostBoxUsage|SchedUsage)(?::(?P<type>.+))?"
)
_MANAGED = {
    "AmazonSageMaker": re.compile(r"(?:[A-Z0-9]+-)?[A-Za-z0-9_-]+:(?P<type>ml\..+)"),
    "AmazonRDS": re.compile(r"(?:[A-Z0-9]+-)?InstanceUsage:(?P<type>db\..+)"),
    "AmazonElastiCache": re.compile(r"(?:[A-Z0-9]+-)?NodeUsage:(?P<type>cache\..+)"),
}


def instance_of(service: str, usage_type: str, stated: str = "") -> str:
    """The instance type that a line is about; empty where it is about anything else.

    ``stated`` is the report's own column, which goes before for EC2; other services add a use to the type
    there. A BoxUsage without a type is m1.small.
    """
    if service in EC2_SERVICES:
        found = _RAN.fullmatch(usage_type)
        return (stated or found["type"] or "m1.small") if found else ""
    managed = _MANAGED.get(service)
    found = managed.fullmatch(usage_type) if managed is not None else None
    return found["type"] if found else ""
