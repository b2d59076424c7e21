"""Carries out a suite: plan, jobs, workers and what they record."""
