"""One thin file for each command: what was asked, one call, what is printed."""
