"""The smallest declaration that can be invalidated: /home/ID of one part, which an MBU has at /part/ID."""

# $MBU: its URL; the publisher's key is in the variable KEY.
ONE_PART = """
version = 1
[defaults]
fresh_for = "10m"
[mbus.m]
url = "$MBU"
[fragments.part]
mbu = "m"
path = "/part/{id}"
tags = ["part:{id}"]
[screens.home]
path = "/home/{id}"
slots = { part = "part" }
[publishers.all]
key_env = "KEY"
tags = ["*"]
"""
