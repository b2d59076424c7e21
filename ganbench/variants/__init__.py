"""GAN objectives, one file each: two loss functions written like the paper."""
