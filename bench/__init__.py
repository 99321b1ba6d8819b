"""Measurements that people run by hand; nothing in PostFlow imports them."""
