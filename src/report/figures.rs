//! Numbers for drawing, computed from a report.
