"""Webmentions (W3C Recommendation, 12 January 2017): others' pages that link to ours, and who said what there."""
