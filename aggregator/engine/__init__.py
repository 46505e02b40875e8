"""Answers screens: the only place where the nouns meet tiers, log and MBUs."""
