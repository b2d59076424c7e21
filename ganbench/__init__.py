"""ganbench: which GAN objective trains stably, on which data, with which optimizer and batch norm, how sure are we?"""

__version__ = "0.1.0"
