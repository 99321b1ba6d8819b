"""The drill: the real programs under kills, faults and outages, checked from outside.

`make drill` runs it; what it does and how to read it is in docs/drill.md.
"""
