"""Formats of files, one module each: bytes or paths in, arrays out.

Files come from elsewhere: what is wrong with one is a DataError that names the file and the place in it, and nothing here
reserves more memory than the file really holds or the caller allows.
"""
