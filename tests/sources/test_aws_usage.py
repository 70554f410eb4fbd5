"""Which usage types of AWS are machines that ran."""

from __future__ import annotations

import pytest

from wattmark.sources.aws_usage import EC2, EC2_SERVICES, instance_of


@pytest.mark.parametrize(
    ("service", "usage", "type_"),
    [
        (EC2, "BoxUsage:m5.large", "m5.large"),
        (EC2, "USE2-BoxUsage:p4d.24xlarge", "p4d.24xlarge"),
        (EC2, "EUC1-SpotUsage:g5.xlarge", "g5.xlarge"),
        (EC2, "APN1-DedicatedUsage:c5.large", "c5.large"),
        (EC2, "HostBoxUsage:m5.large", "m5.large"),
        (EC2, "USE2-BoxUsage", "m1.small"),
        ("AmazonSageMaker", "USE1-Train:ml.p4d.24xlarge", "ml.p4d.24xlarge"),
        ("AmazonSageMaker", "Host:ml.g5.xlarge", "ml.g5.xlarge"),
        ("AmazonRDS", "USW2-InstanceUsage:db.m5.large", "db.m5.large"),
        ("AmazonElastiCache", "NodeUsage:cache.r6g.large", "cache.r6g.large"),
    ],
)
def test_machines_are_known_by_their_usage_type(service: str, usage: str, type_: str) -> None:
    """With and without a region before it."""
    assert instance_of(service, usage) == type_


@pytest.mark.parametrize(
    ("service", "usage"),
    [
        (EC2, "EBSOptimized:m4.large"),
        (EC2, "CPUCredits:t3"),
        (EC2, "HeavyUsage:m5.large"),
        (EC2, "UnusedBox:m5.large"),
        (EC2, "USE2-EBS:VolumeUsage.gp3"),
        (EC2, "DataTransfer-Out-Bytes"),
        ("ElasticMapReduce", "BoxUsage:m5.large"),
        ("AmazonSageMaker", "USE1-Notebk:VolumeUsage.gp2"),
        ("AmazonRDS", "Multi-AZUsage:db.m5.large"),
        ("AmazonS3", "Requests-Tier1"),
    ],
)
def test_everything_else_is_no_machine(service: str, usage: str) -> None:
    """Optimisation, credits, reservations, disks, and surcharges on hours that are stated elsewhere."""
    assert instance_of(service, usage, "m5.large") == ""


def test_the_column_of_the_report_goes_before_for_ec2() -> None:
    """Other services write a use behind the type there."""
    assert instance_of(EC2_SERVICES[1], "BoxUsage:x", "m5.large") == "m5.large"
    usage = "Train:ml.m5.large"
    assert instance_of("AmazonSageMaker", usage, "ml.m5.large-Training") == "ml.m5.large"
