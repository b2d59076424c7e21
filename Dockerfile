# ganbench for CPUs. It runs the command `ganbench`, in /work, as a user without rights:
#   docker build -t ganbench .
#   docker run --rm --user "$(id -u):$(id -g)" -v "$PWD:/work" ganbench run /opt/ganbench/suites/quick.yaml
# Results lie in /work/results, so in the current folder. On a GPU, install ganbench with pip beside your CUDA build of torch.
FROM python:3.12-slim
WORKDIR /opt/ganbench
COPY pyproject.toml README.md LICENSE ./
COPY ganbench ./ganbench
COPY suites ./suites
RUN pip install --no-cache-dir --extra-index-url https://download.pytorch.org/whl/cpu "torch>=2.9" "torchvision>=0.24" \
    && pip install --no-cache-dir . \
    && useradd --create-home --uid 1000 ganbench \
    && mkdir /work && chown ganbench /work
ENV HOME=/tmp MPLCONFIGDIR=/tmp/matplotlib PYTHONUNBUFFERED=1
WORKDIR /work
USER 1000
ENTRYPOINT ["ganbench"]
CMD ["--help"]
