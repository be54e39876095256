"""Thin client of entrain's entropy controller: register a run, report a step, get the clip thresholds to use."""

from entrain_controller.client import Controller, Directive, Line

__all__ = ["Controller", "Directive", "Line"]
