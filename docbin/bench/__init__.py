"""Benchmarks that put docbin beside what a user could pick instead, in one process: a lone time says more about the machine than about the code."""
