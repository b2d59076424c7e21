"""Layers, initial weights and networks that several pairs share."""
