"""The config file to start from: what most teams set, with comments; for `postflow config init`."""

from __future__ import annotations

from typing import Any

from postflow.settings.config_file import COMMENT

SCHEMA_FILE = ".postflow/pipeline_config.schema.json"
"""Beside the config file: where `postflow config init` puts the schema that the starter names."""


def starter_config() -> dict[str, Any]:
    """Return the file's content: valid as it stands, and with any `//key` turned into `key`."""
    return {
        "$schema": SCHEMA_FILE,
        COMMENT: "Keys that begin with // are comments: take the slashes away to set them. "
        "`postflow config show` tells what is in effect.",
        "frameio": {
            COMMENT: "Who signs in, and where uploads go. The token is better kept in the "
            "environment (POSTFLOW_FRAMEIO__TOKEN); `postflow login` works without one.",
            "//token": "your token",
            "//project_id": "needed only where the account has several projects",
            "folder": "PostFlow",
        },
        "webhook": {
            COMMENT: "The port that Frame.io calls, through a tunnel that PostFlow runs, or a proxy "
            "of your own whose address is public_url; false for `enabled` means only polling.",
            "enabled": True,
            "port": 8080,
            "auto_start": True,
            "intelligent_tracking": True,
            "//tunnel": "cloudflared",
            "//tunnel_name": "only for a tunnel of yours that keeps its address, public_url",
            "//public_url": "https://review.studio.example",
        },
        "review": {
            COMMENT: "Who approves (nobody named: anybody's yes counts), and who never decides "
            "because they make the videos. Durations are seconds.",
            "//approvers": ["client@brand.example"],
            "editors": [],
            "//quorum": 1,
            "//timeout": 1_209_600,
            "on_rejected": "wait",
        },
        "analysis": {
            COMMENT: "Words of the house, on top of those that PostFlow knows.",
            "approval_keywords": [],
            "rejection_keywords": [],
            "ignored_keywords": [],
        },
        "post_processing": {
            COMMENT: "Where approved videos go.",
            "output_dir": "delivered",
        },
        "notices": {
            COMMENT: "Who is told, as addresses of apprise (https://github.com/caronc/apprise).",
            "//urls": ["mailto://user:password@mail.example"],
            "//language": "fr",
        },
    }
