"""The user's tunnel program, which makes the public face reachable from outside."""
