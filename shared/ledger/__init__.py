"""Outcomes in, progress out: checkpoints that never run ahead, and the dead letter."""
