# The HTTP server in a container: no build tools, no root, nothing to write to.
#
#   docker build -t capgo-mcp .
#   docker run --read-only -p 127.0.0.1:8000:8000 capgo-mcp http --host 0.0.0.0 --public --allowed-hosts localhost
#
# With metrics for Prometheus and traces: docker build --build-arg EXTRAS=metrics,traces -t capgo-mcp .

FROM python:3.13-slim AS build
ARG EXTRAS=""
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY capgo_mcp ./capgo_mcp
# Byte code is made here, because nothing can be written where it runs.
RUN python -m venv /opt/capgo-mcp \
 && /opt/capgo-mcp/bin/pip install --no-cache-dir --compile --constraint constraints.txt ".${EXTRAS:+[$EXTRAS]}" \
 && /opt/capgo-mcp/bin/pip uninstall --yes pip

FROM python:3.13-slim
COPY --from=build /opt/capgo-mcp /opt/capgo-mcp
ENV PATH=/opt/capgo-mcp/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER 65532:65532
EXPOSE 8000
ENTRYPOINT ["capgo-mcp"]
# As long as nobody says who may call, only the container itself can.
CMD ["http"]
