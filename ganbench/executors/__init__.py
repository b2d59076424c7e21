"""Where workers run: every module but `base` is an executor, one file each."""
