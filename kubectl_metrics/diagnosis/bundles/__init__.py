"""Evidence as a file: written without secrets, masked if so wished, and read again with care. Pure."""
