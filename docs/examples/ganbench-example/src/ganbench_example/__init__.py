"""A variant, a penalty, an evaluator and a hook for ganbench, each in a module of its own."""
