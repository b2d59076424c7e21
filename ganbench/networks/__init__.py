"""Generator and discriminator pairs, one file each."""
