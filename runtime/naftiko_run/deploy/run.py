"""The name of a target and a plan in, the files to write out."""

from __future__ import annotations

from collections.abc import Mapping

from naftiko_run.deploy import knative, kubernetes, proxies
from naftiko_run.deploy.target import DEPLOY_TARGETS, DeployPlan

TARGET_MODULES = (knative, kubernetes, proxies)
"""Importing them registers their words."""


def deploy_files(target: str, plan: DeployPlan) -> Mapping[str, str]:
    return DEPLOY_TARGETS.lookup(target)(plan)
