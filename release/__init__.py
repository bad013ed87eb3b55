"""How the package is built, tried and released. The Makefile runs it; nothing of it is installed."""
