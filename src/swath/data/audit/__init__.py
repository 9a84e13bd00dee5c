"""Looking through data sets for duplicates, leakage and wrong captions."""

from __future__ import annotations

from swath.data.audit.audit import AuditReport, audit

__all__ = ["AuditReport", "audit"]
