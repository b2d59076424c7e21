"""Update rules, one file each, with separate learning rates for generator and discriminator."""
