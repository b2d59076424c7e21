from dataclasses import dataclass

from ganbench.variants.base import Batch, LossTerms, Players, Variant


@dataclass(frozen=True, kw_only=True)
class PearsonGAN(Variant):
    """f-GAN with the Pearson chi-squared divergence, f*(t) = t^2 / 4 + t, and G's alternative loss, -E D(G(z))."""

    version = 1
    source = "Nowozin et al. 2016, arXiv:1606.00709, eq. 6, table 2 and section 3.2"

    def d_loss(self, net: Players, batch: Batch) -> LossTerms:
        fake = net.d(net.g(batch.z))
        return {"real": -net.d(batch.x).mean(), "fake": (fake.square() / 4 + fake).mean()}

    def g_loss(self, net: Players, batch: Batch) -> LossTerms:
        return {"fake": -net.d(net.g(batch.z)).mean()}
