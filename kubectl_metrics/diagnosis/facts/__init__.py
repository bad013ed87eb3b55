"""What follows from the evidence, before anybody judges it: pure, and shared by the checks."""
