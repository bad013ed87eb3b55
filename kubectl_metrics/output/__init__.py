"""Text for people and documents for programs; the only place that knows a terminal."""
