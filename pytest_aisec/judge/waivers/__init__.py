"""Dated statements of people on findings: waivers and attestations."""
