"""Composes app screens from many small services, keeps them ready, and keeps them right."""
