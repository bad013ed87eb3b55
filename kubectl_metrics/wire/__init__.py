"""Bytes from a server to values, and values to bytes. Pure: no socket, no clock, no environment.

Everything here raises ``errors.DecodeError`` on bytes that are not what they should be, and nothing else.
"""
