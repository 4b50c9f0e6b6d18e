"""Dates and times in the admin, written as on the portal's own pages: Nov 26, 2026, 2:41 PM."""

DATE_FORMAT = "M j, Y"
TIME_FORMAT = "g:i A"
DATETIME_FORMAT = "M j, Y, g:i A"
